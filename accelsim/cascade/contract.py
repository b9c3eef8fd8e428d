"""Sums of products of arrays as matrix products, batched where an axis is kept by both factors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from accelsim.cascade.store import Array

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Factor:
    """An array and the number of the coordinate that each of its axes is."""

    data: Array
    axes: tuple[int, ...]

    @classmethod
    def of(cls, data: Array, shape: Sequence[int]) -> Factor:
        """Return an array without the axes on which it does not depend."""
        axes = tuple(i for i in range(data.ndim) if data.shape[i] != 1 or shape[i] == 1)
        return cls(data=data.reshape([data.shape[i] for i in axes]), axes=axes)


def order(
    terms: Sequence[frozenset[_T]], kept: frozenset[_T], sizes: Mapping[_T, int]
) -> list[tuple[int, int, int]]:
    """Return the pairs to multiply, one after another, each with the size of its product.

    The cheapest pair goes first (fewest multiplications, then smallest product); the product is
    appended to what is left. As ``numpy.einsum_path``'s greedy way.
    """
    left = list(terms)
    pairs: list[tuple[int, int, int]] = []
    while len(left) > 1:
        best: tuple[int, int, int, int] | None = None
        for i, a in enumerate(left):
            for j in range(i + 1, len(left)):
                rest = kept.union(*(t for k, t in enumerate(left) if k not in (i, j)))
                work = math.prod(sizes[c] for c in a | left[j])
                size = math.prod(sizes[c] for c in (a | left[j]) & rest)
                best = min(best or (work, size, i, j), (work, size, i, j))
        assert best is not None
        _, size, i, j = best
        rest = kept.union(*(t for k, t in enumerate(left) if k not in (i, j)))
        product = (left[i] | left[j]) & rest
        left = [*(t for k, t in enumerate(left) if k not in (i, j)), product]
        pairs.append((i, j, size))
    return pairs


def contract(factors: Sequence[Factor], kept: Sequence[int], shape: Sequence[int]) -> Array:
    """Return the product of factors summed over all coordinates but ``kept``, in the order of ``kept``."""
    rest = list(factors)
    terms = [frozenset(f.axes) for f in factors]
    for i, j, _ in order(terms, frozenset(kept), dict(enumerate(shape))):
        a, b = rest[i], rest[j]
        rest = [f for k, f in enumerate(rest) if k not in (i, j)]
        rest.append(_pair(a, b, {x for f in rest for x in f.axes} | set(kept)))
    total = _summed(rest[0], set(kept))
    present = {a for f in factors for a in f.axes}
    repeats = 1
    for i, size in enumerate(shape):
        if i not in kept and i not in present:
            repeats *= size
    data = total.data * repeats if repeats != 1 else total.data
    places = [total.axes.index(i) for i in kept if i in total.axes]
    wide = [shape[i] if i in total.axes else 1 for i in kept]
    return np.broadcast_to(data.transpose(places).reshape(wide), [shape[i] for i in kept])


def _summed(factor: Factor, wanted: set[int]) -> Factor:
    drop = tuple(i for i, a in enumerate(factor.axes) if a not in wanted)
    if not drop:
        return factor
    return Factor(
        data=factor.data.sum(axis=drop), axes=tuple(a for a in factor.axes if a in wanted)
    )


def _pair(a: Factor, b: Factor, later: set[int]) -> Factor:
    a, b = _summed(a, later | set(b.axes)), _summed(b, later | set(a.axes))
    shared = [i for i in a.axes if i in b.axes]
    batch = [i for i in shared if i in later]
    inner = [i for i in shared if i not in later]
    rows = [i for i in a.axes if i not in shared]
    cols = [i for i in b.axes if i not in shared]
    axes = (*batch, *rows, *cols)
    sizes = {
        **dict(zip(a.axes, a.data.shape, strict=True)),
        **dict(zip(b.axes, b.data.shape, strict=True)),
    }
    if not inner:
        left = _laid(a, [*batch, *rows]).reshape(
            [*(sizes[i] for i in (*batch, *rows)), *[1] * len(cols)]
        )
        right = _laid(b, [*batch, *cols]).reshape(
            [*(sizes[i] for i in batch), *[1] * len(rows), *(sizes[i] for i in cols)]
        )
        return Factor(data=left * right, axes=axes)
    count = {
        name: _product(sizes[i] for i in group)
        for name, group in (("k", inner), ("r", rows), ("c", cols))
    }
    stack = [sizes[i] for i in batch]
    left = _laid(a, [*batch, *rows, *inner]).reshape([*stack, count["r"], count["k"]])
    right = _laid(b, [*batch, *inner, *cols]).reshape([*stack, count["k"], count["c"]])
    return Factor(data=np.matmul(left, right).reshape([sizes[i] for i in axes]), axes=axes)


def _product(sizes: object) -> int:
    result = 1
    for size in sizes:  # type: ignore[attr-defined]
        result *= int(size)
    return result


def _laid(factor: Factor, order: Sequence[int]) -> Array:
    return factor.data.transpose([factor.axes.index(i) for i in order])
