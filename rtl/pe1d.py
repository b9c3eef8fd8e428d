"""A lane of the 1D array: MAC, maximum, exp as steps on the MAC, divider, running state.

Instructions come from the lane to the left. The state of a query tile (RM, RD, RNV) is read in the
cycle before an instruction is worked on and written in the last stage of the MAC; SPD and SPNV
write in place of RD and RNV. What comes down the column waits here for the instruction that takes it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from accelsim.engines.exponential_steps import ExponentialSteps
from accelsim.engines.fusemax import FuseMax
from accelsim.rtl import number
from accelsim.rtl.exponential_steps import STEP_0, Steps, once, part, staged, widened
from accelsim.rtl.pe2d import LAST_STEP, Op
from accelsim.rtl.quotient import quotient


class LaneOp(IntEnum):
    """Operations of a lane; the steps of an exponential follow from ``STEP_0`` on."""

    IDLE = 0
    RM = 1
    SPD = 2
    SPNV = 3
    RD = 4
    RNV = 5
    AV = 6


def lane_instruction(engine: FuseMax, count_bits: int) -> data.StructLayout:
    """Return the layout of an instruction: its query tile and element, and which instance it is."""
    return data.StructLayout(
        {
            "op": 4,
            "first": 1,  # of its task
            "last": 1,
            "fresh": 1,  # in the first key tile, where the running state starts
            "tile": max(1, ceil_log2(engine.query_tiles)),
            "element": max(1, ceil_log2(engine.value)),
            "count": count_bits,
        }
    )


def lane_ports(engine: FuseMax, column: data.StructLayout) -> dict[str, wiring.Member]:
    """Return the ports of a lane; ``column`` is the layout of what leaves a column with its value."""
    x, y = engine.operand, engine.accumulator
    layout = lane_instruction(engine, column["count"].width)
    groups = engine.value // engine.words
    return {
        "fetch": In(layout),
        "fetch_out": Out(layout),
        "below": In(y.width),
        "leaving": In(column),
        "early": Out(layout),
        "maximum": Out(x.width),
        "climbs": Out(1),
        "climb_count": Out(column["count"].width),
        "divided": Out(layout),
        "store_tile": In(max(1, ceil_log2(engine.query_tiles))),
        "group": In(max(1, ceil_log2(groups))),
        "output": Out(x.width * engine.words),
    }


class PE1D(wiring.Component):
    """One lane. ``below`` and ``leaving`` come from the column's last element.

    ``fetch`` is the instruction a cycle before it is worked on, passed on to the right; ``early`` is the one
    that reaches the last stage of the MAC in the next cycle. ``maximum`` is a new running maximum,
    valid with ``climbs``. ``divided`` is the instruction whose quotient is written to the output;
    ``output`` are the words at ``group`` of ``store_tile``.
    """

    def __init__(
        self, engine: FuseMax, column: data.StructLayout, rings: int, vectors: int
    ) -> None:
        self.engine, self.rings, self.vectors = engine, rings, vectors
        x, y = engine.operand, engine.accumulator
        self.model = ExponentialSteps(x, y)
        self.layout = lane_instruction(engine, column["count"].width)
        super().__init__(lane_ports(engine, column))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        x, y = engine.operand, engine.accumulator
        m.d.sync += self.fetch_out.eq(self.fetch)
        op = Signal(self.layout, name="instruction")
        m.d.sync += op.eq(self.fetch)
        local, total, product = self._from_column(m, op)
        state = self._state(m)
        steps = Steps(m, self.model)
        older = Signal(data.ArrayLayout(x.width, self.rings), reset_less=True)
        newer = Signal(data.ArrayLayout(x.width, self.rings), reset_less=True)
        scale = Signal(data.ArrayLayout(x.width, self.rings), reset_less=True)
        a, b = Signal(y.width), Signal(y.width)
        a_step, b_step = Signal(x.width), Signal(x.width)
        choose, add = part(m), part(m)
        steps.operands(choose, op.op, a_step, b_step)
        wide = [widened(part(m), step, x, y) for step in (a_step, b_step)]
        choose.d.comb += [a.eq(wide[0]), b.eq(wide[1])]
        ring = op.count[: ceil_log2(self.rings)]
        with choose.Switch(op.op):
            with choose.Case(STEP_0):
                choose.d.comb += [a_step.eq(newer[ring]), b_step.eq(self.model.minus_one)]
            with choose.Case(LaneOp.SPD):
                choose.d.comb += [a.eq(state["RD"]), b_step.eq(scale[ring])]
            with choose.Case(LaneOp.SPNV):
                choose.d.comb += [a.eq(state["RNV"]), b_step.eq(scale[ring])]
            with choose.Case(LaneOp.RD):
                choose.d.comb += [a.eq(total), b.eq(y.one)]
            with choose.Case(LaneOp.RNV):
                choose.d.comb += [a.eq(product), b.eq(y.one)]
        before = Signal(x.width, name="maximum_before")
        m.d.comb += before.eq(Mux(op.fresh, x.negate(x.infinity), state["RM"]))
        place = Signal(y.width, name="place")  # of the running sum that is added to
        with m.If(~op.fresh & (op.op == LaneOp.RD)):
            m.d.comb += place.eq(state["RD"])
        with m.If(~op.fresh & (op.op == LaneOp.RNV)):
            m.d.comb += place.eq(state["RNV"])
        fields: Any = {
            "a": a,
            "b": b,
            "place": place,
            "maximum_before": before,
            "column_maximum": local,
        }
        registers = [(engine.lane_stages - 1 + n) // 3 for n in range(3)]
        fields = staged(m, number.product(y, y), fields, registers)
        last, earlier = op, self.fetch
        for stage in range(1, engine.lane_stages):
            earlier, last = last, Signal(self.layout, name=f"in_stage_{stage}")
            m.d.sync += last.eq(earlier)
        m.d.comb += self.early.eq(earlier)
        place, before, local = (
            fields.pop(name) for name in ("place", "maximum_before", "column_maximum")
        )
        c = Signal(y.width)
        add.d.comb += c.eq(place)
        last_ring = last.count[: ceil_log2(self.rings)]
        with add.If(last.op == STEP_0):
            add.d.comb += c.eq(widened(part(m), older[last_ring], x, y))
        steps.addend(add, last.op, c)
        result = once(m, number.accumulate(y), fields | {"c": c}, "result")
        steps.keep(last.op, result)
        greater = once(m, number.maximum(x), {"a": before, "b": local}, "result")
        m.d.sync += [
            self.maximum.eq(greater),
            self.climbs.eq(last.op == LaneOp.RM),
            self.climb_count.eq(last.count),
        ]
        with m.If(last.op == LaneOp.RM):
            m.d.sync += [older[last_ring].eq(before), newer[last_ring].eq(greater)]
        with m.If(last.op == LAST_STEP):
            m.d.sync += scale[last_ring].eq(steps.result(result))
        self._keep(m, last, greater, result)
        self._divide(m, op, state)
        return m

    def _from_column(self, m: Module, op: Any) -> tuple[Any, Any, Any]:
        """Write what leaves the column; return the maximum, sum and product for the instruction."""
        x, y = self.engine.operand, self.engine.accumulator
        rings = ceil_log2(self.rings)
        maxima = Signal(data.ArrayLayout(x.width, self.rings), reset_less=True)
        totals = Signal(data.ArrayLayout(y.width, self.rings), reset_less=True)
        rounded = once(m, number.convert(y, x), {"a": self.below}, "result")
        where = self.leaving.count
        with m.If(self.leaving.op == Op.MAXIMUM):
            m.d.sync += maxima[where[:rings]].eq(rounded)
        with m.If(self.leaving.op == Op.SUM):
            m.d.sync += totals[where[:rings]].eq(self.below)
        size = self.engine.value
        vectors = ceil_log2(self.vectors)
        memory = Memory(shape=y.width, depth=self.vectors * size, init=[])
        m.submodules.products = memory
        write = memory.write_port()
        read = memory.read_port(transparent_for=(write,))
        element = Signal(range(size))  # of the product that leaves next
        with m.If(self.leaving.op == Op.PRODUCT):
            m.d.sync += element.eq(Mux(self.leaving.last, 0, element + 1))
        m.d.comb += [
            write.addr.eq(where[:vectors] * size + element),
            write.data.eq(self.below),
            write.en.eq(self.leaving.op == Op.PRODUCT),
            read.addr.eq(self.fetch.count[:vectors] * size + self.fetch.element),
            read.en.eq(1),
        ]
        return maxima[op.count[:rings]], totals[op.count[:rings]], read.data

    def _state(self, m: Module) -> dict[str, Any]:
        """The running state, read for the instruction that comes next."""
        x, y = self.engine.operand, self.engine.accumulator
        tiles, size = self.engine.query_tiles, self.engine.value
        found = {}
        self.writes: dict[str, Any] = {}
        for name, form, depth in (("RM", x, tiles), ("RD", y, tiles), ("RNV", y, tiles * size)):
            memory = Memory(shape=form.width, depth=depth, init=[])
            m.submodules[name.lower()] = memory
            write = self.writes[name] = memory.write_port()
            read = memory.read_port(transparent_for=(write,))
            address = self.fetch.tile * size + self.fetch.element
            if name != "RNV":
                address = self.fetch.tile
            m.d.comb += [read.addr.eq(address), read.en.eq(1)]
            found[name] = read.data
        return found

    def _keep(self, m: Module, last: Any, greater: Any, result: Any) -> None:
        """Write the running state from the last stage; in the first key tile there is nothing to rescale."""
        size = self.engine.value
        writes = self.writes
        again = ~last.fresh
        m.d.comb += [
            writes["RM"].addr.eq(last.tile),
            writes["RM"].data.eq(greater),
            writes["RM"].en.eq(last.op == LaneOp.RM),
            writes["RD"].addr.eq(last.tile),
            writes["RD"].data.eq(result),
            writes["RD"].en.eq((last.op == LaneOp.RD) | ((last.op == LaneOp.SPD) & again)),
            writes["RNV"].addr.eq(last.tile * size + last.element),
            writes["RNV"].data.eq(result),
            writes["RNV"].en.eq((last.op == LaneOp.RNV) | ((last.op == LaneOp.SPNV) & again)),
        ]

    def _divide(self, m: Module, op: Any, state: dict[str, Any]) -> None:
        """RNV / RD, ``divide`` cycles later in the output."""
        engine = self.engine
        x, words = engine.operand, engine.words
        fields: Any = {"a": state["RNV"], "b": state["RD"], "instruction": op}
        steps = quotient(engine.accumulator, x)
        fields = staged(m, steps, fields, [0] * len(steps))
        for stage in range(engine.divide - 1):
            fields = number.register(m, fields, f"quotient_{stage}")
        done = Signal(self.layout, name="in_last_quotient_stage")
        m.d.comb += [done.eq(fields["instruction"])]
        groups = engine.value // words
        memory = Memory(
            shape=data.ArrayLayout(x.width, words), depth=engine.query_tiles * groups, init=[]
        )
        m.submodules.output_words = memory
        write = memory.write_port(granularity=1)
        read = memory.read_port(domain="comb")
        writes = done.op == LaneOp.AV
        bits = ceil_log2(words)
        low = done.element[:bits] if bits else 0
        m.d.comb += [
            write.addr.eq(done.tile * groups + (done.element >> bits)),
            [write.data[n].eq(fields["result"]) for n in range(words)],
            [write.en[n].eq(writes & (low == n)) for n in range(words)],
            read.addr.eq(self.store_tile * groups + self.group),
            self.output.eq(read.data),
            self.divided.eq(Mux(writes, done, 0)),
        ]
