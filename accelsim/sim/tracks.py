"""The tracks of a trace: slices by queue, counters by buffer, in the trace event format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from accelsim.sim.held import Held
from accelsim.sim.observe import Start
from accelsim.sim.plan import Plan, compile_plan
from accelsim.sim.program import Phase, Wait
from accelsim.sim.walk import digits

Json = dict[str, Any]
Place = tuple[int, int, int]  # track, begin and end in ticks
Reserved = Mapping[str, Mapping[str, int]]
Words = Callable[[int], Json]
PROCESS = 1


class Tracks:
    """Collects trace events; times in ticks become microseconds with one cycle as a nanosecond."""

    def __init__(self, ticks_per_cycle: int) -> None:
        self.ticks = ticks_per_cycle
        self.numbers: dict[str, int] = {"phases": 1, "period": 2}
        self.events: list[tuple[int, int, Json]] = []
        self.links = 0

    def number(self, track: str) -> int:
        return self.numbers.setdefault(track, len(self.numbers) + 1)

    def time(self, ticks: int) -> float:
        return ticks / (1000 * self.ticks)

    def slice(self, track: str, name: str, begin: int, end: int, args: Json) -> None:
        """Add a slice; ``args`` get its exact begin and length in ticks."""
        number = self.number(track)
        event = {
            "ph": "X",
            "name": name,
            "pid": PROCESS,
            "tid": number,
            "ts": self.time(begin),
            "dur": self.time(end - begin),
            "args": {**args, "tick": begin, "ticks": end - begin},
        }
        self.events.append((begin, number, event))

    def counter(self, name: str, at: int, values: dict[str, int]) -> None:
        event = {"ph": "C", "name": name, "pid": PROCESS, "ts": self.time(at), "args": values}
        self.events.append((at, 0, event))

    def flow(self, name: str, source: Place, target: Place) -> None:
        """Add an arrow from one slice to another: it leaves in the first's last tick."""
        self.links += 1
        common = {"name": name, "cat": name, "id": self.links, "pid": PROCESS}
        track, begin, end = source
        leaves = max(begin, min(end - 1, target[1]))  # a chained slice begins before the end
        event = {"ph": "s", **common, "tid": track, "ts": self.time(leaves)}
        self.events.append((leaves, track, event))
        track, begin, _ = target
        # It ends in the slice that begins there ("bp": "e"), not in the next one.
        event = {"ph": "f", "bp": "e", **common, "tid": track, "ts": self.time(begin)}
        self.events.append((begin, track, event))

    def phase(
        self, phase: Phase, reserved: Reserved | None = None, words: Words | None = None
    ) -> Drawing:
        """Return what draws a phase; ``reserved`` bytes are held in its buffers throughout.

        ``words`` are more arguments of the slices of an iteration.
        """
        for queue in phase.queues:
            self.number(queue.name)
        return Drawing(self, phase, reserved or {}, words)

    def sorted_events(self) -> list[Json]:
        """All events by time, the names of the tracks first."""
        named: list[Json] = [
            {"ph": "M", "name": "process_name", "pid": PROCESS, "args": {"name": "accelsim"}}
        ]
        for track, number in self.numbers.items():
            common = {"ph": "M", "pid": PROCESS, "tid": number}
            named.append({**common, "name": "thread_name", "args": {"name": track}})
            named.append({**common, "name": "thread_sort_index", "args": {"sort_index": number}})
        self.events.sort(key=lambda item: item[:2])
        return [*named, *(event for _, _, event in self.events)]


class Drawing:
    """The slices, flows and counters of one phase."""

    def __init__(
        self, tracks: Tracks, phase: Phase, reserved: Reserved, words: Words | None = None
    ) -> None:
        self.tracks, self.phase, self.words = tracks, phase, words
        self.plans: dict[int, Plan] = {
            n: compile_plan(phase, task) for n, task in enumerate(phase.tasks)
        }
        self.held = Held(phase, reserved)
        self.places: dict[tuple[int, int], Place] = {}  # of the slices drawn, by task and instance
        self.needs: list[tuple[tuple[int, int], Place]] = []  # whose data a slice has waited for

    def start(self, start: Start, begin: int, end: int) -> None:
        task = self.phase.tasks[start.task]
        at = digits(self.phase, start.iteration)
        args: Json = {loop.name: digit for loop, digit in zip(self.phase.loops, at, strict=True)}
        if self.words is not None:
            args |= self.words(start.iteration)
        if task.inner > 1:
            args["k"] = start.k
        waits = self._waits(start)
        if waits:
            args["waits"] = waits
        args["follows"] = self._follows(start)
        track = self.phase.queues[start.queue].name
        self.tracks.slice(track, task.name, begin, end, args)
        place = (self.tracks.number(track), begin, end)
        self.places[start.task, start.iteration * task.inner + start.k] = place
        for wait, need, _ in self._needed(start):
            if wait.cause == "data":
                self.needs.append(((wait.producer, need), place))

    def flows(self) -> None:
        """Draw an arrow for each wait for data between two slices that are drawn."""
        for need, target in self.needs:
            if need in self.places:
                self.tracks.flow("data", self.places[need], target)

    def _needed(self, start: Start) -> list[tuple[Wait, int, int]]:
        """Return the waits of a start, each with the instance that it needs and the lag in ticks."""
        planned = self.plans[start.task](start.iteration, start.k)
        assert planned is not None
        waits = self.phase.tasks[start.task].waits
        found = zip(waits, planned[1], planned[2], strict=True)
        return [(wait, need, ticks) for wait, need, ticks in found if need >= 0]

    def _waits(self, start: Start) -> list[str]:
        """What had to be there: producer, instance, cause."""
        found = []
        for wait, need, ticks in self._needed(start):
            words = f"{self._instance(wait.producer, need)} {wait.anchor}"
            lag = f" + {ticks} ticks" if ticks else ""
            found.append(f"{words}{lag} ({wait.cause})")
        return found

    def _follows(self, start: Start) -> str:
        """What fixed the start."""
        kind, wait, producer, instance = start.binding
        if producer < 0:
            return "nothing"
        words = self._instance(producer, instance)
        if kind == "wait":
            return f"{words} ({self.phase.tasks[start.task].waits[wait].cause})"
        return f"{words} ({kind})"

    def _instance(self, task: int, instance: int) -> str:
        spec = self.phase.tasks[task]
        iteration, k = divmod(instance, spec.inner)
        at = ".".join(str(digit) for digit in digits(self.phase, iteration))
        return f"{spec.name} {at}" + (f" k{k}" if spec.inner > 1 else "")

    def hold(self, start: Start, begin: int, end: int) -> None:
        """Note what a start takes and gives."""
        self.held.note(start, begin, end)

    def counters(self, first: int, last: int) -> None:
        """Draw the bytes held in each buffer, tensor by tensor, between two ticks."""
        for buffer, levels in self.held.levels(first, last).items():
            for tick, values in levels:
                self.tracks.counter(f"{buffer} bytes", tick, values)


__all__ = ["Drawing", "Tracks"]
