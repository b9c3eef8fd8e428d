"""Evaluates the expressions of one equation on whole arrays, with a mask of the points that exist.

Every intermediate has one axis per coordinate of the equation, of size 1 where it does not depend
on it. ``mask`` is None where all points exist; the data of absent points is meaningless but finite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.linear import Linear, constant, linear
from accelsim.cascade.sizes import Sizes
from accelsim.cascade.store import Array, Span, Store, Vector
from accelsim.ops import BINARY, FUNCTIONS, UNARY, array

_TRUTHS = frozenset({"<", "<=", ">", ">=", "==", "!=", "and", "or"})


_IN_PLACE: dict[str, Any] = {"+": np.add, "-": np.subtract, "*": np.multiply}


class UnsupportedError(Exception):
    """What the vectorised evaluator leaves to the element-by-element one."""


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


def _takes(one: Vector, other: Vector) -> bool:
    """Whether the result of two operands can be written over the first."""
    a, b = one.data, other.data
    if not (one.is_own and a.ndim and a.dtype == np.float64 and a.ndim == b.ndim):
        return False
    return b.dtype == np.float64 and all(n in (1, m) for n, m in zip(b.shape, a.shape, strict=True))


class Scope:
    """The coordinates of one equation: each runs over a span, or is fixed to a number (see ``at``)."""

    def __init__(
        self,
        coords: Sequence[str],
        sizes: Sizes,
        stores: Mapping[str, Store],
        spans: Mapping[str, Span] | None = None,
        fixed: Mapping[str, int] | None = None,
    ) -> None:
        self.sizes, self.stores, self.symbols = sizes, stores, sizes.symbols
        self.fixed: Mapping[str, int] = fixed or {}
        self.coords = [c for c in coords if c not in self.fixed]
        self.axis = {c: i for i, c in enumerate(self.coords)}
        given = spans or {}
        self.spans = {c: given.get(c, (0, sizes.extents[c])) for c in self.coords}
        self.shape = tuple(high - low for low, high in self.spans.values())
        self.forms: dict[int, tuple[Linear | None, bool]] = {}
        self.constants: dict[int, Vector | None] = {}
        self.grids: dict[str, Array] = {}
        self.windows: dict[int, _View | None] = {}

    def at(self, fixed: Mapping[str, int]) -> Scope:
        """Move the fixed coordinates to other numbers."""
        self.fixed = fixed
        return self

    def within(self, coord: str, span: Span) -> Scope:
        """Return a scope in which one coordinate runs over less."""
        spans = {**self.spans, coord: span}
        return Scope([*self.coords, *self.fixed], self.sizes, self.stores, spans, self.fixed)

    def size(self, coord: str) -> int:
        """Return over how many numbers a coordinate runs; a result's own coordinate over all."""
        if coord in self.axis:
            return self.shape[self.axis[coord]]
        return self.sizes.extents[coord]

    def coord(self, name: str) -> Array:
        if name in self.fixed:
            return np.asarray(self.fixed[name])
        if name not in self.grids:
            shape = [1] * len(self.coords)
            shape[self.axis[name]] = self.size(name)
            self.grids[name] = np.arange(*self.spans[name]).reshape(shape)
        return self.grids[name]

    def expr(self, node: Expr) -> Vector:
        if id(node) not in self.constants:
            fixed = ast.is_constant(node)
            self.constants[id(node)] = (
                Vector(data=np.asarray(constant(node, self.symbols))) if fixed else None
            )
        known = self.constants[id(node)]
        if known is not None:
            return known
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
        for one, other in ((a, b), (b, a)):
            if op in _IN_PLACE and _takes(one, other):  # no new array: large ones are slow to get
                data = _IN_PLACE[op](a.data, b.data, out=one.data)
                return Vector(data=data, mask=mask, is_own=True)
        data = array(BINARY[op])(number(a.data), number(b.data))
        return Vector(data=data, mask=mask, is_own=True)

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
        if self.fixed:
            if id(indices) not in self.windows:
                self.windows[id(indices)] = self.prepared(store, indices)
            prepared = self.windows[id(indices)]
            if prepared is not None:
                return prepared.read(store, self.fixed)
        forms = [self.linear(index) for index in indices]
        view = self.view(store, forms)
        return self.pick(store, indices) if view is None else view

    def prepared(self, store: Store, indices: Sequence[Expr]) -> _View | None:
        """Return how a read is a view wherever the fixed coordinates stand, None if it is not always one."""
        keys: list[slice | Linear] = []
        names: list[str] = []
        for axis, index in enumerate(indices):
            form = linear(index, self.symbols)
            if form is None:
                return None
            free = [c for c in form.coefs if c not in self.fixed]
            if not free:
                keys.append(form)
                continue
            low, high = (n + form.const for n in self.spans[free[0]])
            if form.coefs != {free[0]: 1} or free[0] in names:
                return None
            if low < 0 or high > store.shape[axis]:
                return None
            held(low, high, store, axis)
            keys.append(slice(low - store.start[axis], high - store.start[axis]))
            names.append(free[0])
        order = sorted(range(len(names)), key=lambda i: self.axis[names[i]])
        shape = [self.size(c) if c in names else 1 for c in self.coords]
        return _View(keys=tuple(keys), order=order, shape=shape)

    def linear(self, index: Expr) -> Linear | None:
        """Return an index as an affine form of the coordinates that are not fixed, None if it is none."""
        if id(index) not in self.forms:
            whole = not ast.has_reads(index) and set(ast.coords_in(index)) <= set(self.fixed)
            self.forms[id(index)] = (linear(index, self.symbols), whole)
        form, is_number = self.forms[id(index)]
        if form is None:
            if not (self.fixed and is_number):
                return None
            value = self.expr(index).data
            if value != np.floor(value):
                raise UnsupportedError("an index that is no integer")
            return Linear(coefs={}, const=int(value))
        if not any(c in self.fixed for c in form.coefs):
            return form
        shift = sum(k * self.fixed[c] for c, k in form.coefs.items() if c in self.fixed)
        free = {c: k for c, k in form.coefs.items() if c not in self.fixed}
        return Linear(coefs=free, const=form.const + shift)

    def view(self, store: Store, forms: Sequence[Linear | None]) -> Vector | None:
        """Return a read as a view if every index is a number or one coordinate plus a number, in range."""
        keys: list[Any] = []
        names: list[str] = []
        for axis, (form, size) in enumerate(zip(forms, store.shape, strict=True)):
            if form is None or len(form.coefs) > 1:
                return None
            start = store.start[axis]
            if not form.coefs:
                if not 0 <= form.const < size:
                    return Vector(data=np.asarray(0.0), mask=np.asarray(False))
                held(form.const, form.const + 1, store, axis)
                keys.append(form.const - start)
                continue
            ((name, step),) = form.coefs.items()
            low, high = self.spans[name]
            low, high = low + form.const, high + form.const
            if step != 1 or low < 0 or high > size or name in names:
                return None
            held(low, high, store, axis)
            keys.append(slice(low - start, high - start))
            names.append(name)
        place = tuple(keys)
        mask = None if store.mask is None else store.mask[place]
        if mask is not None:
            mask = None if mask.all() else self.spread(mask, names)
        return Vector(data=self.spread(store.data[place], names), mask=mask)

    def spread(self, data: Array, names: Sequence[str]) -> Array:
        """Give an array whose axes are named coordinates one axis per coordinate of the scope."""
        data = np.asarray(data)
        order = sorted(range(len(names)), key=lambda i: self.axis[names[i]])
        shape = [1] * len(self.coords)
        for name in names:
            shape[self.axis[name]] = self.size(name)
        return data.transpose(order).reshape(shape) if names else data.reshape(shape)

    def pick(self, store: Store, indices: Sequence[Expr]) -> Vector:
        """Return a read element by element; indices out of range are absent."""
        keys: list[Array] = []
        mask: Array | None = None
        for axis, (index, size) in enumerate(zip(indices, store.shape, strict=True)):
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
            start, length = store.start[axis], store.data.shape[axis]
            if length < size:
                there = data[inside]
                if there.size:
                    held(int(there.min()), int(there.max()) + 1, store, axis)
            keys.append(np.clip(data - start, 0, max(length - 1, 0)))
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


