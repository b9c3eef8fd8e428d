"""Made-up scores for top-k engines: whole numbers of some bits, of a named distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from accelsim.errors import SpecError, nearest

Scores = NDArray[np.int64]
_Maker = Callable[[Generator, int, int, int], Scores]


def score_lists(name: str, *, requests: int, n: int, width: int, seed: int) -> Scores:
    """Return [requests, n] scores of ``width`` bits; SpecError names the nearest distribution.

    ``uniform``: any value; ``normal``: four standard deviations to each side of the middle;
    ``softmax``: probabilities of normal logits with a standard deviation of 2, in steps of
    2^-width, so that most of them are 0 or nearly; ``rising``, ``falling``: uniform, sorted;
    ``constant``: all equal.
    """
    if name not in DISTRIBUTIONS:
        known = ", ".join(DISTRIBUTIONS)
        raise SpecError(f"--scores must be of {known}, not {name!r}{nearest(name, DISTRIBUTIONS)}")
    return DISTRIBUTIONS[name](np.random.default_rng(seed), requests, n, width)


def _uniform(draw: Generator, requests: int, n: int, width: int) -> Scores:
    return draw.integers(0, 2**width, (requests, n))


def _normal(draw: Generator, requests: int, n: int, width: int) -> Scores:
    half = 2.0 ** (width - 1)
    scores = np.rint(half + draw.normal(size=(requests, n)) * half / 4)
    return np.clip(scores, 0, 2**width - 1).astype(np.int64)


def _softmax(draw: Generator, requests: int, n: int, width: int) -> Scores:
    logits = 2 * draw.normal(size=(requests, n))
    weights = np.exp(logits - logits.max(1, keepdims=True))
    shares = weights / weights.sum(1, keepdims=True)
    found: Scores = np.clip(np.rint(shares * 2.0**width), 0, 2**width - 1).astype(np.int64)
    return found


def _rising(draw: Generator, requests: int, n: int, width: int) -> Scores:
    return np.sort(_uniform(draw, requests, n, width), axis=1)


def _falling(draw: Generator, requests: int, n: int, width: int) -> Scores:
    return _rising(draw, requests, n, width)[:, ::-1].copy()


def _constant(draw: Generator, requests: int, n: int, width: int) -> Scores:
    return np.repeat(draw.integers(0, 2**width, (requests, 1)), n, axis=1)


DISTRIBUTIONS: Mapping[str, _Maker] = {
    "uniform": _uniform,
    "normal": _normal,
    "softmax": _softmax,
    "rising": _rising,
    "falling": _falling,
    "constant": _constant,
}
