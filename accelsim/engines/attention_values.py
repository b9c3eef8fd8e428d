"""Values of a small softmax attention on made-up tokens: what engines are driven with for energy.

Tokens drift (each is near the one before), channels differ in scale and a few stand out, as in
trained models; queries, keys and values are random projections of them. All of it from a seed.
"""

from __future__ import annotations

import itertools
import math
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

Rows = list[list[float]]
Pairs = Iterator[tuple[float, float]]


@dataclass(frozen=True)
class Attention:
    """One head: ``tokens`` queries and keys of ``channels`` elements, from ``seed``."""

    seed: int
    tokens: int = 24
    channels: int = 16
    drift: float = 0.8  # correlation of a token with the one before

    @cached_property
    def _projected(self) -> tuple[Rows, Rows, Rows]:
        draw = random.Random(self.seed)
        scales = [draw.lognormvariate(0.0, 0.5) for _ in range(self.channels)]
        scales[draw.randrange(self.channels)] *= 4
        fresh = math.sqrt(1 - self.drift**2)
        token = [draw.gauss(0, 1) for _ in scales]
        tokens: Rows = []
        for _ in range(self.tokens):
            token = [self.drift * x + fresh * draw.gauss(0, 1) for x in token]
            tokens.append([x * scale for x, scale in zip(token, scales, strict=True)])
        weights = [
            [[draw.gauss(0, 1) / math.sqrt(self.channels) for _ in scales] for _ in scales]
            for _ in range(3)
        ]
        q, k, v = ([[_dot(t, w) for w in each] for t in tokens] for each in weights)
        return q, k, v

    @property
    def q(self) -> Rows:
        return self._projected[0]

    @property
    def k(self) -> Rows:
        return self._projected[1]

    @property
    def v(self) -> Rows:
        return self._projected[2]

    @cached_property
    def scores(self) -> Rows:
        """Q k / sqrt(channels), a row per query."""
        root = math.sqrt(self.channels)
        return [[_dot(q, k) / root for k in self.k] for q in self.q]

    @cached_property
    def maxima(self) -> Rows:
        """The running maximum of each row, as a 1-pass softmax has it."""
        return [[max(row[: n + 1]) for n in range(len(row))] for row in self.scores]

    @cached_property
    def exponents(self) -> Rows:
        """Score less running maximum: what the exponential is taken of; none is above 0."""
        pairs = zip(self.scores, self.maxima, strict=True)
        return [[s - m for s, m in zip(row, tops, strict=True)] for row, tops in pairs]

    def products(self) -> Iterator[tuple[float, float, bool]]:
        """Yield (query element, key element, whether a sum starts) in the order of QK's loops."""
        for q in self.q:
            for k in self.k:
                for n, pair in enumerate(zip(q, k, strict=True)):
                    yield (*pair, n == 0)

    def weighted(self) -> Iterator[tuple[float, float, bool]]:
        """Yield (exponential, value element, whether a sum starts) in the order of SLNV's loops."""
        for row in self.exponents:
            for f in range(self.channels):
                for m, exponent in enumerate(row):
                    yield math.exp(exponent), self.v[m][f], m == 0

    def sums(self) -> Pairs:
        """Yield (sum so far, next exponential) of each row: SLD and RD."""
        for row in self.exponents:
            total = 0.0
            for exponent in row:
                yield total, math.exp(exponent)
                total += math.exp(exponent)

    def comparisons(self) -> Pairs:
        """Yield (maximum so far, next score) of each row: LM and RM."""
        for row, tops in zip(self.scores, self.maxima, strict=True):
            yield from zip(tops, row[1:], strict=False)

    def differences(self) -> Pairs:
        """Yield (score, running maximum) of each row: SLN is the exponential of their difference."""
        for row, tops in zip(self.scores, self.maxima, strict=True):
            yield from zip(row, tops, strict=True)

    def quotients(self) -> Pairs:
        """Yield (weighted sum of values, sum of exponentials) of each query and element: AV."""
        for row in self.scores:
            weights = [math.exp(score - max(row)) for score in row]
            total = sum(weights)
            for f in range(self.channels):
                yield sum(w * v[f] for w, v in zip(weights, self.v, strict=True)), total

    def rescalings(self) -> Pairs:
        """Yield (what there is, the factor by which a new maximum shrinks it): SPD and SPNV."""
        for tops in self.maxima:
            yield from ((math.exp(old), math.exp(old - new)) for old, new in pairwise(tops))


def without_end(pairs: Callable[[Attention], Pairs], seed: int) -> Pairs:
    """Yield pairs of one head after another."""
    return itertools.chain.from_iterable(
        pairs(Attention(seed * 1009 + n)) for n in itertools.count()
    )


def bfloat16(value: float) -> int:
    """Return the bits of the nearest bfloat16, ties to even."""
    bits: int = struct.unpack("<I", struct.pack("<f", value))[0]
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def score_stream(seed: int) -> Iterator[int]:
    """Yield the bits of scores without end, head after head."""
    for head in itertools.count(seed * 1009):
        for row in Attention(head).scores:
            yield from map(bfloat16, row)


def _dot(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
