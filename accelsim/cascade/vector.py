"""Evaluates the expressions of one equation on whole arrays, with a mask of the points that exist.

Every intermediate has one axis per coordinate of the equation, of size 1 where it does not depend
on it. ``mask`` is None where all points exist; the data of absent points is meaningless but finite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.linear import Linear, constant, linear
from accelsim.ops import BINARY, FUNCTIONS, UNARY, array

Array = NDArray[Any]
_TRUTHS = frozenset({"<", "<=", ">", ">=", "==", "!=", "and", "or"})


class UnsupportedError(Exception):
    """What the vectorised evaluator leaves to the element-by-element one."""


@dataclass(frozen=True, kw_only=True)
class Vector:
    data: Array
    mask: Array | None = None


@dataclass(kw_only=True)
class Store:
    """The elements of a tensor that are computed so far; ``mask`` None: all exist."""

    data: Array
    mask: Array | None = None


def both(a: Array | None, b: Array | None) -> Array | None:
    """Return the conjunction of two masks."""
    if a is None:
        return b
    return a if b is None else np.logical_and(a, b)


def clean(data: Array, mask: Array | None, fill: float = 0) -> Array:
    """Return data with ``fill`` at the absent points."""
    return data if mask is None else np.where(mask, data, fill)


def number(data: Array) -> Array:
    """Return truth values as the integers 1 and 0."""
    return data.astype(np.int64) if data.dtype == np.bool_ else data


class Scope:
    """The coordinates of one equation, of which some may be fixed to a number."""

    def __init__(
        self,
        coords: Sequence[str],
        extents: Mapping[str, int],
        symbols: Mapping[str, Any],
        stores: Mapping[str, Store],
        fixed: Mapping[str, int],
    ) -> None:
        self.coords = [c for c in coords if c not in fixed]
        self.axis = {c: i for i, c in enumerate(self.coords)}
        self.extents, self.symbols, self.stores, self.fixed = extents, symbols, stores, fixed
        self.shape = tuple(extents[c] for c in self.coords)

    def coord(self, name: str) -> Array:
        if name in self.fixed:
            return np.asarray(self.fixed[name])
        shape = [1] * len(self.coords)
        shape[self.axis[name]] = self.extents[name]
        return np.arange(self.extents[name]).reshape(shape)

    def expr(self, node: Expr) -> Vector:
        if ast.is_constant(node):
            return Vector(data=np.asarray(constant(node, self.symbols)))
        match node:
            case ast.Coord(name=name):
                return Vector(data=self.coord(name))
            case (
                ast.Read(tensor=tensor, indices=indices)
                | ast.Gather(tensor=tensor, indices=indices)
            ):
                return self.read(tensor, indices)
            case ast.Default(value=value, other=other):
                return self.default(self.expr(value), other)
            case ast.Unary(op=op, arg=arg):
                inner = self.expr(arg)
                return Vector(data=array(UNARY[op])(number(inner.data)), mask=inner.mask)
            case ast.Binary(op=op, left=a, right=b):
                return self.binary(op, self.expr(a), self.expr(b))
            case ast.Call(function="select", args=(condition, yes, no)):
                return self.select(*map(self.expr, (condition, yes, no)))
            case ast.Call(function=function, args=args):
                values = [self.expr(a) for a in args]
                mask: Array | None = None
                for operand in values:
                    mask = both(mask, operand.mask)
                data = array(FUNCTIONS[function])(*(number(v.data) for v in values))
                return Vector(data=data, mask=mask)
        raise UnsupportedError(type(node).__name__)

    def binary(self, op: str, a: Vector, b: Vector) -> Vector:
        mask = both(a.mask, b.mask)
        if op in _TRUTHS:
            return Vector(data=array(BINARY[op])(a.data, b.data), mask=mask)
        return Vector(data=array(BINARY[op])(number(a.data), number(b.data)), mask=mask)

    def default(self, value: Vector, other: Expr) -> Vector:
        if value.mask is None:
            return value
        instead = self.expr(other)
        data = np.where(value.mask, number(value.data), number(instead.data))
        mask = None if instead.mask is None else np.logical_or(value.mask, instead.mask)
        return Vector(data=data, mask=mask)

    def select(self, condition: Vector, yes: Vector, no: Vector) -> Vector:
        chosen = condition.data.astype(bool)
        mask = condition.mask
        if yes.mask is not None or no.mask is not None:
            yes_mask = np.asarray(True) if yes.mask is None else yes.mask
            no_mask = np.asarray(True) if no.mask is None else no.mask
            mask = both(mask, np.where(chosen, yes_mask, no_mask))
        return Vector(data=np.where(chosen, number(yes.data), number(no.data)), mask=mask)

    def read(self, tensor: str, indices: Sequence[Expr]) -> Vector:
        store = self.stores[tensor]
        forms = [self.linear(index) for index in indices]
        view = self.view(store, forms)
        return self.pick(store, indices) if view is None else view

    def linear(self, index: Expr) -> Linear | None:
        form = linear(index, self.symbols)
        if form is None:
            if (
                self.fixed
                and not ast.has_reads(index)
                and set(ast.coords_in(index)) <= set(self.fixed)
            ):
                value = self.expr(index).data
                if value != np.floor(value):
                    raise UnsupportedError("an index that is no integer")
                return Linear(coefs={}, const=int(value))
            return None
        free = {c: k for c, k in form.coefs.items() if c not in self.fixed}
        shift = sum(k * self.fixed[c] for c, k in form.coefs.items() if c in self.fixed)
        return Linear(coefs=free, const=form.const + shift)

    def view(self, store: Store, forms: Sequence[Linear | None]) -> Vector | None:
        """Return a read as a view if every index is a number or one coordinate plus a number, in range."""
        keys: list[Any] = []
        names: list[str] = []
        for form, size in zip(forms, store.data.shape, strict=True):
            if form is None or len(form.coefs) > 1:
                return None
            if not form.coefs:
                if not 0 <= form.const < size:
                    return Vector(data=np.asarray(0.0), mask=np.asarray(False))
                keys.append(form.const)
                continue
            ((name, step),) = form.coefs.items()
            end = form.const + self.extents[name]
            if step != 1 or form.const < 0 or end > size or name in names:
                return None
            keys.append(slice(form.const, end))
            names.append(name)
        place = tuple(keys)
        mask = None if store.mask is None else self.spread(store.mask[place], names)
        if mask is not None and mask.all():
            mask = None
        return Vector(data=self.spread(store.data[place], names), mask=mask)

    def spread(self, data: Array, names: Sequence[str]) -> Array:
        """Give an array whose axes are named coordinates one axis per coordinate of the scope."""
        data = np.asarray(data)
        order = sorted(range(len(names)), key=lambda i: self.axis[names[i]])
        shape = [1] * len(self.coords)
        for name in names:
            shape[self.axis[name]] = self.extents[name]
        return data.transpose(order).reshape(shape) if names else data.reshape(shape)

    def pick(self, store: Store, indices: Sequence[Expr]) -> Vector:
        """Return a read element by element; indices out of range are absent."""
        keys: list[Array] = []
        mask: Array | None = None
        for index, size in zip(indices, store.data.shape, strict=True):
            value = self.expr(index)
            data = clean(number(value.data), value.mask)
            if data.dtype.kind == "f":
                if not np.all(data == np.floor(data)):
                    raise UnsupportedError("an index that is no integer")
                data = data.astype(np.int64)
            mask = both(mask, value.mask)
            inside = np.logical_and(data >= 0, data < size)
            if not inside.all():
                mask = both(mask, inside)
                data = np.clip(data, 0, max(size - 1, 0))
            keys.append(data)
        if store.data.size == 0:
            return Vector(
                data=np.zeros([1] * len(self.coords)), mask=np.zeros([1] * len(self.coords), bool)
            )
        place = tuple(np.broadcast_arrays(*keys))
        if store.mask is not None:
            mask = both(mask, store.mask[place])
        if mask is not None and mask.all():
            mask = None
        return Vector(data=store.data[place], mask=mask)
