"""Counts the operations of a cascade (grammar section 9), in closed form where presence is affine.

A guard (``where`` over data) counts as met and a ``select`` as its longer branch: the most that data
can cause. Where presence is not affine (``or``, floor division, selections, scatters) the points
are counted one by one, for fixed pseudo-random inputs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.lattice import UncountableError, count_points, projected, simplified
from accelsim.cascade.linear import Linear, half_planes, interval, linear
from accelsim.cascade.model import Block, Equation, Plain
from accelsim.cascade.order import steps
from accelsim.cascade.sizes import Sizes
from accelsim.cascade.vector import Scope, UnsupportedError
from accelsim.ops import BINARY, FUNCTIONS, REDUCTIONS, UNARY

MAX_VALUES = 5_000_000

if TYPE_CHECKING:
    from accelsim.cascade.cascade import Cascade

Planes = list[Linear]


@dataclass(frozen=True, kw_only=True)
class Count:
    """The operations by kind, and whether they hold for all data."""

    operations: dict[str, int]
    exact_for_all_data: bool
    by_equation: dict[str, dict[str, int]]


def count(cascade: Cascade, given: Mapping[str, Any]) -> dict[str, int]:
    return counted(cascade, given).operations


def counted(cascade: Cascade, given: Mapping[str, Any]) -> Count:
    """Return the operations of a cascade at some sizes, also per Einsum."""
    sizes = cascade.sizes(**given)
    try:
        closed = Closed(cascade.block, sizes)
        parts = closed.parts()
        exact = not closed.is_bound
    except (UncountableError, UnsupportedError, ArithmeticError, ValueError, TypeError):
        from accelsim.cascade.count_points import count_by_points

        parts = count_by_points(cascade, sizes)
        exact = False
    total: Counter[str] = Counter()
    for part in parts.values():
        total.update(part)
    return Count(
        operations={k: total[k] for k in sorted(total) if total[k]},
        exact_for_all_data=exact,
        by_equation={e: {k: n for k, n in sorted(p.items()) if n} for e, p in parts.items()},
    )


class Closed:
    """Presence as half planes, Einsum by Einsum; UncountableError where it has none."""

    def __init__(self, block: Block, sizes: Sizes) -> None:
        self.block, self.sizes = block, sizes
        self.present: dict[str, Planes] = {t.name: [] for t in block.inputs}
        self.axes: dict[str, tuple[str, ...]] = {}
        self.is_bound = False

    def parts(self) -> dict[str, Counter[str]]:
        plan = steps(self.block, self.sizes)
        if any(step.is_opaque for step in plan):
            raise UncountableError("no order")
        parts: dict[str, Counter[str]] = {}
        for step in plan:
            if step.rank is not None:
                self.present.update({e.tensor: [] for e in step.equations})
            for equation in step.equations:
                counts, planes = self.equation(equation)
                parts.setdefault(equation.id, Counter()).update(counts)
                self.define(equation, planes, is_loop=step.rank is not None)
        return parts

    def define(self, equation: Equation, planes: Planes, *, is_loop: bool) -> None:
        """Remember where a result is present, as conditions on its axes."""
        rest = projected(planes, equation.reduce_coords, self.sizes.extents)
        tight = simplified(rest, self.sizes.extents)
        rest = [Linear(coefs={}, const=-1)] if tight is None else list(tight)
        alone = sum(e.tensor == equation.tensor for e in self.block.equations) == 1
        if rest and (is_loop or not alone or not all(isinstance(a, Plain) for a in equation.left)):
            raise UncountableError(f"presence of {equation.tensor}")
        self.present[equation.tensor] = rest
        self.axes[equation.tensor] = tuple(a.coord for a in equation.left if isinstance(a, Plain))

    def equation(self, equation: Equation) -> tuple[Counter[str], Planes]:
        reduce = equation.reduce
        if reduce is not None and (reduce.slot is not None or reduce.op == "scatter"):
            raise UncountableError(reduce.op)
        places = [w for w in equation.where if not ast.has_reads(w)]
        planes = half_planes(places, self.sizes.symbols)
        if planes is None:
            raise UncountableError("where")
        self.is_bound = self.is_bound or len(places) < len(equation.where)
        for condition in equation.where:
            planes += self.needs(condition)
        planes += self.needs(equation.right)
        counts: Counter[str] = Counter()
        points = self.points(planes, equation)
        self.operations(equation.right, planes, equation, counts)
        if reduce is not None:
            kept = projected(planes, reduce.coords, self.sizes.extents)
            results = count_points(kept, equation.left_coords, self.sizes.extents)
            counts[REDUCTIONS[reduce.op].kind] += points - results
        return counts, planes

    def points(self, planes: Planes, equation: Equation) -> int:
        return count_points(planes, equation.coords, self.sizes.extents)

    def needs(self, node: Expr) -> Planes:
        """Return the conditions under which all reads that a tree surely evaluates are present."""
        match node:
            case ast.Gather():
                raise UncountableError("a gather")
            case ast.Read(tensor=tensor, indices=indices):
                return self.read(tensor, indices)
            case ast.Default(value=value, other=other):
                if self.tight(self.needs(other)) and self.tight(self.needs(value)):
                    raise UncountableError("a default that may be absent")
                return []
            case ast.Call(function="select", args=(condition, yes, no)):
                if self.tight(self.needs(yes)) or self.tight(self.needs(no)):
                    raise UncountableError("a choice between present and absent")
                return self.needs(condition)
        return [plane for child in ast.children(node) for plane in self.needs(child)]

    def tight(self, planes: Planes) -> bool:
        return simplified(planes, self.sizes.extents) != ()

    def read(self, tensor: str, indices: tuple[Expr, ...]) -> Planes:
        planes: Planes = []
        forms: list[Linear | None] = []
        for index, size in zip(indices, self.sizes.shapes[tensor], strict=True):
            form = linear(index, self.sizes.symbols)
            forms.append(form)
            if form is None:
                if not self.is_inside(index, size):
                    raise UncountableError(f"index {ast.show(index)}")
                continue
            planes += [form, Linear(coefs={}, const=size - 1).plus(form, -1)]
        for plane in self.present[tensor]:
            moved = Linear(coefs={}, const=plane.const)
            for coord, factor in plane.coefs.items():
                form = forms[self.axes[tensor].index(coord)]
                if form is None:
                    raise UncountableError(f"presence of {tensor}")
                moved = moved.plus(form.times(factor))
            planes.append(moved)
        return planes

    def is_inside(self, index: Expr, size: int) -> bool:
        """Whether an index that is not affine stays inside an axis; refuse what is not known."""
        bounds = interval(index, self.sizes.symbols, self.sizes.extents)
        if bounds is not None and bounds[0] >= 0 and bounds[1] < size:
            return True
        coords = ast.coords_in(index)
        if ast.has_reads(index) or len(coords) != 1 or self.sizes.extents[coords[0]] > MAX_VALUES:
            raise UncountableError(f"index {ast.show(index)}")
        values = np.asarray(Scope(coords, self.sizes, {}).expr(index).data)
        return bool(((values >= 0) & (values < size)).all())

    def operations(
        self, node: Expr, planes: Planes, equation: Equation, counts: Counter[str]
    ) -> None:
        """Add the operations of a tree at all points that meet the conditions."""
        if not ast.has_reads(node) or isinstance(node, ast.Read):
            return
        match node:
            case ast.Default(value=value, other=other):
                there = [*planes, *self.needs(value)]
                self.operations(value, there, equation, counts)
                missing: Counter[str] = Counter()
                here: Counter[str] = Counter()
                self.operations(other, planes, equation, missing)
                self.operations(other, there, equation, here)
                missing.subtract(here)
                counts.update(missing)
                return
            case ast.Call(function="select", args=(condition, yes, no)):
                counts["select"] += self.points(planes, equation)
                self.operations(condition, planes, equation, counts)
                self.is_bound = True
                branches: list[Counter[str]] = [Counter(), Counter()]
                for branch, tree in zip(branches, (yes, no), strict=True):
                    self.operations(tree, planes, equation, branch)
                counts.update(max(branches, key=lambda b: sum(b.values())))
                return
            case ast.Binary(op=op):
                counts[BINARY[op].kind] += self.points(planes, equation)
            case ast.Unary(op=op):
                counts[UNARY[op].kind] += self.points(planes, equation)
            case ast.Call(function=function):
                counts[FUNCTIONS[function].kind] += self.points(planes, equation)
        for child in ast.children(node):
            self.operations(child, planes, equation, counts)
