"""Where the cycles of rows come from: the tight path to the last end, and who is on it how long."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from accelsim.sim.rows.draft import Drafted
from accelsim.sim.walk import Window

LIMIT = 200_000  # starts that are walked
ALONE = Fraction(19, 20)  # share of the time from which on a unit is the bottleneck alone


@dataclass(frozen=True, kw_only=True)
class Critical:
    """The critical path: ticks by (unit, task), and by unit for each layer, in ``ticks`` of all."""

    ticks: int
    by_task: dict[tuple[str, str], int]
    by_layer: dict[int, dict[str, int]]
    whole: bool

    @property
    def by_unit(self) -> dict[str, int]:
        found: Counter[str] = Counter()
        for (unit, _), ticks in self.by_task.items():
            found[unit] += ticks
        return dict(found.most_common())

    @property
    def kind(self) -> str:
        top, most = next(iter(self.by_unit.items()), ("nothing", 0))
        return top if most >= ALONE * self.ticks else f"{top}, and latency from row to row"

    @property
    def steps(self) -> tuple[str, ...]:
        """The tasks of the path with their share of its time, the longest first."""
        return tuple(
            f"{unit}: {task} {float(Fraction(100 * ticks, self.ticks or 1)):.1f} %"
            for (unit, task), ticks in sorted(self.by_task.items(), key=lambda item: -item[1])
            if 1000 * ticks >= self.ticks
        )


def critical(drafted: Drafted, limit: int = LIMIT) -> Critical:
    """Return the critical path of a run: each start on it follows from the one before.

    The time from one start to the next is that of the task that the next one waited for.
    """
    phase = drafted.program.phases[0]
    window = Window.of(phase, limit)
    path = window.path()
    by_task: Counter[tuple[str, str]] = Counter()
    by_layer: dict[int, Counter[str]] = {}
    rows = drafted.steps.rows.rows
    for place, (index, _) in enumerate(path):
        start = window.starts[index]
        until = window.starts[path[place + 1][0]].start if place + 1 < len(path) else start.end
        unit = phase.resources[window.resource(index)]
        by_task[unit, phase.tasks[start.task].name] += until - start.start
        layer = rows[drafted.steps.steps[start.iteration].row].layer
        by_layer.setdefault(layer, Counter())[unit] += until - start.start
    return Critical(
        ticks=sum(by_task.values()),
        by_task=dict(by_task),
        by_layer={layer: dict(each.most_common()) for layer, each in sorted(by_layer.items())},
        whole=window.whole,
    )


__all__ = ["Critical", "critical"]
