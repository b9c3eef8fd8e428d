"""On what it depends whether a point of a map exists (grammar section 5), as data to compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation
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
    """A condition must hold, or, where it compares a read with itself, the read be present."""

    condition: Expr

    @classmethod
    def of_read(cls, read: ast.Read) -> Holds:
        return cls(condition=binary("==", read, read))

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
            return _points(program, other, seen)
        case ast.Read():
            return _read(program, node, seen)
    parts = (_points(program, child, seen) for child in ast.children(node))
    return frozenset[Point]().union(*parts)


def _read(program: Program, read: ast.Read, seen: tuple[str, ...]) -> frozenset[Point]:
    if any(running.state == read.tensor for running in program.running.values()):
        return frozenset()
    whole = frozenset({Holds.of_read(read)})
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
    """Drop what at least one reduced place always meets: the first place of every tile is in range."""
    within = [p for p in points if set(p.coords) & set(coords)]
    if len(within) == 1 and _starts_in_range(program, within[0], coords):
        return points - {within[0]}
    return points


def _starts_in_range(program: Program, point: Point, coords: tuple[str, ...]) -> bool:
    if not isinstance(point, InRange):
        return False
    match point.index:
        case ast.Binary(
            op="+",
            left=ast.Binary(op="*", left=ast.Coord(name=outer), right=size),
            right=ast.Coord(name=inner),
        ) if inner in coords and outer not in coords:
            tiles = ast.Call(function="ceil", args=(binary("/", point.size, size),))
            return program.resolved(program.extent(outer)) == program.resolved(tiles)
    return False
