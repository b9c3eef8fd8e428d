"""What is to be least: cycles, energy, their product, or both (a Pareto set)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from accelsim.energy.account import energy
from accelsim.energy.components import attributes
from accelsim.energy.tables import CostTable
from accelsim.errors import SpecError, nearest
from accelsim.mapping import Problem
from accelsim.sim.activity import Activity

OBJECTIVES = ("cycles", "energy", "edp", "pareto")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A named objective; energy is in pJ, EDP in pJ x cycles. Ties are broken by traffic."""

    name: str
    problem: Problem
    costs: CostTable | None  # None: no energy is looked at

    @classmethod
    def of(cls, name: str, problem: Problem) -> Objective:
        if name not in OBJECTIVES:
            raise SpecError(
                f"objective must be one of {', '.join(OBJECTIVES)}, not {name!r}"
                f"{nearest(name, OBJECTIVES)}"
            )
        table = None if name == "cycles" else CostTable.load(problem.arch.spec.costs)
        return cls(name=name, problem=problem, costs=table)

    @property
    def is_time(self) -> bool:
        """Whether a bound on the cycles is a bound on the objective."""
        return self.name == "cycles"

    def figures(self, activity: Activity) -> tuple[Fraction, ...]:
        """Return what is compared, most important first."""
        cycles = Fraction(activity.ticks, activity.ticks_per_cycle)
        moved = sum((t.bytes for t in activity.transfers), Fraction(0))
        if self.costs is None:
            return (cycles, moved)
        parts = attributes(self.problem.arch.spec)
        spent = energy(activity, self.costs, parts).total_pj
        match self.name:
            case "energy":
                return (spent, cycles)
            case "edp":
                return (spent * cycles, cycles)
        return (cycles, spent)

    def front(
        self, found: Sequence[T], figures: Callable[[T], tuple[Fraction, ...]]
    ) -> tuple[T, ...]:
        """Return what nothing else beats in every figure; but for a Pareto set that is the best alone."""
        ordered = sorted(found, key=figures)
        if self.name != "pareto":
            return tuple(ordered[:1])
        kept: list[T] = []
        for one in ordered:
            if not kept or figures(one)[1] < figures(kept[-1])[1]:
                kept.append(one)
        return tuple(kept)
