"""A window of a phase's starts, and the way back from a start along what fixed it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

from accelsim.sim.observe import Start, record
from accelsim.sim.plan import row_major
from accelsim.sim.program import Guard, Phase, Task


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """Why a start is not earlier: ``before`` is the index of the start that it follows.

    ``kind`` is "unit" (program order), "bus", "wait" (number ``wait`` of the task) or "pass": the wait
    was met as the producer's queue passed over the instance, at the time of ``before``.
    """

    before: int
    kind: str
    wait: int = -1


@dataclass(frozen=True, kw_only=True)
class Window:
    """The first starts of a phase, in the order of their ticks."""

    phase: Phase
    starts: list[Start]
    whole: bool

    @classmethod
    def of(cls, phase: Phase, limit: int) -> Window:
        starts = record(phase, limit)
        return cls(phase=phase, starts=starts, whole=len(starts) < limit)

    @cached_property
    def _index(self) -> dict[tuple[int, int], int]:
        inner = [task.inner for task in self.phase.tasks]
        return {(s.task, s.iteration * inner[s.task] + s.k): n for n, s in enumerate(self.starts)}

    @cached_property
    def by_queue(self) -> list[list[int]]:
        """The starts of each queue, as indices."""
        found: list[list[int]] = [[] for _ in self.phase.queues]
        for n, start in enumerate(self.starts):
            found[start.queue].append(n)
        return found

    @cached_property
    def shared(self) -> list[bool]:
        """Whether a resource has several queues: a bus."""
        users = [queue.resource for queue in self.phase.queues]
        return [users.count(r) > 1 for r in range(len(self.phase.resources))]

    @property
    def end(self) -> int:
        """Tick up to which every unit has been seen."""
        if self.whole:
            return max((s.end for s in self.starts), default=0)
        return self.starts[-1].start if self.starts else 0

    @property
    def slots(self) -> int:
        """Slots that the slowest of the units with a start has come to."""
        return min((self._slot(mine[-1]) for mine in self.by_queue if mine), default=0)

    def _slot(self, index: int) -> int:
        start = self.starts[index]
        return start.iteration + self.phase.tasks[start.task].shift

    def resource(self, index: int) -> int:
        return self.phase.queues[self.starts[index].queue].resource

    def edge(self, index: int) -> Edge | None:
        """What the start follows; None at the beginning."""
        kind, wait, task, instance = self.starts[index].binding
        if task < 0:
            return None
        before = self._index.get((task, instance))
        if kind == "wait" and before is None:
            before = self._passing(index, task)
            kind = "pass"
        if before is None or before >= index:
            return None
        return Edge(before=before, kind=kind, wait=wait)

    def _passing(self, index: int, task: int) -> int | None:
        """The start at which the queue of a task passed over what the start at ``index`` waited for."""
        now = self.starts[index].start
        mine = self.by_queue[self.phase.tasks[task].queue]
        at = [n for n in _around(mine, index) if self.starts[n].start == now]
        return max(at, default=None)

    def last(self) -> int:
        """Where to begin the way back: the last end, or the last start of the unit furthest behind."""
        if self.whole:
            return max(range(len(self.starts)), key=lambda n: (self.starts[n].end, n))
        own = [
            mine
            for queue, mine in zip(self.phase.queues, self.by_queue, strict=True)
            if mine and not self.shared[queue.resource]
        ]
        ends = [mine[-1] for mine in own or [mine for mine in self.by_queue if mine]]
        return min(ends, key=self._slot)

    def path(self) -> list[tuple[int, Edge | None]]:
        """The tight path to ``last()``, from early to late: each start with the edge into it."""
        found: list[tuple[int, Edge | None]] = []
        index: int | None = self.last() if self.starts else None
        while index is not None:
            edge = self.edge(index)
            found.append((index, edge))
            index = None if edge is None else edge.before
        return found[::-1]


def _around(mine: list[int], index: int) -> list[int]:
    """The last few entries of an ascending list before ``index``."""
    low, high = 0, len(mine)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if mine[middle] < index else (low, middle)
    return mine[max(0, low - 4) : low]


def work(phase: Phase) -> list[int]:
    """Ticks of work of each resource over the whole phase; edges and half planes are not looked at."""
    total = [0] * len(phase.resources)
    for number, task in enumerate(phase.tasks):
        resource = phase.queues[task.queue].resource
        if task.kinds:
            total[resource] += sum(task.durations[kind] for kind in task.kinds if kind >= 0)
            continue
        listed = sum(1 for t, _ in phase.queues[task.queue].body if t == number)
        total[resource] += task.durations[0] * listed * active(phase, task.guard)
    return total


def starts_of(phase: Phase) -> int:
    """How many starts a phase has, half planes not looked at."""

    def times(task: Task) -> int:
        looked_up = sum(kind >= 0 for kind in task.kinds)
        return looked_up if task.kinds else active(phase, task.guard)

    return sum(times(phase.tasks[t]) for queue in phase.queues for t, _ in queue.body)


def active(phase: Phase, guard: Guard) -> int:
    """Iterations in which a guard holds, half planes not looked at."""
    fixed = {*guard.first, *guard.last}
    return prod(1 if n in fixed else loop.count for n, loop in enumerate(phase.loops))


def digits(phase: Phase, iteration: int) -> tuple[int, ...]:
    """The digits of an iteration, outer to inner."""
    rows = row_major(phase)
    return tuple(iteration // row % loop.count for row, loop in zip(rows, phase.loops, strict=True))


def class_of(phase: Phase, task: Task, iteration: int, k: int) -> int:
    """The class of an instance, as ``Task`` says."""
    at = digits(phase, iteration)
    kind: int = sum(
        (1 << j) * (at[n] == phase.loops[n].count - 1 if n >= 0 else at[~n] == 0)
        for j, n in enumerate(task.ragged)
    )
    inner = task.inner_class[k] if task.inner_class else 0
    looked_up = task.kinds[iteration] if task.kinds else 0
    return kind + (1 << len(task.ragged)) * (inner + task.inner_classes * looked_up)
