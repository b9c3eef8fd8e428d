"""Evaluates single equations point by point, where they have no form on whole arrays."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Mapping, Sequence

import numpy as np

from accelsim.cascade.formats import Format
from accelsim.cascade.lexer import Source
from accelsim.cascade.model import Block, Equation
from accelsim.cascade.reference import Point, Reference, Value
from accelsim.cascade.sizes import Sizes
from accelsim.cascade.store import Store, Vector
from accelsim.cascade.vector import Scope

MAX_POINTS = 20_000_000


class _Points(Reference):
    """Reads from stores; coordinates run over the spans of a scope."""

    def __init__(
        self,
        equations: Sequence[Equation],
        source: Source,
        sizes: Sizes,
        stores: Mapping[str, Store],
        formats: Mapping[str, Format],
        scope: Scope | None = None,
    ) -> None:
        block = Block(inputs=(), outputs=(), settings=(), equations=tuple(equations))
        super().__init__(block, source, sizes, stores, formats)
        self.stores, self.scope = stores, scope

    def given(self, name: str, point: Point) -> Value:
        store = self.stores[name]
        place = tuple(i - s for i, s in zip(point, store.start, strict=True))
        if store.mask is not None and not store.mask[place]:
            return None
        return store.data[place].item()

    def span(self, coord: str) -> range:
        if self.scope is not None and coord in self.scope.spans:
            return range(*self.scope.spans[coord])
        return super().span(coord)


def _guard(equations: Sequence[Equation], sizes: Mapping[str, int], source: Source) -> None:
    total = sum(math.prod(sizes[c] for c in e.coords if c in sizes) for e in equations)
    if total > MAX_POINTS:
        message = f"too large to evaluate element by element: {total} points"
        raise source.error(equations[0].at, message)


def by_points(equation: Equation, scope: Scope, source: Source) -> Vector:
    """Return the result of one equation, as ``compute`` does."""
    sizes = {c: scope.size(c) for c in scope.coords}
    _guard([equation], sizes, source)
    points = _Points([equation], source, scope.sizes, scope.stores, {}, scope)
    left = [c for c in equation.left_coords if c not in scope.fixed]
    data, mask = (
        np.zeros([scope.size(c) for c in left]),
        np.zeros([scope.size(c) for c in left], bool),
    )
    lows = [points.span(c).start for c in left]
    for values in itertools.product(*map(points.span, left)):
        value = points.define(equation, {**scope.fixed, **dict(zip(left, values, strict=True))})
        if value is not None:
            place = tuple(v - low for v, low in zip(values, lows, strict=True))
            data[place], mask[place] = value, True
    return Vector(data=data, mask=mask)


def opaque(
    equations: Sequence[Equation],
    source: Source,
    sizes: Sizes,
    stores: dict[str, Store],
    formats: Mapping[str, Format],
) -> None:
    """Compute equations that depend on one another in no order of whole arrays."""
    _guard(equations, sizes.extents, source)
    tensors = dict.fromkeys(e.tensor for e in equations)
    known = {n: s for n, s in stores.items() if n not in tensors}
    partial = {n: stores[n] for n in tensors if n in stores}
    points = _Points(equations, source, sizes, known, formats)
    for name, store in partial.items():  # slices that other equations have set
        assert store.mask is not None
        for point in zip(*(i.tolist() for i in np.nonzero(store.mask)), strict=True):
            points.known[name, point] = store.data[point].item()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 1_000_000))
    try:
        for name in tensors:
            shape = sizes.shapes[name]
            store = partial.get(name) or Store.empty(tuple((0, n) for n in shape), shape)
            for point, value in points.tensor(name):
                if value is not None:
                    assert store.mask is not None
                    store.data[point], store.mask[point] = value, True
            store.settle()
            stores[name] = store
    finally:
        sys.setrecursionlimit(limit)
