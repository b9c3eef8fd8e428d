"""The steady period of a window: after how many tiles the schedule repeats, and in what time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, groupby

from accelsim.sim.observe import Start
from accelsim.sim.walk import Window


def _times(a: int, b: int) -> int:
    return a * b


SMALL = (1, 2, 3, 4, 6, 8, 12, 16)


@dataclass(frozen=True, kw_only=True)
class Period:
    """A task's instances repeat after ``instances`` of them, ``ticks`` later; seen from ``begin`` on."""

    task: int
    instances: int
    ticks: int
    begin: int


def period_of(window: Window) -> Period | None:
    """Return the shortest period of the busiest unit: three in four starts keep to it.

    The candidates are a few small numbers and what the inner loops go round in; boundaries of outer
    loops break the pattern for a moment, so that the starts there do not count.
    """
    if not window.starts:
        return None
    phase = window.phase
    mine = [window.starts[n] for n in _busiest(window)]
    task = Counter(start.task for start in mine).most_common(1)[0][0]
    seen = [start for start in mine if start.task == task]
    inner = phase.tasks[task].inner
    counts = [inner, *(loop.count for loop in reversed(phase.loops))]
    for length in sorted({*SMALL, *accumulate(counts, _times)}):
        steps = [b.start - a.start for a, b in zip(seen, seen[length:], strict=False)]
        if len(steps) < length:
            return None
        ticks, often = Counter(steps).most_common(1)[0]
        run = max(len(list(same)) for step, same in groupby(steps) if step == ticks)
        if 4 * often >= 3 * len(steps) or (2 * often > len(steps) and run >= 8 * length):
            begin = _begin(seen, steps, ticks)
            return Period(task=task, instances=length, ticks=ticks, begin=begin)
    return None


def _busiest(window: Window) -> list[int]:
    """Return the starts of the queue that is busy longest; of a bus only if there is nothing else."""
    queues = zip(window.phase.queues, window.by_queue, strict=True)
    own = [mine for queue, mine in queues if mine and not window.shared[queue.resource]]
    times = [
        (sum(window.starts[n].end - window.starts[n].start for n in mine), mine)
        for mine in own or window.by_queue
    ]
    return max(times, key=lambda item: item[0])[1]


def _begin(seen: list[Start], steps: list[int], ticks: int) -> int:
    """Return a start past the first quarter from which on the period holds."""
    quarter = len(steps) // 4
    places = (*range(quarter, len(steps)), *range(quarter))
    place = next((n for n in places if steps[n] == ticks), 0)
    return seen[place].start


__all__ = ["Period", "period_of"]
