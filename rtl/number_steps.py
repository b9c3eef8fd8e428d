"""The steps of floating-point operations, each small enough to stand between two registers.

Between steps a number is a :func:`real`. :mod:`accelsim.rtl.number` puts the steps together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.utils import bits_for

from accelsim.engines.number import Float

Fields = dict[str, Any]
Step = Callable[[Module, Fields], Fields]


def layout(form: Float) -> data.StructLayout:
    """Return the layout of a format's bits: mantissa, exponent, sign from the bottom."""
    return data.StructLayout({"mantissa": form.mantissa, "exponent": form.exponent, "sign": 1})


def real(significand: int, exponent: int) -> data.StructLayout:
    """Return the layout of an unpacked number, given the bits of its significand and exponent.

    Its value is (-1)^sign x significand x 2^(exponent - bias); the top bit of the significand is
    worth 1, and the bias is that of the format the number is on its way to.
    """
    return data.StructLayout(
        {
            "significand": significand,
            "exponent": signed(exponent),
            "sign": 1,
            "infinite": 1,
            "nan": 1,
        }
    )


def replace(fields: Fields, gone: Sequence[str], **new: Any) -> Fields:
    return {name: value for name, value in fields.items() if name not in gone} | new


def named(m: Module, name: str, value: Any) -> Signal:
    """Give an expression a name, in the Verilog and the waveform, and the simulator one evaluation."""
    cast = Value.cast(value)
    found = Signal(cast.shape(), name=name)
    m.d.comb += found.eq(cast)
    return found


def is_nan(bits: Value, form: Float) -> Value:
    return bits[:-1] > form.infinity


def flush(m: Module, value: Any, form: Float, name: str) -> Value:
    """Make a zero of a subnormal, in a format that has none."""
    bits = named(m, f"{name}_bits", value)
    if form.subnormals:
        return bits
    return named(
        m, f"{name}_flushed", Mux(bits[form.mantissa : -1].any(), bits, bits & form.sign_bit)
    )


def below(a: Value, b: Value) -> Value:
    """Order by value, -0 below +0: compare as integers, the other way round if negative."""
    return Mux(a[-1] == b[-1], Mux(a[-1], b[:-1] < a[:-1], a[:-1] < b[:-1]), a[-1])


def unpack(form: Float, *names: str) -> Step:
    """Take numbers apart; a subnormal keeps its leading zeros, with exponent 1."""

    def step(m: Module, fields: Fields) -> Fields:
        found = {}
        for name in names:
            bits = data.View(layout(form), named(m, f"{name}_bits", fields[name]))
            out = Signal(real(form.mantissa + 1, form.exponent + 1), name=f"{name}_real")
            normal = bits.exponent.any()
            full = bits.exponent.all()
            fraction = (
                bits.mantissa
                if form.subnormals
                else bits.mantissa & normal.replicate(form.mantissa)
            )
            m.d.comb += [
                out.sign.eq(bits.sign),
                out.exponent.eq(bits.exponent | ~normal),
                out.significand.eq(Cat(fraction, normal)),
                out.infinite.eq(full & ~bits.mantissa.any()),
                out.nan.eq(full & bits.mantissa.any()),
            ]
            found[name] = out
        return replace(fields, names, **found)

    return step


def exponent_bits(form: Float, to: Float, zeros: int) -> int:
    """Bits of an exponent of a product of two ``form``, biased for ``to``, after normalisation."""
    top = 2 * (form.bias + 1) + 1 + to.bias
    bottom = min(2 * (1 - form.bias) + to.bias - zeros, 1)
    return int(max(bits_for(top) + 1, bits_for(bottom), to.exponent + 1))


