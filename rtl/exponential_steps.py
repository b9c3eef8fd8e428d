"""What lets a MAC do exp(a - b) in seven steps: factors, addends, and the state that travels with them.

Twin of :mod:`accelsim.engines.exponential_steps`. The MAC's owner issues step n as operation
``STEP_0 + n`` when the result of step n - 1 is there, supplies the operands of step 0 and asks here for
those of the others.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from accelsim.engines.exponential_steps import STEPS, ExponentialSteps
from accelsim.engines.number import Float
from accelsim.engines.pe2d import Op
from accelsim.rtl import number
from accelsim.rtl.exponential import from_integer, scaled, special_of

STEP_0 = int(Op.STEP_0)
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
    """The steps after the first, of exponentials whose state ``back`` comes with the result.

    ``back``: "carried", "whole" and "special", as ``Travelling`` has them; ``state`` goes on with ``op``.
    """

    def __init__(
        self, m: Module, model: ExponentialSteps, op: Value, result: Value, back: dict[str, Any]
    ) -> None:
        self.m, self.model, self.op, self.back = m, model, op, back
        x, y = model.operand, model.accumulator
        self.result = result
        self.factor = Signal(x.width, name="factor")
        whole = Signal(signed(model.integer_bits), name="whole")
        integer = Signal(x.width, name="whole_factor")
        comes = result[: len(whole)].as_signed()
        with_parts = part(m)
        m.d.comb += [
            self.factor.eq(once(with_parts, number.convert(y, x), {"a": result}, "result")),
            whole.eq(Mux(op == STEP_0 + 2, comes, back["whole"])),
            integer.eq(from_integer(part(m), whole, x)),
        ]
        self.integer = integer
        special = special_of(part(m), model, result, op == STEP_0 + 1, back["special"])
        self.kept = Signal(y.width, name="kept")
        self.state = {"carried": self.kept, "whole": whole, "special": special}

    def operands(self, m: Module, a: Signal, b: Signal, first: Value) -> None:
        """Set factors and what is kept of steps 1 to 6; ``first`` is what step 0 keeps: its a."""
        model, x = self.model, self.model.operand
        low = self.back["carried"][: x.width]
        cases: dict[int, tuple[Any, Any, Any]] = {
            1: (self.factor, model.log2_e, self.result),
            2: (self.integer, model.minus_ln2_high, self.back["carried"]),
            3: (self.integer, model.minus_ln2_low, self.result),
            4: (model.c3, self.factor, self.factor),
            5: (self.factor, low, self.back["carried"]),
            6: (self.factor, low, self.back["carried"]),
        }
        with m.Switch(self.op):
            with m.Case(STEP_0):
                m.d.comb += self.kept.eq(first)
            for step, (one, other, kept) in cases.items():
                with m.Case(STEP_0 + step):
                    m.d.comb += [a.eq(one), b.eq(other), self.kept.eq(kept)]


def addend(m: Module, model: ExponentialSteps, op: Value, kept: Value, c: Signal) -> None:
    """Set what is added in a step."""
    fixed = {1: model.magic, 4: model.c2, 5: model.c1, 6: model.accumulator.one}
    with m.Switch(op):
        for step, value in fixed.items():
            with m.Case(STEP_0 + step):
                m.d.comb += c.eq(value)
        with m.Case(STEP_0, STEP_0 + 2, STEP_0 + 3):
            m.d.comb += c.eq(kept)


def outcome(m: Module, model: ExponentialSteps, result: Value, back: dict[str, Any]) -> Signal:
    """Return the exponential that the result of the last step stands for."""
    inner = part(m)
    found = Signal(model.operand.width, name="exponential")
    inner.d.comb += found.eq(scaled(inner, model, result, back["whole"], back["special"]))
    return found


__all__ = ["STEPS", "STEP_0", "Steps", "addend", "once", "outcome", "part", "staged", "widened"]
