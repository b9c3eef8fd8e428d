"""Finds which coordinates are the two halves of one tiled rank."""

from __future__ import annotations

from accelsim.cascade import ast
from accelsim.cascade.model import Block, Merged


def tiles(block: Block) -> tuple[tuple[str, str], ...]:
    """Return (outer, inner) of every ``outer*size+inner`` in an index or on a left side."""
    found: dict[tuple[str, str], None] = {}
    for equation in block.equations:
        for axis in equation.left:
            if isinstance(axis, Merged):
                found[axis.outer, axis.inner] = None
        for read in equation.reads:
            for index in read.indices:
                match index:
                    case ast.Binary(
                        op="+",
                        left=ast.Binary(op="*", left=ast.Coord(name=outer), right=size),
                        right=ast.Coord(name=inner),
                    ) if ast.is_constant(size):
                        found[outer, inner] = None
    return tuple(found)
