"""Random programs for the kernels: small enough to walk, of every shape that a mapping lowers to."""

from __future__ import annotations

import random
from dataclasses import replace
from math import prod
from typing import Any

from accelsim.sim.program import Guard, HalfPlane, Loop, Phase, Pool, Queue, Task, Wait


def random_phase(seed: int) -> Phase:
    """A random program; about one in twelve deadlocks."""
    return _Builder(random.Random(seed)).build()


def masked_phase(seed: int) -> Phase:
    """A random program whose rows grow, shrink or move along under a mask: long enough to jump over rows."""
    return _Masked(random.Random(seed)).build()


class _Builder:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        levels = rng.choice([1, 2, 2, 3, 3, 4])
        sizes = {1: (20, 200), 2: (3, 24), 3: (2, 10), 4: (1, 6)}[levels]
        self.counts = [rng.randint(*sizes) for _ in range(levels)]
        if levels > 1 and rng.random() < 0.5:
            self.counts[rng.randrange(levels)] *= rng.randint(2, 4)
        self.total = prod(self.counts)
        self.rows = [prod(self.counts[n + 1 :]) for n in range(levels)]
        self.levels = levels
        self.tasks: list[Task] = []
        # Long bodies: a period inside a slot.
        self.long = self.total <= 400 and rng.random() < 0.4
        self.causal = self.half_plane() if levels > 1 and rng.random() < 0.35 else None

    def half_plane(self) -> HalfPlane:
        rng = self.rng
        if self.levels >= 3 and rng.random() < 0.5:
            coefficients = [0] * self.levels
            a, b, c = sorted(rng.sample(range(self.levels), 3))
            coefficients[a], coefficients[b], coefficients[c] = self.counts[c], -1, 1
            if rng.random() < 0.3:
                coefficients[b] = -rng.randint(1, 3)
        else:
            coefficients = [rng.choice([-2, -1, 0, 1, 2]) for _ in range(self.levels)]
        if rng.random() < 0.25:  # it holds everywhere, or almost; or nowhere, or almost
            ends = [c * (n - 1) for c, n in zip(coefficients, self.counts, strict=True)]
            least = sum(end for end in ends if end < 0)
            most = sum(end for end in ends if end > 0)
            constant = rng.choice([-least, -least - 1, -least + 2, -most, -most + 1])
            if rng.random() < 0.15:
                constant = -most - 1
            return HalfPlane(coefficients=tuple(coefficients), constant=constant)
        return HalfPlane(coefficients=tuple(coefficients), constant=rng.randint(-1, 3))

    def guard(self, chance: float = 0.4) -> Guard:
        rng = self.rng
        if rng.random() > chance:
            return Guard(half_planes=(self.causal,)) if self.causal else Guard()
        first = tuple(n for n in range(self.levels) if rng.random() < 0.3)
        last = tuple(n for n in range(self.levels) if rng.random() < 0.2 and n not in first)
        planes = (self.causal,) if self.causal and rng.random() < 0.7 else ()
        return Guard(first=first, last=last, half_planes=planes)

    def data(self, consumer: int, inner: int, shift: int, producer: int) -> Wait:
        """The same iteration's instance, or that of the piece loaded once an outer iteration."""
        rng, p = self.rng, self.tasks[producer]
        strides = [row * p.inner for row in self.rows]
        for level in {*p.guard.first} if rng.random() < 0.9 else ():
            strides[level] = 0
        per_k: tuple[int, ...] = ()
        offset = p.inner - 1
        if inner == p.inner and inner > 1 and rng.random() < 0.7:
            per_k, offset = tuple(range(inner)), 0
        elif p.inner > 1 and inner > 1:
            per_k, offset = tuple(sorted(rng.randrange(p.inner) for _ in range(inner))), 0
        if shift < p.shift:
            offset -= p.inner * (p.shift - shift + rng.randint(0, 1))
        if rng.random() < 0.005:
            offset += p.inner * rng.randint(1, 3)  # ahead of time: often a deadlock
        return Wait(
            producer=producer,
            strides=tuple(strides),
            offset=offset,
            inner=per_k,
            anchor=rng.choice(["end", "end", "start"]),
            lag=rng.choice([0, 0, 1, 3, 17]),
            cause="data",
            guard=self.wait_guard(),
        )

    def wait_guard(self) -> Guard:
        rng = self.rng
        if rng.random() < 0.85:
            return Guard()
        if rng.random() < 0.3:
            return Guard(half_planes=(self.half_plane(),))
        return self.guard(1.0)

    def back(self, producer: int, distance: int, cause: str, level: int | None = None) -> Wait:
        """The instance ``distance`` iterations (of a level) before."""
        rng, p = self.rng, self.tasks[producer]
        level = self.levels - 1 if level is None else level
        strides = [row * p.inner if n <= level else 0 for n, row in enumerate(self.rows)]
        offset = p.inner * (self.rows[level] * (1 - distance)) - 1
        if level == self.levels - 1 and rng.random() < 0.5:
            offset = -p.inner * distance + p.inner - 1
        anchor = "end" if rng.random() < 0.9 else "start"
        return Wait(
            producer=producer,
            strides=tuple(strides),
            offset=offset,
            cause=cause,
            lag=rng.choice([0, 0, 0, 2]),
            anchor=anchor,
            guard=self.wait_guard(),
        )

    def build(self) -> Phase:
        rng = self.rng
        own, bus = rng.randint(1, 4), rng.choice([0, 0, 2, 3, 4, 5])
        buses = 2 if bus >= 4 and rng.random() < 0.4 else 1
        resources = [*range(own), *(own + n % buses for n in range(bus))]
        count = rng.randint(1, 6) + bus
        scale = rng.choice([3, 10, 40])
        bodies: list[list[list[tuple[int, int]]]] = [[] for _ in resources]
        order = [*range(own, own + bus)] + [rng.randrange(own + bus // 2) for _ in range(count)]
        for number, queue in enumerate(order[:count]):
            inner = rng.choice([1, 1, 1, 1, 2, 3, 5] + [24, 70, 110] * self.long)
            ragged = tuple(
                n if rng.random() < 0.6 else ~n for n in range(self.levels) if rng.random() < 0.15
            )
            kinds = rng.randint(1, 2) if inner > 1 else 1
            inner_class = tuple(rng.randrange(kinds) for _ in range(inner)) if kinds > 1 else ()
            classes = 2 ** len(ragged) * kinds
            shift = rng.choice([0, 0, 0, 1, 2, 4]) if queue < own else rng.choice([0, 0, 0, 1])
            waits = []
            for producer in range(number):
                if rng.random() < 1.6 / (number + 1):
                    waits.append(self.data(number, inner, shift, producer))
            if rng.random() < 0.2:
                waits.append(
                    Wait(
                        producer=number,
                        strides=tuple(r * inner for r in self.rows),
                        offset=-inner * rng.randint(1, 2),
                        lag=rng.choice([0, 5, 30]),
                        cause="order",
                        guard=self.wait_guard(),
                    )
                )
            base = rng.randint(1, scale)
            durations = tuple(
                max(1, base - rng.randint(0, base // 2) * (c > 0)) for c in range(classes)
            )
            guard = self.guard(0.8 if queue >= own else 0.25)
            if inner > 1 and rng.random() < 0.1:
                plane = HalfPlane(
                    coefficients=tuple(rng.choice([-1, 0, 1]) for _ in self.counts),
                    inner=tuple(rng.randint(-2, 2) for _ in range(inner)),
                )
                guard = Guard(first=guard.first, last=guard.last, half_planes=(plane,))
            self.tasks.append(
                Task(
                    name=f"T{number}",
                    queue=queue,
                    durations=durations,
                    shift=shift,
                    inner=inner,
                    guard=guard,
                    ragged=ragged,
                    inner_class=inner_class,
                    waits=tuple(waits),
                )
            )
            items = [(number, k) for k in range(inner)]
            if inner > 1 and bodies[queue] and rng.random() < 0.4:  # interleave
                into = bodies[queue][-1]
                for item in reversed(items):
                    into.insert(rng.randint(0, len(into)), item)
                into[:] = _in_order(into)
            else:
                bodies[queue].append(items)
        self.slots()
        pools = self.pools()
        dropped = self.never_listed()
        bodies = [[[i for i in part if i not in dropped] for part in body] for body in bodies]
        return Phase(
            name="random",
            loops=tuple(Loop(name=f"l{n}", count=c) for n, c in enumerate(self.counts)),
            resources=tuple(f"R{n}" for n in range(own + (buses if bus else 0))),
            queues=tuple(
                Queue(name=f"Q{q}", resource=r, body=tuple(i for part in body for i in part))
                for q, (r, body) in enumerate(zip(resources, bodies, strict=True))
            ),
            tasks=tuple(self.tasks),
            pools=pools,
        )

    def never_listed(self) -> set[tuple[int, int]]:
        """Some k of tasks that nobody waits for: a queue may list a subset."""
        needed = {w.producer for task in self.tasks for w in task.waits}
        return {
            (number, k)
            for number, task in enumerate(self.tasks)
            if number not in needed and self.rng.random() < 0.3
            for k in range(1, task.inner)
            if self.rng.random() < 0.3
        }

    def slots(self) -> None:
        """Finite buffers: a producer waits for a consumer some iterations back."""
        rng = self.rng
        for number, task in enumerate(list(self.tasks)):
            extra = []
            for consumer in range(number + 1, len(self.tasks)):
                data = [w for w in self.tasks[consumer].waits if w.producer == number]
                if data and rng.random() < 0.93:
                    lead = max(0, self.tasks[consumer].shift - task.shift)
                    level = None
                    distance = lead + rng.randint(1, 4)
                    if task.guard.first and rng.random() < 0.8:
                        level = max(0, min(task.guard.first) - 1)
                        distance = rng.randint(1, 3) + (lead if rng.random() < 0.9 else 0)
                        if rng.random() < 0.8:
                            distance = max(distance, 2)
                    elif rng.random() < 0.03:
                        distance = max(0, lead)
                    extra.append(self.back(consumer, distance, "slot", level))
            waits = (*task.waits, *extra) if rng.random() < 0.5 else (*extra, *task.waits)
            self.tasks[number] = _with(task, waits=waits)

    def pools(self) -> tuple[Pool, ...]:
        rng = self.rng
        count = rng.choice([0, 1, 2, 3])
        for pool in range(count):
            for kind in ("takes", "gives"):
                for number in rng.sample(range(len(self.tasks)), min(2, len(self.tasks))):
                    task = self.tasks[number]
                    amounts = tuple(rng.randint(0, 5) for _ in task.durations)
                    entry = (*getattr(task, kind), (pool, amounts))
                    self.tasks[number] = _with(task, **{kind: entry})
        return tuple(Pool(name=f"P{n}", buffer=rng.choice(["A", "B"])) for n in range(count))


def random_lookups(seed: int) -> Phase:
    """A random program some of whose classes, needs and lags are looked up by iteration."""
    rng = random.Random(f"lookups {seed}")
    phase = random_phase(seed)
    total = phase.iterations
    tasks = []
    for task in phase.tasks:
        if rng.random() < 0.6:
            task = _varied(task, total, rng)
        waits = tuple(_looked_up(w, phase, rng) if rng.random() < 0.4 else w for w in task.waits)
        tasks.append(_with(task, waits=waits))
    return Phase(
        name=phase.name,
        loops=phase.loops,
        resources=phase.resources,
        queues=phase.queues,
        tasks=tuple(tasks),
        pools=phase.pools,
    )


class _Masked(_Builder):
    """Rows and tiles under one or two half planes that all tasks share."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        outer = rng.choice([[], [], [], [2], [3]])
        deep = rng.choice([[], [], [], [rng.randint(2, 4)]])
        self.counts = [*outer, rng.randint(16, 48), rng.randint(16, 80), *deep]
        self.levels = len(self.counts)
        self.total = prod(self.counts)
        self.rows = [prod(self.counts[n + 1 :]) for n in range(self.levels)]
        self.long = False
        self.row = len(outer)
        self.planes = self.masks(bool(deep))

    def masks(self, deep: bool) -> tuple[HalfPlane, ...]:
        rng = self.rng
        width = self.counts[-1] if deep else 1
        row, tile = width * rng.choice([1, 1, 1, 2, 3]), width * rng.choice([1, 1, 2, 3])
        sign = rng.choice([1, 1, 1, -1])
        inside = (rng.choice([0, -1, -1]),) if deep else ()
        coefs = (
            *(0 for _ in range(self.row)),
            sign * row,
            -sign * tile,
            *(sign * c for c in inside),
        )
        found = [HalfPlane(coefficients=coefs, constant=rng.randint(-1, 8) * width)]
        if sign < 0:  # the rows shrink
            found[0] = HalfPlane(coefficients=coefs, constant=rng.randint(0, 3))
        if rng.random() < 0.4:  # a window
            other = tuple(-c for c in coefs)
            found.append(HalfPlane(coefficients=other, constant=width * rng.randint(2, 12)))
        return tuple(found)

    def guard(self, chance: float = 0.4) -> Guard:
        rng = self.rng
        kept = self.planes if rng.random() < 0.9 else self.planes[: rng.randint(0, 1)]
        if rng.random() > chance * 0.5:
            return Guard(half_planes=kept)
        level = self.row + 1
        first = (level,) if rng.random() < 0.6 else ()
        last = (level,) if not first and rng.random() < 0.5 else ()
        return Guard(first=first, last=last, half_planes=kept if rng.random() < 0.4 else ())

    def wait_guard(self) -> Guard:
        return super().wait_guard() if self.rng.random() < 0.15 else Guard()


def _varied(task: Task, total: int, rng: random.Random) -> Task:
    """A task of 1 to 4 kinds, here and there left out."""
    count, absent = rng.randint(1, 4), rng.choice([0, 0, 0.1, 0.6])

    def each(amounts: tuple[int, ...], least: int) -> tuple[int, ...]:
        return tuple(max(least, n + step * 2) for step in range(count) for n in amounts)

    return _with(
        task,
        durations=each(task.durations, 1),
        takes=tuple((pool, each(amounts, 0)) for pool, amounts in task.takes),
        gives=tuple((pool, each(amounts, 0)) for pool, amounts in task.gives),
        kinds=tuple(-1 if rng.random() < absent else rng.randrange(count) for _ in range(total)),
    )


def _looked_up(wait: Wait, phase: Phase, rng: random.Random) -> Wait:
    """Some iterations wait for earlier instances, for none, or longer."""
    total, inner = phase.iterations, phase.tasks[wait.producer].inner
    back = rng.choice([1, 3])
    needs = tuple(-inner * rng.randrange(back) for _ in range(total))
    if rng.random() < 0.5:
        needs = tuple(-inner * total if rng.random() < 0.2 else need for need in needs)
    lags = tuple(rng.randrange(9) for _ in range(total)) if rng.random() < 0.5 else ()
    return _with(wait, needs=needs, lags=lags)


def _with(task: Any, **changes: object) -> Any:
    return replace(task, **changes)


def _in_order(items: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The k of each task ascending, at the places that the task has."""
    each = {task: iter(sorted(k for t, k in items if t == task)) for task, _ in items}
    return [(task, next(each[task])) for task, _ in items]
