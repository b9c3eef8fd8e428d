"""Cuts a rank into tiles: ``m`` becomes ``m1*M0+m0``, with equal values."""

from __future__ import annotations

from dataclasses import dataclass, replace

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.check import symbol_names
from accelsim.cascade.macros import extent_symbol
from accelsim.cascade.model import (
    Axis,
    Equation,
    Merged,
    Plain,
    Reduce,
    Setting,
    TensorRead,
)
from accelsim.cascade.rewrite.chain import RefusedError
from accelsim.cascade.rewrite.program import Program
from accelsim.cascade.rewrite.trees import binary


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A coordinate, its two halves, the symbol of the tile's size, and the extent as a whole."""

    coord: str
    outer: str
    inner: str
    size: str
    extent: Expr

    @property
    def index(self) -> Expr:
        product = binary("*", ast.Coord(name=self.outer), ast.Symbol(name=self.size))
        return binary("+", product, ast.Coord(name=self.inner))


def tiled(program: Program, size: int) -> Program:
    """Return the program with its rank cut into tiles of ``size`` places (a parameter M0).

    Raise RefusedError if the rank is no single coordinate, iterative, selected from or gathered.
    """
    cut = _cut(program)
    whole = _split(program, cut)
    equations = tuple(_equation(program, cut, whole, e) for e in program.equations)
    settings = [s for s in program.block.settings if s.kind != "rank" or s.name != cut.coord]
    count = f"{cut.size[:-1]}1" if cut.size.endswith("0") else f"{cut.size}_count"
    (count,) = _fresh(program, count)
    tiles = ast.Call(function="ceil", args=(binary("/", cut.extent, ast.Symbol(name=cut.size)),))
    settings += [
        Setting(kind="param", name=cut.size, value=ast.Number(value=size)),
        Setting(kind="let", name=count, value=tiles),
        Setting(kind="rank", name=cut.outer, value=ast.Symbol(name=count)),
        Setting(kind="rank", name=cut.inner, value=ast.Symbol(name=cut.size)),
    ]
    block = replace(program.block, settings=tuple(settings), equations=equations)
    return Program.of(block, (cut.outer, cut.inner), f"{cut.outer}.{cut.inner}")


def _cut(program: Program) -> Cut:
    coord, *others = program.rank
    if others:
        raise RefusedError(f"{program.name} is tiled already")
    extent = program.extent(coord)
    if extent == ast.Symbol(name=extent_symbol(coord)):
        raise RefusedError(f"the length of {coord} is not known by name")
    for equation in program.equations:
        if any(coord in a.coords for a in equation.left if not isinstance(a, Plain)):
            raise RefusedError(f"{equation.id} defines {coord} step by step or as part of an axis")
        labels = {n.label for r in equation.reads for n in [r.node] if isinstance(n, ast.Gather)}
        if equation.reduce and equation.reduce.gathers:
            labels |= set(equation.reduce.coords)
        selects = equation.reduce is not None and equation.reduce.slot is not None
        if coord in labels or (selects and coord in (*equation.coords, *equation.left_coords)):
            raise RefusedError(f"{equation.id} selects places of {coord}")
    outer, inner, size = _fresh(program, f"{coord}1", f"{coord}0", f"{coord.upper()}0")
    return Cut(coord=coord, outer=outer, inner=inner, size=size, extent=extent)


def _fresh(program: Program, *wanted: str) -> tuple[str, ...]:
    taken = program.block.coords | symbol_names(program.block)
    found: list[str] = []
    for name in program.fresh(*wanted):
        while name in taken:
            name += "_"
        found.append(name)
    return tuple(found)


def _split(program: Program, cut: Cut) -> frozenset[tuple[str, int]]:
    """Return the axes that become two: of results that are only read at the coordinate itself."""
    fixed = {t.name for t in (*program.block.inputs, *program.block.outputs)}
    axes = {
        (e.tensor, i)
        for e in program.equations
        for i, a in enumerate(e.left)
        if a == Plain(coord=cut.coord) and e.tensor not in fixed
    }
    for equation in program.equations:
        for i, axis in enumerate(equation.left):
            if axis != Plain(coord=cut.coord):
                axes.discard((equation.tensor, i))
        for read in equation.reads:
            for i, index in enumerate(read.indices):
                if index != ast.Coord(name=cut.coord):
                    axes.discard((read.tensor, i))
    return frozenset(axes)


def _equation(
    program: Program, cut: Cut, axes: frozenset[tuple[str, int]], old: Equation
) -> Equation:
    def change(node: Expr) -> Expr:
        match node:
            case ast.Coord(name=name) if name == cut.coord:
                return cut.index
            case ast.Read(tensor=tensor) | ast.Gather(tensor=tensor):
                indices: list[Expr] = []
                for i, index in enumerate(node.indices):
                    if (tensor, i) in axes:
                        indices += [ast.Coord(name=cut.outer), ast.Coord(name=cut.inner)]
                    else:
                        indices.append(index)
                return replace(node, indices=tuple(indices))
        return node

    left: list[Axis] = []
    for i, axis in enumerate(old.left):
        if axis != Plain(coord=cut.coord):
            left.append(axis)
        elif (old.tensor, i) in axes:
            left += [Plain(coord=cut.outer), Plain(coord=cut.inner)]
        else:
            left.append(Merged(outer=cut.outer, size=ast.Symbol(name=cut.size), inner=cut.inner))
    where = tuple(ast.rebuild(w, change) for w in old.where)
    if cut.coord in old.coords and not _ends_itself(program, cut, axes, old):
        where = (*where, binary("<", cut.index, cut.extent))
    return replace(
        old,
        left=tuple(left),
        right=ast.rebuild(old.right, change),
        where=where,
        reduce=_reduce(cut, old.reduce),
    )


def _reduce(cut: Cut, reduce: Reduce | None) -> Reduce | None:
    if reduce is None:
        return None
    halves = {cut.coord: (cut.outer, cut.inner)}
    coords = tuple(half for c in reduce.coords for half in halves.get(c, (c,)))
    return replace(reduce, coords=coords)


def _ends_itself(
    program: Program, cut: Cut, axes: frozenset[tuple[str, int]], equation: Equation
) -> bool:
    """Whether the places of a last tile beyond the rank are absent without a condition."""
    sizes = {t.name: t.axes for t in program.block.inputs}
    here = ast.Coord(name=cut.coord)

    def bounded(read: TensorRead) -> bool:
        for i, index in enumerate(read.indices):
            known = sizes.get(read.tensor)
            if index == here and known is not None and known[i] == cut.extent:
                return True
            if (read.tensor, i) in axes:
                return True
        return False

    always = {id(node) for node in _always(equation.right)}
    return any(id(r.node) in always and bounded(r) for r in equation.reads)


def _always(node: Expr) -> list[Expr]:
    """Return the reads that are evaluated at every point."""
    match node:
        case ast.Read():
            return [node]
        case ast.Default():
            return []
        case ast.Call(function="select", args=(condition, _, _)):
            return _always(condition)
    return [r for child in ast.children(node) for r in _always(child)]