def rebias(name: str, form: Float, to: Float) -> Step:
    """Unpack a number of one format with the exponent of another."""

    def step(m: Module, fields: Fields) -> Fields:
        x = unpack(form, name)(m, fields)[name]
        width = len(x.significand)
        out = Signal(real(width, exponent_bits(form, to, width)), name=f"{name}_moved")
        m.d.comb += [
            out.significand.eq(x.significand),
            out.exponent.eq(x.exponent + (to.bias - form.bias)),
            out.sign.eq(x.sign),
            out.infinite.eq(x.infinite),
            out.nan.eq(x.nan),
        ]
        return fields | {name: out}

    return step


def product(form: Float, to: Float) -> Step:
    width = 2 * (form.mantissa + 1)
    shape = real(width, exponent_bits(form, to, width))
    # Both factors have their point below the top bit; so has the product one place further down.
    offset = to.bias - 2 * form.bias + 1

    def step(m: Module, fields: Fields) -> Fields:
        a, b = fields["a"], fields["b"]
        out = Signal(shape, name="product")
        zero = ~a.significand.any() | ~b.significand.any()
        m.d.comb += [
            out.sign.eq(a.sign ^ b.sign),
            out.exponent.eq(a.exponent + b.exponent + offset),
            out.significand.eq(a.significand * b.significand),
            out.nan.eq(a.nan | b.nan | ((a.infinite | b.infinite) & zero)),
            out.infinite.eq(a.infinite | b.infinite),
        ]
        return replace(fields, ("a", "b"), product=out)

    return step


def normalise(name: str) -> Step:
    """Bring the leading one to the top; zero gets the least exponent, so that it never leads."""

    def step(m: Module, fields: Fields) -> Fields:
        x = fields[name]
        out = Signal(x.shape(), name=f"{name}_normal")
        shifted, zeros = count_and_shift(m, x.significand, name)
        least = -(1 << (len(x.exponent) - 1))
        m.d.comb += [
            out.eq(x),
            out.significand.eq(shifted),
            out.exponent.eq(Mux(shifted[-1], x.exponent - zeros, least)),
        ]
        return replace(fields, (name,), **{name: out})

    return step


def count_and_shift(m: Module, value: Value, name: str) -> tuple[Value, Value]:
    """Shift left by the number of leading zeros (halves first); return that number too."""
    width = len(value)
    counts = []
    for level in reversed(range(bits_for(width - 1))):
        distance = 1 << level
        empty = named(m, f"{name}_empty_{distance}", ~value[max(width - distance, 0) :].any())
        value = named(
            m, f"{name}_left_{distance}", Mux(empty, value.shift_left(distance), value)[:width]
        )
        counts.append(empty)
    return value, Cat(*reversed(counts))


def shift_right(m: Module, value: Value, amount: Value, name: str) -> Value:
    """Shift right; the last bit of the result is also set if any one was shifted out."""
    width = len(value)
    levels = bits_for(width)  # further than that, only the last bit can remain
    for level in range(min(levels, len(amount))):
        distance = 1 << level
        lost = value[:distance].any()
        moved = Cat(value[distance] | lost, value[distance + 1 :]) if distance < width else lost
        value = named(m, f"{name}_right_{distance}", Mux(amount[level], moved, value)[:width])
    far = amount[levels:].any()
    return named(m, f"{name}_shifted", Mux(far, value.any(), value)[:width])


