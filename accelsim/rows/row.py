"""A row: the attention of the queries of one head, with what is left of keys, values and bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]
FULL_BITS = 32
"""Bits of an operand that is not quantized."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The attention of ``queries`` queries of one head over ``keys`` of ``tokens`` keys.

    ``iteration`` counts generated tokens (0 for a model that reads its input once); heads are numbered
    among those that are left. ``values`` of the keys have their V read, by the weights of this row.
    ``bits`` of 0: not quantized. ``requantized`` counts the queries whose largest weight stayed below
    ``threshold``: their keys are read again, ``extra_bits`` more of each. ``selects`` is the number of
    tokens that are kept after this row (0: no selection).
    """

    iteration: int = 0
    layer: int
    head: int
    features: int
    tokens: int
    queries: int = 1
    keys: int
    values: int
    key_bits: int = 0
    value_bits: int = 0
    query_bits: int = 0
    threshold: float = 0.0
    requantized: int = 0
    extra_bits: int = 0
    accumulates: bool = False
    rescales: bool = False
    selects: int = 0

    @property
    def key_matrix_bits(self) -> int:
        """Bits of K that are read: those of all keys, and of the bits added where a query asks for them."""
        extra = self.extra_bits if self.requantized else 0
        return self.keys * self.features * ((self.key_bits or FULL_BITS) + extra)

    @property
    def value_matrix_bits(self) -> int:
        return self.values * self.features * (self.value_bits or FULL_BITS)

    @property
    def qk_macs(self) -> int:
        """Multiplications of the scores, each query once."""
        return self.queries * self.keys * self.features

    @property
    def pv_macs(self) -> int:
        return self.queries * self.values * self.features


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows in the order in which they are run; ``source`` says where they come from.

    Where values are known: ``kept_keys`` and ``kept_values`` are the places of the keys and values of each
    row among its tokens, ascending; ``weights`` [query, key] what values are selected by; ``again`` [query]
    the queries that read their keys again; ``importance`` [token], by number of a row that selects, what
    tokens are selected by.
    """

    rows: tuple[Row, ...]
    name: str
    source: str
    kept_keys: tuple[Indices, ...] = ()
    kept_values: tuple[Indices, ...] = ()
    weights: tuple[NDArray[np.float64], ...] = ()
    again: tuple[NDArray[np.bool_], ...] = ()
    importance: dict[int, NDArray[np.float64]] | None = None
    assumptions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def groups(self) -> Iterator[tuple[int, int]]:
        """Yield the first and the last row number, one more, of each layer of each iteration."""
        first = 0
        for _, same in groupby(self.rows, key=lambda row: (row.iteration, row.layer)):
            last = first + len(list(same))
            yield first, last
            first = last
