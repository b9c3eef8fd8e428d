"""The steps of floating-point operations, each small enough to stand between two registers.

Between steps a number is a :class:`Real`. :mod:`accelsim.rtl.number` puts the steps together; the
step that adds is in :mod:`accelsim.rtl.number_sum`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value
from amaranth.lib import data
from amaranth.utils import bits_for

from accelsim.engines.number import Float
from accelsim.rtl.number_shift import leading_zeros, named, shift_left, shift_right

Fields = dict[str, Any]
Step = Callable[[Module, Fields], Fields]


def layout(form: Float) -> data.StructLayout:
    """Return the layout of a format's bits: mantissa, exponent, sign from the bottom."""
    return data.StructLayout({"mantissa": form.mantissa, "exponent": form.exponent, "sign": 1})


class Real(data.StructLayout):
    """An unpacked number: bits of its significand, values that its exponent can have.

    Its value is (-1)^sign x significand x 2^(exponent - bias); the top bit of the significand is
    worth 1, and the bias is that of the format the number is on its way to.
    """

    def __init__(self, significand: int, exponents: range) -> None:
        self.exponents = exponents
        super().__init__(
            {
                "significand": significand,
                "exponent": Shape.cast(exponents),
                "sign": 1,
                "infinite": 1,
                "nan": 1,
            }
        )


def replace(fields: Fields, gone: Sequence[str], **new: Any) -> Fields:
    return {name: value for name, value in fields.items() if name not in gone} | new


def is_nan(bits: Value, form: Float) -> Value:
    return bits[:-1] > form.infinity


def flush(m: Module, value: Any, form: Float, name: str) -> Value:
    """Make a zero of a subnormal, in a format that has none."""
    bits = named(m, f"{name}_bits", value)
    if form.subnormals:
        return bits
    normal = bits[form.mantissa : -1].any()
    return named(m, f"{name}_flushed", Mux(normal, bits, bits & form.sign_bit))


def below(a: Value, b: Value) -> Value:
    """Order by value, -0 below +0: compare as integers, the other way round if negative."""
    return Mux(a[-1] == b[-1], Mux(a[-1], b[:-1] < a[:-1], a[:-1] < b[:-1]), a[-1])


def unpack(form: Float, *names: str, to: Float | None = None) -> Step:
    """Take numbers apart, with the exponents of ``to``; a subnormal keeps its leading zeros."""
    offset = (to or form).bias - form.bias
    shape = Real(form.mantissa + 1, range(1 + offset, (1 << form.exponent) + offset))

    def step(m: Module, fields: Fields) -> Fields:
        found = {}
        for name in names:
            bits = data.View(layout(form), named(m, f"{name}_bits", fields[name]))
            normal, full = bits.exponent.any(), bits.exponent.all()
            fraction = Mux(normal | int(form.subnormals), bits.mantissa, 0)
            found[name] = out = Signal(shape, name=f"{name}_real")
            m.d.comb += [
                out.sign.eq(bits.sign),
                out.exponent.eq((bits.exponent | ~normal) + offset),
                out.significand.eq(Cat(fraction, normal)),
                out.infinite.eq(full & ~bits.mantissa.any()),
                out.nan.eq(full & bits.mantissa.any()),
            ]
        return replace(fields, names, **found)

    return step


def product(form: Float, to: Float, other: Float | None = None) -> Step:
    """Multiply two unpacked numbers exactly; the exponent becomes that of ``to``.

    b is of the format ``other``, or of the same as a.
    """
    other = other or form
    # Both factors have their point below the top bit; so has the product one place further down.
    offset = to.bias - form.bias - other.bias + 1
    most = (1 << form.exponent) + (1 << other.exponent) - 2
    shape = Real(form.mantissa + other.mantissa + 2, range(2 + offset, most + offset + 1))

    def step(m: Module, fields: Fields) -> Fields:
        a, b = fields["a"], fields["b"]
        zero = ~a.significand.any() | ~b.significand.any()
        out = Signal(shape, name="product")
        m.d.comb += [
            out.sign.eq(a.sign ^ b.sign),
            out.exponent.eq(a.exponent + b.exponent + offset),
            out.significand.eq(a.significand * b.significand),
            out.nan.eq(a.nan | b.nan | ((a.infinite | b.infinite) & zero)),
            out.infinite.eq(a.infinite | b.infinite),
        ]
        return replace(fields, ("a", "b"), product=out)

    return step


