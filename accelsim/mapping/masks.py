"""Where Einsums have points: the affine conditions of their own masks and of all that they read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from accelsim.cascade import Cascade, ast
from accelsim.cascade.linear import Linear, half_planes, linear
from accelsim.cascade.model import Equation, Plain
from accelsim.cascade.order import components
from accelsim.cascade.sizes import Sizes

Masks = dict[str, tuple[Linear, ...]]


def masks_of(cascade: Cascade, sizes: Sizes) -> Masks:
    """Return by Einsum conditions (>= 0, over its coordinates) that each of its points meets.

    They are necessary, not sufficient: what is not affine, or rests on data, is left out.
    """
    return _masks(_Key(cascade, sizes))


class _Key:
    """A cascade at some sizes as a key of the cache: by identity, its expressions are large."""

    def __init__(self, cascade: Cascade, sizes: Sizes) -> None:
        self.cascade, self.sizes = cascade, sizes

    def __hash__(self) -> int:
        return hash((id(self.cascade.block), id(self.sizes)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Key)
            and other.cascade.block is self.cascade.block
            and other.sizes is self.sizes
        )


@lru_cache(maxsize=16)
def _masks(key: _Key) -> Masks:
    equations, sizes = key.cascade.equations, key.sizes
    makers: dict[str, list[int]] = {}
    for number, equation in enumerate(equations):
        makers.setdefault(equation.tensor, []).append(number)
    needs = [sorted({n for r in e.reads for n in makers.get(r.tensor, ())}) for e in equations]
    found: Masks = {}
    kept: dict[str, tuple[Equation, tuple[Linear, ...]]] = {}
    for number in (n for group in components(needs) for n in sorted(group)):
        equation = equations[number]
        planes = [
            plane for where in equation.where for plane in half_planes([where], sizes.symbols) or []
        ]
        for node in (equation.right, *equation.where):
            for read in _needed(node):
                planes += _inherited(read, kept, sizes)
                planes += _inside(read, sizes)
        found[equation.id] = tuple(
            {(tuple(sorted(p.coefs.items())), p.const): p for p in planes}.values()
        )
        if equation.iterative is None and len(makers[equation.tensor]) == 1:
            kept[equation.tensor] = (equation, found[equation.id])
    return found


def _needed(node: ast.Expr) -> Iterator[ast.Read]:
    """Yield the reads without which a point does not exist (those under ``?`` are not)."""
    if isinstance(node, ast.Default):
        return
    if isinstance(node, ast.Read):
        yield node
    inside = node.args[:1] if isinstance(node, ast.Call) and node.function == "select" else None
    for child in inside or ast.children(node):
        yield from _needed(child)


def _inside(read: ast.Read, sizes: Sizes) -> Iterator[Linear]:
    """Yield that the sums of coordinates which are read are places of their axes."""
    for index, size in zip(read.indices, sizes.shapes[read.tensor], strict=True):
        form = linear(index, sizes.symbols)
        if form is not None and len(form.coefs) > 1:
            yield form
            yield Linear(coefs={}, const=size - 1).plus(form, -1)


def _inherited(
    read: ast.Read, kept: dict[str, tuple[Equation, tuple[Linear, ...]]], sizes: Sizes
) -> Iterator[Linear]:
    """Yield the conditions of what is read, in the coordinates of the reader."""
    if read.tensor not in kept:
        return
    maker, planes = kept[read.tensor]
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
