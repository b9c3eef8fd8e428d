"""What is issued in a cycle: the instruction of each unit, from the walkers of its tasks."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data

from accelsim.engines.exponential_steps import awaited, offsets
from accelsim.engines.fusemax import FuseMax as Engine
from accelsim.engines.pe1d import LaneOp
from accelsim.engines.pe2d import Op
from accelsim.rtl.array2d import issued
from accelsim.rtl.exponential_steps import STEP_0
from accelsim.rtl.operations import (
    GROUPED,
    KEY_TILES,
    LANE,
    LANE_TASKS,
    POWERS,
    QUERY_TILES,
    WIDE,
    WIDE_TASKS,
)
from accelsim.rtl.sequencer import Sequencer, plain


class Issue:
    """Reads walkers. ``go`` starts a run; ``rows_last`` and ``cols_last`` are the lanes of ragged tiles."""

    def __init__(
        self, engine: Engine, sequencer: Sequencer, go: Value, rows_last: Value, cols_last: Value
    ) -> None:
        self.engine, self.sequencer = engine, sequencer
        self.skeleton = sequencer.skeleton
        self.go, self.rows_last, self.cols_last = go, rows_last, cols_last

    def level(self, loop: str) -> int:
        return self.skeleton.loops.index(loop)

    def digit(self, task: int, loop: str) -> Value:
        digits, bits = self.sequencer.walkers[task].digits, self.skeleton.digit_bits
        return digits[bits * self.level(loop) :][:bits]

    def tile(self, task: int) -> Value:
        """Return the query tile of a strip that a task is at."""
        outer = self.digit(task, QUERY_TILES)
        if GROUPED not in self.skeleton.loops:
            return outer
        return outer * self.engine.together + self.digit(task, GROUPED)

    def at_last(self, task: int, *loops: str) -> Value:
        """Return whether a task is in the last iteration of loops; those that are not there count as one."""
        last = self.sequencer.walkers[task].last
        found: Any = 1
        for loop in loops:
            found = found & (last[self.level(loop)] if loop in self.skeleton.loops else 1)
        return found

    def slot(self, task: int, load: str) -> Value:
        """Return the slot of the tile that a task reads: the number of its load, in a ring."""
        producer = self.skeleton.task(load)
        waits = self.skeleton.tasks[task].waits
        wait = next(n for n, w in enumerate(waits) if w.producer == producer and w.cause == "data")
        return self.sequencer.walkers[task].needs[self.skeleton.count_bits * wait :][
            : self.skeleton.count_bits
        ]

    def counter(self, m: Module, task: int, modulus: int) -> Signal:
        """Count the tiles of a task that have started."""
        step = self.engine.together if self.skeleton.tasks[task].name in POWERS else 1
        name = f"{plain(self.skeleton.tasks[task].name)}_{modulus}"
        counter = Signal(range(max(2, modulus)), name=name)
        with m.If(self.go):
            m.d.sync += counter.eq(0)
        with m.Elif(self.sequencer.start[task]):
            m.d.sync += counter.eq(wrapped(counter + step, modulus))
        return counter

    def held(self, m: Module, live: Any, begun: Value) -> Any:
        """Return what a task was started with, for as long as it lasts."""
        kept, found = Signal.like(live, name="kept"), Signal.like(live, name="current")
        with m.If(begun):
            m.d.sync += kept.eq(live)
        m.d.comb += found.eq(Mux(begun, live, kept))
        return found

    def queue(self, task: int) -> Any:
        return self.sequencer.queues[self.skeleton.tasks[task].queue]

    def wide(self, m: Module) -> Any:
        """Return the 2D array's instruction."""
        engine, sequencer = self.engine, self.sequencer
        live = Signal(issued(engine), name="wide_live")
        tasks = {name: self.skeleton.task(name) for name in WIDE_TASKS}
        begun = Cat(*(sequencer.start[n] for n in tasks.values())).any()
        for name, n in tasks.items():
            rows = Mux(self.at_last(n, KEY_TILES), self.rows_last, engine.rows)
            score = self.counter(m, n, engine.ahead + 1)
            count = self.counter(m, n, 1 << engine.lane.tag)
            with m.If(sequencer.start[n]):
                m.d.comb += [live.rows.eq(rows), live.score.eq(score), live.tag.eq(count)]
                if name == "QK":
                    m.d.comb += live.row_slot.eq(self.slot(n, "load K"))
                    m.d.comb += live.col_slot.eq(self.slot(n, "load Q"))
                if name == "SLNV":
                    m.d.comb += live.row_slot.eq(self.slot(n, "load V"))
        held = self.held(m, live, begun)
        found = Signal(issued(engine), name="wide")
        element = self.queue(tasks["QK"]).element
        m.d.comb += [
            found.eq(held),
            found.element.eq(element),
            found.first.eq(element == 0),
            found.last.eq(Cat(*(sequencer.ends[n] for n in tasks.values())).any()),
            found.op.eq(Op.IDLE),
        ]
        for name, op in WIDE.items():
            with m.If(sequencer.issue[tasks[name]]):
                m.d.comb += found.op.eq(op)
        scores = engine.ahead + 1
        self._steps(m, tasks["SLN"], engine.stages, element, held, found, scores)
        return found

    def _steps(
        self,
        m: Module,
        task: int,
        stages: int,
        element: Value,
        held: Any,
        found: Any,
        scores: int = 0,
    ) -> None:
        """Issue the steps of exponentials; between them the unit waits for its own results.

        Those of several query tiles are interleaved: their tags, and the places of their scores, follow
        that of the first. ``first`` is raised for the one that is awaited.
        """
        count = self.engine.together
        rings = {"tag": 1 << self.engine.lane.tag} | ({"score": scores} if scores else {})
        with m.If(self.sequencer.issue[task]), m.Switch(element):
            for tile in range(count):
                own = [found[n].eq(wrapped(held[n] + tile, size)) for n, size in rings.items()]
                for step, offset in enumerate(offsets(stages, tile)):
                    with m.Case(offset):
                        m.d.comb += [
                            found.op.eq(STEP_0 + step),
                            found.first.eq(tile == awaited(stages, count)),
                            *own,
                        ]

    def lane(self, m: Module) -> Any:
        """Return the lanes' instruction."""
        engine, sequencer = self.engine, self.sequencer
        layout = data.StructLayout(dict(engine.lane.control))
        live = Signal(layout, name="lane_live")
        tasks = {name: self.skeleton.task(name) for name in LANE_TASKS}
        begun = Cat(*(sequencer.start[n] for n in tasks.values())).any()
        for n in tasks.values():
            count = self.counter(m, n, 1 << engine.lane.tag)
            with m.If(sequencer.start[n]):
                m.d.comb += [
                    live.fresh.eq(sequencer.walkers[n].first[self.level(KEY_TILES)]),
                    live.tile.eq(self.tile(n)),
                    live.tag.eq(count),
                ]
        held = self.held(m, live, begun)
        found = Signal(layout, name="lane")
        element = self.queue(tasks["RM"]).element
        m.d.comb += [
            found.eq(held),
            found.element.eq(element),
            found.first.eq(element == 0),
            found.last.eq(Cat(*(sequencer.ends[n] for n in tasks.values())).any()),
            found.op.eq(LaneOp.IDLE),
        ]
        for name, op in LANE.items():
            with m.If(sequencer.issue[tasks[name]]):
                m.d.comb += found.op.eq(op)
        self._steps(m, tasks["PRM"], engine.lane_stages, element, held, found)
        return found


def wrapped(value: Value, modulus: int) -> Value:
    """Return a number below twice the modulus, modulo it."""
    if modulus > 1 and modulus & (modulus - 1) == 0:
        return value[: modulus.bit_length() - 1]
    return Mux(value >= modulus, value - modulus, value)
