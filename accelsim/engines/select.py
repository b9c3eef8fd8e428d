"""What the top-k engines share: a request, a row a cycle in, the indices of the kept out, in order.

A request (n, k) is followed by ceil(n / lanes) rows of values; the engine finds the threshold (the
k-th largest value) and how many of its ties to keep, gives them on ``result``, and streams the values
once more past the threshold: kept are all that are greater, and the first ties in input order.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from accelsim.engines.engine import Engine, Model, Port, parameter
from accelsim.engines.rows import count_bits, lanes_of, row_port

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRAIN_STAGES = 3
"""Registers on the way out: compared, counted, closed up."""


@dataclass(frozen=True)
class Selection:
    """What one request comes to.

    ``cycles`` are those between the last row in and the way out; ``passes`` has the number of
    values that each pass visits; ``waits`` are the cycles in which rows had to wait on the way in.
    """

    threshold: int
    ties: int
    passes: tuple[int, ...]
    cycles: int
    waits: int = 0


class RowOut(NamedTuple):
    """A row of kept indices; ``last`` ends the request."""

    indices: tuple[int, ...]
    last: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What many requests come to: the arrays [R] of :class:`Selection`'s figures.

    ``passes`` are their number, ``elements`` the values that they visit in all.
    """

    threshold: NDArray[Any]
    ties: NDArray[Any]
    passes: NDArray[Any]
    elements: NDArray[Any]
    cycles: NDArray[Any]
    waits: NDArray[Any]


