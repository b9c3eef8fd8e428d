"""A sum that is not rounded yet, exact to the bit: what an adder holds and hands on.

Twin of :mod:`accelsim.rtl.number_sum`. A sum has the digits that its format keeps, a half digit and
a sticky one, and is rounded at the start of its next addition, or when it is packed. Infinities and
NaN are flags beside digits that go on as if the number were finite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from accelsim.engines.number import Float


class Real(NamedTuple):
    """The number (-1)^sign x significand x 2^(exponent - bias), top bit worth 1, and two flags."""

    significand: int
    exponent: int
    sign: int
    infinite: int
    nan: int


@dataclass(frozen=True)
class Adder:
    """Adds products of two numbers of ``form`` to numbers of ``to``."""

    form: Float
    to: Float

    @property
    def digits(self) -> int:
        """Bits of a sum's significand."""
        return self.to.mantissa + 3

    @property
    def exponents(self) -> int:
        """The greatest exponent of a sum, infinities going on as numbers."""
        most = 2 * ((1 << self.form.exponent) - 1) + self.to.bias - 2 * self.form.bias + 2
        return max(most, (1 << self.to.exponent) - 1)

    @property
    def width(self) -> int:
        """Bits of a sum."""
        return self.digits + self.exponents.bit_length() + 3

    def bits(self, sum_: Real) -> int:
        """Return a sum as it stands on wires: significand, exponent and flags from the bottom."""
        found, place = 0, 0
        widths = (self.digits, self.exponents.bit_length(), 1, 1, 1)
        for value, width in zip(sum_, widths, strict=True):
            found |= (value & ((1 << width) - 1)) << place
            place += width
        return found

    def sum_of(self, bits: int) -> Real:
        found = []
        for width in (self.digits, self.exponents.bit_length(), 1, 1, 1):
            found.append(bits & ((1 << width) - 1))
            bits >>= width
        return Real(*found)

    def legal(self, bits: int) -> int:
        """Return the bits of a sum that can be, made from any: its leading one where it must be."""
        sum_ = self.sum_of(bits)
        exponent = min(max(sum_.exponent, 1), (1 << self.to.exponent) - 2)
        value = sum_.significand
        if exponent > 1:
            value |= 1 << self.digits - 1
        return self.bits(sum_._replace(significand=value, exponent=exponent))

    def held(self, number: int) -> Real:
        """Return a number of ``to`` as a sum."""
        sign, fraction, field = self._parts(number, self.to)
        full = field == (1 << self.to.exponent) - 1
        low = number & ((1 << self.to.mantissa) - 1)
        return Real(
            fraction << 2, max(field, 1), sign, int(full and not low), int(full and low > 0)
        )

    def rounded(self, sum_: Real) -> int:
        """Return a sum rounded to ``to``, as bits."""
        if sum_.nan:
            return self.to.nan
        sign = self.to.sign_bit * sum_.sign
        kept, up = self._halves(sum_.significand)
        packed = (sum_.exponent - 1 << self.to.mantissa) + kept + up
        if sum_.infinite or packed >= self.to.infinity:
            return sign | self.to.infinity
        if not self.to.subnormals and packed < 1 << self.to.mantissa:
            return sign
        return sign | packed

    def add(self, a: int, b: int, sum_: Real) -> Real:
        """Return a x b + the rounded ``sum_``, not rounded."""
        x, y = self._product(a, b), self._settled(sum_)
        scale = self._product_digits
        xs = self._units(x, self._product_digits, scale)
        ys = self._units(y, self.digits - 2, scale)
        total = (-xs if x.sign else xs) + (-ys if y.sign else ys)
        infinite = x.infinite | y.infinite
        if total:
            sign = int(total < 0)
        else:
            sign = x.sign & y.sign
        if infinite:
            sign = x.sign if x.infinite else y.sign
        lost = x.infinite & y.infinite & (x.sign ^ y.sign)
        digits, exponent = self._digits(abs(total), scale)
        return Real(digits, exponent, sign, infinite, x.nan | y.nan | lost)

    def _parts(self, number: int, form: Float) -> tuple[int, int, int]:
        """Return sign, significand and exponent field."""
        field = (number & form.infinity) >> form.mantissa
        fraction = number & ((1 << form.mantissa) - 1)
        if not field:
            fraction = fraction if form.subnormals else 0
        return number >> form.width - 1, fraction | (field > 0) << form.mantissa, field

    @property
    def _product_digits(self) -> int:
        return max(2 * (self.form.mantissa + 1), self.digits)

    def _product(self, a: int, b: int) -> Real:
        form, to = self.form, self.to
        (sign_a, x, field_a), (sign_b, y, field_b) = (self._parts(n, form) for n in (a, b))
        exponent = max(field_a, 1) + max(field_b, 1) + to.bias - 2 * form.bias + 1
        width = self._product_digits
        wide = x * y << width - 2 * (form.mantissa + 1)
        if exponent < 1:
            lost = wide & ((1 << 1 - exponent) - 1)
            wide, exponent = wide >> 1 - exponent | (lost > 0), 1
        else:
            shift = min(exponent - 1, width - wide.bit_length())
            wide, exponent = wide << shift, exponent - shift
        if not wide:
            exponent = 1
        infinite = int(form.is_infinite(a) or form.is_infinite(b))
        nan = form.is_nan(a) or form.is_nan(b) or (infinite and not (x and y))
        return Real(wide, exponent, sign_a ^ sign_b, infinite, int(nan))

    def _halves(self, significand: int) -> tuple[int, int]:
        kept, half, sticky = significand >> 2, significand >> 1 & 1, significand & 1
        return kept, half & (sticky | kept & 1)

    def _settled(self, sum_: Real) -> Real:
        """Round a sum: a significand of a bit more than ``to`` has, as it may have become 2."""
        kept, up = self._halves(sum_.significand)
        value = kept + up
        most = (1 << self.to.exponent) - 1
        carried = sum_.exponent == most - 1 and value >> self.to.mantissa + 1
        if not self.to.subnormals and not value >> self.to.mantissa:
            value = 0
        infinite = sum_.infinite or carried or sum_.exponent >= most
        return sum_._replace(significand=value, infinite=int(infinite))

    def _units(self, x: Real, digits: int, scale: int) -> int:
        """Return a magnitude in units of 2^-scale of what the top digit at exponent 1 is worth."""
        return x.significand << x.exponent - 1 + scale - (digits - 1)

    def _digits(self, total: int, scale: int) -> tuple[int, int]:
        """Return the significand and exponent of a magnitude in such units."""
        exponent = max(1, total.bit_length() - scale)
        drop = exponent - 1 + scale - (self.digits - 1)
        kept = total >> drop
        return kept | (total != kept << drop), exponent