@dataclass(frozen=True, kw_only=True)
class _View:
    """A read that is a view: slices, and numbers that depend on the fixed coordinates."""

    keys: tuple[slice | Linear, ...]
    order: list[int]
    shape: list[int]

    def read(self, store: Store, fixed: Mapping[str, int]) -> Vector:
        place: list[slice | int] = []
        for axis, key in enumerate(self.keys):
            if isinstance(key, slice):
                place.append(key)
                continue
            number = key.at(fixed)
            if not 0 <= number < store.shape[axis]:
                return Vector(data=np.asarray(0.0), mask=np.asarray(False))
            held(number, number + 1, store, axis)
            place.append(number - store.start[axis])
        where = tuple(place)
        mask = None if store.mask is None else store.mask[where]
        if mask is not None:
            mask = None if mask.all() else self.arranged(mask)
        return Vector(data=self.arranged(store.data[where]), mask=mask)

    def arranged(self, data: Array) -> Array:
        data = np.asarray(data)
        return (
            data.transpose(self.order).reshape(self.shape)
            if self.order
            else data.reshape(self.shape)
        )


def held(low: int, high: int, store: Store, axis: int) -> None:
    """Make sure that elements are inside the window: a plan that drops them too early is a defect."""
    start = store.start[axis]
    if low < start or high > start + store.data.shape[axis]:
        raise AssertionError(f"elements {low} to {high - 1} of axis {axis} are not held")