def kth_largest(
    values: NDArray[Any], sizes: NDArray[Any], k: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the k-th largest of each request, and how many that equal it are among its k largest.

    For engines whose time the values do not change. ``values`` as for ``Select.search_batch``.
    """
    import numpy as np

    most = int(sizes.max())
    table = np.full((len(sizes), most), values.min(), values.dtype)
    table[np.arange(most) < sizes[:, None]] = values
    ordered = np.sort(table, axis=1)  # what fills up is least, and so does not count
    threshold = ordered[np.arange(len(sizes)), most - k]
    return threshold, k - (table > threshold[:, None]).sum(1)


@dataclass(frozen=True, kw_only=True)
class Select(Engine):
    """Base of the engines that keep the k largest of n values (unsigned)."""

    lanes: int = parameter(16, "values of a row, compared at once", low=1, high=256)
    width: int = parameter(12, "bits of a value", low=1, high=64)
    elements: int = parameter(2048, "values that a request may have", low=1, high=1 << 20)

    @abstractmethod
    def select(self, values: Sequence[int], k: int) -> Selection:
        """Return the threshold and what finding it takes, for 0 < k <= len(values)."""

    def search_batch(self, values: NDArray[Any], sizes: NDArray[Any], k: NDArray[Any]) -> Found:
        """Return what :meth:`select` says of many requests, 0 < k <= size.

        ``values`` are those of all requests, one after another. An engine that is asked often does
        better than this loop.
        """
        import numpy as np

        lists = np.split(values, np.cumsum(sizes)[:-1])
        each = [self.select(one.tolist(), int(most)) for one, most in zip(lists, k, strict=True)]
        return Found(
            threshold=np.array([one.threshold for one in each], values.dtype),
            ties=np.array([one.ties for one in each], np.int64),
            passes=np.array([len(one.passes) for one in each], np.int64),
            elements=np.array([sum(one.passes) for one in each], np.int64),
            cycles=np.array([one.cycles for one in each], np.int64),
            waits=np.array([one.waits for one in each], np.int64),
        )

    def busy(
        self,
        values: Sequence[int],  # noqa: ARG002 - most engines take a row a cycle
        k: int,  # noqa: ARG002
    ) -> int:
        """Return for how many cycles the next row must wait; ``values`` end with the row just in."""
        return 0

    def sized(
        self,
        n: int,
        k: int,  # noqa: ARG002 - few engines have a part for the kept alone
    ) -> Self:
        """Return the engine with room for just n values of which k are kept."""
        return replace(self, elements=n)

    @property
    def most_kept(self) -> int:
        """The greatest k; a request for more is one for so many."""
        return self.elements

    @property
    def most_passes(self) -> int:
        """Passes that a request can take."""
        return self.elements

    @property
    def ports(self) -> tuple[Port, ...]:
        count = count_bits(self.elements)
        passes = count_bits(self.most_passes)
        found = (("threshold", self.width), ("ties", count), ("passes", passes))
        return (
            Port("request", "in", (("n", count), ("k", count))),
            Port("i", "in", lanes_of(self.lanes, self.width)),
            Port("result", "out", found),
            row_port("o", "out", self.lanes, self.index_bits, last=True),
        )

    @property
    def index_bits(self) -> int:
        return count_bits(self.elements - 1)

    @property
    def rows(self) -> int:
        """Rows that the engine can hold."""
        return -(-self.elements // self.lanes)

    def rows_of(self, n: int) -> int:
        return -(-n // self.lanes)

    @property
    def latency(self) -> int:
        """Cycles from the last row of a one-row request for one value to its indices."""
        return self.select([0], 1).cycles + DRAIN_STAGES + 1

    @property
    def interval(self) -> int:
        """Cycles from one such request to the next."""
        return self.latency + 2

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        return {("i", "o"): self.latency, ("i", "result"): self.latency - DRAIN_STAGES}

    @property
    def actions(self) -> Mapping[str, int]:
        return {"compare": self.lanes, "row": 1}

    @property
    def attributes(self) -> Mapping[str, int]:
        return {"lanes": self.lanes, "width_bits": self.width, "rows": self.rows}

    def chosen(self, values: Sequence[int], k: int) -> Selection:
        """Return the selection of any request; k over n keeps all, nothing is kept of nothing."""
        k = min(k, len(values), self.most_kept)
        if k == 0:
            return Selection(2**self.width - 1, 0, (), 0)
        return self.select(values, k)

    def kept(self, values: Sequence[int], k: int) -> list[int]:
        """Return the indices of the k largest values in input order, the first of equals."""
        found = self.chosen(values, k)
        kept, ties = [], found.ties
        for index, value in enumerate(values):
            if value > found.threshold or (value == found.threshold and ties > 0):
                kept.append(index)
                ties -= value == found.threshold
        return kept

    def rows_out(self, kept: Sequence[int], n: int) -> dict[int, RowOut]:
        """Return the rows of kept indices by the advance of the way out that loads each, from 0.

        The way out advances in every cycle in which the row that it shows is taken, or shows none.
        """
        rows, rest = max(1, self.rows_of(n)), list[int]()
        found: dict[int, RowOut] = {}
        for row in range(rows):
            rest += [index for index in kept if index // self.lanes == row]
            is_last, at = row == rows - 1, row + DRAIN_STAGES - 1
            if len(rest) >= self.lanes or is_last:
                now, rest = rest[: self.lanes], rest[self.lanes :]
                found[at] = RowOut(tuple(now), is_last and not rest)
                if is_last and rest:
                    found[at + 1] = RowOut(tuple(rest), last=True)
        return found

    def cycles(self, values: Sequence[int], k: int) -> int:
        """Return the cycles from a request's transfer to that of its last indices, unstalled.

        One for the request, a row a cycle in (and what rows have to wait), what ``select`` says, a
        row a cycle out through ``DRAIN_STAGES`` registers, and one more if the last row's values do
        not fit the row that they fill.
        """
        rows = max(1, self.rows_of(len(values)))
        kept = self.kept(values, k)
        before = sum(index < (rows - 1) * self.lanes for index in kept) % self.lanes
        last = sum(index >= (rows - 1) * self.lanes for index in kept)
        flush = int(before + last > self.lanes)
        found = self.chosen(values, k)
        fill = self.rows_of(len(values)) + found.waits
        return 1 + fill + found.cycles + rows - 1 + DRAIN_STAGES + flush

    def row(self, values: Sequence[int]) -> int:
        """Return the bits of an input row; missing lanes are 0."""
        full = [*values, *[0] * (self.lanes - len(values))]
        return self.port("i").pack(**{f"lane_{n}": v for n, v in enumerate(full)})

    def model(self) -> Model:
        from accelsim.engines.select_model import SelectModel

        return SelectModel(self)
