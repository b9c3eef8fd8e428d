"""A whole FuseMax: the arrays, and the sequencers of the program that the simulator runs.

The host writes the registers of a run (:func:`accelsim.rtl.skeleton.settings`, then ``rows_last`` and
``cols_last``) and raises ``go`` for a cycle. The machine asks for words of Q, K and V on ``load``,
takes them in order with the tag it sent on ``fill``, and gives AV on ``store``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from accelsim.engines.pe1d import LaneOp
from accelsim.engines.pe2d import LAST_STEP, Op
from accelsim.errors import InfeasibleError
from accelsim.rtl.array1d import Array1D
from accelsim.rtl.array2d import Array2D, fill_layout
from accelsim.rtl.block import connect
from accelsim.rtl.build import Build
from accelsim.rtl.issue import Issue
from accelsim.rtl.operations import LANE
from accelsim.rtl.outputs import Outputs
from accelsim.rtl.sequencer import Sequencer
from accelsim.rtl.skeleton import Skeleton, skeleton
from accelsim.rtl.transfers import LOADS, STORE, transfers

LAST = ("rows_last", "cols_last")  # registers with the lanes of ragged tiles


class FuseMax(wiring.Component):
    """Twin of :class:`accelsim.engines.fusemax.FuseMax`, made for a mapping at its largest problem.

    ``go`` starts a run, ``finished`` ends it; ``start`` has a bit per task that starts in the cycle,
    ``stalled`` one per queue and cause. Registers are written through ``write``, ``address``, ``value``;
    ``widths`` are those of the skeleton, where others than the usual ones will do.
    """

    def __init__(self, build: Build, *, apart: bool = False, **widths: Any) -> None:
        self.build = build
        self.within = build.engine.name if apart else ""
        self.engine = engine = build.engine
        self.skeleton: Skeleton = replace(skeleton(build.lowered.program), **widths)
        self.sequencer = Sequencer(self.skeleton)
        self.registers = (*self.skeleton.registers, *LAST)
        digits = self.skeleton.digit_bits * len(self.skeleton.loops)
        fill = fill_layout(engine)
        self.request = data.StructLayout({"tag": fill, "digits": digits})
        words = engine.operand.width * engine.words
        self.result = data.StructLayout(
            {
                "digits": digits,
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
                "value": In(self.skeleton.count_bits),
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
        m.submodules.array = array = Array2D(engine.array, self.within)
        m.submodules.lanes = self.lanes = Array1D(engine.lanes, self.within)
        outputs = [Outputs(engine.lane, engine.words) for _ in range(engine.cols)]
        for c, output in enumerate(outputs):
            m.submodules[f"output_{c}"] = output
            connect(m, output.quotient, getattr(self.lanes, f"quotient_{c}"))
        rows_last, cols_last = (
            Signal(self.skeleton.count_bits, name=name, reset_less=True) for name in LAST
        )
        base = len(self.skeleton.registers)
        with m.If(self.write & (self.address == base)):
            m.d.sync += rows_last.eq(self.value)
        with m.If(self.write & (self.address == base + 1)):
            m.d.sync += cols_last.eq(self.value)
        m.d.comb += [
            sequencer.go.eq(self.go),
            sequencer.write.eq(self.write & (self.address < base)),
            sequencer.address.eq(self.address),
            sequencer.value.eq(self.value),
            self.start.eq(sequencer.start),
            self.issue.eq(sequencer.issue),
            self.stalled.eq(sequencer.stalled),
            self.finished.eq(sequencer.finished),
            array.fill.valid.eq(self.filled),
            [array.fill.payload[name].eq(self.fill[name]) for name, _ in engine.array.fill],
            array.fill.payload.words.eq(self.fill_words),
        ]
        m.submodules.issue_wide, m.submodules.issue_lane = parts = Module(), Module()
        m.submodules.transfers, m.submodules.arrivals = moves, arrivals = Module(), Module()
        issue = Issue(engine, sequencer, self.go, rows_last, cols_last)
        wide = issue.wide(parts[0])
        m.d.comb += [array.issue.payload.eq(wide), self.working.eq(wide.op != Op.IDLE)]
        self._connect_lanes(m, array, issue.lane(parts[1]))
        stored = transfers(moves, issue, self.load, self.store, outputs)
        self._tokens(arrivals, array, stored)
        return m

    def _connect_lanes(self, m: Module, array: Array2D, fetch: Any) -> None:
        first = self.lanes.i
        m.d.comb += [first.valid.eq(fetch.op != LaneOp.IDLE), first.payload.eq(fetch)]
        for c in range(self.engine.cols):
            for name in ("sum", "maximum"):
                connect(m, getattr(self.lanes, f"{name}_{c}"), getattr(array, f"{name}_{c}"))
            connect(m, getattr(array, f"climb_{c}"), getattr(self.lanes, f"climb_{c}"))

    def _tokens(self, m: Module, array: Array2D, stored: Value) -> None:
        """Each token is raised where its datum is, in the last cycle before it may be used."""
        engine, names = self.engine, [task.name for task in self.skeleton.tasks]
        lane, last = self.lanes, getattr(self.lanes, f"quotient_{engine.cols - 1}")
        foot = array.bottom.payload
        drained = foot.first if engine.chain else foot.last
        score = (array.corner.payload.op == Op.SCORE) & array.corner.payload.last
        raised: dict[tuple[str, str], Any] = {
            ("QK", "SLN"): array.corner.valid & score,
            ("RM", "SLN"): array.climbed.valid,
            ("LM", "RM"): array.bottom.valid & (foot.op == Op.MAXIMUM),
            ("SLD", "RD"): array.bottom.valid & (foot.op == Op.SUM),
            ("SLNV", "RNV"): array.bottom.valid & (foot.op == Op.PRODUCT) & drained,
            ("AV", STORE): last.valid & last.payload.last,
        }
        at_once = {
            name: lane.early.valid & (lane.early.payload.op == op) & lane.early.payload.first
            for name, op in LANE.items()
        }
        at_once |= {
            "RM": lane.i.valid & (lane.i.payload.op == LaneOp.RM),
            "SLN": _power(array.corner, LAST_STEP),
            "PRM": _power(lane.adding, LAST_STEP),
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
                    pulses.append(stored if name == STORE else self.sequencer.ends[producer])
                elif name in at_once:
                    pulses.append(at_once[name])
                else:
                    raise InfeasibleError(f"{reader}: the machine has no token for {name}")
            m.d.comb += self.sequencer.tokens[place].eq(pulses[0])


def _power(adding: Any, step: int) -> Any:
    """Whether the last step of the exponential that is awaited is in the last stage."""
    return adding.valid & (adding.payload.op == step) & adding.payload.first
