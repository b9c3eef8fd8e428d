"""What the tests of numbers share: exact rounding by another way, hard numbers."""

import bisect
import functools
from fractions import Fraction

import numpy as np


@functools.cache
def ladder(form):
    """All non-negative finite numbers of a small format in order, and 2^(emax + 1) as infinity."""
    finite = [bits for bits in range(form.infinity) if not (form.is_zero(bits) and bits)]
    values = [plain_value(form, bits) for bits in finite]
    return [*finite, form.infinity], [*values, Fraction(2) ** (form.bias + 1)]


def plain_value(form, bits):
    """The value of a finite number by the definition of IEEE 754."""
    fraction = Fraction(bits % 2**form.mantissa, 2**form.mantissa)
    field = bits >> form.mantissa & 2**form.exponent - 1
    sign = -1 if bits >> form.width - 1 else 1
    if field:
        return sign * (1 + fraction) * Fraction(2) ** (field - form.bias)
    return sign * fraction * Fraction(2) ** (1 - form.bias) * form.subnormals


def nearest(form, exact, zero_sign=0):
    """Round a rational by search among all numbers of the format: nearest, ties to even bits."""
    sign = form.sign_bit if exact < 0 or (exact == 0 and zero_sign) else 0
    bits, values = ladder(form)
    magnitude = abs(exact)
    at = bisect.bisect_left(values, magnitude)
    if at == len(values):
        return sign | form.infinity
    if at == 0 or values[at] == magnitude:
        return sign | bits[at]
    if not form.subnormals and at == 1:
        # Rounded as if there were subnormals: half of their last place below, the tie goes up.
        edge = values[1] * (1 - Fraction(1, 2 ** (form.mantissa + 1)))
        return sign | (bits[1] if magnitude >= edge else 0)
    below, above = magnitude - values[at - 1], values[at] - magnitude
    up = above < below or (above == below and bits[at] % 2 == 0)
    return sign | bits[at if up else at - 1]


def hard(form, rng):
    """Draw a number: any bits, corners, or one near 1, so that sums cancel and products round."""
    sign = rng.choice([0, form.sign_bit])
    kind = rng.random()
    if kind < 0.15:
        least = 1 << form.mantissa
        corners = [0, 1, 2, least - 1, least, least + 1, form.one - 1, form.one, form.one + 1]
        return sign | rng.choice([*corners, form.largest, form.infinity, form.nan, form.nan + 1])
    if kind < 0.6:
        spread = 2 * form.mantissa
        field = form.bias + rng.randint(-spread, spread)
        field = max(0, min(field, 2**form.exponent - 1))
        return sign | field << form.mantissa | rng.getrandbits(form.mantissa)
    return rng.getrandbits(form.width)


def hard_pair(form, rng):
    """Draw two, often close to each other's negative, or a factor of two away."""
    a = hard(form, rng)
    kind = rng.random()
    if kind < 0.3:
        return a, a ^ rng.choice([0, form.sign_bit]) ^ rng.getrandbits(min(3, form.mantissa))
    if kind < 0.5:
        return a, (a ^ form.sign_bit) ^ 1 << form.mantissa
    return a, hard(form, rng)


def hard_triple(form, accumulator, rng):
    """Draw three, often with an addend close to the negative of the product."""
    a, b = hard_pair(form, rng)
    if rng.random() < 0.5:
        zero = accumulator.sign_bit
        close = form.fused(a, b, zero, accumulator) ^ rng.choice([0, zero])
        return a, b, close ^ rng.getrandbits(min(4, accumulator.mantissa))
    return a, b, hard(accumulator, rng)


def hard_arrays(form, count, rng):
    """Pairs as :func:`hard_pair` draws them, as two arrays; ``rng`` is NumPy's."""
    word, low = np.uint64, form.mantissa

    def draw(top):
        return rng.integers(0, top, count, dtype=word)

    def numbers():
        least = 1 << low
        corners = [0, 1, 2, least - 1, least, least + 1, form.one - 1, form.one, form.one + 1]
        corners += [form.largest, form.infinity, form.nan, form.nan + 1]
        field = np.clip(
            form.bias + rng.integers(-2 * low, 2 * low + 1, count), 0, 2**form.exponent - 1
        )
        near_one = field.astype(word) << word(low) | draw(1 << low)
        kind = rng.random(count)
        value = np.where(kind < 0.5, near_one, draw(form.sign_bit))
        value = np.where(kind < 0.1, np.array(corners, word)[draw(len(corners))], value)
        return value | draw(2) * word(form.sign_bit)

    a, b = numbers(), numbers()
    kind = rng.random(count)
    near = a ^ draw(2) * word(form.sign_bit) ^ draw(1 << min(3, low))
    half = a ^ word(form.sign_bit ^ 1 << low)
    return a, np.where(kind < 0.3, near, np.where(kind < 0.5, half, b))
