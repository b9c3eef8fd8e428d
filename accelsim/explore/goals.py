"""What is sought: constraints that a point must meet, and objectives to be least or most."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from accelsim.errors import Fault, SpecError
from accelsim.explore.figures import fault as figure_fault
from accelsim.explore.figures import head_fault
from accelsim.explore.study import ExplorationSpec
from accelsim.specs import Document
from accelsim.specs.expr import Expression
from accelsim.specs.reader import Loc

_TURNED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE, ast.Eq: ast.Eq}


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A figure to be least (``sign`` 1) or most (-1)."""

    name: str
    sign: int


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What a constraint says of one figure by itself: at least ``low``, at most ``high``."""

    name: str
    low: float = -math.inf
    high: float = math.inf
    open_low: bool = False
    open_high: bool = False


@dataclass(frozen=True, kw_only=True)
class Goals:
    """The objectives and constraints of a study, in the order of the file."""

    objectives: tuple[Objective, ...]
    constraints: tuple[Expression, ...]
    figures: tuple[str, ...]
    document: Document

    @classmethod
    def of(cls, spec: ExplorationSpec, document: Document) -> Goals:
        """Return the goals; SpecError for figures that no report has, and for contradictions."""
        faults: list[Fault] = []
        constraints: list[Expression] = []
        for number, text in enumerate(spec.constraints):
            loc: Loc = ("constraints", number)
            try:
                constraint = Expression.parse(text)
            except ValueError as error:
                faults.append(document.fault(loc, f"constraints: {error}"))
                continue
            if not constraint.names:
                message = f"constraints: must name a figure of the report, not {text!r}"
                faults.append(document.fault(loc, message))
            constraints.append(constraint)
        goals = cls(
            objectives=tuple(
                Objective(name=name, sign=1 if way == "min" else -1)
                for name, way in spec.objectives.items()
            ),
            constraints=tuple(constraints),
            figures=tuple(spec.figures),
            document=document,
        )
        for loc, name in goals._names():
            wrong = head_fault(name)
            if wrong:
                faults.append(document.fault(loc, f"{loc[0]}: {wrong}", key=loc[0] == "objectives"))
        for name in spec.reference:
            if name not in spec.objectives:
                known = ", ".join(spec.objectives)
                message = f"reference must name objectives ({known}), not {name!r}"
                faults.append(document.fault(("reference", name), message, key=True))
        if not faults:
            faults += goals._contradictions()
        if faults:
            raise SpecError(faults)
        return goals

    def check(self, figures: Mapping[str, Any]) -> None:
        """Hold every name against the figures of a report that is there; SpecError for each that is not."""
        faults = []
        for loc, name in self._names():
            wrong = figure_fault(name, figures)
            if wrong:
                faults.append(
                    self.document.fault(loc, f"{loc[0]}: {wrong}", key=loc[0] == "objectives")
                )
        if faults:
            raise SpecError(faults)

    def missed(self, figures: Mapping[str, Any]) -> str:
        """Return why a point does not meet the goals: the constraints it misses; "" if it meets all."""
        numbers = {k: v for k, v in figures.items() if isinstance(v, int | float)}
        reasons = []
        for constraint in self.constraints:
            try:
                if constraint.evaluate(numbers):
                    continue
            except ValueError:
                reasons.append(f"{constraint}: a figure is missing")
                continue
            shown = ", ".join(f"{n} = {numbers[n]:.6g}" for n in sorted(constraint.names))
            reasons.append(f"must be {constraint}, not {shown}")
        reasons += [f"{o.name} is missing" for o in self.objectives if o.name not in numbers]
        return "; ".join(reasons)

    def violation(self, figures: Mapping[str, Any]) -> list[float]:
        """Return by constraint how far it is missed, as a share of its bound; 0 where it is met."""
        numbers = {k: v for k, v in figures.items() if isinstance(v, int | float)}
        found = []
        for constraint in self.constraints:
            try:
                met = bool(constraint.evaluate(numbers))
            except ValueError:
                met = False
            found.append(0.0 if met else _distance(constraint, numbers))
        return found

    def _names(self) -> Iterator[tuple[Loc, str]]:
        for objective in self.objectives:
            yield ("objectives", objective.name), objective.name
        for number, constraint in enumerate(self.constraints):
            for name in sorted(constraint.names):
                yield ("constraints", number), name
        for number, name in enumerate(self.figures):
            yield ("figures", number), name

    def _contradictions(self) -> list[Fault]:
        """Return a fault for each constraint that no figure can meet together with those before it."""
        kept: dict[str, tuple[Bound, str]] = {}
        faults = []
        for number, constraint in enumerate(self.constraints):
            for bound in bounds(constraint.tree):
                before, said = kept.get(bound.name, (Bound(name=bound.name), ""))
                both = _meet(before, bound)
                if _empty(both):
                    other = f" and {said}" if said and said != str(constraint) else ""
                    message = (
                        f"constraints: {bound.name} must be able to meet {constraint}{other}: "
                        "no value does"
                    )
                    faults.append(self.document.fault(("constraints", number), message))
                else:
                    kept[bound.name] = (both, str(constraint))
        return faults


def bounds(tree: ast.expr) -> Iterator[Bound]:
    """Yield what a condition says of single figures: ``area_mm2 <= 400 and 1 < power_w < 5``."""
    if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And):
        for part in tree.values:
            yield from bounds(part)
    elif isinstance(tree, ast.Compare):
        sides = [tree.left, *tree.comparators]
        for left, op, right in zip(sides, tree.ops, sides[1:], strict=False):
            kind = type(op)
            if kind not in _TURNED:
                continue
            if _constant(left) is not None:
                left, right, kind = right, left, _TURNED[kind]
            value = _constant(right)
            name = ast.unparse(left) if isinstance(left, ast.Name | ast.Attribute) else ""
            if value is None or not name:
                continue
            least = kind in {ast.Gt, ast.GtE, ast.Eq}
            most = kind in {ast.Lt, ast.LtE, ast.Eq}
            yield Bound(
                name=name,
                low=value if least else -math.inf,
                high=value if most else math.inf,
                open_low=kind is ast.Gt,
                open_high=kind is ast.Lt,
            )


def _constant(tree: ast.expr) -> float | None:
    try:
        return float(Expression.parse(ast.unparse(tree)).evaluate({}))
    except (ValueError, OverflowError):
        return None


def _meet(one: Bound, other: Bound) -> Bound:
    low, open_low = max((one.low, one.open_low), (other.low, other.open_low))
    high, closed = min((one.high, not one.open_high), (other.high, not other.open_high))
    return Bound(name=one.name, low=low, high=high, open_low=open_low, open_high=not closed)


def _empty(bound: Bound) -> bool:
    touching = bound.low == bound.high and (bound.open_low or bound.open_high)
    return bound.low > bound.high or touching


def _distance(constraint: Expression, figures: Mapping[str, Any]) -> float:
    """Return the largest share by which a figure is beyond a bound of a missed constraint, else 1."""
    found = []
    for bound in bounds(constraint.tree):
        value = figures.get(bound.name)
        if value is None:
            continue
        gap = max(bound.low - value, value - bound.high, 0.0)
        limit = bound.low if value < bound.low else bound.high
        found.append(gap / (abs(limit) or 1.0))
    return max((g for g in found if g > 0), default=1.0)
