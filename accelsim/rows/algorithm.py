"""Cascade pruning and progressive quantization on values: SpAtten's algorithm, layer by layer.

``spatten_prune`` and ``spatten_progquant`` of ``einsum_cascades`` say the same as cascades; the tests hold
the three together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accelsim.rows.quantize import planes
from accelsim.rows.row import Indices
from accelsim.rows.schedule import Bits

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HeadRun:
    """One head: ``weights`` [query, key] of the kept tokens, ``again`` [query], ``output`` [query, F].

    ``chosen`` [query, value] are the places among the kept tokens whose value is read.
    """

    head: int
    weights: Floats
    again: NDArray[np.bool_]
    chosen: Indices
    output: Floats


@dataclass(frozen=True, kw_only=True)
class LayerRun:
    """One layer: the ``tokens`` and heads that it keeps, and the importance of all after it."""

    tokens: Indices
    heads: tuple[HeadRun, ...]
    token_importance: Floats
    head_importance: Floats


def top(values: Floats, keep: int) -> Indices:
    """Return the places of the ``keep`` largest, ascending; of equals the first in order."""
    order = np.argsort(-values, axis=-1, kind="stable")[..., :keep]
    found: Indices = np.sort(order, axis=-1)
    return found


@dataclass
class Pruning:
    """The state that goes from layer to layer: who is kept, and how important each has been."""

    tokens: Indices
    heads: Indices
    token_importance: Floats
    head_importance: Floats
    bits: Bits = field(default_factory=Bits)
    threshold: float = 0.0

    @classmethod
    def of(cls, tokens: int, heads: int, bits: Bits, threshold: float) -> Pruning:
        return cls(
            tokens=np.arange(tokens),
            heads=np.arange(heads),
            token_importance=np.zeros(tokens),
            head_importance=np.zeros(heads),
            bits=bits,
            threshold=threshold,
        )

    def keep_tokens(self, keep: int, newest: int = 0) -> None:
        """Keep the most important of the tokens that are left, and the ``newest`` of them."""
        old = self.tokens[: len(self.tokens) - newest]
        kept = old[top(self.token_importance[old], keep - newest)]
        self.tokens = np.concatenate([kept, self.tokens[len(old) :]])

    def keep_heads(self, keep: int) -> None:
        self.heads = self.heads[top(self.head_importance[self.heads], keep)]

    def layer(
        self, q: Floats, k: Floats, v: Floats, values: int, queries: Indices | None = None
    ) -> LayerRun:
        """Run one layer: Q [H, P, E], K [H, N, E], V [H, N, F]; ``values`` are read of each query.

        ``queries`` are the rows of Q that are run: by default those of the kept tokens.
        """
        rows = self.tokens if queries is None else queries
        runs = tuple(self._heads(q, k, v, values, rows))
        for run in runs:
            self.token_importance[self.tokens] += run.weights.sum(axis=0)
            self.head_importance[run.head] += np.abs(run.output).sum()
        return LayerRun(
            tokens=self.tokens,
            heads=runs,
            token_importance=self.token_importance.copy(),
            head_importance=self.head_importance.copy(),
        )

    def _heads(
        self, q: Floats, k: Floats, v: Floats, values: int, rows: Indices
    ) -> Iterator[HeadRun]:
        bits, tokens = self.bits, self.tokens
        scale = 1 / np.sqrt(q.shape[-1])
        for head in self.heads.tolist():
            queries = planes(q[head], bits.query).full[rows]
            keys = planes(k[head], bits.key, bits.extra)
            weights = softmax(queries @ keys.high[tokens].T * scale)
            again = weights.max(axis=1, initial=0.0) < self.threshold
            if again.any():
                scores = queries[again] @ keys.full[tokens].T * scale
                weights[again] = softmax(scores)
            chosen = top(weights, values)
            value = planes(v[head], bits.value).full[tokens]
            if chosen.shape[1] == len(tokens):
                output = weights @ value
            else:
                mine = np.take_along_axis(weights, chosen, axis=1)
                output = np.einsum("pv,pvf->pf", mine, value[chosen])
            yield HeadRun(head=head, weights=weights, again=again, chosen=chosen, output=output)


def softmax(scores: Floats) -> Floats:
    """Softmax over the last rank, by the largest score of each row."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return found


__all__ = ["HeadRun", "LayerRun", "Pruning", "softmax", "top"]
