"""Cycles of a selection engine over the numbers of rows: those at hand, else numbers in random order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.arch import Select
from accelsim.engines.select_batch import drained, select_batch
from accelsim.errors import InfeasibleError


@dataclass(frozen=True, kw_only=True)
class Selected:
    """What selecting took, per request; ``last`` are the cycles to its last index, if there is one."""

    cycles: list[int]
    last: list[int]
    passes: list[int]
    elements: list[int]


def selected(
    part: Select,
    among: Sequence[int],
    keep: Sequence[int],
    feed: Sequence[int],
    drain: Sequence[int],
    seed: int,
    known: Sequence[NDArray[np.float64]] = (),
) -> Selected:
    """Return the time of each request: ``keep`` of ``among`` numbers that arrive ``feed`` a cycle.

    Of the indices that come out, ``drain`` are taken a cycle.
    ``known`` are the numbers themselves, one array a request; without them each request has numbers in
    an order drawn with ``seed``. They are rounded to the engine's bits, over the range of each request.
    """
    engine = part.model
    if among and max(among) > engine.elements:
        raise InfeasibleError(
            f"{part.engine} must select among at most {engine.elements} (elements), not {max(among)}"
        )
    draw = np.random.default_rng(seed)
    values = [
        _rounded(known[n], engine.width) if known else draw.permutation(size)
        for n, size in enumerate(among)
    ]
    if not values:
        return Selected(cycles=[], last=[], passes=[], elements=[])
    found = select_batch(engine, values, np.asarray(keep))
    sizes, rates = np.asarray(among), np.asarray(feed)
    late = -(-sizes // np.minimum(rates, engine.lanes)) - -(-sizes // engine.lanes)
    out, last = drained(engine, found, np.asarray(drain))
    return Selected(
        cycles=(out + late).tolist(),
        last=(last + late).tolist(),
        passes=found.passes.tolist(),
        elements=found.elements.tolist(),
    )


def _rounded(values: NDArray[np.float64], width: int) -> NDArray[np.int64]:
    """Numbers of ``width`` bits from 0 to the largest."""
    top = values.max(initial=0.0)
    if top <= 0:
        return np.zeros(len(values), np.int64)
    found: NDArray[np.int64] = np.rint(values / top * (2**width - 1)).astype(np.int64)
    return found


__all__ = ["Selected", "selected"]
