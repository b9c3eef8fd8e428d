"""Computes an equation in parts where whole arrays of its points would be too large."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from accelsim.cascade import ast
from accelsim.cascade.contract import order
from accelsim.cascade.model import Equation
from accelsim.cascade.store import Vector
from accelsim.cascade.vector import Scope, clean
from accelsim.ops import REDUCTIONS, array

Compute = Callable[[Equation, Scope, int], Vector]
ACCUMULATES = frozenset({"+", "*", "max", "min"})


def is_contraction(equation: Equation) -> bool:
    """Whether an equation is a sum of products, which needs no array of all its points."""
    right, reduce = equation.right, equation.reduce
    if reduce is None or reduce.op != "+":
        return False
    return isinstance(right, ast.Binary) and right.op == "*"


def accumulates(equation: Equation) -> str | None:
    """Return the operation that joins partial results of a reduction, None if there is none."""
    reduce = equation.reduce
    if reduce is None:
        return None
    op = reduce.combine if reduce.op == "scatter" else reduce.op
    return op if op in ACCUMULATES else None


def demand(equation: Equation, sizes: Mapping[str, int]) -> int:
    """Return how many elements the arrays of an equation have, at the given sizes of its coordinates."""
    left = [c for c in equation.left_coords if c in sizes]
    if not is_contraction(equation):
        points = math.prod(n for c, n in sizes.items() if c in equation.coords)
        return max(points, math.prod(sizes[c] for c in left))
    terms = [t & sizes.keys() for t in equation.factor_coords]
    operands = sum(math.prod(sizes[c] for c in t) for t in terms)
    return operands + sum(size for _, _, size in order(terms, frozenset(left), sizes))


def in_parts(
    equation: Equation, scope: Scope, left: list[str], limit: int, compute: Compute
) -> Vector | None:
    """Return the result of an equation, part by part along the coordinate that saves most.

    None if there is no coordinate to cut.

    Parts of a left coordinate are put side by side; parts of a reduced one are joined by the
    reduction, in ascending order.
    """
    sizes = {c: scope.size(c) for c in (*scope.coords, *left)}
    coord = _coord(equation, scope, left, sizes)
    if coord is None:
        return None
    low, high = scope.spans[coord]
    step = max(1, (high - low) * limit // max(demand(equation, sizes), 1))
    if step >= high - low:
        step = max(1, (high - low) // 2)
    spans = [(a, min(a + step, high)) for a in range(low, high, step)]
    pieces = (compute(equation, scope.within(coord, s), limit) for s in spans)
    if coord not in left:
        op = accumulates(equation)
        assert op is not None
        total = next(pieces)
        for piece in pieces:
            total = joined(op, total, piece)
        return total
    axis, shape = left.index(coord), [sizes[c] for c in left]
    data, mask = np.zeros(shape), np.ones(shape, bool)
    for number, ((a, b), piece) in enumerate(zip(spans, pieces, strict=True)):
        if not number:
            data = data.astype(piece.data.dtype)
        elif piece.data.dtype.kind == "f" and data.dtype.kind != "f":
            data = data.astype(float)
        place = (*[slice(None)] * axis, slice(a - low, b - low))
        data[place] = piece.data
        mask[place] = True if piece.mask is None else piece.mask
    return Vector(data=data, mask=None if mask.all() else mask)


def _coord(
    equation: Equation, scope: Scope, left: list[str], sizes: Mapping[str, int]
) -> str | None:
    """Return the coordinate whose halving saves most memory; a left one before a reduced one."""
    reduced = equation.reduce_coords if accumulates(equation) else ()
    can = [c for c in (*left, *reduced) if c in scope.axis and sizes[c] > 1]
    if not can:
        return None
    return min(can, key=lambda c: demand(equation, {**sizes, c: sizes[c] // 2}))


def joined(op: str, a: Vector, b: Vector) -> Vector:
    """Return two partial results of a reduction as one."""
    together = array(REDUCTIONS[op])(a.data, b.data)
    if a.mask is None and b.mask is None:
        return Vector(data=together)
    one = np.ones(a.data.shape, bool) if a.mask is None else a.mask
    two = np.ones(b.data.shape, bool) if b.mask is None else b.mask
    data = np.where(np.logical_and(one, two), together, np.where(one, a.data, b.data))
    mask = np.logical_or(one, two)
    return Vector(data=clean(data, mask), mask=None if mask.all() else mask)
