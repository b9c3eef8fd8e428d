"""The sum of two unpacked numbers, and an accumulator that is rounded when it is used.

Two paths work at once, of which signs and exponents choose one. *Near*: the signs differ and the
exponents by at most one, so that many leading digits may cancel; shift by one place at most,
subtract, count zeros, shift far. *Far*: everything else; shift far, add, shift by one place at
most. Neither path shifts far twice, which is what a recurrence in one cycle can afford.

A sum is left unrounded, with a half bit and a sticky bit. An accumulator is rounded
(:func:`settle`) at the start of its next addition, while the exponents are subtracted.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from accelsim.engines.number import Float
from accelsim.rtl.number_shift import leading_zeros, named, shift_left, shift_right
from accelsim.rtl.number_steps import Fields, Real, Step, halves, replace


def held(form: Float, exponents: range) -> Real:
    """Return the layout of an accumulator that adds numbers with these exponents."""
    return Real(form.mantissa + 3, range(1, max(exponents[-1] + 2, 1 << form.exponent)))


def settle(form: Float, name: str) -> Step:
    """Round a sum for its next addition: {name} -> {name, "kept", "up"}.

    The rounded significand has a bit more, as it may have become 2, and the exponent stays. It is
    ``kept`` + ``up``, for a subtraction that need not wait for their sum.
    """

    def step(m: Module, fields: Fields) -> Fields:
        x = fields[name]
        kept, up = halves(x.significand, form)
        up = named(m, f"{name}_up", up)
        rounded = named(m, f"{name}_rounded", kept + up)
        most = (1 << form.exponent) - 1
        carried = (x.exponent == most - 1) & rounded[-1]
        flushed = (not form.subnormals) & ~rounded[-2:].any()
        out = Signal(Real(form.mantissa + 2, x.shape().exponents), name=f"{name}_settled")
        m.d.comb += [
            out.significand.eq(Mux(flushed, 0, rounded)),
            out.exponent.eq(x.exponent),
            out.sign.eq(x.sign),
            out.infinite.eq(x.infinite | carried | (x.exponent >= most)),
            out.nan.eq(x.nan),
        ]
        parts = {"kept": Mux(flushed, 0, kept), "up": up & ~flushed}
        return replace(fields, (name,), **{name: out}, **parts)

    return step


def total(form: Float, *names: str) -> Step:
    """Add two numbers, both normalised or with exponent 1, likewise their sum: {..} -> {"sum"}.

    The first may have any significand and exponents. The second is of the format ``form``, or was
    settled, then with "kept" and "up" beside it.
    """

    def step(m: Module, fields: Fields) -> Fields:
        x, y = (fields[name] for name in names)
        # A place worth 2, then the addends' own from 1 down and one, or what is rounded and one.
        width = 1 + max(len(x.significand) + 1, form.mantissa + 4)
        kept, up = fields.get("kept", y.significand), fields.get("up", 0)
        low = width - form.mantissa - 2  # where the last bit of the format stands
        xs = _placed(m, x.significand, width - 1 - len(x.significand), width, "x_placed")
        ys = _placed(m, y.significand, low, width, "y_placed")
        ys_kept = _placed(m, kept, low, width, "y_kept")
        ys_up = _placed(m, up, low, width, "y_up")
        x_more = named(m, "x_more", x.exponent - y.exponent)
        y_more = named(m, "y_more", y.exponent - x.exponent)
        y_leads = x_more[-1]
        lead = named(m, "lead", Mux(y_leads, y.exponent, x.exponent))
        differ = named(m, "differ", x.sign ^ y.sign)
        close = ~x_more[1:].any() | x_more.all()
        near = named(m, "near", differ & close)
        near_sum, near_exponent, near_sign = _near(
            m, xs, ys_kept, ys_up, x_more[:2], y.exponent, x.sign
        )
        far_sum, far_exponent = _far(m, xs, ys, x_more, y_more, lead, differ)
        chosen = named(m, "chosen", Mux(near, near_sum, far_sum))
        cut = width - form.mantissa - 3
        infinite = x.infinite | y.infinite
        sign = Mux(near, near_sign, Mux(y_leads, y.sign, x.sign))
        out = Signal(held(form, x.shape().exponents), name="sum")
        m.d.comb += [
            out.significand.eq(Cat(chosen[: cut + 1].any(), chosen[cut + 1 :])),
            out.exponent.eq(Mux(near, near_exponent, far_exponent)),
            out.sign.eq(Mux(infinite, Mux(x.infinite, x.sign, y.sign), sign)),
            out.infinite.eq(infinite),
            out.nan.eq(x.nan | y.nan | (x.infinite & y.infinite & differ)),
        ]
        return replace(fields, (*names, "kept", "up"), sum=out)

    return step


def _placed(m: Module, value: Value, low: int, width: int, name: str) -> Signal:
    found = Signal(width, name=name)
    m.d.comb += found.eq(Value.cast(value).shift_left(low))
    return found


def _near(
    m: Module, xs: Value, kept: Value, up: Value, gap: Value, exponent: Value, sign: Value
) -> tuple[Value, Value, Value]:
    """Subtract ``kept`` + ``up`` from a number whose exponent is ``gap``, -1, 0 or 1, more.

    Returns the sum's significand, exponent and sign.
    """
    width = len(xs)
    moved = Mux(gap == 1, xs.shift_left(1), Mux(gap == 3, xs >> 1, xs))
    x = named(m, "near_x", moved[:width])
    forth = named(m, "near_forth", (x - kept - up)[: width + 1])
    back = named(m, "near_back", (kept + up - x)[:width])
    negative = forth[-1]
    size = named(m, "near_size", Mux(negative, back, forth[:width]))
    # No shift goes beyond a one that stands where the exponent would be 1.
    stop = named(m, "near_stop", Const(1 << width - 1, width) >> exponent)
    count = leading_zeros(m, size | stop, "near")
    shifted = shift_left(m, size, count, "near")
    some = size.any()  # of zero nothing counts, and its exponent must be 1
    return shifted, Mux(some, exponent + 1 - count, 1), Mux(negative, ~sign, sign & some)


def _far(
    m: Module, xs: Value, ys: Value, x_more: Value, y_more: Value, lead: Value, differ: Value
) -> tuple[Value, Value]:
    """Add numbers of any exponents, or subtract them if the exponents differ by 2 or more."""
    width = len(xs)
    y_leads = x_more[-1]
    xs = shift_right(m, xs, Mux(y_leads, y_more[:-1], 0), "far_x")
    ys = shift_right(m, ys, Mux(y_leads, 0, x_more[:-1]), "far_y")
    a = named(m, "far_a", xs ^ (differ & y_leads).replicate(width))
    b = named(m, "far_b", ys ^ (differ & ~y_leads).replicate(width))
    sum_ = named(m, "far_sum", (a + b + differ)[:width])
    carried, stays = sum_[-1], sum_[-2] | ~differ
    shifted = Mux(carried, sum_, Mux(stays, sum_.shift_left(1), sum_.shift_left(2)))[:width]
    exponent = Mux(carried, lead + 1, Mux(stays, lead, lead - 1))
    return shifted, exponent
