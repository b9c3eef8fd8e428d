"""The reference kernel: a plain event-driven run of a program, the definition of right.

It walks every task of every queue, tick by tick in the order that ``program.py`` states. A head that
waits for an instance which has not been reached yet registers at its producer; if it has been reached
the time at which the wait is met is known, so a queue is looked at only when something changed for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush

from accelsim.sim.active import Active
from accelsim.sim.plan import Plan, check, compile_plan
from accelsim.sim.program import Outcome, Phase, PhaseOutcome, Program, Task
from accelsim.sim.report import deadlock

Binding = tuple[str, int, int, int]
"""("wait", wait, producer task, instance) | ("unit" or "bus", -1, previous task, instance)."""

Observer = Callable[[int, int, int, int, int, int, Binding], None]
"""Called at every start: task, iteration, k, start, end, queue, binding."""

Ready = Mapping[str, Callable[[int], bool]]
"""By resource, whether it works on in a tick (counted from the start of its phase)."""

KEEP = 64  # times of a task's instances that are kept without a look at whether they are over


def run(
    program: Phase | Program,
    observer: Observer | None = None,
    limit: int | None = None,
    ready: Ready | None = None,
) -> Outcome:
    """Run all phases; with ``limit`` each phase stops after that many starts (counters so far).

    A task on a resource in ``ready`` (a port that stalls from outside) lasts until its duration has
    been counted in ticks in which the resource is ready; ``busy`` counts only these. Raises
    DeadlockError if something is unfinished and nothing can change any more.
    """
    phases = (program,) if isinstance(program, Phase) else program.phases
    return Outcome(phases=tuple(_Run(phase, observer, limit, ready).run() for phase in phases))


@dataclass(slots=True, eq=False)
class _Resource:
    """A resource: busy until ``free``, with its last instance, and the ready heads if it is shared."""

    number: int
    free: int = 0
    ready: Callable[[int], bool] | None = None
    last: tuple[int, int] = (-1, -1)
    waiting: list[tuple[int, int, int]] = field(default_factory=list)  # (ready, slot, queue)


@dataclass(slots=True, eq=False)
class _Task:
    """A task: what is fixed, and which of its instances were reached, when, and who waits for them."""

    number: int
    spec: Task
    plan: Plan
    shift: int
    inner: int
    durations: tuple[int, ...]
    holds: bool
    gives: list[tuple[tuple[int, int], ...]]  # by class
    instances: list[int]  # how many started, by class
    # By wait: its number, the producer, its starts or ends, and cause.
    waits: list[tuple[int, _Task, dict[int, int], str]] = field(default_factory=list)
    awaited: bool = False
    anchor: bool = False  # some wait is for a start
    lag: int = 0  # the longest of the waits for it
    reached: int = 0
    # Times of the instances that may still lie in the future (others may be kept as well).
    starts: dict[int, int] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    keep: int = KEEP
    waiters: dict[int, list[_Queue]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Queue:
    """A queue: its slot, and the head once it has been looked at (None: look)."""

    number: int
    body: list[tuple[_Task, int]]
    resource: _Resource
    shared: bool
    done: bool
    slot: int = 0
    heads: Iterator[_Task] = field(init=False)  # those that are still to come
    head: _Task | None = None
    instance: int = (
        0  # of the head, as are its class, needs, lags and the first wait not known to be met
    )
    kind: int = 0
    needs: tuple[int, ...] = ()
    lags: tuple[int, ...] = ()
    wait: int = 0
    ready: int = 0  # the time up to which the head is known to be held
    cause: Binding = ("unit", -1, -1, -1)
    stalls: dict[str, int] = field(default_factory=dict)


class _Run:
    """The state of one phase in flight."""

    def __init__(
        self,
        phase: Phase,
        observer: Observer | None,
        limit: int | None,
        ready: Ready | None = None,
    ) -> None:
        check(phase)
        self.phase = phase
        self.observer = observer
        self.limit = -1 if limit is None else limit
        self.total = phase.iterations
        self.slots = phase.slots
        traces = ready or {}
        self.resources = [
            _Resource(number, ready=traces.get(name)) for number, name in enumerate(phase.resources)
        ]
        self.active: dict[int, Active] = {}  # by task, made when first asked for
        self.tasks = [
            _Task(
                number=number,
                spec=task,
                plan=compile_plan(phase, task),
                shift=task.shift,
                inner=task.inner,
                durations=task.durations,
                holds=bool(task.takes or task.gives),
                gives=[
                    tuple((pool, n[kind]) for pool, n in task.gives)
                    for kind in range(len(task.durations))
                ],
                instances=[0] * len(task.durations),
            )
            for number, task in enumerate(phase.tasks)
        ]
        for task in self.tasks:
            for number, w in enumerate(task.spec.waits):
                producer = self.tasks[w.producer]
                producer.awaited = True
                producer.anchor = producer.anchor or w.anchor == "start"
                producer.lag = max(producer.lag, w.longest_lag)
                times = {"start": producer.starts, "end": producer.ends}[w.anchor]
                task.waits.append((number, producer, times, w.cause))
        users = [0] * len(phase.resources)
        for spec in phase.queues:
            users[spec.resource] += 1
        self.buses = [self.resources[resource] for resource, n in enumerate(users) if n > 1]
        self.queues = [
            _Queue(
                number=number,
                body=[(self.tasks[task], k) for task, k in spec.body],
                resource=self.resources[spec.resource],
                shared=users[spec.resource] > 1,
                done=not spec.body or self.slots == 0,
            )
            for number, spec in enumerate(phase.queues)
        ]
        for queue in self.queues:
            queue.heads = self.heads(queue)
        # Counters.
        self.level = [0] * len(phase.pools)
        self.since = [0] * len(phase.pools)
        self.integral = [0] * len(phase.pools)
        self.peak = [0] * len(phase.pools)
        self.buffers = sorted({pool.buffer for pool in phase.pools})
        self.members = [
            [p for p, pool in enumerate(phase.pools) if pool.buffer == b] for b in self.buffers
        ]
        self.buffer_peak = [0] * len(self.buffers)
        self.touched = False
        # What is to happen: (time, 0, resource, gives) an end; (time, 1, queue, ()) a head ready for
        # a shared resource; (time, 2, queue, ()) a head to start. In this order at each time.
        self.events: list[tuple[int, int, int, tuple[tuple[int, int], ...]]] = []
        self.work: list[_Queue] = []
        self.offered = 0  # heads that are ready for a shared resource

    def run(self) -> PhaseOutcome:
        now = 0
        events, work, queues, start = self.events, self.work, self.queues, self.start
        work.extend(queue for queue in queues if not queue.done)
        while True:
            while events and events[0][0] == now:
                _, kind, number, gives = heappop(events)
                if kind == 2 and self.limit:
                    queue = queues[number]
                    start(queue, now)
                    work.append(queue)
                elif kind == 1 and self.limit:
                    queue = queues[number]
                    heappush(queue.resource.waiting, (now, queue.slot, number))
                    self.offered += 1
                else:
                    for pool, amount in gives:
                        self.hold(pool, -amount, now)
            if work:
                self.settle(now)
            while self.offered and self.arbitrate(now):
                self.settle(now)
            if self.touched:
                self.note_peaks()
            if self.limit == 0 or not events:
                break
            now = events[0][0]
        if self.limit and not all(queue.done for queue in queues):
            raise deadlock(self.phase, self.blocked())
        return self.outcome()

    def settle(self, now: int) -> None:
        """Step (1): pass over inactive items and start private heads until nothing changes."""
        work, resolve = self.work, self.resolve
        while work:
            queue = work.pop()
            while resolve(queue, now) and self.limit:
                self.start(queue, now)

    def arbitrate(self, now: int) -> bool:
        """Step (2): each shared resource starts at most one head; whether any did."""
        started = False
        for resource in self.buses:
            if resource.waiting and resource.free <= now and self.limit:
                queue = self.queues[heappop(resource.waiting)[2]]
                self.offered -= 1
                if queue.ready < now:
                    queue.cause = ("bus", -1, *resource.last)
                woken = len(self.work)
                self.start(queue, now)
                for other in self.work[woken:]:
                    if other.shared:
                        self.resolve(other, now)  # its head may be ready for a later resource
                self.work[woken:] = [other for other in self.work[woken:] if not other.shared]
                self.work.append(queue)
                started = True
        return started

    def resolve(self, queue: _Queue, now: int) -> bool:
        """Find the head and when it is ready; True if it is a private head to start now."""
        task = queue.head
        if task is None:
            task = queue.head = next(queue.heads, None)
            if task is None:
                return False
            ready = now if queue.shared else queue.resource.free
            if self.observer is not None:
                queue.cause = ("unit", -1, *queue.resource.last)
            waits = zip(task.waits, queue.needs, queue.lags)  # noqa: B905  (as many; strict takes longer)
        else:
            ready = queue.ready
            first = queue.wait
            waits = zip(task.waits[first:], queue.needs[first:], queue.lags[first:])  # noqa: B905
        for (wait, producer, times, cause), need, lag in waits:
            met = times.get(need)
            if met is not None:
                met += lag
            elif need < 0:
                continue
            elif need >= producer.reached:
                producer.waiters.setdefault(need, []).append(queue)
                queue.wait = wait
                queue.ready = ready
                return False
            else:  # not kept: it was passed over (now, or before), or it is over for long
                met = now
                before = _before(times, need)
                if before >= 0 and times[before] + lag > now:
                    met, need = times[before] + lag, before
            if met > ready:
                if not queue.shared:
                    queue.stalls[cause] = queue.stalls.get(cause, 0) + met - ready
                ready = met
                if self.observer is not None:
                    queue.cause = ("wait", wait, producer.number, need)
        if not queue.shared:
            if ready > now:
                heappush(self.events, (ready, 2, queue.number, ()))
            return ready <= now
        queue.ready = ready
        if ready > now:
            heappush(self.events, (ready, 1, queue.number, ()))
        else:
            heappush(queue.resource.waiting, (ready, queue.slot, queue.number))
            self.offered += 1
        return False

    def heads(self, queue: _Queue) -> Iterator[_Task]:
        """Walk the items of a queue, passing over inactive ones: the task of each head in turn."""
        total, slot = self.total, 0
        while slot < self.slots:
            queue.slot = slot
            idle = True  # nothing of this slot was active so far
            for task, k in queue.body:
                iteration = slot - task.shift
                if iteration < 0:
                    continue
                instance = iteration * task.inner + k
                plan = task.plan(iteration, k) if iteration < total else None
                if plan is not None:
                    idle = False
                    queue.instance = instance
                    queue.kind, queue.needs, queue.lags = plan
                    yield task
                else:
                    task.reached = instance + 1
                    if task.waiters:
                        self.wake(task, instance)
            slot += 1
            if idle:
                slot = self.skip(queue, slot)
        queue.done = True

    def skip(self, queue: _Queue, slot: int) -> int:
        """Pass over all whole slots from this one on in which no guard can hold."""
        slots = [self.slots]
        used = [self.tasks[number] for number in {task.number for task, _ in queue.body}]
        for task in used:
            first = max(slot - task.shift, 0)
            if task.number not in self.active:
                self.active[task.number] = Active(self.phase, task.spec)
            slots.append(self.active[task.number].next(first) + task.shift)
        found = max(slot, min(slots))
        if found > slot:
            for task in used:
                instance = (found - task.shift) * task.inner - 1
                task.reached = max(task.reached, instance + 1)
                self.wake(task, instance)
        return found

    def wake(self, task: _Task, instance: int) -> None:
        """All instances up to this one have started or been passed over: wake who waits for them."""
        for need in [need for need in task.waiters if need <= instance]:
            self.work.extend(task.waiters.pop(need))

    def start(self, queue: _Queue, now: int) -> None:
        """Start the head of a queue."""
        task, instance, kind, resource = queue.head, queue.instance, queue.kind, queue.resource
        assert task is not None
        queue.head = None
        end = now + task.durations[kind]
        if resource.ready is not None:
            end = _worked(resource.ready, now, task.durations[kind])
        if task.awaited:
            ends = task.ends
            ends[instance] = end
            if task.anchor:
                task.starts[instance] = now
            if len(ends) > task.keep:
                self.forget(task, now)
        self.limit -= 1
        if self.observer is not None:
            iteration, k = divmod(instance, task.inner)
            self.observer(task.number, iteration, k, now, end, queue.number, queue.cause)
            resource.last = (task.number, instance)
        resource.free = end
        task.instances[kind] += 1
        if task.holds:
            for pool, amounts in task.spec.takes:
                self.hold(pool, amounts[kind], now)
            heappush(self.events, (end, 0, resource.number, task.gives[kind]))
        elif queue.shared:
            heappush(self.events, (end, 0, resource.number, ()))
        waiters = task.waiters
        if waiters:
            if task.reached != instance:
                self.wake(task, instance)  # some before it are not in the body
            elif instance in waiters:
                self.work.extend(waiters.pop(instance))
        task.reached = instance + 1

    def forget(self, task: _Task, now: int) -> None:
        """Drop the times that no wait can look at in the future."""
        since = now - task.lag
        for instance in [n for n, end in task.ends.items() if end <= since]:
            del task.ends[instance]
            task.starts.pop(instance, None)
        task.keep = KEEP + 2 * len(task.ends)

    def hold(self, pool: int, amount: int, now: int) -> None:
        self.integral[pool] += self.level[pool] * (now - self.since[pool])
        self.since[pool] = now
        self.level[pool] += amount
        self.touched = True

    def note_peaks(self) -> None:
        """At the end of a tick: what is held now may be a peak."""
        self.touched = False
        self.peak = [max(pair) for pair in zip(self.peak, self.level, strict=True)]
        for b, members in enumerate(self.members):
            held = sum(self.level[p] for p in members)
            if held > self.buffer_peak[b]:
                self.buffer_peak[b] = held

    def blocked(self) -> list[tuple[int, int, int, int]]:
        """Who waits for what: (task, instance, producer, instance)."""
        found = []
        for producer in self.tasks:
            for need, queues in producer.waiters.items():
                for queue in queues:
                    assert queue.head is not None
                    found.append((queue.head.number, queue.instance, producer.number, need))
        return sorted(found)

    def outcome(self) -> PhaseOutcome:
        ticks = max((resource.free for resource in self.resources), default=0)
        integral = [
            done + level * (ticks - since)
            for done, level, since in zip(self.integral, self.level, self.since, strict=True)
        ]
        busy = (
            sum(n * d for n, d in zip(task.instances, task.durations, strict=True))
            for task in self.tasks
        )
        return PhaseOutcome(
            ticks=ticks,
            instances=tuple(tuple(task.instances) for task in self.tasks),
            busy=tuple(busy),
            stalls=tuple(queue.stalls for queue in self.queues),
            pool_peak=tuple(self.peak),
            pool_integral=tuple(integral),
            buffer_peak=dict(zip(self.buffers, self.buffer_peak, strict=True)),
            buffer_integral={
                b: sum(integral[p] for p in members)
                for b, members in zip(self.buffers, self.members, strict=True)
            },
        )


def _before(times: Mapping[int, int], need: int) -> int:
    """Return the last active instance before one passed over, of those that are kept (-1: none)."""
    found = -1
    for instance in times:  # ascending
        if instance > need:
            break
        found = instance
    return found


def _worked(ready: Callable[[int], bool], start: int, duration: int) -> int:
    """Return the end of a task that works only in ready ticks."""
    now = start
    while duration:
        duration -= ready(now)
        now += 1
    return now
