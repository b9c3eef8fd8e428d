"""The quotient of two numbers, rounded once: what a lane's divider computes, exact to the bit."""

from __future__ import annotations

from accelsim.engines.number import Float


def quotient(a: int, b: int, form: Float, to: Float) -> int:
    """Return a / b of one format in another; x / 0 is an infinity, 0 / 0 and inf / inf are NaN."""
    if form.is_nan(a) or form.is_nan(b):
        return to.nan
    sign = (a ^ b) >> (form.width - 1)
    zero_a, zero_b = form.is_zero(a), form.is_zero(b)
    great_a, great_b = form.is_infinite(a), form.is_infinite(b)
    if (zero_a and zero_b) or (great_a and great_b):
        return to.nan
    if great_a or zero_b:
        return to.sign_bit * sign | to.infinity
    if zero_a or great_b:
        return to.sign_bit * sign
    x, y = form.split(a), form.split(b)
    shift = to.mantissa + form.mantissa + 4
    whole, rest = divmod(x.significand << shift, y.significand)
    return to.round(sign, whole << 1 | (rest != 0), x.scale - y.scale - shift - 1)
