"""How many points of each Einsum exist, in closed form: what masks and windows leave of a box."""

from __future__ import annotations

from math import prod
from operator import floordiv, mul

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.cascade import Cascade
from accelsim.cascade.count import Closed
from accelsim.cascade.lattice import UncountableError, count_points
from accelsim.cascade.linear import Linear, half_planes, linear
from accelsim.cascade.model import Equation
from accelsim.cascade.sizes import Sizes

MESH = 1_000_000  # combinations that are counted one by one: some tens of milliseconds


def live_points(cascade: Cascade, sizes: Sizes) -> dict[str, int]:
    """Return the points of each Einsum; conditions on data, and those not affine, are taken to hold.

    Exact where presence is affine (``Cascade.count`` agrees), else the most that there can be.
    """
    closed = _Quick(cascade.block, sizes)
    closed.present |= {e.tensor: [] for e in cascade.block.equations}
    found: dict[str, int] = {}
    for equation in cascade.equations:
        planes = _planes(closed, equation)
        found[equation.id] = _count(planes, equation, sizes)
        reduce = equation.reduce
        if equation.iterative or (reduce and (reduce.slot or reduce.op == "scatter")):
            continue
        try:
            closed.define(equation, planes, is_loop=False)
        except UncountableError:
            continue
    return found


class _Quick(Closed):
    """Presence without looking at the values of an index one by one: at 1M tokens that takes seconds."""

    def span(self, index: Expr) -> tuple[float, float]:
        """Return bounds of an index of quotients and rests, by intervals."""
        form = linear(index, self.sizes.symbols)
        if form is not None:
            ends = [(0, k * (self.sizes.extents[c] - 1)) for c, k in form.coefs.items()]
            return form.const + sum(map(min, ends)), form.const + sum(map(max, ends))
        match index:
            case ast.Binary(op=("+" | "-" | "*" | "//") as op, left=a, right=b):
                (low, high), (least, most) = self.span(a), self.span(b)
                if op == "+":
                    return low + least, high + most
                if op == "-":
                    return low - most, high - least
                if least == most > 0:
                    change = mul if op == "*" else floordiv
                    return change(low, least), change(high, least)
            case ast.Binary(op="%", right=b):
                least, most = self.span(b)
                if least == most > 0:
                    return 0, most - 1
        raise UncountableError(f"index {ast.show(index)}")


def _planes(closed: Closed, equation: Equation) -> list[Linear]:
    planes: list[Linear] = []
    for condition in equation.where:
        if not ast.has_reads(condition):
            planes += half_planes([condition], closed.sizes.symbols) or []
    for node in (*(w for w in equation.where if ast.has_reads(w)), equation.right):
        try:
            planes += closed.needs(node)
        except UncountableError:
            continue
    return planes


def _count(planes: list[Linear], equation: Equation, sizes: Sizes) -> int:
    try:
        return count_points(planes, equation.coords, sizes.extents, MESH)
    except UncountableError:
        return prod(sizes.extents[c] for c in equation.coords)
