"""Counts the operations of a cascade (grammar section 9), in closed form where presence has one.

A guard (``where`` over data) counts as met and a ``select`` over data as its longer branch: the most that
data can cause. ``present`` says what else is taken of data. Where presence has no closed form the points
are counted one by one, for fixed pseudo-random inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.lattice import UncountableError
from accelsim.cascade.model import Block, Equation
from accelsim.cascade.order import steps
from accelsim.cascade.pointset import EVERYWHERE, Pieces
from accelsim.cascade.present import Present
from accelsim.cascade.sizes import Sizes
from accelsim.cascade.vector import UnsupportedError
from accelsim.ops import BINARY, FUNCTIONS, REDUCTIONS, UNARY

if TYPE_CHECKING:
    from accelsim.cascade.cascade import Cascade

DRAWN = "the points are counted one by one, for fixed pseudo-random inputs"


@dataclass(frozen=True, kw_only=True)
class Count:
    """The operations by kind, also by Einsum, and what of the data they rest on, a sentence each."""

    operations: dict[str, int]
    by_equation: dict[str, dict[str, int]]
    assumed: tuple[str, ...] = ()

    @property
    def exact_for_all_data(self) -> bool:
        return not self.assumed


def count(cascade: Cascade, given: Mapping[str, Any]) -> dict[str, int]:
    return counted(cascade, given).operations


def counted(cascade: Cascade, given: Mapping[str, Any]) -> Count:
    """Return the operations of a cascade at some sizes, also per Einsum."""
    sizes = cascade.sizes(**given)
    try:
        closed = Closed(cascade.block, sizes)
        parts = closed.parts()
        assumed = tuple(closed.present.assumed)
    except (UncountableError, UnsupportedError, ArithmeticError, ValueError, TypeError):
        from accelsim.cascade.count_points import count_by_points

        parts, assumed = count_by_points(cascade, sizes), (DRAWN,)
    total: Counter[str] = Counter()
    for part in parts.values():
        total.update(part)
    return Count(
        operations={k: total[k] for k in sorted(total) if total[k]},
        by_equation={e: {k: n for k, n in sorted(p.items()) if n} for e, p in parts.items()},
        assumed=assumed,
    )


class Closed:
    """Operations from sets of points, Einsum by Einsum; UncountableError where there is no closed form."""

    def __init__(self, block: Block, sizes: Sizes) -> None:
        self.block, self.sizes = block, sizes
        self.present = Present(block, sizes)
        self.box = self.present.box

    def parts(self) -> dict[str, Counter[str]]:
        plan = steps(self.block, self.sizes)
        if any(step.is_opaque for step in plan):
            raise UncountableError("no order")
        parts: dict[str, Counter[str]] = {}
        for step in plan:
            if step.rank is not None:
                self.present.tensors.update({e.tensor: EVERYWHERE for e in step.equations})
            for equation in step.equations:
                points = self.present.points(equation)
                parts.setdefault(equation.id, Counter()).update(self.equation(equation, points))
                self.present.define(equation, points, is_loop=step.rank is not None)
        return parts

    def equation(self, equation: Equation, points: Pieces) -> Counter[str]:
        counts: Counter[str] = Counter()
        self.operations(equation.right, points, equation, counts)
        reduce = equation.reduce
        if reduce is not None:
            op = reduce.combine if reduce.op == "scatter" else reduce.op
            if op in REDUCTIONS:
                results = self.present.results(equation, points)
                counts[REDUCTIONS[op].kind] += self.box.count(points, equation.coords)
                counts[REDUCTIONS[op].kind] -= self.box.count(results, equation.left_coords)
        return counts

    def operations(
        self, node: Expr, points: Pieces, equation: Equation, counts: Counter[str]
    ) -> None:
        """Add the operations of a tree at the points of a set."""
        if not ast.has_reads(node) or isinstance(node, ast.Read | ast.Gather):
            return
        match node:
            case ast.Default(value=value, other=other):
                there = self.box.both(points, self.present.needs(value))
                self.operations(value, there, equation, counts)
                missing: Counter[str] = Counter()
                here: Counter[str] = Counter()
                self.operations(other, points, equation, missing)
                self.operations(other, there, equation, here)
                missing.subtract(here)
                counts.update(missing)
                return
            case ast.Call(function="select", args=(condition, yes, no)):
                counts["select"] += self.box.count(points, equation.coords)
                self.operations(condition, points, equation, counts)
                self.branches(condition, yes, no, points, equation, counts)
                return
            case ast.Binary(op=op):
                counts[BINARY[op].kind] += self.box.count(points, equation.coords)
            case ast.Unary(op=op):
                counts[UNARY[op].kind] += self.box.count(points, equation.coords)
            case ast.Call(function=function):
                counts[FUNCTIONS[function].kind] += self.box.count(points, equation.coords)
        for child in ast.children(node):
            self.operations(child, points, equation, counts)

    def branches(
        self,
        condition: Expr,
        yes: Expr,
        no: Expr,
        points: Pieces,
        equation: Equation,
        counts: Counter[str],
    ) -> None:
        """Add the operations of the branch that is taken; of the longer one where data say which."""
        if not ast.has_reads(condition):
            for tree, holds in ((yes, True), (no, False)):
                taken = self.box.both(points, self.present.where(condition, holds=holds))
                self.operations(tree, taken, equation, counts)
            return
        found: list[Counter[str]] = [Counter(), Counter()]
        for branch, tree in zip(found, (yes, no), strict=True):
            self.operations(tree, points, equation, branch)
        if found[0] != found[1]:
            self.present.assumed[
                f"select({ast.show(condition)}, ..) in {equation.id} takes its longer branch"
            ] = None
        counts.update(max(found, key=lambda b: sum(b.values())))
