"""The registers and operand choice that let a MAC do exp(a - b) in seven steps.

Twin of :mod:`accelsim.engines.exponential_steps`. The MAC's owner issues step n as operation
``STEP_0 + n``, supplies the operands of step 0 and asks here for those of the others.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from accelsim.engines.exponential_steps import STEPS, ExponentialSteps
from accelsim.engines.number import Float
from accelsim.rtl import number
from accelsim.rtl.exponential import from_integer, scaled

STEP_0 = 8
"""Operation code of step 0; the steps are eight codes from here on."""


def staged(
    m: Module, steps: list[Any], fields: dict[str, Any], registers: list[int]
) -> dict[str, Any]:
    """Do steps with registers after them, as ``number.pipeline`` does, every step in its own submodule.

    Amaranth's simulator works a module through as a whole whenever a signal in it changes.
    """
    for number_of_step, (step, count) in enumerate(zip(steps, registers, strict=True)):
        fields = step(part(m), fields)
        for copy in range(count):
            fields = number.register(m, fields, f"s{number_of_step}_{copy}")
    return fields


def part(m: Module) -> Module:
    """Return a new nameless submodule."""
    inner = Module()
    m.submodules += inner
    return inner


def once(m: Module, steps: list[Any], fields: dict[str, Any], name: str) -> Any:
    """Do steps without a register between them."""
    return staged(m, steps, fields, [0] * len(steps))[name]


def widened(m: Module, value: Any, form: Float, to: Float) -> Value:
    """Return a number in a wider format: exact; with equal exponents only wires."""
    if form == to:
        return Value.cast(value)
    if (form.exponent, form.subnormals) == (to.exponent, to.subnormals):
        return Cat(Const(0, to.mantissa - form.mantissa), value)
    return Value.cast(once(m, number.convert(form, to), {"a": value}, "result"))


class Steps:
    """The state of one exponential in flight: d, s and r in ``sum``, i, x(r), p and what is special."""

    def __init__(self, m: Module, model: ExponentialSteps) -> None:
        self.m, self.model = m, model
        x, y = model.operand, model.accumulator
        self.sum = Signal(y.width, reset_less=True)
        self.power = Signal(y.width, reset_less=True)
        self.rest = Signal(x.width, reset_less=True)
        self.whole = Signal(signed(model.integer_bits), reset_less=True)
        self.zero = Signal(reset_less=True)
        self.infinite = Signal(reset_less=True)
        self.nan = Signal(reset_less=True)

    def operands(self, m: Module, op: Value, a: Signal, b: Signal) -> None:
        """Set the factors of steps 1 to 6, in the first stage of the MAC."""
        model, rounding = self.model, part(self.m)
        x, y = model.operand, model.accumulator
        source = Signal(y.width, name="rounded_from")
        rounding.d.comb += source.eq(
            Mux((op == STEP_0 + 1) | (op == STEP_0 + 4), self.sum, self.power)
        )
        rounded = once(rounding, number.convert(y, x), {"a": source}, "result")
        integer = from_integer(part(self.m), self.whole, x)
        with m.Switch(op):
            with m.Case(STEP_0 + 1):
                m.d.comb += [a.eq(rounded), b.eq(model.log2_e)]
            with m.Case(STEP_0 + 2):
                m.d.comb += [a.eq(integer), b.eq(model.minus_ln2_high)]
            with m.Case(STEP_0 + 3):
                m.d.comb += [a.eq(integer), b.eq(model.minus_ln2_low)]
            with m.Case(STEP_0 + 4):
                m.d.comb += [a.eq(model.c3), b.eq(rounded)]
            with m.Case(STEP_0 + 5, STEP_0 + 6):
                m.d.comb += [a.eq(rounded), b.eq(self.rest)]

        with self.m.If(op == STEP_0 + 4):
            self.m.d.sync += self.rest.eq(rounded)

    def addend(self, m: Module, op: Value, c: Signal) -> None:
        """Set what is added in steps 1 to 6, in the last stage."""
        model = self.model
        with m.Switch(op):
            with m.Case(STEP_0 + 1):
                m.d.comb += c.eq(model.magic)
            with m.Case(STEP_0 + 2, STEP_0 + 3):
                m.d.comb += c.eq(self.sum)
            with m.Case(STEP_0 + 4):
                m.d.comb += c.eq(model.c2)
            with m.Case(STEP_0 + 5):
                m.d.comb += c.eq(model.c1)
            with m.Case(STEP_0 + 6):
                m.d.comb += c.eq(model.accumulator.one)

    def keep(self, op: Value, result: Value) -> None:
        """Take the result of a step, in the last stage."""
        m, model = self.m, self.model
        y = model.accumulator
        with m.Switch(op):
            with m.Case(STEP_0):
                great = result[:-1] >= model.limit
                nan = result[:-1] > y.infinity
                m.d.sync += [
                    self.sum.eq(result),
                    self.nan.eq(nan),
                    self.zero.eq(great & result[-1]),
                    self.infinite.eq(great & ~result[-1]),
                ]
            with m.Case(STEP_0 + 1):
                m.d.sync += self.whole.eq((result - model.magic)[: len(self.whole)])
            with m.Case(STEP_0 + 2, STEP_0 + 3):
                m.d.sync += self.sum.eq(result)
            with m.Case(STEP_0 + 4, STEP_0 + 5):
                m.d.sync += self.power.eq(result)

    def result(self, power: Value) -> Value:
        """Return x(power 2^i), or what the difference being special makes of it."""
        found = Signal(self.model.operand.width, name="exponential")
        special = Cat(self.nan, self.zero, self.infinite)
        m = part(self.m)
        m.d.comb += found.eq(scaled(m, self.model, power, self.whole, special))
        return found


__all__ = ["STEPS", "STEP_0", "Steps", "once", "staged", "widened"]
