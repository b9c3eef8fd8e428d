"""Computes one equation on whole arrays: conditions, products, reductions, top-k, scatter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.contract import Factor, contract
from accelsim.cascade.model import Const, Equation, Merged, Reduce, Shift
from accelsim.cascade.parts import demand, in_parts, is_contraction
from accelsim.cascade.store import Array, Store, Vector
from accelsim.cascade.vector import Scope, UnsupportedError, both, clean, number

MAX_POINTS = 2**29
_FOLDS: dict[str, tuple[Any, float]] = {
    "+": (np.sum, 0.0),
    "*": (np.prod, 1.0),
    "max": (np.max, -np.inf),
    "min": (np.min, np.inf),
}
_SCATTERS: dict[str, tuple[Any, float]] = {
    "+": (np.add, 0.0),
    "=": (np.add, 0.0),
    "max": (np.maximum, -np.inf),
    "min": (np.minimum, np.inf),
}


def compute(equation: Equation, scope: Scope, limit: int = MAX_POINTS) -> Vector:
    """Return the result with one axis per left coordinate that is not fixed, in left order.

    Arrays of more than ``limit`` points are avoided: see ``in_parts``.
    """
    left = [c for c in equation.left_coords if c not in scope.fixed]
    if demand(equation, {c: scope.size(c) for c in (*scope.coords, *left)}) > limit:
        parts = in_parts(equation, scope, left, limit, compute)
        if parts is not None:
            return parts
    return _compute(equation, scope, limit)


def _compute(equation: Equation, scope: Scope, limit: int) -> Vector:
    left = [c for c in equation.left_coords if c not in scope.fixed]
    reduce = equation.reduce
    mask = _conditions(equation.where, scope)
    if reduce is None:
        result = scope.expr(equation.right)
        return _arranged(
            Vector(data=number(result.data), mask=both(result.mask, mask)), scope, left
        )
    if reduce.slot is not None:
        return _top(equation.right, mask, reduce, scope, left)
    if reduce.op == "scatter":
        return _scatter(equation, mask, reduce, scope, left)
    if is_contraction(equation):
        done = _sum_of_products(equation, mask, scope, left)
        if done is not None:
            return done
        if math.prod(scope.shape) > limit:  # point by point: the parts must be smaller
            parts = in_parts(equation, scope, left, limit, compute)
            if parts is not None:
                return parts
    result = scope.expr(equation.right)
    data, mask = _full(number(result.data), both(result.mask, mask), scope)
    axes = tuple(scope.axis[c] for c in reduce.coords)
    return _reduced(data, mask, axes, reduce.op)


def _conditions(conditions: Sequence[Expr], scope: Scope) -> Array | None:
    mask: Array | None = None
    for condition in conditions:
        value = scope.expr(condition)
        mask = both(mask, both(value.data.astype(bool), value.mask))
    if mask is not None and mask.all():
        return None
    return mask


def _guard(shape: Sequence[int]) -> None:
    points = 1
    for size in shape:
        points *= size
    if points > MAX_POINTS:
        raise UnsupportedError("too many points")


def _full(data: Array, mask: Array | None, scope: Scope) -> tuple[Array, Array | None]:
    _guard(scope.shape)
    wide = None if mask is None else np.broadcast_to(mask, scope.shape)
    return np.broadcast_to(data, scope.shape), wide


def _arranged(value: Vector, scope: Scope, left: Sequence[str]) -> Vector:
    """Return a map's result: its coordinates are those of the left, in the same order."""
    if list(left) != scope.coords:
        raise UnsupportedError("coordinates of a map")
    data, mask = _full(value.data, value.mask, scope)
    return Vector(data=data, mask=mask)


def _reduced(data: Array, mask: Array | None, axes: tuple[int, ...], op: str) -> Vector:
    fold, identity = _FOLDS[op]
    empty = any(data.shape[a] == 0 for a in axes)
    if empty:
        shape = [n for i, n in enumerate(data.shape) if i not in axes]
        return Vector(data=np.zeros(shape), mask=np.zeros(shape, bool))
    if mask is None:
        return Vector(data=fold(data, axis=axes))
    alive: Array = np.asarray(mask.any(axis=axes))
    if data.dtype.kind != "f" and op in ("max", "min"):
        data = data.astype(float)
    result = fold(np.where(mask, data, identity), axis=axes)
    if alive.all():
        return Vector(data=result)
    return Vector(data=clean(result, alive), mask=alive)


def _sum_of_products(
    equation: Equation, mask: Array | None, scope: Scope, left: Sequence[str]
) -> Vector | None:
    """Return a sum of products as matrix products, or None if that could change a value."""
    values = [scope.expr(f) for f in equation.factors]
    masks = [v.mask for v in values if v.mask is not None]
    kept = [scope.axis[c] for c in left]
    reduced = [i for i in range(len(scope.coords)) if i not in kept]
    if any(scope.shape[i] == 0 for i in reduced):
        return _reduced(np.zeros(scope.shape), None, tuple(reduced), "+")
    outer: Array | None = None  # a condition over left coordinates only applies to the result
    if mask is not None:
        if all(mask.shape[i] == 1 for i in reduced if mask.ndim):
            outer = mask
        else:
            masks.append(mask)
    arrays = [clean(number(v.data).astype(float, copy=False), v.mask) for v in values]
    if masks and not all(np.isfinite(a).all() for a in arrays):
        return None
    if mask is not None and outer is None:
        arrays.append(mask.astype(float))
    data = contract([Factor.of(a, scope.shape) for a in arrays], kept, scope.shape)
    alive: Array | None = None
    if masks:
        counts = contract(
            [Factor.of(m.astype(float), scope.shape) for m in masks], kept, scope.shape
        )
        alive = counts > 0.5
        if alive.all():
            alive = None
    if outer is not None:
        shape = [scope.shape[i] for i in kept]
        flat = outer.reshape([outer.shape[i] for i in kept]) if outer.ndim else outer
        alive = both(alive, np.broadcast_to(flat, shape))
    return Vector(data=clean(data, alive), mask=alive)


