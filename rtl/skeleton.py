"""What is fixed of a program when a machine is built, and the numbers that stay in registers.

A machine is built for a mapping at its largest sizes. The *skeleton* of that program (queues, tasks,
order, waits, lags) becomes sequencers; the numbers that depend on the sizes of a run (the last digits
of loops, and by how much a slot or a needed instance changes when a loop steps) become registers.
`settings` gives them for a run, and refuses with a sentence what the machine cannot sequence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from accelsim.errors import InfeasibleError
from accelsim.sim.plan import compile_plan, row_major
from accelsim.sim.program import Guard, Phase, Program, Task, Wait

COUNT_BITS = 16  # of slots and instance numbers, signed
DIGIT_BITS = 8
AGE_BITS = 24  # cycles that a transfer may wait for the bus and still keep its turn


@dataclass(frozen=True, kw_only=True)
class Plane:
    """``sign * digit[level] + constant >= 0``; the constant is a register."""

    level: int
    sign: int


@dataclass(frozen=True, kw_only=True)
class WaitShape:
    """A wait without its numbers; ``planes`` say when it counts."""

    producer: int
    anchor: str
    lag: int
    cause: str
    planes: tuple[Plane, ...]


@dataclass(frozen=True, kw_only=True)
class TaskShape:
    """A task without its numbers: ``first`` and ``last`` are the loops that it does not walk."""

    name: str
    queue: int
    shift: int
    first: tuple[int, ...]
    last: tuple[int, ...]
    duration: int | None  # None: as long as its transfer takes
    waits: tuple[WaitShape, ...]

    def walked(self, levels: int) -> tuple[int, ...]:
        fixed = {*self.first, *self.last}
        return tuple(level for level in range(levels) if level not in fixed)


@dataclass(frozen=True, kw_only=True)
class QueueShape:
    """An in-order queue: its tasks in order; ``shared`` if others use its resource too."""

    name: str
    resource: int
    shared: bool
    tasks: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Skeleton:
    """The structure of a program of one phase."""

    loops: tuple[str, ...]
    counts: tuple[int, ...]  # at most
    resources: tuple[str, ...]
    queues: tuple[QueueShape, ...]
    tasks: tuple[TaskShape, ...]
    count_bits: int = COUNT_BITS
    digit_bits: int = DIGIT_BITS
    age_bits: int = AGE_BITS

    @property
    def greatest(self) -> int:
        """A number that nothing which is counted reaches."""
        return (1 << (self.count_bits - 1)) - 1

    def task(self, name: str) -> int:
        return next(n for n, task in enumerate(self.tasks) if task.name == name)

    @property
    def registers(self) -> tuple[str, ...]:
        """The names of the registers, in the order of their addresses."""
        names = [f"last {loop}" for loop in self.loops]
        for task in self.tasks:
            walked = [self.loops[n] for n in task.walked(len(self.loops))]
            names += [f"{task.name} walks", f"{task.name} slot"]
            names += [f"{task.name} slot {loop}" for loop in walked]
            for number, wait in enumerate(task.waits):
                base = f"{task.name} wait {number}"
                names += [f"{base} on", f"{base} need", *(f"{base} need {x}" for x in walked)]
                names += [f"{base} plane {n}" for n in range(len(wait.planes))]
        return tuple(names)


def skeleton(program: Program) -> Skeleton:
    """Return the structure of a program; InfeasibleError if no machine can sequence it."""
    if len(program.phases) != 1:
        raise InfeasibleError(f"a machine runs one phase, not {len(program.phases)}")
    if program.ticks_per_cycle != 1:
        raise InfeasibleError("every transfer of a whole tile must take whole cycles")
    phase = program.phases[0]
    users = [queue.resource for queue in phase.queues]
    queues = tuple(
        QueueShape(
            name=queue.name,
            resource=queue.resource,
            shared=users.count(queue.resource) > 1,
            tasks=tuple(task for task, _ in queue.body),
        )
        for queue in phase.queues
    )
    tasks = tuple(_task(phase, task, queues[task.queue].shared) for task in phase.tasks)
    return Skeleton(
        loops=tuple(loop.name for loop in phase.loops),
        counts=tuple(loop.count for loop in phase.loops),
        resources=phase.resources,
        queues=queues,
        tasks=tasks,
    )


def _task(phase: Phase, task: Task, shared: bool) -> TaskShape:
    if task.looks_up:
        raise InfeasibleError(f"{task.name}: a machine has no tables to look its times up in")
    if task.inner != 1 or task.guard.half_planes:
        raise InfeasibleError(f"{task.name}: a machine sequences neither inner loops nor masks")
    if not shared and len(set(task.durations)) > 1:
        raise InfeasibleError(f"{task.name}: a compute task must take the same time in every tile")
    for wait in task.waits:
        if wait.anchor == "start" and wait.lag < 1:
            name = phase.tasks[wait.producer].name
            raise InfeasibleError(f"{task.name}: must start at least a cycle after {name}")
    return TaskShape(
        name=task.name,
        queue=task.queue,
        shift=task.shift,
        first=task.guard.first,
        last=task.guard.last,
        duration=None if shared else task.durations[0],
        waits=tuple(_wait(phase, task, wait) for wait in task.waits),
    )


def _wait(phase: Phase, task: Task, wait: Wait) -> WaitShape:
    return WaitShape(
        producer=wait.producer,
        anchor=wait.anchor,
        lag=wait.lag,
        cause=wait.cause,
        planes=tuple(plane for plane, _ in _planes(phase, task, wait.guard)),
    )


def _planes(phase: Phase, task: Task, guard: Guard) -> list[tuple[Plane, int]]:
    """Return the conditions of a guard with their constants."""
    found = [(Plane(level=level, sign=-1), 0) for level in guard.first]
    found += [(Plane(level=level, sign=1), 1 - phase.loops[level].count) for level in guard.last]
    for half in guard.half_planes:
        used = [(level, c) for level, c in enumerate(half.coefficients) if c]
        if len(used) != 1 or abs(used[0][1]) != 1 or half.inner:
            raise InfeasibleError(f"{task.name}: a wait may depend on one loop at a time")
        found.append((Plane(level=used[0][0], sign=used[0][1]), half.constant))
    return found


def settings(built: Skeleton, program: Program) -> dict[str, int]:
    """Return the registers of a run; InfeasibleError says why the machine cannot run the program."""
    own = skeleton(program)
    _same_structure(built, own)
    phase = program.phases[0]
    counts = tuple(loop.count for loop in phase.loops)
    found = {f"last {n}": c - 1 for n, c in zip(built.loops, counts, strict=True)}
    walks = [list(_walk(phase, task)) for task in phase.tasks]
    ordinals = [{i: n for n, (i, _) in enumerate(walk)} for walk in walks]
    for number, (shape, task) in enumerate(zip(built.tasks, phase.tasks, strict=True)):
        points = [digits for _, digits in walks[number]]
        if len(points) >= built.greatest - task.shift:
            raise InfeasibleError(f"{task.name}: too many instances for {built.count_bits} bits")
        walked = shape.walked(len(built.loops))
        still = {n for n in walked if all(d[n] == 0 for d in points)}
        found[f"{shape.name} walks"] = sum(1 << n for n in walked if n not in still)
        mine = tuple(1 if n in still else count for n, count in enumerate(counts))
        slots = {d: i + task.shift for i, d in walks[number]}
        found |= _affine(built, shape, f"{shape.name} slot", slots, points, mine)
        places = _matched(shape, task)
        plan = compile_plan(phase, task)
        for place, wait_shape in enumerate(shape.waits):
            base = f"{shape.name} wait {place}"
            found[f"{base} on"] = int(place in places)
            found |= {f"{base} plane {n}": built.greatest for n in range(len(wait_shape.planes))}
            if place not in places:
                found |= {f"{base} need": -1}
                found |= {f"{base} need {built.loops[level]}": 0 for level in walked}
                continue
            own_place = places[place]
            wait = task.waits[own_place]
            for plane, constant in _planes(phase, task, wait.guard):
                found[f"{base} plane {wait_shape.planes.index(plane)}"] = constant
            unguarded = {}
            for i, digits in walks[number]:
                item = plan(i, 0)
                assert item is not None
                unguarded[digits] = item[1][own_place]
            # A need of -1 is "none", or a guard that does not hold: the planes say that.
            needs = _needs(phase, shape, wait, ordinals[wait.producer], unguarded)
            found |= _affine(built, shape, f"{base} need", needs, points, mine)
    return found


def _same_structure(built: Skeleton, own: Skeleton) -> None:
    if built.loops != own.loops or [q.name for q in built.queues] != [q.name for q in own.queues]:
        raise InfeasibleError("the mapping must have the loops and queues of the machine")
    for limit, count, loop in zip(built.counts, own.counts, built.loops, strict=True):
        if count > limit:
            raise InfeasibleError(f"loop {loop} must run at most {limit} times, not {count}")
    if [q.tasks for q in built.queues] != [q.tasks for q in own.queues]:
        raise InfeasibleError("the mapping must have the program order of the machine")
    for one, other in zip(built.tasks, own.tasks, strict=True):
        same = (one.name, one.shift, one.duration) == (other.name, other.shift, other.duration)
        single = {n for n, count in enumerate(own.counts) if count == 1}
        lost = (set(one.first) - set(other.first)) | (set(one.last) ^ set(other.last))
        if not same or not lost <= single:
            raise InfeasibleError(f"{other.name} must be the task that the machine was built for")


def _matched(shape: TaskShape, task: Task) -> dict[int, int]:
    """Return which wait of the machine stands for which of the program's."""
    found: dict[int, int] = {}
    for number, wait in enumerate(task.waits):
        key = (wait.producer, wait.anchor, wait.lag, wait.cause)
        place = next(
            (
                n
                for n, w in enumerate(shape.waits)
                if (w.producer, w.anchor, w.lag, w.cause) == key and n not in found
            ),
            None,
        )
        if place is None:
            raise InfeasibleError(f"{task.name}: a wait that the machine was not built for")
        found[place] = number
    return found


