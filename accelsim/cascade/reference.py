"""Evaluates a cascade element by element, as the definition reads: slow and plainly right.

A value is None where a point is absent (grammar section 5). Nothing here is shared with the
vectorised evaluator but the parsed equations and the table of operations.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.formats import Format
from accelsim.cascade.lexer import Source
from accelsim.cascade.model import Axis, Block, Const, Equation, Merged, Plain, Shift
from accelsim.cascade.sizes import Sizes
from accelsim.errors import SpecError
from accelsim.ops import BINARY, FUNCTIONS, REDUCTIONS, UNARY

Value = Any  # int, float, str, or None for absent
Point = tuple[int, ...]


class Reference:
    """Points of tensors, computed when they are asked for and remembered."""

    def __init__(
        self,
        block: Block,
        source: Source,
        sizes: Sizes,
        arrays: Mapping[str, Any],
        formats: Mapping[str, Format] | None = None,
    ) -> None:
        self.source, self.sizes, self.arrays = source, sizes, arrays
        self.formats = formats or {}
        self.equations: dict[str, list[Equation]] = {}
        for equation in block.equations:
            self.equations.setdefault(equation.tensor, []).append(equation)
        self.known: dict[tuple[str, Point], Value] = {}
        self.open: set[tuple[str, Point]] = set()
        self.tops: dict[tuple[str, Point], list[tuple[int, Value]]] = {}
        self.scatters: dict[tuple[str, Point], dict[Point, Value]] = {}

    def tensor(self, name: str) -> Iterator[tuple[Point, Value]]:
        """Yield every point of a tensor's axes with its value, None where it is absent."""
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(max(limit, 1_000_000))
        try:
            for point in itertools.product(*map(range, self.sizes.shapes[name])):
                yield point, self.value(name, point)
        finally:
            sys.setrecursionlimit(limit)

    def value(self, name: str, point: Point) -> Value:
        shape = self.sizes.shapes[name]
        for index, size in zip(point, shape, strict=True):
            if not 0 <= index < size:
                return None
        if name in self.arrays:
            return self.given(name, point)
        key = (name, point)
        if key in self.known:
            return self.known[key]
        if key in self.open:
            message = f"{name}{list(point)} depends on itself"
            raise self.source.error(self.equations[name][0].at, message)
        self.open.add(key)
        value = None
        for equation in self.equations[name]:
            env = self.bind(equation, point)
            if env is not None:
                value = self.rounded(name, self.define(equation, env))
                break
        self.open.discard(key)
        self.known[key] = value
        return value

    def given(self, name: str, point: Point) -> Value:
        """Return an element of an input."""
        return self.arrays[name][point].item()

    def rounded(self, name: str, value: Value) -> Value:
        """Return a value in the number format of its tensor."""
        if value is None or name not in self.formats:
            return value
        return self.formats[name].rounded(value).item()

    def span(self, coord: str) -> range:
        """Return the numbers that a coordinate runs over."""
        return range(self.sizes.extents[coord])

    def bind(self, equation: Equation, point: Point) -> dict[str, int] | None:
        """Return the left coordinates at which an equation defines a point, None if it does not."""
        env: dict[str, int] = {}
        for axis, index in zip(equation.left, point, strict=True):
            part = self.bind_axis(axis, index)
            if part is None:
                return None
            env.update(part)
        return env

    def bind_axis(self, axis: Axis, index: int) -> dict[str, int] | None:
        extents = self.sizes.extents
        match axis:
            case Const(value=value):
                return {} if index == value else None
            case Plain(coord=coord):
                return {coord: index} if index < extents[coord] else None
            case Shift(coord=coord):
                return {coord: index - 1} if 0 < index <= extents[coord] else None
            case Merged(outer=outer, inner=inner):
                return {outer: index // extents[inner], inner: index % extents[inner]}

    def define(self, equation: Equation, env: dict[str, int]) -> Value:
        reduce = equation.reduce
        try:
            if reduce is None:
                return self.point(equation, env)
            if reduce.slot is not None:
                return self.top(equation, env)
            if reduce.op == "scatter":
                return self.scatter(equation, env)
            return _fold(reduce.op, [v for _, v in self.points(equation, env)])
        except (ValueError, ArithmeticError, TypeError) as error:
            raise self.source.error(
                equation.at, f"{equation.tensor} cannot be computed: {error}"
            ) from None

    def points(
        self, equation: Equation, env: dict[str, int]
    ) -> Iterator[tuple[dict[str, int], Value]]:
        """Yield the points of the reduced coordinates that exist."""
        coords = equation.reduce_coords
        for values in itertools.product(*map(self.span, coords)):
            at = {**env, **dict(zip(coords, values, strict=True))}
            value = self.point(equation, at)
            if value is not None:
                yield at, value

    def point(self, equation: Equation, env: Mapping[str, int]) -> Value:
        for condition in equation.where:
            if not self.expr(condition, env):
                return None
        return self.expr(equation.right, env)

    def top(self, equation: Equation, env: dict[str, int]) -> Value:
        reduce = equation.reduce
        assert reduce is not None
        assert reduce.slot is not None
        outer = {c: i for c, i in env.items() if c != reduce.slot}
        key = (equation.id, tuple(outer.values()))
        if key not in self.tops:
            found = [(at[reduce.coords[0]], v) for at, v in self.points(equation, outer)]
            best = sorted(found, key=lambda item: (-item[1], item[0]))
            self.tops[key] = sorted(best[: self.sizes.extents[reduce.slot]])
        slots = self.tops[key]
        slot = env[reduce.slot]
        if slot >= len(slots):
            return None
        return slots[slot][0 if reduce.op == "top" else 1]

    def scatter(self, equation: Equation, env: dict[str, int]) -> Value:
        reduce = equation.reduce
        assert reduce is not None
        labels = tuple(g.label for g in reduce.gathers)
        outer = {c: i for c, i in env.items() if c not in labels}
        key = (equation.id, tuple(outer.values()))
        if key not in self.scatters:
            groups: dict[Point, list[Value]] = {}
            for values in itertools.product(*map(self.span, reduce.coords)):
                at = {**outer, **dict(zip(reduce.coords, values, strict=True))}
                targets = [self.expr(g, at) for g in reduce.gathers]
                if any(t is None for t in targets):
                    continue
                point = tuple(map(_index, targets))
                value = self.point(equation, {**at, **dict(zip(labels, point, strict=True))})
                if value is not None:
                    groups.setdefault(point, []).append(value)
            if reduce.combine == "=" and any(len(g) > 1 for g in groups.values()):
                message = f"two points meet in one element of {equation.tensor!r}; '=' allows one"
                raise self.source.error(reduce.at, message)
            op = "+" if reduce.combine == "=" else reduce.combine
            self.scatters[key] = {p: _fold(op, g) for p, g in groups.items()}
        return self.scatters[key].get(tuple(env[c] for c in labels))

    def expr(self, node: Expr, env: Mapping[str, int]) -> Value:
        """Return the value of a tree at a point, None if a read that is evaluated is absent."""
        match node:
            case ast.Number(value=v) | ast.Word(value=v):
                return v
            case ast.Coord(name=name):
                return env[name]
            case ast.Symbol(name=name):
                return self.sizes.symbols[name]
            case (
                ast.Read(tensor=tensor, indices=indices)
                | ast.Gather(tensor=tensor, indices=indices)
            ):
                point = []
                for index in indices:
                    value = self.expr(index, env)
                    if value is None:
                        return None
                    point.append(_index(value))
                return self.value(tensor, tuple(point))
            case ast.Default(value=inner, other=other):
                value = self.expr(inner, env)
                return self.expr(other, env) if value is None else value
            case ast.Unary(op=op, arg=arg):
                value = self.expr(arg, env)
                return None if value is None else UNARY[op].scalar(value)
            case ast.Binary(op=op, left=left, right=right):
                a = self.expr(left, env)
                if a is None:
                    return None
                b = self.expr(right, env)
                return None if b is None else BINARY[op].scalar(a, b)
            case ast.Call(function="select", args=(condition, yes, no)):
                chosen = self.expr(condition, env)
                return None if chosen is None else self.expr(yes if chosen else no, env)
            case ast.Call(function=function, args=args):
                values = []
                for arg in args:
                    value = self.expr(arg, env)
                    if value is None:
                        return None
                    values.append(value)
                return FUNCTIONS[function].scalar(*values)
        raise SpecError(self.source.fault(node.at, "this cannot be evaluated"))


def _index(value: Value) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError(f"an index must be an integer, not {value}")
    return int(value)


def _fold(op: str, values: list[Value]) -> Value:
    if not values:
        return None
    combine = REDUCTIONS[op].scalar
    result = values[0]
    for value in values[1:]:
        result = combine(result, value)
    return result
