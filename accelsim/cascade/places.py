"""Tensors of places: what selections make and gathers read."""

from __future__ import annotations

from accelsim.cascade import ast
from accelsim.cascade.model import Block, Shift


def places_of(block: Block) -> dict[str, frozenset[int]]:
    """Return, for tensors of places, the axes along which all places differ.

    The slots of a selection; every axis of a given table of places (a page belongs to one entry); and
    what is read of such a tensor at different places of a slot.
    """
    found = {t.name: frozenset(range(len(t.axes))) for t in block.inputs if t.is_int}
    for equation in block.equations:
        slot = equation.reduce.slot if equation.reduce and equation.reduce.op == "top" else None
        right = equation.right
        coords: set[str] = {slot} if slot else set()
        if equation.reduce is None and isinstance(right, ast.Read) and right.tensor in found:
            for axis in found[right.tensor]:
                index = right.indices[axis]
                if isinstance(index, ast.Coord):
                    coords.add(index.name)
                elif isinstance(index, ast.Gather):
                    inner = found.get(index.tensor, frozenset())
                    coords |= {c for n in inner for c in ast.coords_in(index.indices[n])}
        axes = frozenset(n for n, a in enumerate(equation.left) if coords & set(a.coords))
        if axes:
            found[equation.tensor] = axes
    return found


def histories_of(block: Block) -> frozenset[str]:
    """Return the running states of which earlier steps are read too, by another coordinate than theirs."""
    axes = {
        e.tensor: (place, axis.coord)
        for e in block.equations
        for place, axis in enumerate(e.left)
        if isinstance(axis, Shift)
    }
    found = set()
    for read in (read for equation in block.equations for read in equation.reads):
        if read.tensor in axes:
            place, coord = axes[read.tensor]
            if set(ast.coords_in(read.indices[place])) - {coord}:
                found.add(read.tensor)
    return frozenset(found)
