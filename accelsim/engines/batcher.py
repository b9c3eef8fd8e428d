"""Batcher's odd-even merge sorter: the k largest by sorting, a row a cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from accelsim.engines.select import Found, Select, Selection, kth_largest

if TYPE_CHECKING:
    from numpy.typing import NDArray

SORT_STAGES = 2
"""Registers of the network that sorts a row on its way in."""

PASS_CYCLES = 1
"""What a pass takes beyond its rows: setting the pointers."""


@dataclass(frozen=True, kw_only=True)
class Batcher(Select):
    """Sorts by merging: rows on their way in, then runs of 1, 2, 4, ... rows, two by two.

    A step takes the row with the greater first value of two runs, merges it with the lower half of
    the step before in Batcher's odd-even merge network, and gives the upper half. Runs are cut to
    the ceil(k / lanes) rows that can matter. The time depends on n and k alone. Source: Batcher,
    Sorting networks and their applications (AFIPS 1968); the merge of rows as in Casper and
    Olukotun (FPGA 2014).
    """

    name: ClassVar[str] = "batcher"

    @property
    def most_passes(self) -> int:
        return (self.rows - 1).bit_length()

    def select(self, values: Sequence[int], k: int) -> Selection:
        rows, most = self.rows_of(len(values)), self.rows_of(k)
        passes = merge_passes(rows, most)
        threshold = sorted(values, reverse=True)[k - 1]
        return Selection(
            threshold,
            k - sum(value > threshold for value in values),
            tuple(read * self.lanes for read, _ in passes),
            search_cycles(rows, most),
        )

    def search_batch(self, values: NDArray[Any], sizes: NDArray[Any], k: NDArray[Any]) -> Found:
        import numpy as np

        threshold, ties = kth_largest(values, sizes, k)
        shapes = np.stack([-(-sizes // self.lanes), -(-k // self.lanes)], axis=1)
        each, where = np.unique(shapes, axis=0, return_inverse=True)
        passes = [merge_passes(int(rows), int(most)) for rows, most in each]
        cycles = [search_cycles(int(rows), int(most)) for rows, most in each]
        read = [sum(rows for rows, _ in one) * self.lanes for one in passes]
        where = where.reshape(-1)
        return Found(
            threshold=threshold,
            ties=ties,
            passes=np.array([len(one) for one in passes], np.int64)[where],
            elements=np.array(read, np.int64)[where],
            cycles=np.array(cycles, np.int64)[where],
            waits=np.zeros(len(sizes), np.int64),
        )


def search_cycles(rows: int, most: int) -> int:
    """Return the cycles of a search: the row sorter runs empty, the passes, the k-th, its ties."""
    passes = merge_passes(rows, most)
    return SORT_STAGES + sum(PASS_CYCLES + read + flush for read, flush in passes) + 1 + most


@cache
def merge_passes(rows: int, most: int) -> tuple[tuple[int, int], ...]:
    """Return (rows read, cycles to flush) of each pass that merges runs of ``rows`` rows in all.

    Two runs of a and b rows give min(a + b, most) rows. If that is all of them, each is read in a
    cycle, and the last is given while the next two runs are begun; else one row more is read than
    given. The end of a pass has no next runs.
    """
    runs = [1] * rows
    found: list[tuple[int, int]] = []
    while len(runs) > 1:
        pairs = [sum(runs[at : at + 2]) for at in range(0, len(runs), 2)]
        found.append((sum(min(both, most + 1) for both in pairs), int(pairs[-1] <= most)))
        runs = [min(both, most) for both in pairs]
    return tuple(found)