def _walk(phase: Phase, task: Task) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the active iterations of a task with their digits."""
    plan, rows = compile_plan(phase, task), row_major(phase)
    for i in range(phase.iterations):
        if plan(i, 0) is not None:
            yield (
                i,
                tuple(i // row % loop.count for row, loop in zip(rows, phase.loops, strict=True)),
            )


Points = dict[tuple[int, ...], int]


def _needs(
    phase: Phase, shape: TaskShape, wait: Wait, ordinals: dict[int, int], needed: Points
) -> Points:
    """Return the ordinal that is needed among the producer's active instances; -1: none."""
    found: Points = {}
    for digits, need in needed.items():
        if need >= 0 and need not in ordinals:
            name = phase.tasks[wait.producer].name
            raise InfeasibleError(f"{shape.name}: waits for a tile in which {name} does not run")
        guarded = any(
            plane.sign * digits[plane.level] + constant < 0
            for plane, constant in _planes(phase, phase.tasks[wait.producer], wait.guard)
        )
        if not guarded:
            found[digits] = ordinals[need] if need >= 0 else -1
    return found


def _affine(
    built: Skeleton,
    shape: TaskShape,
    name: str,
    values: Points,
    points: list[tuple[int, ...]],
    counts: tuple[int, ...],
) -> dict[str, int]:
    """Return the start and the steps of a register that follows ``values`` (-1: anything negative).

    The value is affine in the digits; a step of a loop adds its factor and takes back what the loops
    inside it have added.
    """
    walked = shape.walked(len(counts))
    known = {d: v for d, v in values.items() if v >= 0}
    factors = dict.fromkeys(walked, 0)
    for level in walked:
        if counts[level] == 1:
            continue
        steps = {
            known[d] - known[before]
            for d in known
            if d[level] and (before := (*d[:level], d[level] - 1, *d[level + 1 :])) in known
        }
        if len(steps) > 1:
            raise InfeasibleError(f"{name}: must change evenly with loop {built.loops[level]}")
        factors[level] = steps.pop() if steps else max(known.values(), default=0) + 1
    start_of = {d: v - sum(factors[n] * d[n] for n in walked) for d, v in known.items()}
    if len(set(start_of.values())) > 1:
        raise InfeasibleError(f"{name}: must be a sum over the loops")
    start = next(iter(start_of.values()), -1)
    if not known:
        factors = dict.fromkeys(walked, 0)
    for digits, value in values.items():
        own = start + sum(factors[n] * digits[n] for n in walked)
        if (own != value) if value >= 0 else (own >= 0):
            raise InfeasibleError(
                f"{name}: must be a sum over the loops, negative before its first"
            )
    found = {name: start + sum(factors[n] * points[0][n] for n in walked) if points else -1}
    for place, level in enumerate(walked):
        back = sum(factors[n] * (counts[n] - 1) for n in walked[place + 1 :])
        found[f"{name} {built.loops[level]}"] = factors[level] - back
    return found
