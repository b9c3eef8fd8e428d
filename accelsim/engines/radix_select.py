"""Radix select: finds the k-th largest value digit by digit, in a time that data cannot change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from accelsim.engines.engine import parameter
from accelsim.engines.select import Found, Select, Selection, kth_largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

PASS_CYCLES = 2
"""What a pass takes beyond a cycle a row: counting the last row, and choosing the digit."""


@dataclass(frozen=True, kw_only=True)
class RadixSelect(Select):
    """Histogram of the top digit over all values, of the next digit over those that match, and so on.

    The first histogram is made while the values arrive. Cycles after the last row:
    2 + (digits - 1) * (rows + 2), for every input. Source: the selection form of most significant
    digit first radix sorting (Knuth, vol. 3, 5.2.5).
    """

    name: ClassVar[str] = "radix_select"

    digit: int = parameter(4, "bits of a digit: 2^digit counters", low=1, high=8)

    @property
    def digits(self) -> int:
        return -(-self.width // self.digit)

    @property
    def most_passes(self) -> int:
        return self.digits

    def select(self, values: Sequence[int], k: int) -> Selection:
        rows = self.rows_of(len(values))
        prefix, left = 0, k
        for place in reversed(range(self.digits)):
            shift = place * self.digit
            counts = [0] * 2**self.digit
            for value in values:
                if value >> shift >> self.digit == prefix:
                    counts[value >> shift & 2**self.digit - 1] += 1
            digit = len(counts) - 1
            while left > counts[digit]:
                left -= counts[digit]
                digit -= 1
            prefix = prefix << self.digit | digit
        cycles = self.search_cycles(rows)
        return Selection(prefix, left, (len(values),) * self.digits, cycles)

    def search_cycles(self, rows: Any) -> Any:
        """Return the cycles of a search over rows (a number or an array)."""
        return PASS_CYCLES + (self.digits - 1) * (rows + PASS_CYCLES)

    def search_batch(self, values: NDArray[Any], sizes: NDArray[Any], k: NDArray[Any]) -> Found:
        threshold, ties = kth_largest(values, sizes, k)
        return Found(
            threshold=threshold,
            ties=ties,
            passes=sizes * 0 + self.digits,
            elements=sizes * self.digits,
            cycles=self.search_cycles(-(-sizes // self.lanes)),
            waits=sizes * 0,
        )