def _top(
    right: Expr, mask: Array | None, reduce: Reduce, scope: Scope, left: Sequence[str]
) -> Vector:
    """Return the k largest existing values of the last axis (the reduced one), in ascending place."""
    assert reduce.slot is not None
    outer = [c for c in left if c != reduce.slot]
    if [*outer, reduce.coords[0]] != scope.coords:
        raise UnsupportedError("coordinates of a top-k")
    value = scope.expr(right)
    data, alive = _full(number(value.data), both(value.mask, mask), scope)
    alive = np.ones(scope.shape, bool) if alive is None else alive
    if np.isnan(data[alive]).any():
        raise UnsupportedError("nan in a top-k")
    slots, length = scope.size(reduce.slot), data.shape[-1]
    first = scope.spans[reduce.coords[0]][0]
    if length == 0 or slots == 0:
        shape = (*data.shape[:-1], slots)
        chosen, there = np.zeros(shape, np.int64), np.zeros(shape, bool)
        result = chosen
    else:
        falling = np.argsort(-clean(data, alive), axis=-1, kind="stable")
        last = np.argsort(~np.take_along_axis(alive, falling, -1), axis=-1, kind="stable")
        best = np.take_along_axis(falling, last, -1)[..., :slots]
        best = np.where(np.take_along_axis(alive, best, -1), best, length)
        best = np.sort(best, axis=-1)
        there = best < length
        chosen = np.where(there, best, 0)
        if reduce.op == "top":
            result = chosen + first
        else:
            result = np.where(there, np.take_along_axis(data, chosen, -1), 0)
        if slots > length:
            wide = [(0, 0)] * (result.ndim - 1) + [(0, slots - length)]
            result, there = np.pad(result, wide), np.pad(there, wide)
    order = [*outer, reduce.slot]
    place = [order.index(c) for c in left]
    return Vector(data=result.transpose(place), mask=there.transpose(place))


def _scatter(
    equation: Equation, mask: Array | None, reduce: Reduce, scope: Scope, left: Sequence[str]
) -> Vector:
    labels = [g.label for g in reduce.gathers]
    value = scope.expr(equation.right)
    mask = both(mask, value.mask)
    shape = [scope.size(c) for c in left]
    keys: list[Array] = []
    for coord in left:
        if coord not in labels:
            keys.append(np.broadcast_to(scope.coord(coord) - scope.spans[coord][0], scope.shape))
            continue
        target = scope.expr(reduce.gathers[labels.index(coord)])
        place = clean(target.data, target.mask).astype(np.int64)
        inside = np.logical_and(place >= 0, place < scope.size(coord))
        mask = both(both(mask, target.mask), inside)
        keys.append(np.broadcast_to(place, scope.shape))
    data, mask = _full(number(value.data).astype(float), mask, scope)
    live = np.ones(scope.shape, bool) if mask is None else mask
    points = tuple(k[live] for k in keys)
    hits = np.zeros(shape, np.int64)
    np.add.at(hits, points, 1)
    if reduce.combine == "=" and (hits > 1).any():
        raise UnsupportedError("a scatter whose points meet")
    combine, identity = _SCATTERS[reduce.combine]
    result = np.full(shape, identity)
    combine.at(result, points, data[live])
    return Vector(data=clean(result, hits > 0), mask=hits > 0)


def at_target(equation: Equation) -> Equation:
    """Return a scatter in which its own left coordinates are what they are: gathered values."""
    reduce = equation.reduce
    if reduce is None or reduce.op != "scatter":
        return equation
    targets = {g.label: g for g in reduce.gathers}

    def change(node: Expr) -> Expr:
        return targets.get(node.name, node) if isinstance(node, ast.Coord) else node

    where = tuple(ast.rebuild(w, change) for w in equation.where)
    return replace(equation, right=ast.rebuild(equation.right, change), where=where)


def place(equation: Equation, value: Vector, store: Store, scope: Scope) -> None:
    """Write an equation's result into its tensor."""
    where, shape = slices(equation, store, scope)
    data = value.data.reshape(shape)
    if data.dtype != store.data.dtype and data.dtype.kind == "f" and store.data.dtype.kind != "f":
        store.data = store.data.astype(float)
    store.data[where] = clean(data, None if value.mask is None else value.mask.reshape(shape))
    if store.mask is not None:
        store.mask[where] = True if value.mask is None else value.mask.reshape(shape)


def slices(
    equation: Equation, store: Store, scope: Scope
) -> tuple[tuple[int | slice, ...], list[int]]:
    """Return where in the store an equation's result belongs, and the shape that it has there."""
    keys: list[int | slice] = []
    shape: list[int] = []
    for i, axis in enumerate(equation.left):
        start = (1 if isinstance(axis, Shift) else 0) - store.start[i]
        if isinstance(axis, Const):
            keys.append(axis.value + start)
            continue
        if isinstance(axis, Merged):
            if axis.outer in scope.fixed or axis.inner in scope.fixed:
                raise UnsupportedError("a merged iterative axis")
            width = scope.size(axis.inner)
            low, high = (n * width for n in scope.spans[axis.outer])
        elif axis.coord in scope.fixed:
            keys.append(scope.fixed[axis.coord] + start)
            continue
        elif axis.coord in scope.spans:
            low, high = scope.spans[axis.coord]
        else:
            low, high = 0, scope.size(axis.coord)
        shape.append(high - low)
        keys.append(slice(low + start, high + start))
    return tuple(keys), shape
