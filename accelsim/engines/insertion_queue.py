"""Insertion queue: keeps the k largest sorted while the values arrive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from accelsim.engines.engine import parameter
from accelsim.engines.select import Found, Select, Selection

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHOOSE_CYCLES = 2
"""After the last insertion: reading the k-th, and counting what exceeds it."""


@dataclass(frozen=True, kw_only=True)
class InsertionQueue(Select):
    """A sorted row of ``depth`` registers, each with a comparator; a value a cycle is inserted.

    Of a row, those lanes are inserted that exceed the k-th so far (all, as long as there are fewer
    than k), so that a row takes max(1, such lanes) cycles: about k (1 + ln(n / k)) insertions for
    values in random order, n for rising ones. Source: the systolic priority queue (Leiserson,
    CMU-CS-79-115), with a broadcast in place of the systolic step.
    """

    name: ClassVar[str] = "insertion_queue"

    depth: int = parameter(64, "values that it keeps: the greatest k", low=1, high=4096)

    def sized(self, n: int, k: int) -> Self:
        return replace(self, elements=n, depth=max(1, k))

    @property
    def attributes(self) -> Mapping[str, int]:
        return {**super().attributes, "depth": self.most_kept}

    @property
    def most_kept(self) -> int:
        return min(self.depth, self.elements)

    @property
    def most_passes(self) -> int:
        return 1

    def inserted(self, before: Sequence[int], row: Sequence[int], k: int) -> int:
        """Return how many values of a row are inserted after those before it."""
        if len(before) < k:
            return len(row)
        least = sorted(before, reverse=True)[k - 1]
        return sum(value > least for value in row)

    def busy(self, values: Sequence[int], k: int) -> int:
        at = (len(values) - 1) // self.lanes * self.lanes
        k = min(k, self.most_kept)
        return max(1, self.inserted(values[:at], values[at:], k)) - 1

    def select(self, values: Sequence[int], k: int) -> Selection:
        rows = [values[at : at + self.lanes] for at in range(0, len(values), self.lanes)]
        *earlier, last = (
            max(1, self.inserted(values[: n * self.lanes], row, k)) for n, row in enumerate(rows)
        )
        threshold = sorted(values, reverse=True)[k - 1]
        return Selection(
            threshold,
            k - sum(value > threshold for value in values),
            (len(values),),
            last + CHOOSE_CYCLES,
            waits=sum(earlier) - len(earlier),
        )

    def search_batch(self, values: NDArray[Any], sizes: NDArray[Any], k: NDArray[Any]) -> Found:
        """Insert the rows of all requests at once; each has its own k, so its own queue."""
        import numpy as np

        count, rows = len(sizes), -(-sizes // self.lanes)
        table = np.zeros((count, int(rows.max()) * self.lanes), values.dtype)
        live = np.arange(table.shape[1]) < sizes[:, None]
        table[live] = values
        most = int(k.max())
        # A queue in rising order: its k-th largest at most - k. What is not yet there does not count.
        queue = np.full((count, most), values.min(), values.dtype)
        every = np.arange(count)
        last, waits = np.zeros(count, np.int64), np.zeros(count, np.int64)
        for row in range(int(rows.max())):
            own = slice(row * self.lanes, (row + 1) * self.lanes)
            new, has = table[:, own], live[:, own]
            filling = row * self.lanes < k
            beats = has & (filling[:, None] | (new > queue[every, most - k][:, None]))
            takes = np.maximum(beats.sum(1), 1)
            waits += np.where(row < rows - 1, takes - 1, 0)
            last = np.where(row == rows - 1, takes, last)
            merged = np.concatenate([queue, np.where(has, new, values.min())], axis=1)
            queue = np.sort(merged, axis=1)[:, -most:]
        threshold = queue[every, most - k]
        return Found(
            threshold=threshold,
            ties=k - (queue > threshold[:, None]).sum(1),
            passes=np.ones(count, np.int64),
            elements=sizes.astype(np.int64),
            cycles=last + CHOOSE_CYCLES,
            waits=waits,
        )