def total(form: Float, *names: str) -> Step:
    """Add two numbers with exponents biased for ``form`` into one with guard bits, {..} -> {"sum"}.

    The first may have any exponent, and is normalised if that is above 1; the second has the
    format's own exponents, as :func:`_unpack` leaves it. The sum is normalised, or has exponent 1.
    """

    def step(m: Module, fields: Fields) -> Fields:
        x, y = (fields[name] for name in names)
        width = max(len(x.significand), len(y.significand), form.mantissa + 1) + 4
        bits = max(len(x.exponent), len(y.exponent))
        gap = named(m, "gap", x.exponent - y.exponent)
        y_leads = named(m, "y_leads", gap[-1])
        distance = named(m, "distance", Mux(y_leads, -gap, gap)[: bits + 1])
        tops = [s.significand.shift_left(width - 1 - len(s.significand)) for s in (x, y)]
        lead = named(m, "lead", Mux(y_leads, tops[1], tops[0])[:width])
        other = named(m, "other", Mux(y_leads, tops[0], tops[1])[:width])
        exponent = named(m, "lead_exponent", Mux(y_leads, y.exponent, x.exponent))
        small = shift_right(m, other, distance, "other")
        differ = named(m, "differ", x.sign ^ y.sign)
        plus = named(m, "plus", (lead + small)[:width])
        minus = named(m, "minus", lead - small)
        swapped = named(m, "swapped", small - lead)
        below = named(m, "below", differ & minus[-1])
        total = named(m, "total", Mux(differ, Mux(below, swapped, minus), plus)[:width])
        # One place for the carry, then down to exponent 1 at most.
        room = named(m, "room", exponent + 1 - 1)
        shifted, zeros = count_and_shift(m, total, "total")
        # Without subnormals the exponent may go on falling: the number rounds to zero.
        deep = named(m, "deep", (zeros > room) & int(form.subnormals))
        low = named(m, "low", total << room[: bits_for(width)])
        out = Signal(real(width, bits + 2), name="sum")
        nonzero = total.any()
        sign = Mux(nonzero, Mux(y_leads, y.sign, x.sign) ^ below, x.sign & y.sign)
        infinite = x.infinite | y.infinite
        m.d.comb += [
            out.significand.eq(Mux(deep, low[:width], shifted)),
            out.exponent.eq(Mux(deep | ~nonzero, 1, exponent + 1 - zeros)),
            out.sign.eq(Mux(infinite, Mux(x.infinite, x.sign, y.sign), sign)),
            out.infinite.eq(infinite),
            out.nan.eq(x.nan | y.nan | (x.infinite & y.infinite & differ)),
        ]
        return replace(fields, names, sum=out)

    return step


def denormalise(name: str, form: Float) -> Step:
    """Shift a number that is too small right until its exponent is 1; the last bit is sticky."""

    def step(m: Module, fields: Fields) -> Fields:
        x = fields[name]
        width = max(len(x.significand), form.mantissa + 1) + 2
        under = named(m, f"{name}_under", 1 - x.exponent)
        deep = named(m, f"{name}_deep", ~under[-1])
        wide = named(m, f"{name}_wide", x.significand.shift_left(width - len(x.significand)))
        out = Signal(real(width, len(x.exponent)), name=f"{name}_denormal")
        low = shift_right(m, wide, under[:-1], name)
        m.d.comb += [
            out.significand.eq(Mux(deep, low, wide) if form.subnormals else wide),
            out.exponent.eq(Mux(deep, 1, x.exponent) if form.subnormals else x.exponent),
            out.sign.eq(x.sign),
            out.infinite.eq(x.infinite),
            out.nan.eq(x.nan),
        ]
        return replace(fields, (name,), **{name: out})

    return step


def round_off(name: str, form: Float, result: str) -> Step:
    """Round a number that is normalised, or has exponent 1, to nearest even, and pack it."""

    def step(m: Module, fields: Fields) -> Fields:
        x = fields[name]
        extra = len(x.significand) - form.mantissa - 1
        kept, half, rest = (
            x.significand[extra:],
            x.significand[extra - 1],
            x.significand[: extra - 1].any(),
        )
        up = half & (rest | kept[0])
        # The hidden bit adds one to the exponent field, and so does a carry out of the mantissa.
        packed = named(m, "packed", ((x.exponent - 1).shift_left(form.mantissa) + kept + up))
        over = named(m, "over", x.infinite | (packed >= form.infinity))
        magnitude = Mux(over, form.infinity, packed[: form.width - 1])
        if not form.subnormals:
            magnitude = Mux((packed < 1 << form.mantissa) & ~over, 0, magnitude)
        out = Signal(form.width, name=result)
        m.d.comb += out.eq(Mux(x.nan, form.nan, Cat(magnitude[: form.width - 1], x.sign)))
        return replace(fields, (name,), **{result: out})

    return step
