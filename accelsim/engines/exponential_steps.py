"""exp(a - b) as a subtraction and six multiply-adds on one MAC, step by step and exact to the bit.

With x the operand format, y the accumulator's, and x(v) a value rounded to x:

    0  d = a - b                  b in x, a in y
    1  n = x(d) log2(e) + magic   rounds to an integer i, the low bits of n
    2  s = d - i ln2_high         ln 2 in two pieces of x (Cody and Waite)
    3  r = s - i ln2_low
    4  p = c3 x(r) + c2           exp(r) by Horner's rule, |r| <= ln(2) / 2 + |d| 2^-9
    5  p = x(p) x(r) + c1
    6  p = x(p) x(r) + 1

The result is p 2^i rounded to x, once, subnormals included. Each step waits for the one before it; in
between other exponentials may go, with what each needs (:class:`Travelling`) beside its products.

For bf16 on fp32 and every a of bf16 with b = 0, the result is within 0.86 of a unit in the last place of
exp(a), at most one number away from the correctly rounded one, and never falls as a rises; exp(0) is 1
and exp(-inf) is 0. A difference with all bits of fp32 loses more in x(d) and x(r), the more the greater
it is: on samples within 3 units in the last place, within 1 where |d| < 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from accelsim.engines.number import Float
from accelsim.errors import SpecError

# Found by search: over all inputs of bf16 no falling neighbours and less than 0.86 of a last place;
# among those the least error over differences of fp32, for which |r| reaches 0.73.
C1, C2, C3 = Fraction("1.0000268"), Fraction("0.5077815"), Fraction("0.16015625")
LOG2_E = Fraction("1.4426950408889634")
LN_2 = Fraction("0.6931471805599453")
STEPS = 7


class Travelling(NamedTuple):
    """What goes round with an operation.

    ``kept``: d until it is used up, s, then x(r); ``whole``: i; ``special``: a bit each for a NaN, a 0
    and an infinity to come.
    """

    kept: int = 0
    whole: int = 0
    special: int = 0


def offsets(stages: int, place: int = 0) -> tuple[int, ...]:
    """Return the cycles in which the steps of an exponential issue on a MAC of so many stages.

    Of several, as many as there are stages go round it at a time, a step of each in turn; those after
    them follow when they have gone: ``place`` counts from 0.
    """
    turn, before = place % stages, place // stages * STEPS * stages
    return tuple(before + stages * step + turn for step in range(STEPS))


def occupancy(stages: int, count: int = 1) -> int:
    """Cycles from the first issue of so many interleaved exponentials to the one after the last."""
    return offsets(stages, count - 1)[-1] + 1


def awaited(stages: int, count: int) -> int:
    """Return which of so many exponentials all others are in time for, if their results are read in turn.

    It is the first of those that go round last: the results of each round follow one another.
    """
    return (count - 1) // stages * stages


def latency(stages: int, count: int = 1) -> int:
    """Cycles from the first issue to that of an operation whose factor is the result that is awaited.

    The last operation goes through the MAC, then the result is rounded.
    """
    return offsets(stages, awaited(stages, count))[-1] + stages + 1


@dataclass(frozen=True)
class ExponentialSteps:
    """The constants of the steps in a pair of formats, and their exact meaning.

    Raises:
        SpecError: an integer i has more bits than a factor holds, or the accumulator is too narrow
            for it, for a product, or for the number that rounds to integers.
    """

    operand: Float
    accumulator: Float

    def __post_init__(self) -> None:
        x, y = self.operand, self.accumulator
        if self.integer_bits - 1 > x.mantissa + 1:
            raise SpecError(
                f"the mantissa of the exponential's factors must be at least "
                f"{self.integer_bits - 2} bits with an exponent of {x.exponent}, not {x.mantissa}"
            )
        if y.exponent < x.exponent or y.mantissa < 2 * x.mantissa + 2:
            raise SpecError(
                f"the accumulator of the exponential must have at least {x.exponent} bits of "
                f"exponent and {2 * x.mantissa + 2} of mantissa, not {y.exponent} and {y.mantissa}"
            )

        if y.bias < y.mantissa:
            raise SpecError(
                f"the exponent of the exponential's accumulator must reach 2^{y.mantissa}, "
                f"not 2^{y.bias}"
            )

    @property
    def minus_one(self) -> int:
        return self.operand.negate(self.operand.one)

    @property
    def log2_e(self) -> int:
        return self.operand.of(LOG2_E)

    @property
    def magic(self) -> int:
        """1.5 x 2^mantissa: what is added to it is rounded to an integer."""
        return self.accumulator.of(3 << (self.accumulator.mantissa - 1))

    @property
    def minus_ln2_high(self) -> int:
        return self.operand.of(-LN_2)

    @property
    def minus_ln2_low(self) -> int:
        return self.operand.of(-LN_2 - self.operand.value(self.minus_ln2_high))

    @property
    def c3(self) -> int:
        return self.operand.of(C3)

    @property
    def c2(self) -> int:
        return self.accumulator.of(C2)

    @property
    def c1(self) -> int:
        return self.accumulator.of(C1)

    @property
    def limit(self) -> int:
        """Bits of the magnitude of d from which on the result is 0 or infinite: a power of two."""
        return self.accumulator.of(1 << self._limit_log2)

    @property
    def _limit_log2(self) -> int:
        """The least k for which exp(-2^k) is below half of the least number."""
        x = self.operand
        return int((x.bias + x.mantissa + 1) * LN_2).bit_length()

    @property
    def integer_bits(self) -> int:
        """Bits of i, with its sign."""
        return self._limit_log2 + 2

    def of_difference(self, a: int, b: int) -> int:
        """Return exp(a - b) in the operand format; ``a`` is an accumulator, ``b`` an operand."""
        x, y = self.operand, self.accumulator
        d = x.fused(b, self.minus_one, a, y)
        if y.is_nan(d):
            return x.nan
        if d & ~y.sign_bit >= self.limit:
            return 0 if d & y.sign_bit else x.infinity
        i = x.fused(y.convert(d, x), self.log2_e, self.magic, y) - self.magic
        whole = x.of(i)
        s = x.fused(whole, self.minus_ln2_high, d, y)
        r = y.convert(x.fused(whole, self.minus_ln2_low, s, y), x)
        p = x.fused(self.c3, r, self.c2, y)
        p = x.fused(y.convert(p, x), r, self.c1, y)
        p = x.fused(y.convert(p, x), r, y.one, y)
        return self.scaled(p, i)

    def scaled(self, p: int, i: int) -> int:
        """Return a positive number of the accumulator's format times 2^i, rounded to the operand's."""
        power = self.accumulator.split(p)
        return self.operand.round(0, power.significand, power.scale + i)

    def step(self, number: int, result: int, kept: int, whole: int) -> tuple[int, int, int]:
        """Return the factors of a step and what travels on, from the result of the step before."""
        x, y = self.operand, self.accumulator
        factor = y.convert(result, x)
        low = kept & ((1 << x.width) - 1)
        return {
            1: lambda: (factor, self.log2_e, result),
            2: lambda: (x.of(whole), self.minus_ln2_high, kept),
            3: lambda: (x.of(whole), self.minus_ln2_low, result),
            4: lambda: (self.c3, factor, factor),
            5: lambda: (factor, low, kept),
            6: lambda: (factor, low, kept),
        }[number]()

    def addend(self, number: int, kept: int) -> int:
        """Return what is added in a step; ``kept`` of step 0 is a."""
        fixed = {1: self.magic, 4: self.c2, 5: self.c1, 6: self.accumulator.one}
        return fixed.get(number, kept)

    def special(self, difference: int) -> int:
        """Return a bit each for a NaN, a 0 and an infinity that will come of a difference."""
        y = self.accumulator
        size, negative = difference & ~y.sign_bit, difference & y.sign_bit
        great = size >= self.limit
        bits = (size > y.infinity, great and negative, great and not negative)
        return sum(bool(bit) << n for n, bit in enumerate(bits))

    def integer(self, result: int) -> int:
        """Return i from the result of step 1: its low bits, signed."""
        half = 1 << self.integer_bits - 1
        return ((result + half) & (2 * half - 1)) - half

    def outcome(self, result: int, state: Travelling) -> int:
        """Return the exponential from the result of the last step."""
        x, y = self.operand, self.accumulator
        if state.special:
            nan, zero = state.special & 1, state.special & 2
            return x.nan if nan else 0 if zero else x.infinity
        mantissa = result & ((1 << y.mantissa) - 1)
        field = (result & y.infinity) >> y.mantissa
        power = field - y.bias - y.mantissa + state.whole
        return x.round(0, mantissa | 1 << y.mantissa, power)
