"""The tracks of a trace: slices by queue, counters by buffer, in the trace event format."""

from __future__ import annotations

from typing import Any

from accelsim.sim.held import Held
from accelsim.sim.observe import Start
from accelsim.sim.plan import Plan, compile_plan
from accelsim.sim.program import Phase
from accelsim.sim.walk import digits

Json = dict[str, Any]
PROCESS = 1


class Tracks:
    """Collects trace events; times in ticks become microseconds with one cycle as a nanosecond."""

    def __init__(self, ticks_per_cycle: int) -> None:
        self.ticks = ticks_per_cycle
        self.numbers: dict[str, int] = {"phases": 1, "period": 2}
        self.events: list[tuple[int, int, Json]] = []

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

    def phase(self, phase: Phase) -> Drawing:
        for queue in phase.queues:
            self.number(queue.name)
        return Drawing(self, phase)

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
    """The slices and counters of one phase."""

    def __init__(self, tracks: Tracks, phase: Phase) -> None:
        self.tracks, self.phase = tracks, phase
        self.plans: dict[int, Plan] = {
            n: compile_plan(phase, task) for n, task in enumerate(phase.tasks)
        }
        self.held = Held(phase)

    def start(self, start: Start, begin: int, end: int) -> None:
        task = self.phase.tasks[start.task]
        at = digits(self.phase, start.iteration)
        args: Json = {loop.name: digit for loop, digit in zip(self.phase.loops, at, strict=True)}
        if task.inner > 1:
            args["k"] = start.k
        waits = self._waits(start)
        if waits:
            args["waits"] = waits
        args["follows"] = self._follows(start)
        self.tracks.slice(self.phase.queues[start.queue].name, task.name, begin, end, args)

    def _waits(self, start: Start) -> list[str]:
        """What had to be there: producer, instance, cause."""
        planned = self.plans[start.task](start.iteration, start.k)
        assert planned is not None
        found = []
        waits = self.phase.tasks[start.task].waits
        for wait, need, ticks in zip(waits, planned[1], planned[2], strict=True):
            if need >= 0:
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
