"""The stepping engine of the jump kernel: one tick at a time, with a state that can be moved.

It means what ``program.py`` says and is written apart from the reference. ``reached`` counts from
below: it is ``(slot - shift) * inner + items done in the slot`` and may be negative, so that it moves
with its queue. Blocked heads are kept as (need, producer) of the first wait not reached.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

from accelsim.sim.active import Active
from accelsim.sim.counters import buffers_of, causes_of, named
from accelsim.sim.plan import check, compile_plan
from accelsim.sim.program import Phase, PhaseOutcome
from accelsim.sim.report import deadlock

BLOCKED, TIMED, OFFERED, DONE = range(4)
Event = tuple[int, int, int, tuple[tuple[int, int], ...]]
Head = tuple[int, int, int, tuple[int, ...], tuple[int, ...]]  # task, instance, class, needs, lags


class Stepper:
    """A phase in flight."""

    def __init__(self, phase: Phase) -> None:
        check(phase)
        self.phase = phase
        self.total, self.slots = phase.iterations, phase.slots
        self.now = 0
        queues, tasks = phase.queues, phase.tasks
        self.resource = [queue.resource for queue in queues]
        self.bus = [self.resource.count(queue.resource) > 1 for queue in queues]
        self.buses = sorted({r for r, bus in zip(self.resource, self.bus, strict=True) if bus})
        self.bodies = [queue.body for queue in queues]
        self.used = [sorted({t for t, _ in queue.body}) for queue in queues]
        self.owner = [task.queue for task in tasks]
        self.inner = [task.inner for task in tasks]
        self.shift = [task.shift for task in tasks]
        self.plans = [compile_plan(phase, task) for task in tasks]
        self._active: dict[int, Active] = {}
        self.causes = causes_of(phase)
        cause = {name: n for n, name in enumerate(self.causes)}
        self.waits = [
            [(w.producer, w.anchor == "start", cause[w.cause]) for w in task.waits]
            for task in tasks
        ]
        self.gives = [
            [
                tuple((pool, n[kind]) for pool, n in task.gives)
                for kind in range(len(task.durations))
            ]
            for task in tasks
        ]
        self.lag_start, self.lag_end = [-1] * len(tasks), [-1] * len(tasks)
        for task in tasks:
            for w in task.waits:
                lags = self.lag_start if w.anchor == "start" else self.lag_end
                lags[w.producer] = max(lags[w.producer], w.longest_lag)
        count = len(queues)
        self.slot, self.item = [0] * count, [-1] * count
        self.wait, self.ready = [0] * count, [0] * count
        self.status = [BLOCKED] * count
        self.head: list[Head] = [(0, 0, 0, (), ())] * count
        self.free = [0] * len(phase.resources)
        self.reached = [-task.shift * task.inner for task in tasks]
        self.times: list[dict[int, tuple[int, int]]] = [{} for _ in tasks]
        self.keep = [32] * len(tasks)
        self.sleepers: list[list[tuple[int, int]]] = [[] for _ in tasks]
        self.offers: list[list[tuple[int, int, int]]] = [[] for _ in phase.resources]
        self.events: list[Event] = []
        self.fresh: list[int] = []  # queues that need a new head
        self.awake: list[int] = []  # queues whose wait has been reached
        # Counters: instances by task and class, then stalls by queue and cause.
        self.base = []
        size = 0
        for task in tasks:
            self.base.append(size)
            size += len(task.durations)
        self.stall_base = size
        self.counters = [0] * (size + count * len(self.causes))
        pools = len(phase.pools)
        self.level, self.integral, self.since = [0] * pools, [0] * pools, [0] * pools
        self.buffers = buffers_of(phase)
        self.groups = [[p] for p in range(pools)] + [
            [p for p, pool in enumerate(phase.pools) if pool.buffer == b] for b in self.buffers
        ]
        self.peak = [0] * len(self.groups)  # of pools, then of buffers, since it was last cleared
        self.held = False

    def begin(self) -> None:
        """Everything that happens at tick 0."""
        self.fresh = list(range(len(self.bodies)))
        self.finish_tick()

    def tick(self) -> bool:
        """Go to the next tick at which something happens and do all of it; False if there is none."""
        events = self.events
        if not events:
            return False
        now = self.now = events[0][0]
        while events and events[0][0] == now:
            event = heappop(events)
            if event[1]:
                queue = event[2]
                if self.bus[queue]:
                    self.offer(queue)
                else:
                    self.launch(queue)
            else:
                for pool, amount in event[3]:
                    self.hold(pool, -amount)
            # Ends come first: an end at this tick sorts before every head to start at it.
        self.finish_tick()
        return True

    def finish_tick(self) -> None:
        self.quiet()
        while self.serve():
            self.quiet()
        if self.held:
            self.held = False
            level = self.level
            for g, group in enumerate(self.groups):
                held = sum([level[p] for p in group])
                if held > self.peak[g]:
                    self.peak[g] = held

    def quiet(self) -> None:
        """Step (1) until nothing changes."""
        fresh, awake = self.fresh, self.awake
        while fresh or awake:
            if awake:
                queue = awake.pop()
                if self.look(queue):
                    self.launch(queue)
            else:
                queue = fresh.pop()
                if self.advance(queue) and self.look(queue):
                    self.launch(queue)

    def serve(self) -> bool:
        """Step (2): every free bus starts one offered head."""
        any_started = False
        for resource in self.buses:
            offers = self.offers[resource]
            if offers and self.free[resource] <= self.now:
                self.launch(heappop(offers)[2])
                any_started = True
                if self.awake:
                    later = []
                    for queue in self.awake:
                        if self.bus[queue]:
                            self.look(queue)
                        else:
                            later.append(queue)
                    self.awake[:] = later
        return any_started

    def advance(self, queue: int) -> bool:
        """Go on to the next active item; False at the end of the queue."""
        body = self.bodies[queue]
        slot, item = self.slot[queue], self.item[queue]
        inactive = 0
        while True:
            item += 1
            if item >= len(body):
                item = 0
                slot += 1
                if inactive >= len(body):
                    slot = self.hop(queue, slot)
            if slot >= self.slots or not body:
                self.slot[queue], self.item[queue] = slot, item
                self.status[queue] = DONE
                return False
            task, k = body[item]
            iteration = slot - self.shift[task]
            instance = iteration * self.inner[task] + k
            if 0 <= iteration < self.total:
                plan = self.plans[task](iteration, k)
                if plan is not None:
                    break
            inactive += 1
            self.reached[task] = instance + 1
            if self.sleepers[task]:
                self.reach(task, instance)
        self.slot[queue], self.item[queue] = slot, item
        self.head[queue] = (task, instance, *plan)
        self.wait[queue] = 0
        self.ready[queue] = self.now if self.bus[queue] else self.free[self.resource[queue]]
        return True

    def hop(self, queue: int, slot: int) -> int:
        """The next slot with a chance of an active item; the tasks have passed to it."""
        target = self.slots
        for task in self.used[queue]:
            shift = self.shift[task]
            target = min(target, self.active(task).next(max(slot - shift, 0)) + shift)
        if target > slot:
            for task in self.used[queue]:
                self.reach(task, (target - self.shift[task]) * self.inner[task] - 1)
            return target
        return slot

    def active(self, task: int) -> Active:
        """Where a task may be active; made when it is first asked for."""
        found = self._active.get(task)
        if found is None:
            found = self._active[task] = Active(self.phase, self.phase.tasks[task])
        return found

    def look(self, queue: int) -> bool:
        """Go through the waits of the head; True if it is to start now on a resource of its own."""
        task, _, _, needs, lags = self.head[queue]
        ready = self.ready[queue]
        waits, reached = self.waits[task], self.reached
        for wait in range(self.wait[queue], len(needs)):
            need = needs[wait]
            if need < 0:
                continue
            producer, at_start, cause = waits[wait]
            if need >= reached[producer]:
                self.wait[queue], self.ready[queue] = wait, ready
                self.status[queue] = BLOCKED
                self.sleepers[producer].append((need, queue))
                return False
            both = self.times[producer].get(need)
            if both is not None:
                met = both[0 if at_start else 1] + lags[wait]
            else:  # passed over: not before the last active one ahead of it; or long over
                met = self.now
                for instance, kept in self.times[producer].items():  # ascending
                    if instance > need:
                        break
                    met = max(self.now, kept[0 if at_start else 1] + lags[wait])
            if met > ready:
                if not self.bus[queue]:
                    self.counters[self.stall_base + queue * len(self.causes) + cause] += met - ready
                ready = met
        self.wait[queue], self.ready[queue] = len(needs), ready
        if ready > self.now:
            self.status[queue] = TIMED
            heappush(self.events, (ready, 1, queue, ()))
            return False
        if self.bus[queue]:
            self.offer(queue)
            return False
        return True

    def offer(self, queue: int) -> None:
        self.status[queue] = OFFERED
        heappush(self.offers[self.resource[queue]], (self.ready[queue], self.slot[queue], queue))

    def reach(self, task: int, instance: int) -> None:
        self.reached[task] = instance + 1
        sleepers = self.sleepers[task]
        if sleepers:
            self.sleepers[task] = [s for s in sleepers if s[0] > instance]
            self.awake.extend(queue for need, queue in sleepers if need <= instance)

    def launch(self, queue: int) -> None:
        """Start the head."""
        number, instance, kind = self.head[queue][:3]
        task = self.phase.tasks[number]
        now = self.now
        end = now + task.durations[kind]
        if self.lag_start[number] >= 0 or self.lag_end[number] >= 0:
            times = self.times[number]
            times[instance] = (now, end)
            if len(times) > self.keep[number]:
                self.prune(number)
        resource = self.resource[queue]
        self.free[resource] = end
        self.counters[self.base[number] + kind] += 1
        for pool, amounts in task.takes:
            self.hold(pool, amounts[kind])
        if self.bus[queue] or task.gives:
            heappush(self.events, (end, 0, resource, self.gives[number][kind]))
        self.reached[number] = instance + 1
        if self.sleepers[number]:
            self.reach(number, instance)
        self.fresh.append(queue)

    def prune(self, task: int) -> None:
        """Forget the instances whose times can hold nobody any more."""
        now, by_start, by_end = self.now, self.lag_start[task], self.lag_end[task]
        self.times[task] = {
            n: (start, end)
            for n, (start, end) in self.times[task].items()
            if (by_end >= 0 and end + by_end > now) or (by_start >= 0 and start + by_start > now)
        }
        self.keep[task] = 32 + 2 * len(self.times[task])

    def hold(self, pool: int, amount: int) -> None:
        self.integral[pool] += self.level[pool] * (self.now - self.since[pool])
        self.since[pool] = self.now
        self.level[pool] += amount
        self.held = True

    def glance(self) -> tuple[object, ...]:
        """What the state relative to now looks like, as far as that is had at once."""
        now = self.now
        return (
            tuple(self.status),
            tuple(self.wait),
            tuple([-1 if s == DONE else i for i, s in zip(self.item, self.status, strict=True)]),
            tuple([free - now if free > now else 0 for free in self.free]),
            len(self.events),
            self.events[0][0] - now if self.events else 0,
        )

    def sync(self) -> None:
        """Count up to now what runs on: pools, and the stalls of blocked heads."""
        for pool in range(len(self.level)):
            self.integral[pool] += self.level[pool] * (self.now - self.since[pool])
            self.since[pool] = self.now
        for queue, status in enumerate(self.status):
            if status == BLOCKED and self.ready[queue] < self.now:
                if not self.bus[queue]:
                    cause = self.waits[self.head[queue][0]][self.wait[queue]][2]
                    self.counters[self.stall_base + queue * len(self.causes) + cause] += (
                        self.now - self.ready[queue]
                    )
                self.ready[queue] = self.now

    def reattach(self) -> None:
        """After a move: heads, sleepers and heaps anew from the positions."""
        self.sleepers = [[] for _ in self.sleepers]
        for queue, status in enumerate(self.status):
            if status == DONE:
                continue
            task, k = self.bodies[queue][self.item[queue]]
            iteration = self.slot[queue] - self.shift[task]
            plan = self.plans[task](iteration, k)
            assert plan is not None
            self.head[queue] = (task, iteration * self.inner[task] + k, *plan)
            if status == BLOCKED:
                wait = self.wait[queue]
                self.sleepers[self.waits[task][wait][0]].append((plan[1][wait], queue))
        heapify(self.events)
        for offers in self.offers:
            heapify(offers)

    def outcome(self, peak: list[int]) -> PhaseOutcome:
        """The counters at the end, given the peaks of all of the run."""
        if any(status != DONE for status in self.status):
            blocked = []
            for queue, status in enumerate(self.status):
                if status == BLOCKED:
                    task, instance, _, needs, _ = self.head[queue]
                    wait = self.wait[queue]
                    blocked.append((task, instance, self.waits[task][wait][0], needs[wait]))
            raise deadlock(self.phase, sorted(blocked))
        ticks = max(self.free, default=0)
        integral = [
            done + level * (ticks - since)
            for done, level, since in zip(self.integral, self.level, self.since, strict=True)
        ]
        return named(self.phase, ticks, self.counters, peak, integral)
