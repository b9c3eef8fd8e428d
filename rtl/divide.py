"""Division by digit recurrence: a row of logic per digit, registers between any of them."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, signed

from accelsim.engines.divide import Divide as Engine
from accelsim.engines.number import Float
from accelsim.rtl import number_steps as steps
from accelsim.rtl.block import Block
from accelsim.rtl.number import pipeline
from accelsim.rtl.number_shift import leading_zeros, named, shift_left
from accelsim.rtl.number_steps import Fields, Real, Step


class Divide(Block):
    """Twin of :class:`accelsim.engines.divide.Divide`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        stall = self.o.valid & ~self.o.ready
        operands = {name: self.i.payload[name] for name in ("a", "b")}
        done = pipeline(
            m,
            [*quotient(engine.form, engine.to)],
            operands | {"valid": self.i.valid},
            [*registers(engine), 1],
            enable=~stall,
        )
        m.d.comb += [
            self.i.ready.eq(~stall),
            self.o.valid.eq(done["valid"]),
            self.o.payload.eq(done["result"]),
        ]
        return m


def registers(engine: Engine) -> list[int]:
    """Return where registers go: after the setting up, and after every so many digits.

    A number for each step but the last, which rounds.
    """
    found = [0, 1]
    found += [int((n + 1) % engine.digits == 0) for n in range(engine.rows)]
    return [*found, int(engine.rows % engine.digits != 0), 0]


def quotient(form: Float, to: Float) -> list[Step]:
    """Divide a by b, rounded once to ``to``: {"a", "b"} -> {"result"}.

    A step that unpacks, one that sets up, ``to.mantissa`` + 4 with a digit each, then three that
    collect, normalise and round.
    """
    digits = [_digit(n) for n in range(to.mantissa + 4)]
    finish = [_collect(form, to), steps.normalise("quotient", to), _rounded(to)]
    return [steps.unpack(form, "a", "b"), _set_up(form), *digits, *finish]


def _rounded(to: Float) -> Step:
    return steps.round_off("quotient", to, "result")


def _set_up(form: Float) -> Step:
    """Bring the leading ones of both to the top: {"a", "b"} -> remainder, divisor, exponent, flags."""
    width = form.mantissa + 1
    most = (1 << form.exponent) + width

    def step(m: Module, fields: Fields) -> Fields:
        a, b = fields["a"], fields["b"]
        zeros = {n: leading_zeros(m, fields[n].significand, n) for n in ("a", "b")}
        tops = {n: shift_left(m, fields[n].significand, zeros[n], n) for n in ("a", "b")}
        exponent = Signal(signed(most.bit_length() + 2), name="quotient_exponent")
        m.d.comb += exponent.eq((a.exponent - zeros["a"]) - (b.exponent - zeros["b"]))
        zero_a, zero_b = ~tops["a"][-1], ~tops["b"][-1]
        flags = {
            "sign": a.sign ^ b.sign,
            "zero": zero_a | b.infinite,
            "infinite": a.infinite | zero_b,
            "nan": a.nan | b.nan | (zero_a & zero_b) | (a.infinite & b.infinite),
        }
        new = {"remainder": Cat(tops["a"], 0), "divisor": tops["b"], "exponent": exponent}
        return steps.replace(fields, ("a", "b"), **new, **flags)

    return step


def _digit(number: int) -> Step:
    """Subtract the divisor if the remainder is not less: a digit; the remainder doubles."""

    def step(m: Module, fields: Fields) -> Fields:
        divisor, remainder = fields["divisor"], fields["remainder"]
        less = named(m, f"less_{number}", remainder - divisor)
        digit = ~less[-1]
        rest = named(m, f"rest_{number}", Mux(digit, less, remainder)[: len(divisor)])
        digits = Cat(digit, fields["digits"]) if number else digit
        found = {"remainder": Cat(0, rest), "digits": named(m, f"digits_{number}", digits)}
        return fields | found

    return step


def _collect(form: Float, to: Float) -> Step:
    """Make an unpacked number of the digits, with a sticky last bit for what remains."""
    width = form.mantissa + 1
    most = (1 << form.exponent) + width
    gone = ("remainder", "divisor", "digits", "exponent", "sign", "zero", "infinite", "nan")

    def step(m: Module, fields: Fields) -> Fields:
        digits, sticky = fields["digits"], fields["remainder"].any()
        shape = Real(len(digits) + 1, range(to.bias - most, to.bias + most + 1))
        out = Signal(shape, name="quotient")
        m.d.comb += [
            out.significand.eq(Mux(fields["zero"], 0, Cat(sticky, digits))),
            out.exponent.eq(fields["exponent"] + to.bias),
            out.sign.eq(fields["sign"]),
            out.infinite.eq(fields["infinite"]),
            out.nan.eq(fields["nan"]),
        ]
        return steps.replace(fields, gone, quotient=out)

    return step
