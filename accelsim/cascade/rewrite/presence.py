"""On what it depends whether a point of a map exists (grammar section 5), as data to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation
from accelsim.cascade.rewrite.algebra import linear
from accelsim.cascade.rewrite.trees import binary, substitute

if TYPE_CHECKING:
    from accelsim.cascade.rewrite.program import Program


@dataclass(frozen=True, kw_only=True)
class InRange:
    """An index must lie on its axis."""

    index: Expr
    size: Expr

    def at(self, place: Mapping[str, Expr]) -> InRange:
        return InRange(index=substitute(self.index, place), size=self.size)

    @property
    def conditions(self) -> tuple[Expr, ...]:
        zero = ast.Number(value=0)
        return binary(">=", self.index, zero), binary("<", self.index, self.size)

    @property
    def coords(self) -> tuple[str, ...]:
        return ast.coords_in(self.index)


@dataclass(frozen=True, kw_only=True)
class Holds:
    """A condition must hold; one that compares a value with itself says that it is present."""

    condition: Expr

    @property
    def read(self) -> ast.Read | None:
        """The read that must be present, if that is the condition."""
        match self.condition:
            case ast.Binary(op="==", left=ast.Read() as left, right=right) if left == right:
                return left
        return None

    def at(self, place: Mapping[str, Expr]) -> Holds:
        return Holds(condition=substitute(self.condition, place))

    @property
    def conditions(self) -> tuple[Expr, ...]:
        return (self.condition,)

    @property
    def coords(self) -> tuple[str, ...]:
        return ast.coords_in(self.condition)


Point = InRange | Holds


def presence(program: Program, equation: Equation) -> frozenset[Point]:
    """Return what must hold for a point of an equation's map to exist; empty: every point does."""
    found = set(_points(program, equation.right, ()))
    return frozenset(found | {Holds(condition=w) for w in equation.where})


def _points(program: Program, node: Expr, seen: tuple[str, ...]) -> frozenset[Point]:
    match node:
        case ast.Default(other=other):
            return _whole(node) if _points(program, other, seen) else frozenset()
        case ast.Call(function="select", args=(condition, a, b)):
            needs = _points(program, a, seen) | _points(program, b, seen)
            return _points(program, condition, seen) | (_whole(node) if needs else frozenset())
        case ast.Read():
            return _read(program, node, seen)
    parts = (_points(program, child, seen) for child in ast.children(node))
    return frozenset[Point]().union(*parts)


def _whole(node: Expr) -> frozenset[Point]:
    """Return the condition that an expression has a value: it equals itself."""
    return frozenset({Holds(condition=binary("==", node, node))})


def _read(program: Program, read: ast.Read, seen: tuple[str, ...]) -> frozenset[Point]:
    if any(running.state == read.tensor for running in program.running.values()):
        return frozenset()
    whole = _whole(read)
    if read.gathers:
        return whole
    axes = next((t.axes for t in program.block.inputs if t.name == read.tensor), None)
    writer = program.sole(read.tensor)
    if axes is None and (writer is None or read.tensor in seen):
        return whole
    names = writer.left_coords if writer is not None else ()
    sizes = axes if axes is not None else tuple(program.extent(c) for c in names)
    found: set[Point] = {
        InRange(index=index, size=size)
        for index, size in zip(read.indices, sizes, strict=True)
        if not (isinstance(index, ast.Coord) and program.extent(index.name) == size)
    }
    if writer is None:
        return frozenset(found)
    inner = _points(program, writer.right, (*seen, read.tensor))
    inner = inner | {Holds(condition=w) for w in writer.where}
    if writer.reduce is not None:
        if writer.reduce.op not in ("+", "*", "max", "min"):
            return whole
        inner = _reduced(program, inner, writer.reduce.coords)
        if any(set(point.coords) & set(writer.reduce.coords) for point in inner):
            return whole
    place = dict(zip(names, read.indices, strict=True))
    return frozenset(found | {point.at(place) for point in inner})


def _reduced(
    program: Program, points: frozenset[Point], coords: tuple[str, ...]
) -> frozenset[Point]:
    """Drop what at least one reduced place always meets: a tile's first, a window's own."""
    within = [p for p in points if set(p.coords) & set(coords)]
    if len(within) == 1 and isinstance(within[0], InRange):
        point = within[0]
        if _starts_in_range(program, point, coords) or _meets_itself(program, point, coords):
            return points - {point}
    return points


def _starts_in_range(program: Program, point: InRange, coords: tuple[str, ...]) -> bool:
    """Whether an index is ``outer*size+inner``, as many tiles as cover the axis, ``inner`` reduced."""
    match point.index:
        case ast.Binary(
            op="+",
            left=ast.Binary(op="*", left=ast.Coord(name=outer), right=size),
            right=ast.Coord(name=inner),
        ) if inner in coords and outer not in coords:
            tiles = ast.Call(function="ceil", args=(binary("/", point.size, size),))
            return program.resolved(program.extent(outer)) == program.resolved(tiles)
    return False


def _meets_itself(program: Program, point: InRange, coords: tuple[str, ...]) -> bool:
    """Whether an index is ``x + j - e``, ``j`` reduced and e surely one of its places."""
    terms = linear(point.index, lambda _: None)
    names = {n.name: k for n, k in terms.items() if isinstance(n, ast.Coord)}
    reduced = [c for c in names if c in coords]
    others = [c for c in names if c not in coords]
    if len(reduced) != 1 or len(others) != 1 or set(names.values()) != {1}:
        return False
    if program.extent(others[0]) != point.size:
        return False
    extent = program.extent(reduced[0])
    rest = {n: k for n, k in terms.items() if not isinstance(n, ast.Coord)}
    halves = (ast.Binary(op="//", left=extent, right=ast.Number(value=k)) for k in range(2, 9))
    last = {extent: -1, ast.Number(value=1): 1}
    return rest in ({}, last, *({half: -1} for half in halves))
