"""What each unit does in the steady state, in words: busy, stalled for what, idle."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from accelsim.sim.explain import LIMIT, opening
from accelsim.sim.lower import Lowered
from accelsim.sim.walk import Window


@dataclass(frozen=True, kw_only=True)
class UnitTime:
    """Shares of the time of one unit; a stall counts as what met the last of its waits.

    ``waits_for`` is (task, producer, cause) of the largest stall, or None.
    """

    unit: str
    busy: Fraction
    stalls: dict[str, Fraction]
    idle: Fraction
    waits_for: tuple[str, str, str] | None

    def __str__(self) -> str:
        words = f"{self.unit}: busy {_percent(self.busy)}"
        for cause in sorted(self.stalls, key=lambda c: (-self.stalls[c], c)):
            words += f", waits for {_NAMES.get(cause, cause)} {_percent(self.stalls[cause])}"
        if self.idle:
            words += f", idle {_percent(self.idle)}"
        if self.waits_for is not None:
            task, producer, cause = self.waits_for
            words += f"; most of it {task} for {producer} ({cause})"
        return words


_NAMES = {"data": "data", "slot": "a slot", "order": "order", "port": "a port"}


def unit_times(lowered: Lowered, *, limit: int = LIMIT) -> tuple[UnitTime, ...]:
    """Return the time of each unit of the longest phase, in its first ``limit`` starts.

    The first quarter of that time is left out as the warm-up.
    """
    return steady_times(opening(lowered, limit=limit))


def steady_times(window: Window) -> tuple[UnitTime, ...]:
    """Return the time of each unit in a window after the warm-up."""
    return times_in(window, window.end // 4, window.end)


def stalls_in_words(lowered: Lowered, *, limit: int = LIMIT) -> tuple[str, ...]:
    """Return a sentence for each unit of the longest phase."""
    return tuple(str(unit) for unit in unit_times(lowered, limit=limit))


def times_in(window: Window, begin: int, end: int) -> tuple[UnitTime, ...]:
    """Return the time of each unit between two ticks."""
    phase = window.phase
    total = end - begin
    busy: Counter[int] = Counter()
    waited: list[Counter[tuple[int, int, str]]] = [Counter() for _ in phase.resources]
    free = [0] * len(phase.resources)
    for index, start in enumerate(window.starts):
        resource = window.resource(index)
        busy[resource] += max(0, min(start.end, end) - max(start.start, begin))
        gap = min(start.start, end) - max(free[resource], begin)
        free[resource] = start.end
        kind, wait, producer, _ = start.binding
        if gap > 0 and kind == "wait":
            cause = phase.tasks[start.task].waits[wait].cause
            waited[resource][start.task, producer, cause] += gap
    found = []
    for resource, name in enumerate(phase.resources):
        if not total:
            continue
        stalls: Counter[str] = Counter()
        for (_, _, cause), ticks in waited[resource].items():
            stalls[cause] += ticks
        most = max(waited[resource].items(), key=lambda item: item[1], default=None)
        idle = total - busy[resource] - sum(stalls.values())
        tasks = phase.tasks
        found.append(
            UnitTime(
                unit=name,
                busy=Fraction(busy[resource], total),
                stalls={cause: Fraction(ticks, total) for cause, ticks in stalls.items()},
                idle=Fraction(idle, total),
                waits_for=most and (tasks[most[0][0]].name, tasks[most[0][1]].name, most[0][2]),
            )
        )
    return tuple(found)


def _percent(share: Fraction) -> str:
    return f"{float(100 * share):.1f} %"


__all__ = ["UnitTime", "stalls_in_words", "steady_times", "times_in", "unit_times"]
