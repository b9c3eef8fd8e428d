"""Where the cycles come from: the critical circuit of the steady state, and what each unit waits for.

The reference kernel runs a window of the longest phase and says of every start what fixed it. The way
back from the last start is tight: it is the critical path, with the bus in the order as it happened.
In the steady state it goes round a circuit; its length over the tiles that it advances is the rate.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import prod

from accelsim.sim.lower import Lowered
from accelsim.sim.lower.compute import PhaseDraft
from accelsim.sim.program import Phase
from accelsim.sim.walk import Edge, Window, work

LIMIT = 30_000
SATURATED = Fraction(19, 20)

Path = list[tuple[int, Edge | None]]
Link = tuple[int, str, int]  # task, kind of the edge to the next task, wait of that task


@dataclass(frozen=True, kw_only=True)
class CriticalCircuit:
    """The critical circuit: its steps in words, and its length per tile (the innermost iteration).

    ``kind``: "unit" (a unit is busy all the time), "memory" (the bus), "slots" (a buffer's depth holds
    it up) or "latency" (a dependence from unit to unit). ``walked`` is False where one slot is too long
    to walk to the steady state: then it is the unit with most work, and the length is its work.
    """

    kind: str
    steps: tuple[str, ...] = ()
    cycles_per_iteration: Fraction | None = None
    walked: bool = True


def longest_phase(lowered: Lowered) -> int:
    """Return the number of the phase with the most work on one unit."""
    loads = [max(work(phase), default=0) for phase in lowered.program.phases]
    return max(range(len(loads)), key=lambda n: loads[n])


def circuit_of(lowered: Lowered, *, limit: int = LIMIT) -> CriticalCircuit:
    """Return the critical circuit of the longest phase, from its first ``limit`` starts."""
    return circuit_in(lowered, opening(lowered, limit=limit))


def opening(lowered: Lowered, *, limit: int = LIMIT) -> Window:
    """Return the first ``limit`` starts of the longest phase: what explanations are made from."""
    return Window.of(lowered.program.phases[longest_phase(lowered)], limit)


def circuit_in(lowered: Lowered, window: Window) -> CriticalCircuit:
    """Return the critical circuit of a window of the longest phase."""
    drafts = lowered.phases[longest_phase(lowered)]
    return critical_circuit(window, lowered.program.ticks_per_cycle, drafts)


def critical_circuit(
    window: Window, ticks_per_cycle: int = 1, drafts: PhaseDraft | None = None
) -> CriticalCircuit:
    """Return the critical circuit of a window; ``drafts`` give the words for lags and slots."""
    phase = window.phase
    shift = max((task.shift for task in phase.tasks), default=0)
    if not window.whole and window.slots < shift + 3:
        return _by_work(phase, window, ticks_per_cycle)
    path = _steady(window, window.path())
    rate = _rate(window, path)
    length = None if rate is None else rate / ticks_per_cycle
    circuits = _circuits(window, path)
    best = max(circuits, key=lambda c: circuits[c], default=())
    saturated = _saturated(window, path)
    if saturated is None:
        saturated = _alone(window, best)
    words = _Words(phase, drafts, ticks_per_cycle)
    if saturated is not None:
        bus = window.shared[saturated]
        return CriticalCircuit(
            kind="memory" if bus else "unit",
            steps=_on_unit(window, path, saturated, best),
            cycles_per_iteration=length,
        )
    return CriticalCircuit(
        kind=words.kind(best), steps=words.steps(best), cycles_per_iteration=length
    )


def _steady(window: Window, path: Path) -> Path:
    """Drop the warm-up (a quarter) and the way from the circuit to the last start (a tenth)."""
    if not path:
        return path
    first, last = (window.starts[path[n][0]].start for n in (0, -1))
    span = last - first
    inside = [
        item
        for item in path
        if first + span // 4 <= window.starts[item[0]].start <= last - span // 10
    ]
    return inside if len(inside) > 1 else path


def _tiles(phase: Phase) -> int:
    """Tiles of one iteration: of the task that is run most often in it."""
    return max((task.inner for task in phase.tasks), default=1)


def _rate(window: Window, path: Path) -> Fraction | None:
    """Return ticks per tile between two like starts: the same task and k, the same inner digits.

    As many of the inner loops as the window goes round are held alike, so that their edges count.
    """
    phase = window.phase
    counts = [loop.count for loop in phase.loops]
    periods = dict.fromkeys(prod(counts[n:]) for n in range(1, len(counts) + 1))
    for period in (*periods, 0):
        seen: dict[tuple[int, int, int], int] = {}
        best: tuple[int, Fraction] | None = None
        for index, _ in path:
            start = window.starts[index]
            inner = phase.tasks[start.task].inner
            key = (start.task, start.iteration % period, start.k) if period else (start.task, 0, 0)
            other = window.starts[seen.setdefault(key, index)]
            done = (start.iteration - other.iteration) * inner + start.k - other.k
            time = start.start - other.start
            if done > 0 and (best is None or time > best[0]):
                best = time, Fraction(time * inner, done * _tiles(phase))
        if best is not None:
            return best[1]
    return None


def _circuits(window: Window, path: Path) -> dict[tuple[Link, ...], int]:
    """Return the elementary circuits of a path, as tasks and edges, with the ticks spent on each.

    The ticks are those of its own edges: what a circuit inside it takes counts for that one alone.
    """
    found: Counter[tuple[Link, ...]] = Counter()
    stack: list[tuple[int, Edge | None]] = []
    place: dict[int, int] = {}
    for item in path:
        task = window.starts[item[0]].task
        if task in place:
            round_ = [*stack[place[task] :], item]
            links = []
            for (index, _), (_, edge) in pairwise(round_):
                assert edge is not None
                links.append((window.starts[index].task, edge.kind, edge.wait))
            begin = min(range(len(links)), key=lambda n: links[n][0])
            signature = (*links[begin:], *links[:begin])
            found[signature] += sum(_ticks(window, *step) for step in round_[1:])
            for index, _ in stack[place[task] :]:
                del place[window.starts[index].task]
            del stack[len(place) :]
        place[task] = len(stack)
        stack.append(item)
    return found


def _ticks(window: Window, index: int, edge: Edge | None) -> int:
    """Ticks from the start that an edge comes from to the one that it leads to."""
    assert edge is not None
    return window.starts[index].start - window.starts[edge.before].start


def _saturated(window: Window, path: Path) -> int | None:
    """Return the resource on which the path spends (almost) all its time, if there is one."""
    spent: Counter[int] = Counter()
    total = 0
    for index, edge in path[1:]:
        assert edge is not None
        before, start = window.starts[edge.before], window.starts[index]
        time = start.start - before.start
        total += time
        if edge.kind != "pass" and window.resource(edge.before) == window.resource(index):
            spent[window.resource(index)] += min(time, before.end - before.start)
    resource, most = max(spent.items(), key=lambda item: item[1], default=(None, 0))
    return resource if total and Fraction(most, total) >= SATURATED else None


def _alone(window: Window, circuit: tuple[Link, ...]) -> int | None:
    """Return the resource on whose order alone a circuit goes round, if it does."""
    tasks, queues = window.phase.tasks, window.phase.queues
    used = {queues[tasks[task].queue].resource for task, _, _ in circuit}
    if len(used) == 1 and all(kind in ("unit", "bus") for _, kind, _ in circuit):
        return used.pop()
    return None


def _on_unit(window: Window, path: Path, resource: int, best: tuple[Link, ...]) -> tuple[str, ...]:
    """Return the tasks of one resource: the circuit if it stays there, else by the time they take."""
    phase = window.phase
    mine = [task for task, _, _ in best]
    away = any(phase.queues[phase.tasks[t].queue].resource != resource for t in mine)
    if away or window.shared[resource]:
        spent: Counter[int] = Counter()
        for index, _ in path:
            start = window.starts[index]
            if window.resource(index) == resource:
                spent[start.task] += start.end - start.start
        mine = [task for task, _ in spent.most_common()]
    names = [phase.tasks[task].name for task in mine]
    return (f"{phase.resources[resource]}: {names[0]}", *names[1:]) if names else ()


def _by_work(phase: Phase, window: Window, ticks_per_cycle: int) -> CriticalCircuit:
    """Return the resource with the most work as the circuit."""
    loads = work(phase)
    top = max(range(len(loads)), key=lambda n: loads[n])
    mine = [task for task in phase.tasks if phase.queues[task.queue].resource == top]
    if window.shared[top]:
        mine.sort(key=lambda task: -task.durations[0] * task.inner)
    names = [task.name for task in mine]
    return CriticalCircuit(
        kind="memory" if window.shared[top] else "unit",
        steps=(f"{phase.resources[top]}: {names[0]}", *names[1:]),
        cycles_per_iteration=Fraction(
            loads[top], phase.iterations * _tiles(phase) * ticks_per_cycle
        ),
        walked=False,
    )


class _Words:
    """The names of the edges of a circuit."""

    def __init__(self, phase: Phase, drafts: PhaseDraft | None, ticks_per_cycle: int) -> None:
        self.phase = phase
        self.drafts = drafts
        self.ticks = ticks_per_cycle

    def steps(self, circuit: tuple[Link, ...]) -> tuple[str, ...]:
        names = [self.phase.tasks[task].name for task, _, _ in circuit]
        found: list[str] = []
        for place, (task, kind, wait) in enumerate(circuit):
            following = circuit[(place + 1) % len(circuit)][0]
            found.append(names[place])
            label = self.label(task, following, kind, wait)
            if label:
                found.append(label)
        return (*found, names[0]) if found else ()

    def label(self, producer: int, consumer: int, kind: str, wait: int) -> str:
        """Return the word for one edge; "" for one without anything to say."""
        if kind == "bus":
            queue = self.phase.queues[self.phase.tasks[consumer].queue]
            return self.phase.resources[queue.resource]
        if kind not in ("wait", "pass"):
            return ""
        spec = self.phase.tasks[consumer].waits[wait]
        if spec.cause == "slot":
            return f"slot of {self._tensor(consumer)}"
        if not spec.lag or kind == "pass":
            return ""
        word, lag = self._lag(producer, consumer, Fraction(spec.lag, self.ticks))
        return f"({word}, {lag})" if lag else ""

    def kind(self, circuit: tuple[Link, ...]) -> str:
        """Return "slots" if a slot wait is on the circuit, "memory" if the bus's order is, else "latency"."""
        tasks = self.phase.tasks
        for place, (_, kind, wait) in enumerate(circuit):
            following = tasks[circuit[(place + 1) % len(circuit)][0]]
            if kind in ("wait", "pass") and following.waits[wait].cause == "slot":
                return "slots"
        return "memory" if any(kind == "bus" for _, kind, _ in circuit) else "latency"

    def _tensor(self, task: int) -> str:
        if self.drafts is None:
            return self.phase.tasks[task].name
        return self.drafts.drafts[task].tensor or self.phase.tasks[task].name

    def _lag(self, producer: int, consumer: int, lag: Fraction) -> tuple[str, Fraction]:
        """Return what a lag is: down a link, up it, or a latency; without the first result of a chain."""
        if self.drafts is None:
            return "latency", lag
        maker, reader = self.drafts.drafts[producer], self.drafts.drafts[consumer]
        link = self.drafts.plan.arch.link(maker.resource, reader.resource)
        if link is None or maker.kind != "compute":
            return "latency", lag
        down = link.upper == maker.resource
        if link.chain:
            block = self.drafts.blocks[maker.block]
            binding = block.binding(maker.einsum)
            latency = binding.latency if binding is not None else 0
            lag = Fraction((link.down if down else link.up) + latency)
        return ("drain" if down else "climb"), lag


__all__ = ["CriticalCircuit", "circuit_of", "critical_circuit", "longest_phase"]
