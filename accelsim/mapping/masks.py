"""Where Einsums have points: the affine conditions of their own masks and of all that they read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from accelsim.cascade import Cascade, ast
from accelsim.cascade.lattice import UncountableError, simplified
from accelsim.cascade.linear import Linear, half_planes, linear
from accelsim.cascade.model import Equation, Plain
from accelsim.cascade.order import components
from accelsim.cascade.quasi import Conditions, Planes
from accelsim.cascade.sizes import Sizes
from accelsim.replay.exact import grouped

Masks = dict[str, tuple[Linear, ...]]
Parts = dict[str, tuple[Planes, ...]]
Kept = dict[
    str, list[tuple[Equation, Planes]]
]  # by tensor: its maker with each part of its conditions
MOST_PARTS = 8  # of a union of conditions that are told apart


def masks_of(cascade: Cascade, sizes: Sizes) -> Masks:
    """Return by Einsum conditions (>= 0, over its coordinates) that each of its points meets.

    They are necessary, not sufficient: what is not affine, or rests on data, is left out.
    """
    return _both(cascade, sizes)[0]


def parts_of(cascade: Cascade, sizes: Sizes) -> Parts:
    """Return by Einsum conditions of which each point meets those of one part, besides its masks.

    Parts may overlap; an Einsum whose masks are no union has none.
    """
    return _both(cascade, sizes)[1]


def _both(cascade: Cascade, sizes: Sizes) -> tuple[Masks, Parts]:
    return sizes.kept.once(masks_of, lambda: _masks(cascade, sizes), cascade.block)


def _masks(cascade: Cascade, sizes: Sizes) -> tuple[Masks, Parts]:
    equations = cascade.equations
    makers: dict[str, list[int]] = {}
    for number, equation in enumerate(equations):
        makers.setdefault(equation.tensor, []).append(number)
    needs = [sorted({n for r in e.reads for n in makers.get(r.tensor, ())}) for e in equations]
    found: Masks = {}
    parts: Parts = {}
    kept: Kept = {}
    for number in (n for group in components(needs) for n in sorted(group)):
        equation = equations[number]
        planes: list[Linear] = []
        unions: list[Sequence[Planes]] = []
        for where in equation.where:
            plain = half_planes([where], sizes.symbols)
            planes += plain or []
            unions += [_union(where, sizes)] * (plain is None)
        for read in equation.sure_reads:
            sides = [tuple(_inherited(read, *side, sizes)) for side in kept.get(read.tensor, ())]
            planes += sides[0] if len(sides) == 1 else ()
            unions += [sides] * (len(sides) > 1)
            planes += _inside(read, sizes)
        found[equation.id] = tuple(alike[0] for alike in grouped(planes, _name))
        parts[equation.id] = _joined(unions, sizes)
        if equation.iterative is None and len(makers[equation.tensor]) == 1:
            sides = [(*found[equation.id], *part) for part in parts[equation.id] or ((),)]
            kept[equation.tensor] = [(equation, side) for side in sides]
    return found, parts


def _name(plane: Linear) -> tuple[object, ...]:
    return (tuple(sorted(plane.coefs.items())), plane.const)


def _union(where: ast.Expr, sizes: Sizes) -> Sequence[Planes]:
    """Return the sides of a condition that is no conjunction; one that says nothing if nothing is known."""
    if ast.has_reads(where):
        return [()]
    try:
        return Conditions(sizes.symbols, sizes.extents, apart=False).union(where)
    except UncountableError:
        return [()]


def _joined(unions: Sequence[Sequence[Planes]], sizes: Sizes) -> tuple[Planes, ...]:
    """Return the sides of all unions met; none where they say nothing, or are too many to tell apart."""
    found: dict[object, Planes] = {(): ()}
    for union in unions:
        sides: list[Planes] = []
        for side in union:
            known = [p for p in side if all(n in sizes.extents for n in p.coefs)]
            tight = simplified(known, sizes.extents)
            sides += [] if tight is None else [tight]
        if () in sides:
            continue
        met = ((*old, *new) for old, new in product(found.values(), sides))
        tidy = [t for planes in met if (t := simplified(planes, sizes.extents)) is not None]
        found = {frozenset(map(_name, planes)): planes for planes in tidy}
        if len(found) > MOST_PARTS:
            return ()
    return tuple(found.values()) if len(found) > 1 else ()


def _inside(read: ast.Read, sizes: Sizes) -> Iterator[Linear]:
    """Yield that the sums of coordinates which are read are places of their axes."""
    for index, size in zip(read.indices, sizes.shapes[read.tensor], strict=True):
        if isinstance(index, ast.Coord):
            continue
        form = linear(index, sizes.symbols)
        if form is not None and len(form.coefs) > 1:
            yield form
            yield Linear(coefs={}, const=size - 1).plus(form, -1)


def _inherited(read: ast.Read, maker: Equation, planes: Planes, sizes: Sizes) -> Iterator[Linear]:
    """Yield conditions of what is read, in the coordinates of the reader."""
    at: dict[str, Linear | None] = {
        axis.coord: linear(index, sizes.symbols)
        for axis, index in zip(maker.left, read.indices, strict=True)
        if isinstance(axis, Plain)
    }
    for plane in planes:
        total: Linear | None = Linear(coefs={}, const=plane.const)
        for coord, factor in plane.coefs.items():
            if coord not in at:  # summed over, or merged: some point of it meets the condition
                most = max(0, factor * (sizes.extents[coord] - 1))
                total = total.plus(Linear(coefs={}, const=most)) if total else None
                continue
            index = at[coord]
            total = total.plus(index.times(factor)) if total and index else None
        if total is not None and total.coefs:
            yield total
