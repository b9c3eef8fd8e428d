"""A lane of the 1D array: MAC, maximum, exp as steps on the MAC, divider, running state.

An instruction's operands are read while it passes to the lane on the right; in the next cycle it is in
the first stage of the MAC. What comes down the column waits here for the instruction that takes it.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.utils import ceil_log2

from accelsim.engines.pe1d import LAST_STEP, WORKS, LaneOp
from accelsim.rtl import number
from accelsim.rtl import number_steps as steps
from accelsim.rtl.block import connect
from accelsim.rtl.divide import quotient, registers
from accelsim.rtl.element import ElementBlock
from accelsim.rtl.exponential_steps import (
    STEP_0,
    Steps,
    addend,
    outcome,
    part,
    staged,
    widened,
)
from accelsim.rtl.number_sum import held, total
from accelsim.rtl.running_max import RunningMax

# Where registers go first: after normalising, after unpacking, before rounding, after multiplying.
PLACES = (2, 0, 3, 1)


class PE1D(ElementBlock):
    """Twin of :class:`accelsim.engines.pe1d.PE1D`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        x, y = engine.operand, engine.accumulator
        self._pass_on(m)
        self.begins, fetch = self._instruction(m, "fetch", WORKS, LaneOp.IDLE)
        now, valid = Signal(self.control, name="now", reset_less=True), Signal(name="valid")
        m.d.sync += [now.eq(fetch), valid.eq(self.begins)]
        self.rings = {
            name: Signal(data.ArrayLayout(form.width, engine.rings), name=name, reset_less=True)
            for name, form in (("totals", y), ("scale", x))
        }
        product = self._take(m, fetch)
        state = self._state(m, fetch)
        pair = self._running(m)
        done = self._behind(result=y.width)
        ways = self._multiply(m, now, valid, state, product, pair, done)
        last = ways[-1]
        m.d.sync += done["valid"].eq(last["valid"])
        with m.If(last["valid"]):
            m.d.sync += [done[name].eq(last[name]) for name in done if name != "valid"]
        self._write(m, last, done)
        self._divide(m, now, valid, state)
        before = ways[-2] if engine.stages > 1 else {"valid": self.begins, "control": fetch}
        for port, way in ((self.early, before), (self.adding, last)):
            self._tell(m, port, way, ("op", "first", "last"))
        return m

    def _ring(self, control: Any) -> Any:
        return control.tag[: ceil_log2(self.engine.rings)] if self.engine.rings > 1 else 0

    def _place(self, control: Any, element: Any) -> Any:
        """Return where an element of a column's product waits."""
        low = ceil_log2(self.engine.vectors)
        return (control.tag[:low] if low else 0) * self.engine.value + element

    def _at(self, control: Any) -> Any:
        return control.tile * self.engine.value + control.element

    def _take(self, m: Module, fetch: Any) -> Any:
        """Write what leaves the column, rounded; return the product that the instruction takes."""
        engine = self.engine
        y = engine.accumulator
        layout = held(y, range(1, engine.adder.exponents))
        came = Signal(layout, name="column_sum")
        inner = part(m)
        inner.d.comb += came.eq(self.sum.payload.value)
        rounded = steps.round_off("sum", y, "total")(inner, {"sum": came})["total"]
        with m.If(self.sum.valid & ~self.sum.payload.product):
            m.d.sync += self.rings["totals"][self._ring(self.sum.payload)].eq(rounded)
        m.submodules.products = memory = Memory(
            shape=y.width, depth=engine.vectors * engine.value, init=[]
        )
        write = memory.write_port()
        read = memory.read_port(transparent_for=(write,))
        follows = Signal(range(engine.value), name="next_element")
        element = Signal(range(engine.value), name="element")
        with m.If(write.en):
            m.d.sync += follows.eq(Mux(element == engine.value - 1, 0, element + 1))
        m.d.comb += [
            element.eq(Mux(self.sum.payload.first, 0, follows)),
            write.addr.eq(self._place(self.sum.payload, element)),
            write.data.eq(rounded),
            write.en.eq(self.sum.valid & self.sum.payload.product),
            read.addr.eq(self._place(fetch, fetch.element)),
            read.en.eq(1),
        ]
        return read.data

    def _state(self, m: Module, fetch: Any) -> dict[str, Any]:
        """The running state, read for the instruction that comes next."""
        engine = self.engine
        depths = {"RD": engine.tiles, "RNV": engine.tiles * engine.value}
        found, self.writes = {}, {}
        for name, depth in depths.items():
            memory = Memory(shape=engine.accumulator.width, depth=depth, init=[])
            m.submodules[name.lower()] = memory
            write = self.writes[name] = memory.write_port()
            read = memory.read_port(transparent_for=(write,))
            address = self._at(fetch) if name == "RNV" else fetch.tile
            m.d.comb += [read.addr.eq(address), read.en.eq(1)]
            found[name] = read.data
        return found

    def _running(self, m: Module) -> Any:
        """RM, on its way up as it is made; return the pair of maxima for the first step of PRM."""
        m.submodules.running_max = running = RunningMax(self.engine.running_max)
        came, given = running.i.payload, self.maximum.payload
        op = self.i.payload.op
        m.d.comb += [
            running.i.valid.eq(self.i.valid),
            came.update.eq(op == LaneOp.RM),
            came.rescale.eq(op == STEP_0),
            [came[name].eq(self.i.payload[name]) for name in ("fresh", "tile", "tag")],
            running.maximum.valid.eq(self.maximum.valid),
            [running.maximum.payload[name].eq(given[name]) for name in ("value", "tag")],
        ]
        connect(m, self.climb, running.climb)
        return running.pair.payload

    def _multiply(
        self, m: Module, now: Any, valid: Any, state: Any, product: Any, pair: Any, done: Any
    ) -> list[dict[str, Any]]:
        """Return what is in each stage: valid and control; in the last, the rounded sum as well."""
        engine = self.engine
        model, x, y = engine.steps, engine.operand, engine.accumulator
        a, b = Signal(y.width, name="a"), Signal(x.width, name="b")
        kept, a_step = Signal(y.width, name="addend_or_state"), Signal(x.width, name="a_step")
        exponentials = Steps(m, model, now.op, done["result"], done)
        ring, fresh = self._ring(now), now.fresh
        choose = part(m)
        with choose.If(now.op == STEP_0):
            choose.d.comb += [a_step.eq(pair.new), b.eq(model.minus_one)]
        exponentials.operands(choose, a_step, b, widened(part(m), pair.old, x, y))
        choose.d.comb += [
            a.eq(widened(part(m), a_step, x, y)),
            kept.eq(exponentials.kept),
        ]
        with choose.Switch(now.op):
            for op, what in ((LaneOp.SPD, "RD"), (LaneOp.SPNV, "RNV")):
                with choose.Case(op):
                    choose.d.comb += [a.eq(state[what]), b.eq(self.rings["scale"][ring])]
            for op, what in ((LaneOp.RD, self.rings["totals"][ring]), (LaneOp.RNV, product)):
                with choose.Case(op):
                    choose.d.comb += [a.eq(what), b.eq(x.one)]
                    choose.d.comb += kept.eq(Mux(fresh, 0, state[op.name]))
        fields: dict[str, Any] = {"a": a, "b": b, "valid": valid, "control": now}
        fields |= exponentials.state | {"carried": kept}
        return self._staged(m, fields)

    def _staged(self, m: Module, fields: dict[str, Any]) -> list[dict[str, Any]]:
        engine = self.engine
        y = engine.accumulator
        places = [0] * len(PLACES)
        for n in range(engine.stages - 1):
            places[PLACES[n % len(PLACES)]] += 1
        ways = [fields]
        x = engine.operand
        # Whatever has all digits of both factors, as a rescaling has, adds 0: short products will do.
        groups = [
            [steps.unpack(y, "a"), steps.unpack(x, "b")],
            [steps.product(y, y, x)],
            [steps.normalise("product", y), steps.shorten("product", y)],
            [total(y, "product", "c")],
        ]
        groups[2] += [self._addend, steps.unpack(y, "c")]
        for n, (group, count) in enumerate(zip(groups, places, strict=True)):
            fields = staged(m, group, fields, [0] * len(group))
            for copy in range(count):
                fields = number.register(m, fields, f"s{n}_{copy}")
                ways.append(fields)
        rounding = steps.round_off("sum", y, "result")
        ways[-1] = ways[-1] | rounding(part(m), fields)
        return ways

    def _addend(self, m: Module, fields: dict[str, Any]) -> dict[str, Any]:
        c = Signal(self.engine.accumulator.width, name="c")
        op = fields["control"].op
        m.d.comb += c.eq(fields["carried"])
        addend(m, self.engine.steps, op, fields["carried"], c)
        return fields | {"c": c}

    def _write(self, m: Module, last: dict[str, Any], done: dict[str, Any]) -> None:
        """Write sums from the last stage; of a fresh query there is nothing to rescale."""
        control, result, writes = last["control"], last["result"], self.writes
        again = ~control.fresh
        rd, rnv = (
            (control.op == whole) | ((control.op == old) & again)
            for whole, old in ((LaneOp.RD, LaneOp.SPD), (LaneOp.RNV, LaneOp.SPNV))
        )
        m.d.comb += [
            writes["RD"].addr.eq(control.tile),
            writes["RD"].data.eq(result),
            writes["RD"].en.eq(last["valid"] & rd),
            writes["RNV"].addr.eq(self._at(control)),
            writes["RNV"].data.eq(result),
            writes["RNV"].en.eq(last["valid"] & rnv),
        ]
        power = outcome(m, self.engine.steps, done["result"], done)
        with m.If(done["valid"] & (done["control"].op == LAST_STEP)):
            m.d.sync += self.rings["scale"][self._ring(done["control"])].eq(power)

    def _divide(self, m: Module, now: Any, valid: Any, state: dict[str, Any]) -> None:
        """RNV / RD; its quotient is rounded as it leaves."""
        divider = self.engine.divider
        fields: dict[str, Any] = {"a": state["RNV"], "b": state["RD"]}
        fields["valid"] = valid & (now.op == LaneOp.AV)
        fields |= {name: now[name] for name in ("tile", "element", "last")}
        division = quotient(divider.form, divider.to)
        done = staged(m, division, fields, [*registers(divider), 0])
        m.d.comb += [
            self.quotient.valid.eq(done["valid"]),
            self.quotient.payload.value.eq(done["result"]),
        ]
        m.d.comb += [
            self.quotient.payload[name].eq(done[name]) for name in ("tile", "element", "last")
        ]
