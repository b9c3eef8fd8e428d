"""Finds which coordinates are the two halves of one tiled rank."""

from __future__ import annotations

from accelsim.cascade import ast
from accelsim.cascade.model import Block, Merged


def tiles(block: Block) -> tuple[tuple[str, str], ...]:
    """Return (outer, inner) of every ``outer*size+inner`` that is an index or a left axis.

    Inside an index (``p-(w1*W0+w0)``) it is one if ``size`` is how long ``inner`` is by its 'rank' line.
    """
    sizes = {s.name: s.value for s in block.settings if s.kind == "rank"}
    found: dict[tuple[str, str], None] = {}
    for equation in block.equations:
        for axis in equation.left:
            if isinstance(axis, Merged):
                found[axis.outer, axis.inner] = None
        for read in equation.reads:
            for index in read.indices:
                for part in ast.walk(index):
                    match part:
                        case ast.Binary(
                            op="+",
                            left=ast.Binary(op="*", left=ast.Coord(name=outer), right=size),
                            right=ast.Coord(name=inner),
                        ) if ast.is_constant(size) and (part is index or sizes.get(inner) == size):
                            found[outer, inner] = None
    return tuple(found)
