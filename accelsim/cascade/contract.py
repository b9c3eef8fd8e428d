"""Sums of products of arrays as matrix products, batched where an axis is kept by both factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from accelsim.cascade.vector import Array


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


def contract(factors: Sequence[Factor], kept: Sequence[int], shape: Sequence[int]) -> Array:
    """Return the product of factors summed over all coordinates but ``kept``, in the order of ``kept``."""
    total = factors[0]
    rest = list(factors[1:])
    while rest:
        later = {a for f in rest[1:] for a in f.axes} | set(kept)
        total = _pair(total, rest.pop(0), later)
    total = _summed(total, set(kept))
    present = {a for f in factors for a in f.axes}
    repeats = 1
    for i, size in enumerate(shape):
        if i not in kept and i not in present:
            repeats *= size
    data = total.data * repeats if repeats != 1 else total.data
    order = [total.axes.index(i) for i in kept if i in total.axes]
    wide = [shape[i] if i in total.axes else 1 for i in kept]
    return np.broadcast_to(data.transpose(order).reshape(wide), [shape[i] for i in kept])


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
