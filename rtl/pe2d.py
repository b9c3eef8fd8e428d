"""The processing element of the 2D array: MAC, maximum, and exp as steps on the MAC.

Three kinds of registers: instructions that go right (``o``); the multiplier's stages, with the state of
the exponentials that are on their way; and, behind the last stage, the unrounded sum. One rounding of
that sum serves what it is for next: a score, the factor of an exponential's next step, its result.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data

from accelsim.engines.pe2d import COLUMN, LAST_STEP, WORKS, Op
from accelsim.rtl import number
from accelsim.rtl import number_steps as steps
from accelsim.rtl.element import ElementBlock, is_any
from accelsim.rtl.exponential_steps import STEP_0, Steps, addend, once, outcome, part, staged
from accelsim.rtl.number_sum import held, settle, total

PLACES = (2, 0, 1)  # where registers go first: after normalising, unpacking, multiplying


class PE2D(ElementBlock):
    """Twin of :class:`accelsim.engines.pe2d.PE2D`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        self._pass_on(m)
        scores = data.ArrayLayout(engine.accumulator.width, 1 << len(self.i.payload.score))
        self.scores = Signal(scores, name="scores", reset_less=True)
        sum_, done = self._sum(), self._behind()
        rounded = Signal(engine.accumulator.width, name="rounded")
        rounding = steps.round_off("sum", engine.accumulator, "result")
        inner = part(m)
        m.d.comb += rounded.eq(rounding(inner, {"sum": sum_})["result"])
        last = self._multiply(m, rounded, done)
        self._add(m, last, sum_)
        self._compare(m, last, done, rounded)
        m.d.sync += [done["valid"].eq(last["valid"]), done["control"].eq(last["control"])]
        m.d.sync += [done[name].eq(last[name]) for name in ("carried", "whole", "special")]
        self._keep(m, done, rounded)
        self._leave(m, done, sum_, last)
        return m

    def _sum(self) -> Any:
        adder = self.engine.adder
        layout = held(adder.to, range(1, adder.exponents))
        return Signal(layout, name="sum", reset_less=True, init={"exponent": 1})

    def _multiply(self, m: Module, rounded: Signal, done: dict[str, Any]) -> dict[str, Any]:
        """Choose factors and multiply: what is in the last stage, with its addend if that is not a sum."""
        engine = self.engine
        model, x, y = engine.steps, engine.operand, engine.accumulator
        valid, control = self._instruction(m, "now", WORKS, Op.IDLE)
        own = Signal(y.width, name="own")
        m.d.comb += own.eq(self.scores[control.score])
        exponential = own[: x.width]
        west, north, op = self.i.payload.west, self.i.payload.north, control.op
        a, b = Signal(x.width, name="a"), Signal(x.width, name="b")
        exponentials = Steps(m, model, op, rounded, done)
        choose = part(m)
        with choose.Switch(op):
            with choose.Case(Op.SCORE):
                choose.d.comb += [a.eq(west), b.eq(north)]
            with choose.Case(*COLUMN):  # a row without a key adds -0, which changes nothing
                choose.d.comb += [
                    a.eq(Mux(control.on, exponential, x.sign_bit)),
                    b.eq(Mux(control.on & (op == Op.PRODUCT), west, x.one)),
                ]
            with choose.Case(STEP_0):
                choose.d.comb += [a.eq(north), b.eq(model.minus_one)]
            with choose.Case(Op.IDLE, Op.MAXIMUM):  # the sum stays as it is
                choose.d.comb += [a.eq(x.sign_bit), b.eq(x.one)]
        exponentials.operands(choose, a, b, own)
        fields: dict[str, Any] = {"a": a, "b": b, "valid": valid, "control": control}
        fields |= exponentials.state
        registers = [0, 0, 0]
        for n in range(1, engine.stages - 1):
            registers[PLACES[n % len(PLACES)]] += 1
        fields = staged(m, number.product(x, y), fields, registers)
        fields |= self._addend(m, fields)
        return number.register(m, fields, "last") if engine.stages > 1 else fields

    def _addend(self, m: Module, fields: dict[str, Any]) -> dict[str, Any]:
        """A stage before it is added: an addend that is not a sum, and which of them is taken."""
        engine = self.engine
        inner, y = part(m), engine.accumulator
        c = Signal(y.width, name="c")
        control = fields["control"]
        addend(inner, engine.steps, control.op, fields["carried"], c)
        unpacked = steps.unpack(y, "c")(inner, {"c": c})["c"]
        loaded = Signal(self._sum().shape(), name="addend_loaded")
        inner.d.comb += loaded.eq(steps.widened(inner, unpacked, loaded.shape(), "c_widened"))
        from_above, loads = Signal(name="from_above"), Signal(name="loads")
        inner.d.comb += [
            from_above.eq(is_any(control.op, COLUMN)),
            loads.eq(control.op[3] | ((control.op == Op.SCORE) & control.first)),
        ]
        return {"loaded": loaded, "from_above": from_above, "loads": loads}

    def _add(self, m: Module, last: dict[str, Any], sum_: Any) -> None:
        """Add a product to the own sum, to that of the element above, or to what was loaded.

        What has no product adds -0, for which the sum needs no multiplexer to stay as it is.
        """
        inner = part(m)
        to = self.engine.accumulator
        chosen = Signal(sum_.shape(), name="addend")
        given = Mux(last["loads"], last["loaded"].as_value(), sum_.as_value())
        inner.d.comb += chosen.eq(Mux(last["from_above"], self.above.payload.sum, given))
        addends = settle(to, "addend")(inner, {"product": last["product"], "addend": chosen})
        result = total(to, "product", "addend")(inner, addends)["sum"]
        m.d.sync += sum_.eq(result)

    def _compare(self, m: Module, last: dict[str, Any], done: dict[str, Any], rounded: Any) -> None:
        """Take the greater of the own score, just rounded perhaps, and what comes from above."""
        y, control = self.engine.accumulator, last["control"]
        score = Signal(y.width, name="score_compared")
        same = done["valid"] & _ends(done["control"]) & (done["control"].score == control.score)
        m.d.comb += score.eq(Mux(same, rounded, self.scores[control.score]))
        above = self.above.payload.maximum
        operands = {"a": score, "b": above}
        greater = once(m, number.maximum(y), operands, "result")
        self.greatest = Signal(y.width, name="greatest", reset_less=True)
        with m.If(last["valid"] & (control.op == Op.MAXIMUM)):
            m.d.sync += self.greatest.eq(Mux(control.on, greater, above))

    def _keep(self, m: Module, done: dict[str, Any], rounded: Signal) -> None:
        """Write the register file: a score, or in its low bits its exponential."""
        control = done["control"]
        power = outcome(m, self.engine.steps, rounded, done)
        is_power = control.op == LAST_STEP
        with m.If(done["valid"] & (is_power | _ends(control))):
            m.d.sync += self.scores[control.score].eq(Mux(is_power, power, rounded))

    def _leave(self, m: Module, done: dict[str, Any], sum_: Any, last: dict[str, Any]) -> None:
        op, told = done["control"].op, ("first", "last", "tag")
        self._tell(m, self.adding, last, ("op", *told))
        for port in (self.sum, self.maximum):
            self._tell(m, port, done, told)
        m.d.comb += [
            self.sum.valid.eq(done["valid"] & is_any(op, COLUMN)),
            self.sum.payload.value.eq(sum_),
            self.sum.payload.product.eq(op == Op.PRODUCT),
            self.maximum.valid.eq(done["valid"] & (op == Op.MAXIMUM)),
            self.maximum.payload.value.eq(self.greatest),
        ]


def _ends(control: Any) -> Any:
    """Whether it is the last product of a score."""
    return (control.op == Op.SCORE) & control.last
