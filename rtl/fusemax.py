"""A whole FuseMax: the arrays, and the sequencers of the program that the simulator runs.

The host writes the registers of a run (:func:`accelsim.rtl.skeleton.settings`, then ``rows_last`` and
``cols_last``) and raises ``go`` for a cycle. The machine asks for words of Q, K and V on ``load``,
takes them in order with the tag it sent on ``fill``, and gives AV on ``store``.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from accelsim.engines.exponential_steps import offsets
from accelsim.engines.fusemax import FuseMax as Engine
from accelsim.errors import InfeasibleError
from accelsim.rtl.array2d import (
    KEY,
    QUERY,
    TENSORS,
    VALUE,
    Array2D,
    count_bits,
    element_of,
    fill_layout,
    issued,
    rings,
    vectors,
)
from accelsim.rtl.exponential_steps import STEP_0
from accelsim.rtl.pe1d import PE1D, LaneOp, lane_instruction, lane_ports
from accelsim.rtl.pe2d import LAST_STEP, Op, instruction
from accelsim.rtl.placed import place as add_part
from accelsim.rtl.problem import largest, lowered
from accelsim.rtl.sequencer import Sequencer, plain
from accelsim.rtl.skeleton import COUNT_BITS, DIGIT_BITS, Skeleton, skeleton

ELEMENT, LANE_MODULE = "fusemax_element", "fusemax_lane"  # modules of the elements, if apart
WIDE = {"QK": Op.SCORE, "LM": Op.MAXIMUM, "SLD": Op.SUM, "SLNV": Op.PRODUCT}
LANE = {name: LaneOp[name] for name in ("RM", "SPD", "SPNV", "RD", "RNV", "AV")}
LOADS = {f"load {name}": number for number, name in enumerate(TENSORS)}
STORE = "store AV"


class FuseMax(wiring.Component):
    """Twin of :class:`accelsim.engines.fusemax.FuseMax`.

    ``go`` starts a run, ``finished`` ends it; ``start`` has a bit per task that starts in the cycle,
    ``stalled`` one per queue and cause. Registers are written through ``write``, ``address``, ``value``.
    """

    def __init__(self, engine: Engine, *, apart: bool = False) -> None:
        self.engine, self.apart = engine, apart
        self.skeleton: Skeleton = skeleton(lowered(engine, largest(engine)).program)
        self.sequencer = Sequencer(self.skeleton)
        self.registers = (*self.skeleton.registers, "rows_last", "cols_last")
        levels = len(self.skeleton.loops)
        fill = fill_layout(engine)
        self.request = data.StructLayout({"tag": fill, "digits": DIGIT_BITS * levels})
        words = engine.operand.width * engine.words
        self.result = data.StructLayout(
            {
                "digits": DIGIT_BITS * levels,
                "lane": max(1, ceil_log2(engine.cols)),
                "group": max(1, ceil_log2(engine.value // engine.words)),
                "words": words,
            }
        )
        super().__init__(
            {
                "go": In(1),
                "write": In(1),
                "address": In(range(len(self.registers))),
                "value": In(COUNT_BITS),
                "load": Out(stream.Signature(self.request)),
                "filled": In(1),
                "fill": In(fill),
                "fill_words": In(words),
                "store": Out(stream.Signature(self.result)),
                "start": Out(len(self.skeleton.tasks)),
                "issue": Out(len(self.skeleton.tasks)),
                "working": Out(1),
                "stalled": Out(len(self.sequencer.stalled)),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine, sequencer = self.engine, self.sequencer
        m.submodules.sequencer = sequencer
        m.submodules.array = array = Array2D(engine, ELEMENT if self.apart else "")
        self.lanes = [self._lane() for _ in range(engine.cols)]
        for c, lane in enumerate(self.lanes):
            add_part(m, f"lane_{c}", lane, LANE_MODULE if self.apart else "")
        self.rows_last, self.cols_last = Signal(COUNT_BITS), Signal(COUNT_BITS)
        base = len(self.skeleton.registers)
        with m.If(self.write & (self.address == base)):
            m.d.sync += self.rows_last.eq(self.value)
        with m.If(self.write & (self.address == base + 1)):
            m.d.sync += self.cols_last.eq(self.value)
        m.d.comb += [
            sequencer.go.eq(self.go),
            sequencer.write.eq(self.write & (self.address < base)),
            sequencer.address.eq(self.address),
            sequencer.value.eq(self.value),
            self.start.eq(sequencer.start),
            self.issue.eq(sequencer.issue),
            self.stalled.eq(sequencer.stalled),
            self.finished.eq(sequencer.finished),
            array.filled.eq(self.filled),
            array.fill.eq(self.fill),
            array.fill_data.eq(self.fill_words),
        ]
        m.submodules.issue_wide, m.submodules.issue_lane = parts = Module(), Module()
        m.submodules.transfers, m.submodules.arrivals = transfers, arrivals = Module(), Module()
        wide = self._issue_wide(parts[0])
        m.d.comb += [array.issue.eq(wide), self.working.eq(wide.op != Op.IDLE)]
        self._connect_lanes(m, array, self._issue_lane(parts[1]))
        self._transfers(transfers)
        self._tokens(arrivals, array)
        return m

    def _lane(self) -> Any:
        if not self.apart:
            return lane_of(self.engine)
        column = instruction(self.engine.ahead + 1, count_bits(self.engine))
        return wiring.Signature(lane_ports(self.engine, column)).create()

    # -- fields of walkers --------------------------------------------------------------------

    def _level(self, loop: str) -> int:
        return self.skeleton.loops.index(loop)

    def _digit(self, task: int, loop: str) -> Value:
        digits = self.sequencer.walkers[task].digits
        return digits[DIGIT_BITS * self._level(loop) :][:DIGIT_BITS]

    def _at_last(self, task: int, loop: str) -> Value:
        return self.sequencer.walkers[task].last[self._level(loop)]

    def _slot(self, task: int, load: str) -> Value:
        """The slot of the tile that a task reads: the number of its load, in a ring."""
        producer = self.skeleton.task(load)
        waits = self.skeleton.tasks[task].waits
        wait = next(n for n, w in enumerate(waits) if w.producer == producer and w.cause == "data")
        return self.sequencer.walkers[task].needs[COUNT_BITS * wait :][:COUNT_BITS]

    def _counter(self, m: Module, task: int, modulus: int) -> Signal:
        """Count the instances of a task that have started."""
        name = f"{plain(self.skeleton.tasks[task].name)}_{modulus}"
        counter = Signal(range(max(2, modulus)), name=name)
        with m.If(self.go):
            m.d.sync += counter.eq(0)
        with m.Elif(self.sequencer.start[task]):
            m.d.sync += counter.eq(Mux(counter == modulus - 1, 0, counter + 1))
        return counter

    def _held(self, m: Module, live: Any, begun: Value) -> Any:
        """What a task was started with, for as long as it lasts."""
        kept, found = Signal.like(live, name="kept"), Signal.like(live, name="current")
        with m.If(begun):
            m.d.sync += kept.eq(live)
        m.d.comb += found.eq(Mux(begun, live, kept))
        return found

    def _queue(self, task: int) -> Any:
        return self.sequencer.queues[self.skeleton.tasks[task].queue]

    # -- instructions ---------------------------------------------------------------------------

    def _issue_wide(self, m: Module) -> Any:
        engine, sequencer = self.engine, self.sequencer
        live = Signal(issued(engine), name="wide_live")
        tasks = {name: self.skeleton.task(name) for name in (*WIDE, "SLN")}
        begun = Cat(*(sequencer.start[n] for n in tasks.values())).any()
        for name, n in tasks.items():
            rows = Mux(self._at_last(n, "m1"), self.rows_last, engine.rows)
            score = self._counter(m, n, engine.ahead + 1)
            count = self._counter(m, n, 1 << count_bits(engine))
            with m.If(sequencer.start[n]):
                m.d.comb += [live.rows.eq(rows), live.score.eq(score), live.count.eq(count)]
                if name == "QK":
                    m.d.comb += live.row_slot.eq(self._slot(n, "load K"))
                    m.d.comb += live.col_slot.eq(self._slot(n, "load Q"))
                if name == "SLNV":
                    m.d.comb += live.row_slot.eq(self._slot(n, "load V"))
        held = self._held(m, live, begun)
        found = Signal(issued(engine), name="wide")
        element = self._queue(tasks["QK"]).element
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
        self._steps(m, tasks["SLN"], engine.stages, element, found)
        return found

    def _steps(self, m: Module, task: int, stages: int, element: Value, found: Any) -> None:
        """Issue the steps of an exponential; between them the unit waits for its own results."""
        with m.If(self.sequencer.issue[task]), m.Switch(element):
            for step, offset in enumerate(offsets(stages)):
                with m.Case(offset):
                    m.d.comb += found.op.eq(STEP_0 + step)

    def _issue_lane(self, m: Module) -> Any:
        engine, sequencer = self.engine, self.sequencer
        layout = lane_instruction(engine, count_bits(engine))
        live = Signal(layout, name="lane_live")
        tasks = {name: self.skeleton.task(name) for name in (*LANE, "PRM")}
        begun = Cat(*(sequencer.start[n] for n in tasks.values())).any()
        for n in tasks.values():
            count = self._counter(m, n, 1 << count_bits(engine))
            with m.If(sequencer.start[n]):
                m.d.comb += [
                    live.fresh.eq(sequencer.walkers[n].first[self._level("m1")]),
                    live.tile.eq(self._digit(n, "p1")),
                    live.count.eq(count),
                ]
        held = self._held(m, live, begun)
        found = Signal(layout, name="lane")
        element = self._queue(tasks["RM"]).element
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
        self._steps(m, tasks["PRM"], engine.lane_stages, element, found)
        return found

    def _connect_lanes(self, m: Module, array: Array2D, fetch: Any) -> None:
        x, y = self.engine.operand, self.engine.accumulator
        for c, lane in enumerate(self.lanes):
            m.d.comb += [
                lane.fetch.eq(fetch),
                lane.below.eq(array.below[y.width * c :][: y.width]),
                lane.leaving.eq(array.leaving[c]),
            ]
            fetch = lane.fetch_out
        m.d.comb += [
            array.maxima.eq(Cat(*(lane.maximum for lane in self.lanes))),
            array.climbs.eq(Cat(*(lane.climbs for lane in self.lanes))),
            array.counts.eq(Cat(*(lane.climb_count for lane in self.lanes))),
        ]
        assert len(array.maxima) == x.width * len(self.lanes)

    # -- transfers ------------------------------------------------------------------------------

    def _transfers(self, m: Module) -> None:
        """One transfer at a time: all words of a tile, lane by lane."""
        engine, sequencer = self.engine, self.sequencer
        lane_bits = ceil_log2(max(engine.rows, engine.cols) + 1)
        layout = data.StructLayout(
            {
                "tag": fill_layout(engine),
                "digits": DIGIT_BITS * len(self.skeleton.loops),
                "lanes": lane_bits,
                "store": 1,
                "tile": max(1, ceil_log2(engine.query_tiles)),
            }
        )
        live = Signal(layout, name="transfer_live")
        tasks = [n for n, t in enumerate(self.skeleton.tasks) if t.duration is None]
        begun = Cat(*(sequencer.start[n] for n in tasks)).any()
        for n in tasks:
            name = self.skeleton.tasks[n].name
            by_rows = name in ("load K", "load V")
            size = engine.rows if by_rows else engine.cols
            ragged = self.rows_last if by_rows else self.cols_last
            edge = (
                self._at_last(n, "m1")
                if by_rows
                else self._at_last(n, "p1") & self._at_last(n, "p2")
            )
            slot = self._counter(m, n, len_slots(engine, name))
            with m.If(sequencer.start[n]):
                m.d.comb += [
                    live.digits.eq(sequencer.walkers[n].digits),
                    live.lanes.eq(Mux(edge, ragged, size)),
                    live.store.eq(name == STORE),
                    live.tile.eq(self._digit(n, "p1")),
                    live.tag.tensor.eq(LOADS.get(name, 0)),
                    live.tag.slot.eq(slot),
                ]
        now = self._held(m, live, begun)
        active = Signal()
        lane, group = Signal(lane_bits), Signal(live.tag.group.shape())
        at_lane, at_group = Signal.like(lane, name="at_lane"), Signal.like(group, name="at_group")
        value_groups, head_groups = engine.value // engine.words, engine.head // engine.words
        by_value = now.store | (now.tag.tensor == VALUE)
        groups = Mux(by_value, value_groups, head_groups)
        last_group = at_group + 1 == groups
        last = (at_lane + 1 == now.lanes) & last_group
        works = (begun | active) & ~self.go
        moved = works & Mux(now.store, self.store.ready, self.load.ready)
        m.d.comb += [
            at_lane.eq(Mux(begun, 0, lane)),
            at_group.eq(Mux(begun, 0, group)),
            self.load.valid.eq(works & ~now.store),
            self.load.payload.tag.eq(now.tag),
            self.load.payload.tag.lane.eq(at_lane),
            self.load.payload.tag.group.eq(at_group),
            self.load.payload.tag.last.eq(last),
            self.load.payload.digits.eq(now.digits),
            self.store.valid.eq(works & now.store),
            self.store.payload.digits.eq(now.digits),
            self.store.payload.lane.eq(at_lane),
            self.store.payload.group.eq(at_group),
        ]
        outputs = Signal(data.ArrayLayout(len(self.store.payload.words), engine.cols))
        for c, each in enumerate(self.lanes):
            m.d.comb += [
                each.store_tile.eq(now.tile),
                each.group.eq(at_group),
                outputs[c].eq(each.output),
            ]
        m.d.comb += self.store.payload.words.eq(outputs[at_lane])
        m.d.sync += [
            active.eq(works & ~(moved & last)),
            lane.eq(Mux(moved & last_group, at_lane + 1, at_lane)),
            group.eq(Mux(moved, Mux(last_group, 0, at_group + 1), at_group)),
        ]
        resource = self._queue(tasks[0]).shape.resource
        m.d.comb += sequencer.freed[resource].eq(moved & last)
        self.stored = moved & last & now.store

    # -- tokens ---------------------------------------------------------------------------------

    def _tokens(self, m: Module, array: Array2D) -> None:
        """Each token is raised where its datum is, in the last cycle before it may be used."""
        lane = self.lanes[0].early
        engine, names = self.engine, [task.name for task in self.skeleton.tasks]
        drained = array.bottom.first if engine.chain else array.bottom.last
        raised: dict[tuple[str, str], Any] = {
            ("RM", "SLN"): array.climbed,
            ("LM", "RM"): array.bottom.op == Op.MAXIMUM,
            ("SLD", "RD"): array.bottom.op == Op.SUM,
            ("SLNV", "RNV"): (array.bottom.op == Op.PRODUCT) & drained,
            ("AV", STORE): (self.lanes[-1].divided.op == LaneOp.AV) & self.lanes[-1].divided.last,
        }
        at_once = {name: (lane.op == op) & lane.first for name, op in LANE.items()}
        at_once |= {
            "SLN": array.early.op == LAST_STEP,
            "PRM": lane.op == LAST_STEP,
        }
        arrives = {
            name: self.filled & self.fill.last & (self.fill.tensor == number)
            for name, number in LOADS.items()
        }
        for place, (producer, anchor, lag) in enumerate(self.sequencer.keys):
            name = names[producer]
            readers = [
                task.name
                for task in self.skeleton.tasks
                if any((w.producer, w.anchor, w.lag) == (producer, anchor, lag) for w in task.waits)
            ]
            over = anchor == "end" and lag == 0
            pulses = []
            for reader in readers:
                if (name, reader) in raised and not over:
                    pulses.append(raised[name, reader])
                elif name in arrives:
                    pulses.append(arrives[name])
                elif over:
                    pulses.append(self.stored if name == STORE else self.sequencer.ends[producer])
                elif name in at_once:
                    pulses.append(at_once[name])
                else:
                    raise InfeasibleError(f"{reader}: the machine has no token for {name}")
            m.d.comb += self.sequencer.tokens[place].eq(pulses[0])


def len_slots(engine: Engine, name: str) -> int:
    """Return the ring in which the tiles of a load are numbered."""
    depth = {
        "load Q": 2 * engine.query_tiles,
        "load K": engine.key_depth,
        "load V": engine.value_depth,
    }.get(name, 1)
    return 1 << int(ceil_log2(depth))


def lane_of(engine: Engine) -> PE1D:
    """Return a lane of a machine."""
    column = instruction(engine.ahead + 1, count_bits(engine))
    return PE1D(engine, column, rings(engine), vectors(engine))


def machine_verilog(machine: FuseMax) -> str:
    """Return the Verilog of a machine (``apart``): its element, its lane, the whole, ``fusemax``."""
    from accelsim.rtl.verilog import block_verilog

    engine = machine.engine
    parts: list[tuple[Any, str]] = [(element_of(engine), ELEMENT), (lane_of(engine), LANE_MODULE)]
    parts.append((machine, "fusemax"))
    return "\n".join(block_verilog(part, name) for part, name in parts)


def machine_text(engine: Engine) -> str:
    """Return the Verilog of a machine with a header: parameters, lags, and its registers."""
    from amaranth import __version__ as amaranth

    from accelsim import __version__ as version

    machine = FuseMax(engine, apart=True)
    body = machine_verilog(machine)
    lines = [f"{engine.name}: {(type(engine).__doc__ or '').splitlines()[0]}", "", "Parameters:"]
    lines += [f"  {name} = {value}" for name, value in engine.parameters.items()]
    lines += ["Cycles from the start of a task to that of one that reads it:"]
    lines += [f"  {one} to {other}: {lag}" for (one, other), lag in engine.lags.items()]
    lines += ["Registers, by address (accelsim.rtl.skeleton.settings has their values for a run):"]
    lines += [f"  {address} {name}" for address, name in enumerate(machine.registers)]
    lines += ["", f"Made by accelsim {version} with Amaranth {amaranth}; clk rises, rst is high."]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines) + "\n" + body


__all__ = ["KEY", "QUERY", "FuseMax", "machine_text", "machine_verilog"]
