"""Rows on a pipeline become a program: a step is an iteration, its times and needs are looked up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from accelsim.arch import Architecture, Fetcher
from accelsim.errors import InfeasibleError
from accelsim.rows import Rows
from accelsim.rows.pipeline import After, Holds, Pipeline
from accelsim.sim.program import Loop, Phase, Pool, Program, Queue, Task, Wait
from accelsim.sim.rows.draft import Drafted, Drafter, TaskTimes
from accelsim.sim.rows.steps import Steps

SEED = 0


def lower_rows(arch: Architecture, pipeline: Pipeline, rows: Rows, seed: int = SEED) -> Drafted:
    """Return the program of rows; ``seed`` draws what a trace does not say.

    InfeasibleError: a row does not fit its buffer, or its engine.
    """
    steps = Steps.of(rows, arch, pipeline.spec)
    drafter = Drafter(arch, pipeline, steps, seed)
    tasks = tuple(drafter.times(spec) for spec in pipeline.tasks)
    found = _Lower(arch, pipeline, steps, tasks)
    return Drafted(
        program=found.program(),
        arch=arch,
        pipeline=pipeline,
        steps=steps,
        tasks=tasks,
        seed=seed,
        held_rows=found.held_rows,
    )


@dataclass
class _Lower:
    arch: Architecture
    pipeline: Pipeline
    steps: Steps
    tasks: tuple[TaskTimes, ...]
    held_rows: dict[str, int] = field(default_factory=dict)

    def program(self) -> Program:
        self.number = {times.spec.task: n for n, times in enumerate(self.tasks)}
        waits = [self._waits(times) for times in self.tasks]
        takes: list[dict[int, list[int]]] = [{} for _ in self.tasks]
        gives: list[dict[int, list[int]]] = [{} for _ in self.tasks]
        for pool, hold in enumerate(self.pipeline.spec.holds):
            begin = self.number[hold.begin]
            waits[begin] += self._hold(pool, hold, takes, gives)
        resources = tuple(dict.fromkeys(times.spec.unit for times in self.tasks))
        queues, queue_of = self._queues(resources)
        phase = Phase(
            name="rows",
            loops=(Loop(name="row", count=len(self.steps)),),
            resources=resources,
            queues=queues,
            tasks=tuple(
                self._task(n, queue_of[n], tuple(waits[n]), takes[n], gives[n])
                for n in range(len(self.tasks))
            ),
            pools=tuple(
                Pool(name=hold.tensor, buffer=hold.buffer) for hold in self.pipeline.spec.holds
            ),
        )
        return Program(phases=(phase,))

    def _queues(self, resources: Sequence[str]) -> tuple[tuple[Queue, ...], list[int]]:
        """The queues of each unit; one with nothing to do at all is with the first of its unit."""
        bodies: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for number, times in enumerate(self.tasks):
            unit = times.spec.unit
            name = times.spec.queue
            if isinstance(self.arch.spec.components[unit], Fetcher):
                name = times.spec.task
            elif not any(times.active):
                name = next((queue for other, queue in bodies if other == unit), name)
            bodies.setdefault((unit, name), []).append((number, 0))
        queue_of = [0] * len(self.tasks)
        queues = []
        for place, ((unit, name), body) in enumerate(bodies.items()):
            for number, _ in body:
                queue_of[number] = place
            queues.append(
                Queue(
                    name=f"{unit}: {name}" if name else unit,
                    resource=resources.index(unit),
                    body=tuple(body),
                )
            )
        return tuple(queues), queue_of

    def _task(
        self,
        number: int,
        queue: int,
        waits: tuple[Wait, ...],
        takes: dict[int, list[int]],
        gives: dict[int, list[int]],
    ) -> Task:
        """A class for each distinct set of duration and amounts."""
        times = self.tasks[number]
        amounts = [*takes.values(), *gives.values()]
        kinds: dict[tuple[int, ...], int] = {}
        table = [
            kinds.setdefault((times.duration[n], *(a[n] for a in amounts)), len(kinds))
            if on
            else -1
            for n, on in enumerate(times.active)
        ]
        sets = list(kinds) or [(1, *(0 for _ in amounts))]
        by_class = [tuple(column) for column in zip(*sets, strict=True)]
        return Task(
            name=times.spec.task,
            queue=queue,
            durations=by_class[0],
            kinds=tuple(table),
            waits=waits,
            takes=tuple(zip(takes, by_class[1 : 1 + len(takes)], strict=True)),
            gives=tuple(zip(gives, by_class[1 + len(takes) :], strict=True)),
        )

    def _waits(self, times: TaskTimes) -> list[Wait]:
        return [self._after(times, after) for after in times.spec.after]

    def _after(self, times: TaskTimes, after: After) -> Wait:
        producer = self.tasks[self.number[after.task]]
        holds = self.steps.of_steps(self.steps.whole(after.when))
        needs, lags = [], []
        for n in range(len(self.steps)):
            if after.of == "layer":
                need = self.steps.layer_ends[n]
            elif after.rows:
                need = n - after.rows
            else:
                need = producer.serves[n]
            if not (holds[n] and need >= 0 and producer.active[need]):
                needs.append(-1)
                lags.append(0)
                continue
            needs.append(need)
            lag = producer.ready[need]
            if after.how == "stream":
                lag = max(producer.first[need], producer.streamed[need] - times.duration[n])
            lags.append(lag + after.lag)
        return Wait(
            producer=self.number[after.task],
            strides=(0,),
            needs=tuple(needs),
            lags=tuple(lags),
            anchor="start",
            cause="order" if after.of == "layer" or after.rows else "data",
        )

    def _hold(
        self,
        pool: int,
        hold: Holds,
        takes: list[dict[int, list[int]]],
        gives: list[dict[int, list[int]]],
    ) -> list[Wait]:
        """Note what is taken and given; return the waits of the load for room."""
        count = len(self.steps)
        begin = self.tasks[self.number[hold.begin]]
        until = [self.number[name] for name in hold.until]
        own = self.steps.of_steps(self.steps.whole(hold.bytes))
        size = self.arch.buffers[hold.buffer].size
        taken = [0] * count
        served: dict[int, int] = {}  # by begin: the last step that it serves
        rows = [0] * count
        released = [[0] * count for _ in until]
        for n in range(count):
            at = begin.serves[n]
            if not begin.active[at]:
                continue
            served[at] = n
            step = self.steps.steps[n]
            if step.query == self.steps.row(n).queries - 1:
                taken[at] += own[n]
                rows[at] += 1
                last = max(
                    (place for place, u in enumerate(until) if self.tasks[u].active[n]), default=0
                )
                released[last][n] = own[n]
        takes[self.number[hold.begin]][pool] = taken
        for place, task in enumerate(until):
            gives[task][pool] = released[place]
        order = list(served)
        needs = [-1] * count
        window: list[int] = []  # begins that are held, by the time one begins
        held = held_rows = most = 0
        free = -1  # the last begin that has to be over
        for n in order:
            if taken[n] > size:
                raise InfeasibleError(
                    f"{hold.tensor} of a row must fit the {size} bytes of {hold.buffer}, not take"
                    f" {taken[n]}"
                )
            held, held_rows = held + taken[n], held_rows + rows[n]
            window.append(n)
            while held > size or held_rows > max(hold.rows, rows[n]):
                free = window.pop(0)
                held, held_rows = held - taken[free], held_rows - rows[free]
            needs[n] = served[free] if free >= 0 else -1
            most = max(most, held_rows)
        self.held_rows[hold.buffer] = most
        return [
            Wait(
                producer=task,
                strides=(0,),
                needs=tuple(_last_active(self.tasks[task].active, needs)),
                cause="slot",
            )
            for task in until
        ]


def _last_active(active: Sequence[bool], needs: Sequence[int]) -> list[int]:
    """Return, for each need, the last active instance up to it (-1: none): releases are in order."""
    last, before = -1, []
    for n, on in enumerate(active):
        last = n if on else last
        before.append(last)
    return [before[need] if need >= 0 else -1 for need in needs]


__all__ = ["SEED", "lower_rows"]
