"""Many top-k requests at once, in NumPy: what an engine does with each, and how long it takes.

It is imported by those who ask for it, so that the engines themselves do without NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from accelsim.engines.select import DRAIN_STAGES, Found, Select

Integers = NDArray[np.int64]

_COUNTS = ("ties", "passes", "elements", "cycles", "waits")


@dataclass(frozen=True, kw_only=True, eq=False)
class Selections:
    """Per request r of R: what was found and the cycles it took, [R] each.

    ``fill_cycles`` are those of the request and of its rows in; ``search_cycles`` those
    between the last row in and the way out; ``drain_cycles`` those of the way out. All are without
    stalls; a request begins when the one before it has ended.
    """

    threshold: NDArray[Any]
    ties: Integers
    passes: Integers
    elements: Integers
    """Values that the passes visited, over all passes."""
    fill_cycles: Integers
    search_cycles: Integers
    drain_cycles: Integers
    flat_kept: NDArray[np.bool_]
    """Which values are kept, of all requests one after another."""
    starts: Integers
    """Where each request begins in ``flat_kept``, and its end: [R + 1]."""

    @property
    def cycles(self) -> Integers:
        """Cycles of each request, from its transfer to that of its last indices."""
        return self.fill_cycles + self.search_cycles + self.drain_cycles

    def kept(self, request: int) -> Integers:
        """Return the indices that a request keeps, in input order."""
        begin, end = self.starts[request], self.starts[request + 1]
        return np.flatnonzero(self.flat_kept[begin:end])


def select_batch(
    engine: Select,
    scores: ArrayLike | Sequence[ArrayLike],
    k: ArrayLike,
    n: ArrayLike | None = None,
) -> Selections:
    """Return what a top-k engine does with every request.

    ``scores`` is [R, N], or a list of R arrays of any lengths; ``k`` is one number or [R] (k over n
    keeps all); ``n`` [R] are the lengths, where they are less than N. Scores may be of any real
    type: only their order counts, so a threshold that keeps nothing is the type's greatest. The
    hardware compares whole numbers of ``engine.width`` bits: round the scores to those first, as the
    ties that arise are then broken by the order of the input.

    >>> from accelsim.engines import engine
    >>> found = select_batch(engine("quick_select"), [[3, 9, 9, 1, 7]], k=2)
    >>> found.kept(0).tolist(), found.passes.tolist(), found.cycles.tolist()
    ([1, 2], [2], [13])
    """
    values, sizes = _flat(scores, n)
    wanted = np.broadcast_to(np.asarray(k, np.int64), sizes.shape)
    if (wanted < 0).any():
        raise ValueError(f"k must be at least 0, not {wanted.min()}")
    if len(sizes) and sizes.max() > engine.elements:
        raise ValueError(f"n must be at most {engine.elements} (elements), not {sizes.max()}")
    wanted = np.minimum(wanted, np.minimum(sizes, engine.most_kept))
    found = _searched(engine, values, sizes, wanted)
    starts = _starts(sizes)
    kept = _kept(values, sizes, starts, found)
    rows = -(-sizes // engine.lanes)
    flush = _flushes(engine.lanes, kept, starts, rows)
    return Selections(
        threshold=found.threshold,
        ties=found.ties,
        passes=found.passes,
        elements=found.elements,
        fill_cycles=1 + rows + found.waits,
        search_cycles=found.cycles,
        drain_cycles=np.maximum(rows, 1) - 1 + DRAIN_STAGES + flush,
        flat_kept=kept,
        starts=starts,
    )


def drained(engine: Select, found: Selections, rate: ArrayLike) -> tuple[Integers, Integers]:
    """Return the cycles of each request, and those to its last index, if ``rate`` indices are taken a cycle.

    A row of c indices stays for ceil(c / rate) cycles, at least one, and holds up what comes after it. The
    last row has none where the last index filled the row before.
    """
    rates = np.minimum(np.asarray(rate, np.int64), engine.lanes)
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(found.flat_kept)])
    count = before[found.starts[1:]] - before[found.starts[:-1]]
    whole, rest = np.divmod(count, engine.lanes)
    stays = -(-engine.lanes // rates) - 1
    held = whole * stays + np.maximum(-(-rest // rates), 1) - 1
    cycles: Integers = found.cycles + held
    places = np.flatnonzero(found.flat_kept)
    ends = np.maximum(np.searchsorted(places, found.starts[1:]) - 1, 0)
    last_place = places[ends] if len(places) else np.zeros(len(count), np.int64)
    row = (last_place - found.starts[:-1]) // engine.lanes
    filled = found.fill_cycles + found.search_cycles + row + DRAIN_STAGES + held
    last: Integers = np.where(count == 0, 0, np.where(rest > 0, cycles, filled))
    return cycles, last


def _flat(scores: Any, n: ArrayLike | None) -> tuple[NDArray[Any], Integers]:
    """Return all values one after another, and how many each request has."""
    if not isinstance(scores, np.ndarray) and len({np.size(row) for row in scores}) > 1:
        if n is not None:
            raise ValueError("n must be left out where scores are a list of arrays")
        arrays = [np.asarray(row) for row in scores]
        return np.concatenate(arrays), np.array([len(row) for row in arrays], np.int64)
    table = np.asarray(scores)
    if table.ndim != 2:
        raise ValueError(f"scores must be [R, N], not of {table.ndim} ranks")
    if n is None:
        return table.ravel(), np.full(len(table), table.shape[1], np.int64)
    sizes = np.broadcast_to(np.asarray(n, np.int64), (len(table),))
    if len(sizes) and not 0 <= sizes.min() <= sizes.max() <= table.shape[1]:
        raise ValueError(
            f"n must be from 0 to {table.shape[1]}, not {sizes.min()} to {sizes.max()}"
        )
    return table[np.arange(table.shape[1]) < sizes[:, None]], sizes


def _starts(sizes: Integers) -> Integers:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])


def _greatest(kind: np.dtype[Any]) -> Any:
    return np.iinfo(kind).max if kind.kind in "iu" else np.inf


def _searched(engine: Select, values: NDArray[Any], sizes: Integers, k: Integers) -> Found:
    """Search where something is asked for; elsewhere the threshold keeps nothing, in no time."""
    asks = k > 0
    if asks.all() and len(k):
        return engine.search_batch(values, sizes, k)
    count = len(sizes)
    none = Found(
        threshold=np.full(count, _greatest(values.dtype), values.dtype),
        **{name: np.zeros(count, np.int64) for name in _COUNTS},
    )
    if asks.any():
        found = engine.search_batch(values[np.repeat(asks, sizes)], sizes[asks], k[asks])
        for name in ("threshold", *_COUNTS):
            getattr(none, name)[asks] = getattr(found, name)
    return none


def _kept(
    values: NDArray[Any], sizes: Integers, starts: Integers, found: Found
) -> NDArray[np.bool_]:
    """Keep what exceeds the threshold, and the first of its ties."""
    threshold = np.repeat(found.threshold, sizes)
    kept = values > threshold
    places = np.flatnonzero(values == threshold)
    owner = np.searchsorted(starts, places, side="right") - 1
    first = np.searchsorted(places, starts[:-1])
    kept[places[np.arange(len(places)) - first[owner] < found.ties[owner]]] = True
    return kept


def _flushes(lanes: int, kept: NDArray[np.bool_], starts: Integers, rows: Integers) -> Integers:
    """Return 1 where the last row's kept values do not fit the row that they fill."""
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])
    last_row = np.minimum(starts[:-1] + np.maximum(rows - 1, 0) * lanes, starts[1:])
    earlier = before[last_row] - before[starts[:-1]]
    last = before[starts[1:]] - before[last_row]
    flushes: Integers = (earlier % lanes + last > lanes).astype(np.int64)
    return flushes
