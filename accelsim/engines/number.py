"""Floating-point formats, exact to the bit, on plain integers: what the hardware computes.

A number is the integer of its bits: sign, exponent, mantissa from the top, as in IEEE 754 for any
pair of widths. The policy, which ``accelsim.rtl.number`` shares:

- round to nearest, ties to even; a result beyond the largest number is an infinity;
- underflow is gradual; with ``subnormals=False`` a subnormal operand counts as a zero of its sign,
  and a result that would be subnormal after rounding becomes one;
- every NaN result is the one canonical quiet NaN (sign 0, top mantissa bit alone set): from a NaN
  operand, infinity - infinity, zero x infinity, also in ``maximum``;
- an exact zero sum is +0 unless both addends are -0; -0 < +0 in ``maximum``
  and -0 == +0 in ``compare``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from accelsim.errors import SpecError, nearest

EXPONENT_BITS = range(2, 12)
MANTISSA_BITS = range(1, 53)


class Finite(NamedTuple):
    """The number (-1)^sign x significand x 2^scale."""

    sign: int
    significand: int
    scale: int


@dataclass(frozen=True)
class Float:
    """A binary floating-point format: one sign bit, ``exponent`` bits and ``mantissa`` bits.

    Raises:
        SpecError: a width is outside 2 to 11 (exponent) or 1 to 52 (mantissa).
    """

    exponent: int
    mantissa: int
    subnormals: bool = True

    def __post_init__(self) -> None:
        for name, limits in (("exponent", EXPONENT_BITS), ("mantissa", MANTISSA_BITS)):
            bits = getattr(self, name)
            if type(bits) is not int or bits not in limits:
                raise SpecError(
                    f"the {name} of a float must be {limits.start} to {limits.stop - 1} bits, "
                    f"not {bits!r}"
                )

    @classmethod
    def parse(cls, text: str) -> Float:
        """Return the format called ``bf16``, ``fp16``, ``fp32``, ``fp64`` or, say, ``e3m2``.

        The suffix ``ftz`` (``bf16ftz``) flushes subnormals to zero. ValueError if there is none.
        """
        base = text.removesuffix("ftz")
        match = re.fullmatch(r"e(\d{1,3})m(\d{1,3})", base)
        if base not in NAMES and not match:
            hint = nearest(text, NAMES)
            raise ValueError(f"must be a float format such as bf16 or e8m7, not {text!r}{hint}")
        exponent, mantissa = map(int, match.groups()) if match else NAMES[base]
        try:
            return cls(exponent, mantissa, subnormals=base == text)
        except SpecError as refused:
            raise ValueError(f"{text!r}: {refused.faults[0].message}") from None

    def __str__(self) -> str:
        widths = (self.exponent, self.mantissa)
        names = [name for name, known in NAMES.items() if known == widths]
        base = names[0] if names else f"e{self.exponent}m{self.mantissa}"
        return base if self.subnormals else base + "ftz"

    @cached_property
    def width(self) -> int:
        """All bits of a number."""
        return 1 + self.exponent + self.mantissa

    @cached_property
    def bias(self) -> int:
        return (1 << (self.exponent - 1)) - 1

    @cached_property
    def least(self) -> int:
        """The exponent of the last place of subnormal numbers."""
        return 1 - self.bias - self.mantissa

    @property
    def one(self) -> int:
        return self.bias << self.mantissa

    @cached_property
    def infinity(self) -> int:
        return ((1 << self.exponent) - 1) << self.mantissa

    @property
    def nan(self) -> int:
        """The canonical quiet NaN."""
        return self.infinity | 1 << (self.mantissa - 1)

    @cached_property
    def sign_bit(self) -> int:
        return 1 << (self.width - 1)

    @property
    def largest(self) -> int:
        return self.infinity - 1

    def negate(self, bits: int) -> int:
        """Flip the sign bit, of a NaN too."""
        return bits ^ self.sign_bit

    def is_nan(self, bits: int) -> bool:
        return bits & ~self.sign_bit > self.infinity

    def is_infinite(self, bits: int) -> bool:
        return bits & ~self.sign_bit == self.infinity

    def is_zero(self, bits: int) -> bool:
        """Say whether the number is a zero or counts as one (a subnormal that is flushed)."""
        magnitude = bits & ~self.sign_bit
        return magnitude == 0 or (not self.subnormals and not magnitude >> self.mantissa)

    def split(self, bits: int) -> Finite:
        """Take a finite number apart, exactly."""
        sign = bits >> (self.width - 1)
        field = (bits & self.infinity) >> self.mantissa
        fraction = bits & ((1 << self.mantissa) - 1)
        if field == 0:
            return Finite(sign, fraction if self.subnormals else 0, self.least)
        return Finite(sign, fraction | 1 << self.mantissa, self.least + field - 1)

    def round(self, sign: int, significand: int, scale: int) -> int:
        """Return the number nearest to (-1)^sign x significand x 2^scale, ties to even."""
        if significand == 0:
            return self.sign_bit * sign
        # Where the result's last bit stands: below its leading one, but not below a subnormal's.
        place = max(scale + significand.bit_length() - 1 - self.mantissa, self.least)
        drop = place - scale
        if drop <= 0:
            kept = significand << -drop
        else:
            kept = significand >> drop
            rest, half = significand - (kept << drop), 1 << (drop - 1)
            kept += rest > half or (rest == half and kept & 1)
        # The hidden bit adds one to the exponent field, and so does a carry out of the mantissa.
        bits = ((place - self.least) << self.mantissa) + kept
        if not self.subnormals and bits < 1 << self.mantissa:
            bits = 0
        return self.sign_bit * sign | min(bits, self.infinity)

    def of(self, value: Fraction | int) -> int:
        """Return the number nearest to a rational whose denominator is any positive integer."""
        exact = Fraction(value)
        sign, top, bottom = int(exact < 0), abs(exact.numerator), exact.denominator
        # Enough quotient bits to round once; what remains only matters as not being zero.
        shift = max(0, self.mantissa + 3 - top.bit_length() + bottom.bit_length())
        quotient, rest = divmod(top << shift, bottom)
        return self.round(sign, quotient << 1 | (rest != 0), -shift - 1)

    def value(self, bits: int) -> Fraction:
        """Return a finite number as an exact rational (both zeros as 0)."""
        if self.is_nan(bits) or self.is_infinite(bits):
            raise ValueError(f"{bits:#x} must be a finite {self}, not {self.show(bits)}")
        sign, significand, scale = self.split(bits)
        return Fraction(2) ** scale * (-significand if sign else significand)

    def show(self, bits: int) -> str:
        """Say a number for people: ``-inf``, ``nan``, ``0x1.8p-3``."""
        if self.is_nan(bits):
            return "nan"
        sign = "-" if bits & self.sign_bit else ""
        if self.is_infinite(bits):
            return sign + "inf"
        _, significand, scale = self.split(bits)
        if significand == 0:
            return sign + "0"
        top = significand.bit_length() - 1
        digits = -(-top // 4)
        fraction = (significand - (1 << top)) << (4 * digits - top)
        text = f"{fraction:0{digits}x}".rstrip("0") if digits else ""
        return f"{sign}0x1{'.' if text else ''}{text}p{top + scale}"

    def multiply(self, a: int, b: int) -> int:
        sign = (a ^ b) >> (self.width - 1)
        if self.is_nan(a) or self.is_nan(b):
            return self.nan
        if self.is_infinite(a) or self.is_infinite(b):
            return self.nan if self.is_zero(a) or self.is_zero(b) else self.infinite(sign)
        x, y = self.split(a), self.split(b)
        return self.round(sign, x.significand * y.significand, x.scale + y.scale)

    def add(self, a: int, b: int) -> int:
        return self.fused(a, self.one, b, self)

    def subtract(self, a: int, b: int) -> int:
        return self.add(a, self.negate(b))

    def fused(self, a: int, b: int, c: int, accumulator: Float) -> int:
        """Return a x b + c, rounded once; ``c`` and the result are in the accumulator's format."""
        wide = accumulator
        if self.is_nan(a) or self.is_nan(b) or wide.is_nan(c):
            return wide.nan
        sign, sign_c = (a ^ b) >> (self.width - 1), c >> (wide.width - 1)
        if self.is_infinite(a) or self.is_infinite(b):
            lost = self.is_zero(a) or self.is_zero(b) or (wide.is_infinite(c) and sign != sign_c)
            return wide.nan if lost else wide.infinite(sign)
        if wide.is_infinite(c):
            return wide.infinite(sign_c)
        x, y, z = self.split(a), self.split(b), wide.split(c)
        product, scale = x.significand * y.significand, x.scale + y.scale
        least = min(scale, z.scale)
        addends = product << (scale - least), z.significand << (z.scale - least)
        total = sum(-v if s else v for v, s in zip(addends, (sign, sign_c), strict=True))
        if total == 0:
            return wide.round(sign & sign_c, 0, 0)
        return wide.round(int(total < 0), abs(total), least)

    def compare(self, a: int, b: int) -> int | None:
        """Return -1, 0 or 1 as a is less than, equal to or greater than b; None with a NaN."""
        if self.is_nan(a) or self.is_nan(b):
            return None
        x, y = self._order(a), self._order(b)
        if self.is_zero(a) and self.is_zero(b):
            return 0
        return (x > y) - (x < y)

    def maximum(self, a: int, b: int) -> int:
        """Return the greater number, as it is (IEEE 754-2019 maximum): a NaN wins, -0 < +0."""
        if self.is_nan(a) or self.is_nan(b):
            return self.nan
        return self._flush(a if self._order(a) >= self._order(b) else b)

    def convert(self, bits: int, to: Float) -> int:
        """Return the number in another format, rounded once."""
        if self.is_nan(bits):
            return to.nan
        sign = bits >> (self.width - 1)
        if self.is_infinite(bits):
            return to.infinite(sign)
        return to.round(*self.split(bits))

    def infinite(self, sign: int) -> int:
        return self.sign_bit * sign | self.infinity

    def _flush(self, bits: int) -> int:
        return bits & self.sign_bit if self.is_zero(bits) else bits

    def _order(self, bits: int) -> int:
        """Map numbers to integers of the same order, -0 right below +0."""
        bits = self._flush(bits)
        return ~(bits & ~self.sign_bit) if bits & self.sign_bit else bits


NAMES = {"bf16": (8, 7), "fp16": (5, 10), "fp32": (8, 23), "fp64": (11, 52)}
BF16, FP16, FP32, FP64 = (Float(*widths) for widths in NAMES.values())
