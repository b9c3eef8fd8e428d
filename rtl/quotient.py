"""Division as combinational logic, in steps between which registers may go.

Twin of :func:`accelsim.engines.quotient.quotient`. The division step is one long division of the
significands, written as an operator: a synthesis tool spreads it over the registers that follow.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal

from accelsim.engines.number import Float
from accelsim.rtl import number_steps as steps
from accelsim.rtl.number_shift import leading_zeros, shift_left
from accelsim.rtl.number_steps import Fields, Real, Step


def quotient(form: Float, to: Float) -> list[Step]:
    """Divide a by b, rounded once to ``to``: {"a", "b"} -> {"result"}; five steps."""
    return [
        steps.unpack(form, "a", "b"),
        _leading("a", "b"),
        _divide(form, to),
        steps.normalise("quotient", to),
        steps.round_off("quotient", to, "result"),
    ]


def _leading(*names: str) -> Step:
    """Bring the leading ones to the top, however far: only a zero has none."""

    def step(m: Module, fields: Fields) -> Fields:
        found = dict(fields)
        for name in names:
            x = fields[name]
            width = len(x.significand)
            exponents = x.shape().exponents
            zeros = leading_zeros(m, x.significand, name)
            shape = Real(width, range(exponents[0] - width, exponents[-1] + 1))
            out = found[name] = Signal(shape, name=f"{name}_leading")
            m.d.comb += [
                out.significand.eq(shift_left(m, x.significand, zeros, name)),
                out.exponent.eq(x.exponent - zeros),
                out.sign.eq(x.sign),
                out.infinite.eq(x.infinite),
                out.nan.eq(x.nan),
            ]
        return found

    return step


def _divide(form: Float, to: Float) -> Step:
    bits = to.mantissa + 3  # of the quotient below its point

    def step(m: Module, fields: Fields) -> Fields:
        a, b = fields["a"], fields["b"]
        ours, theirs = a.shape().exponents, b.shape().exponents
        low, high = ours[0] - theirs[-1] + to.bias, ours[-1] - theirs[0] + to.bias
        top = Signal(form.mantissa + 1 + bits, name="dividend")
        whole = Signal(bits + 1, name="whole_quotient")
        rest = Signal(form.mantissa + 1, name="remainder")
        out = Signal(Real(bits + 2, range(low, high + 1)), name="quotient")
        zero_a, zero_b = ~a.significand[-1], ~b.significand[-1]
        gone = zero_a | b.infinite
        m.d.comb += [
            top.eq(a.significand << bits),
            whole.eq(top // b.significand),
            rest.eq(top - whole * b.significand),
            out.significand.eq(Mux(gone, 0, Cat(rest.any(), whole))),
            out.exponent.eq(a.exponent - b.exponent + to.bias),
            out.sign.eq(a.sign ^ b.sign),
            out.nan.eq(a.nan | b.nan | (zero_a & zero_b) | (a.infinite & b.infinite)),
            out.infinite.eq(a.infinite | zero_b),
        ]
        return steps.replace(fields, ("a", "b"), quotient=out)

    return step
