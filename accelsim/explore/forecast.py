"""How many points a study has and how long they take, told from a few of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelsim.explore.evaluate import evaluate
from accelsim.explore.exploration import Exploration
from accelsim.explore.figures import figures_of
from accelsim.explore.point import Point
from accelsim.explore.sampler import sample
from accelsim.explore.store import Store
from accelsim.units import format_duration

MEASURED = 5  # points that are simulated for their cost


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """``points`` in all, ``known`` to the store; what ``costs`` some of the others took, in CPU seconds.

    ``most``: a search may end before it has tried that many.
    """

    points: int
    known: int
    costs: tuple[float, ...]
    combinations: int
    most: bool = False

    @property
    def seconds(self) -> float:
        """The expected CPU time of the points that are not known."""
        left = self.points - self.known
        return left * sum(self.costs) / len(self.costs) if self.costs else 0.0

    def text(self, jobs: int) -> str:
        head = f"{'at most ' if self.most else ''}{self.points:,} points"
        lines = [f"{head} of {self.combinations:,} combinations, {self.known:,} in the store"]
        if self.costs:
            low, high = format_duration(min(self.costs)), format_duration(max(self.costs))
            lines.append(
                f"{len(self.costs)} measured: {low} to {high} of CPU time each; in all about"
                f" {format_duration(self.seconds)}, {format_duration(self.seconds / jobs)} with"
                f" {jobs} {'worker' if jobs == 1 else 'workers'}"
            )
        return "\n".join(lines)


def forecast(exploration: Exploration, store: Store | None) -> Forecast:
    """Count the points and simulate a few, evenly taken; nothing is kept.

    SpecError for a figure that no report has.
    """
    points = sample(exploration)
    keys = {exploration.space.keys.key(p.settings): p for p in points}
    known = {} if store is None else store.load(keys)
    unknown = [point for key, point in keys.items() if key not in known]
    costs = []
    for point in _spread(unknown):
        outcome = evaluate(point.settings)
        costs.append(outcome.cpu_seconds)
        if outcome.report is not None:
            exploration.goals.check(figures_of(outcome.report))
    searching = exploration.spec.sampler in {"nsga2", "tpe"}
    wanted = exploration.spec.points or len(keys)
    return Forecast(
        points=max(wanted, len(keys)) if searching else len(keys),
        known=len(known),
        costs=tuple(costs),
        combinations=exploration.space.combinations,
        most=searching,
    )


def _spread(points: Sequence[Point]) -> list[Point]:
    if len(points) <= MEASURED:
        return list(points)
    return [points[(2 * i + 1) * len(points) // (2 * MEASURED)] for i in range(MEASURED)]
