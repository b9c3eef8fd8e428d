"""How many points of each Einsum exist, in closed form: what masks and windows leave of a box."""

from __future__ import annotations

from contextlib import suppress
from math import prod

from accelsim.cascade.cascade import Cascade
from accelsim.cascade.lattice import UncountableError
from accelsim.cascade.model import Equation
from accelsim.cascade.pointset import EVERYWHERE, Pieces
from accelsim.cascade.present import Present
from accelsim.cascade.sizes import Sizes

MESH = 1_000_000  # combinations that are counted one by one: some tens of milliseconds


def live_points(cascade: Cascade, sizes: Sizes) -> dict[str, int]:
    """Return the points of each Einsum; conditions on data, and what they select, are taken to hold.

    Exact where presence has a closed form (``Cascade.count`` agrees), else the most that there can be.
    """
    return sizes.kept.once(live_points, lambda: _live_points(cascade, sizes), cascade.block)


def _live_points(cascade: Cascade, sizes: Sizes) -> dict[str, int]:
    present = Present(cascade.block, sizes, selects=False, mesh=MESH)
    present.tensors |= {e.tensor: EVERYWHERE for e in cascade.block.equations}
    found: dict[str, int] = {}
    for equation in cascade.equations:
        points = _points(present, equation)
        try:
            found[equation.id] = present.box.count(points, equation.coords)
        except UncountableError:
            found[equation.id] = prod(sizes.extents[c] for c in equation.coords)
        if equation.iterative:
            continue
        try:
            present.define(equation, points)
        except UncountableError:
            present.tensors[equation.tensor] = EVERYWHERE
    return found


def _points(present: Present, equation: Equation) -> Pieces:
    """Return the points of an Einsum, without the conditions that have no closed form."""
    found = EVERYWHERE
    if equation.is_unconditional and all(
        present.is_everywhere(read.tensor, read.indices) for read in equation.reads
    ):
        return found
    for part in present.conditions_of(equation):
        with suppress(UncountableError):
            found = present.box.both(found, part())
    return found
