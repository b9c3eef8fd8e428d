"""What every unit of a phase does in one steady period, and at the start: to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from accelsim.sim.held import Held, Level
from accelsim.sim.period import Period, period_of
from accelsim.sim.program import Phase
from accelsim.sim.walk import Window, active, digits

MOST = 2_000  # slices of a view
AROUND = 2  # periods before and after the one that is marked, where there is room
OPENING = 400  # slices of the start


@dataclass(frozen=True, kw_only=True)
class Slice:
    """One task instance: its unit and task (by number), its time in ticks, its place in the loops.

    ``why`` says what fixed its start: the instance that it follows, and how.
    """

    unit: int
    task: int
    begin: int
    ticks: int
    at: tuple[int, ...]
    why: str


@dataclass(frozen=True, kw_only=True)
class View:
    """A stretch of a phase, in ticks from its start; ``marked`` is one steady period within it.

    ``repeats`` says how often the period comes in the phase, boundaries of outer loops not looked at.
    ``held`` has, by buffer, the bytes of each tensor from a tick on.
    """

    name: str
    phase: str
    loops: tuple[str, ...]
    units: tuple[str, ...]
    tasks: tuple[str, ...]
    first: int
    last: int
    marked: tuple[int, int] | None
    repeats: int | None
    slices: tuple[Slice, ...]
    held: dict[str, list[Level]]
    ticks_per_cycle: int


def views(
    window: Window, ticks_per_cycle: int, reserved: Mapping[str, Mapping[str, int]] | None = None
) -> tuple[View, ...]:
    """Return the steady period of a phase, if the window shows one, and the phase's start.

    ``reserved`` are bytes by buffer and tensor that are held throughout.
    """
    if not window.starts:
        return ()
    of = _Views(window, ticks_per_cycle, reserved or {})
    period = period_of(window)
    many = len(window.starts) > OPENING
    last = window.starts[OPENING - 1].start if many else window.end
    start = of.view("start", 0, max(1, last))
    if period is None or period.begin + period.ticks > window.end:
        return (start,)
    return (of.steady(period), start)


class _Views:
    def __init__(
        self, window: Window, ticks_per_cycle: int, reserved: Mapping[str, Mapping[str, int]]
    ) -> None:
        self.window, self.ticks = window, ticks_per_cycle
        self.phase: Phase = window.phase
        self.held = Held(self.phase, reserved)
        for start in window.starts:
            self.held.note(start, start.start, start.end)

    def steady(self, period: Period) -> View:
        """Return the period with those around it, as many as there is room for."""
        begin, ticks = period.begin, period.ticks
        first, last = begin, begin + ticks
        for around in range(AROUND, 0, -1):
            low, high = max(0, begin - around * ticks), begin + (around + 1) * ticks
            if high <= self.window.end and self._count(low, high) <= MOST:
                first, last = low, high
                break
        whole = active(self.phase, self.phase.tasks[period.task].guard)
        inner = self.phase.tasks[period.task].inner
        return self.view(
            "steady period",
            first,
            last,
            (begin, begin + ticks),
            whole * inner // period.instances,
        )

    def view(
        self,
        name: str,
        first: int,
        last: int,
        marked: tuple[int, int] | None = None,
        repeats: int | None = None,
    ) -> View:
        tasks = self.phase.tasks
        chosen = []
        for index, start in enumerate(self.window.starts):
            if start.start < last and start.end > first:
                place = digits(self.phase, start.iteration)
                if tasks[start.task].inner > 1:
                    place = (*place, start.k)
                chosen.append(
                    Slice(
                        unit=self.window.resource(index),
                        task=start.task,
                        begin=start.start,
                        ticks=start.end - start.start,
                        at=place,
                        why=self._why(index),
                    )
                )
        return View(
            name=name,
            phase=self.phase.name,
            loops=tuple(loop.name for loop in self.phase.loops),
            units=self.phase.resources,
            tasks=tuple(task.name for task in tasks),
            first=first,
            last=last,
            marked=marked,
            repeats=repeats,
            slices=tuple(chosen),
            held=self.held.levels(first, last),
            ticks_per_cycle=self.ticks,
        )

    def _count(self, first: int, last: int) -> int:
        return sum(s.start < last and s.end > first for s in self.window.starts)

    def _why(self, index: int) -> str:
        """Say what the start follows."""
        edge = self.window.edge(index)
        if edge is None:
            return "the beginning"
        start, before = self.window.starts[index], self.window.starts[edge.before]
        tasks = self.phase.tasks
        name = tasks[before.task].name
        if edge.kind != "wait":
            return f"{name} ({'order' if edge.kind in {'unit', 'pass'} else edge.kind})"
        wait = tasks[start.task].waits[edge.wait]
        own = wait.lags[start.iteration] if wait.lags else 0
        lag = Fraction(wait.lag + own, self.ticks)
        later = f" + {float(lag):g}" if lag else ""
        return f"{name} {wait.anchor}{later} ({wait.cause})"


__all__ = ["Slice", "View", "views"]