def shorten(name: str, to: Float) -> Step:
    """Leave a normalised number a half digit and a sticky one: enough if nothing cancels it."""
    digits = to.mantissa + 3

    def step(m: Module, fields: Fields) -> Fields:
        x = fields[name]
        gone = len(x.significand) - digits
        if gone <= 0:
            return fields
        out = Signal(Real(digits, x.shape().exponents), name=f"{name}_short")
        low = x.significand[: gone + 1].any()
        m.d.comb += [
            out.significand.eq(Cat(low, x.significand[gone + 1 :])),
            *(out[field].eq(x[field]) for field in ("exponent", "sign", "infinite", "nan")),
        ]
        return replace(fields, (name,), **{name: out})

    return step


def normalise(name: str, to: Float) -> Step:
    """Bring the leading one to the top, or the exponent to 1, whichever comes first; zero has 1.

    What is too small for that is shifted right, the last bit sticky.
    """

    def step(m: Module, fields: Fields) -> Fields:
        x = fields[name]
        limits = x.shape().exponents
        width = max(len(x.significand), to.mantissa + 3)
        wide = named(m, f"{name}_wide", x.significand.shift_left(width - len(x.significand)))
        small = named(m, f"{name}_small", x.exponent < 1)
        # No shift goes beyond a one that stands where the exponent would be 1.
        room = (x.exponent - 1)[: bits_for(limits[-1])]
        stop = Mux(small, 1 << width - 1, Const(1 << width - 1, width) >> room)
        count = leading_zeros(m, wide | stop, name)
        shifted = shift_left(m, wide, count, name)
        if limits[0] < 1:
            under = (1 - x.exponent)[: bits_for(1 - limits[0])]
            shifted = Mux(small, shift_right(m, wide, under, name), shifted)
        out = Signal(Real(width, range(1, limits[-1] + 1)), name=f"{name}_normal")
        m.d.comb += [
            out.significand.eq(shifted),
            out.exponent.eq(Mux(small | ~shifted[width - 1], 1, x.exponent - count)),
            out.sign.eq(x.sign),
            out.infinite.eq(x.infinite),
            out.nan.eq(x.nan),
        ]
        return replace(fields, (name,), **{name: out})

    return step


def widened(m: Module, x: Any, layout: Real, name: str) -> Value:
    """Return an unpacked number with more bits of significand and exponent."""
    out = Signal(layout, name=name)
    low = len(out.significand) - len(x.significand)
    m.d.comb += [
        out.significand.eq(x.significand.shift_left(low)),
        out.exponent.eq(x.exponent),
        out.sign.eq(x.sign),
        out.infinite.eq(x.infinite),
        out.nan.eq(x.nan),
    ]
    return out.as_value()


def round_off(name: str, form: Float, result: str) -> Step:
    """Round a number that is normalised, or has exponent 1, to nearest even, and pack it."""

    def step(m: Module, fields: Fields) -> Fields:
        x = fields[name]
        kept, up = halves(x.significand, form)
        # The hidden bit adds one to the exponent field, and so does a carry out of the mantissa.
        field = (x.exponent - 1).shift_left(form.mantissa)
        packed = named(m, f"{name}_packed", (field + kept + up)[: len(field) + 1])
        over = named(m, f"{name}_over", x.infinite | (packed >= form.infinity))
        magnitude = Mux(over, form.infinity, packed)
        if not form.subnormals:
            magnitude = Mux(packed[form.mantissa :].any() | over, magnitude, 0)
        out = Signal(form.width, name=result)
        bits = Cat(magnitude[: form.width - 1], x.sign)
        m.d.comb += out.eq(Mux(x.nan, form.nan, bits))
        return replace(fields, (name,), **{result: out})

    return step


def halves(significand: Value, form: Float) -> tuple[Value, Value]:
    """Split off what is rounded: the bits that stay, and whether one is added to them."""
    extra = len(significand) - form.mantissa - 1
    kept, half, rest = significand[extra:], significand[extra - 1], significand[: extra - 1]
    return kept, half & (rest.any() | kept[0])
