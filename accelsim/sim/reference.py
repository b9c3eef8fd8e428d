"""The reference kernel: a plain event-driven run of a program, the definition of right.

It walks every task of every queue, tick by tick in the order that ``program.py`` states. A head that
waits for an instance which has not been reached yet registers at its producer; if it has been reached
the time at which the wait is met is known, so a queue is looked at only when something changed for it.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from accelsim.sim.plan import check, compile_plan, next_active
from accelsim.sim.program import Outcome, Phase, PhaseOutcome, Program
from accelsim.sim.report import deadlock

Binding = tuple[str, int, int, int]
"""("wait", wait, producer task, instance) | ("unit" or "bus", -1, previous task, instance)."""

Observer = Callable[[int, int, int, int, int, int, Binding], None]
"""Called at every start: task, iteration, k, start, end, queue, binding."""

KEEP = 64  # times of a task's instances that are kept without a look at whether they are over


def run(
    program: Phase | Program, observer: Observer | None = None, limit: int | None = None
) -> Outcome:
    """Run all phases; with ``limit`` each phase stops after that many starts (counters so far).

    Raises DeadlockError if something is unfinished and nothing can change any more.
    """
    phases = (program,) if isinstance(program, Phase) else program.phases
    return Outcome(phases=tuple(_Run(phase, observer, limit).run() for phase in phases))


class _Run:
    """The state of one phase in flight."""

    def __init__(self, phase: Phase, observer: Observer | None, limit: int | None) -> None:
        check(phase)
        self.phase = phase
        self.observer = observer
        self.limit = -1 if limit is None else limit
        self.total = phase.iterations
        self.slots = phase.slots
        tasks, queues = phase.tasks, phase.queues
        users = [0] * len(phase.resources)
        for queue in queues:
            users[queue.resource] += 1
        self.resource = [queue.resource for queue in queues]
        self.bodies = [queue.body for queue in queues]
        self.shared = [users[queue.resource] > 1 for queue in queues]  # by queue
        self.buses = [resource for resource, n in enumerate(users) if n > 1]
        self.inner = [task.inner for task in tasks]
        self.shift = [task.shift for task in tasks]
        self.durations = [task.durations for task in tasks]
        self.holds = [bool(task.takes or task.gives) for task in tasks]
        self.gives = [
            [
                tuple((pool, n[kind]) for pool, n in task.gives)
                for kind in range(len(task.durations))
            ]
            for task in tasks
        ]
        self.awaited = [False] * len(tasks)
        for task in tasks:
            for w in task.waits:
                self.awaited[w.producer] = True
        self.plans = [compile_plan(phase, task) for task in tasks]
        self.waits = [
            [(w.producer, ("start", "end").index(w.anchor), w.lag, w.cause) for w in task.waits]
            for task in tasks
        ]
        # Queues: position, and the head once it has been looked at (None: look).
        self.slot = [0] * len(queues)
        self.item = [0] * len(queues)
        self.idle = [False] * len(queues)  # nothing of this slot was active so far
        self.head: list[tuple[int, int, int, tuple[int, ...]] | None] = [None] * len(queues)
        self.wait = [0] * len(queues)
        self.ready = [0] * len(queues)  # the time up to which the head is known to be held
        self.cause: list[Binding] = [("unit", -1, -1, -1)] * len(queues)
        self.done = [not queue.body or self.slots == 0 for queue in queues]
        # Resources.
        self.free = [0] * len(users)
        self.last = [(-1, -1)] * len(users)
        self.waiting: list[list[tuple[int, int, int]]] = [[] for _ in users]
        # Tasks: instances reached, times of those that may still lie in the future, and waiters.
        self.reached = [0] * len(tasks)
        self.times: list[dict[int, tuple[int, int]]] = [{} for _ in tasks]
        self.keep = [KEEP] * len(tasks)
        self.lag = [0] * len(tasks)
        for task in tasks:
            for w in task.waits:
                self.lag[w.producer] = max(self.lag[w.producer], w.lag)
        self.waiters: list[dict[int, list[int]]] = [{} for _ in tasks]
        # Counters.
        self.instances = [[0] * len(task.durations) for task in tasks]
        self.stalls: list[dict[str, int]] = [{} for _ in queues]
        self.ticks = 0
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
        self.work: list[int] = []
        self.offered = 0  # heads that are ready for a shared resource

    def run(self) -> PhaseOutcome:
        now = 0
        events, work, start = self.events, self.work, self.start
        work.extend(q for q in range(len(self.done)) if not self.done[q])
        while True:
            while events and events[0][0] == now:
                _, kind, number, gives = heappop(events)
                if kind == 2 and self.limit:
                    start(number, now)
                    work.append(number)
                elif kind == 1 and self.limit:
                    heappush(self.waiting[self.resource[number]], (now, self.slot[number], number))
                    self.offered += 1
                else:
                    for pool, amount in gives:
                        self.hold(pool, -amount, now)
            self.settle(now)
            while self.offered and self.arbitrate(now):
                self.settle(now)
            if self.touched:
                self.note_peaks()
            if self.limit == 0 or not events:
                break
            now = events[0][0]
        if self.limit and not all(self.done):
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
            heads = self.waiting[resource]
            if heads and self.free[resource] <= now and self.limit:
                queue = heappop(heads)[2]
                self.offered -= 1
                if self.ready[queue] < now:
                    self.cause[queue] = ("bus", -1, *self.last[resource])
                woken = len(self.work)
                self.start(queue, now)
                for other in self.work[woken:]:
                    if self.shared[other]:
                        self.resolve(other, now)  # its head may be ready for a later resource
                self.work[woken:] = [other for other in self.work[woken:] if not self.shared[other]]
                self.work.append(queue)
                started = True
        return started

    def resolve(self, queue: int, now: int) -> bool:
        """Find the head and when it is ready; True if it is a private head to start now."""
        if self.done[queue]:
            return False
        shared = self.shared[queue]
        head = self.head[queue]
        if head is None:
            head = self.next_head(queue)
            if head is None:
                return False
            self.head[queue] = head
            resource = self.resource[queue]
            wait = 0
            ready = now if shared else self.free[resource]
            if self.observer is not None:
                self.cause[queue] = ("unit", -1, *self.last[resource])
        else:
            wait = self.wait[queue]
            ready = self.ready[queue]
        task, _, _, needs = head
        count = len(needs)
        waits, reached = self.waits[task], self.reached
        while wait < count:
            need = needs[wait]
            if need >= 0:
                producer, anchor, lag, cause = waits[wait]
                if need >= reached[producer]:
                    self.waiters[producer].setdefault(need, []).append(queue)
                    self.wait[queue] = wait
                    self.ready[queue] = ready
                    return False
                times = self.times[producer].get(need)
                # Not kept: it was passed over (now, or before), or it is over for long.
                met = now if times is None else times[anchor] + lag
                if met > ready:
                    if not shared:
                        stalls = self.stalls[queue]
                        stalls[cause] = stalls.get(cause, 0) + met - ready
                    ready = met
                    if self.observer is not None:
                        self.cause[queue] = ("wait", wait, producer, need)
            wait += 1
        self.wait[queue] = count
        self.ready[queue] = ready
        if ready > now:
            heappush(self.events, (ready, 1 if shared else 2, queue, ()))
            return False
        if shared:
            heappush(self.waiting[self.resource[queue]], (ready, self.slot[queue], queue))
            self.offered += 1
            return False
        return True

    def next_head(self, queue: int) -> tuple[int, int, int, tuple[int, ...]] | None:
        """Pass over inactive items; the head as (task, instance, class, needs), None at the end."""
        body = self.bodies[queue]
        item, slot = self.item[queue], self.slot[queue]
        while True:
            if item == len(body):
                item = 0
                self.slot[queue] = slot + 1
                if self.idle[queue]:
                    self.skip(queue)
                self.idle[queue] = True
                slot = self.slot[queue]
                if slot >= self.slots:
                    self.done[queue] = True
                    return None
            number, k = body[item]
            iteration = slot - self.shift[number]
            item += 1
            plan = self.plans[number](iteration, k) if 0 <= iteration < self.total else None
            if plan is not None:
                self.item[queue] = item
                self.idle[queue] = False
                return number, iteration * self.inner[number] + k, plan[0], plan[1]
            if iteration >= 0:
                instance = iteration * self.inner[number] + k
                self.reached[number] = instance + 1
                if self.waiters[number]:
                    self.wake(number, instance)

    def skip(self, queue: int) -> None:
        """Pass over all whole slots in which no guard can hold."""
        slots = [self.slots]
        used = {number for number, _ in self.phase.queues[queue].body}
        for number in used:
            task = self.phase.tasks[number]
            first = max(self.slot[queue] - task.shift, 0)
            slots.append(next_active(self.phase, task, first) + task.shift)
        slot = max(self.slot[queue], min(slots))
        if slot > self.slot[queue]:
            for number in used:
                task = self.phase.tasks[number]
                instance = (slot - task.shift) * task.inner - 1
                self.reached[number] = max(self.reached[number], instance + 1)
                self.wake(number, instance)
            self.slot[queue] = slot

    def wake(self, task: int, instance: int) -> None:
        """All instances up to this one have started or been passed over: wake who waits for them."""
        waiters = self.waiters[task]
        for need in [need for need in waiters if need <= instance]:
            self.work.extend(waiters.pop(need))

    def start(self, queue: int, now: int) -> None:
        """Start the head of a queue."""
        head = self.head[queue]
        assert head is not None
        number, instance, kind, _ = head
        self.head[queue] = None
        end = now + self.durations[number][kind]
        resource = self.resource[queue]
        if self.awaited[number]:
            times = self.times[number]
            times[instance] = (now, end)
            if len(times) > self.keep[number]:
                since = now - self.lag[number]
                times = {n: both for n, both in times.items() if both[1] > since}
                self.times[number] = times
                self.keep[number] = KEEP + 2 * len(times)
        self.limit -= 1
        if self.observer is not None:
            iteration, k = divmod(instance, self.inner[number])
            self.observer(number, iteration, k, now, end, queue, self.cause[queue])
            self.last[resource] = (number, instance)
        self.free[resource] = end
        self.instances[number][kind] += 1
        if end > self.ticks:
            self.ticks = end
        if self.holds[number]:
            for pool, amounts in self.phase.tasks[number].takes:
                self.hold(pool, amounts[kind], now)
            heappush(self.events, (end, 0, resource, self.gives[number][kind]))
        elif self.shared[queue]:
            heappush(self.events, (end, 0, resource, ()))
        next_one = self.reached[number] == instance
        self.reached[number] = instance + 1
        waiters = self.waiters[number]
        if waiters:
            if not next_one:
                self.wake(number, instance)  # some before it are not in the body
            elif instance in waiters:
                self.work.extend(waiters.pop(instance))

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
        for producer, waiters in enumerate(self.waiters):
            for need, queues in waiters.items():
                for queue in queues:
                    head = self.head[queue]
                    assert head is not None
                    found.append((head[0], head[1], producer, need))
        return sorted(found)

    def outcome(self) -> PhaseOutcome:
        integral = [
            done + level * (self.ticks - since)
            for done, level, since in zip(self.integral, self.level, self.since, strict=True)
        ]
        busy = (
            sum(n * d for n, d in zip(counts, task.durations, strict=True))
            for counts, task in zip(self.instances, self.phase.tasks, strict=True)
        )
        return PhaseOutcome(
            ticks=self.ticks,
            instances=tuple(tuple(counts) for counts in self.instances),
            busy=tuple(busy),
            stalls=tuple(self.stalls),
            pool_peak=tuple(self.peak),
            pool_integral=tuple(integral),
            buffer_peak=dict(zip(self.buffers, self.buffer_peak, strict=True)),
            buffer_integral={
                b: sum(integral[p] for p in members)
                for b, members in zip(self.buffers, self.members, strict=True)
            },
        )
