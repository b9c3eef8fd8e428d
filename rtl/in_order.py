"""In-order queues over the walkers of their tasks, and who goes first where queues share a resource."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from accelsim.rtl.skeleton import AGE_BITS, COUNT_BITS, Skeleton


class Queue(wiring.Component):
    """An in-order queue over its tasks' walkers; a private one keeps its unit's time as well.

    ``slots`` are the walkers', which start and step at once, and ``following`` those after that:
    which of two tasks comes first is known before the cycle in which it matters. ``met`` says per task
    which waits of its head are met. Outputs: ``head`` (one hot), ``ready`` (all waits of the head are
    met), ``start`` (one hot; a shared queue starts on ``grant``), and for a private one ``issue`` (the
    task that has the unit), ``element`` (cycles since it started), ``ends`` (its last cycle) and
    ``stalled`` (one hot by cause).
    """

    def __init__(self, skeleton: Skeleton, number: int, causes: tuple[str, ...]) -> None:
        self.skeleton, self.shape = skeleton, skeleton.queues[number]
        self.causes = causes
        tasks = [skeleton.tasks[n] for n in self.shape.tasks]
        self.tasks = tasks
        count = len(tasks)
        longest = max((t.duration or 1 for t in tasks), default=1)
        self.time_shape = range(longest + 1)
        self.count_bits = count_bits = skeleton.count_bits
        # Whether a task's slot is not after that of a later one in program order.
        self.first = {
            (a, b): Signal(name=f"first_{a}_{b}") for a, b in combinations(range(count), 2)
        }
        super().__init__(
            {
                "go": In(1),
                "slots": In(count_bits * count),
                "following": In(count_bits * count),
                "dones": In(count),
                "met": In(max(1, sum(len(t.waits) for t in tasks))),
                "grant": In(1),
                "head": Out(count),
                "pending": Out(1),
                "ready": Out(1),
                "slot": Out(count_bits),
                "start": Out(count),
                "issue": Out(count),
                "element": Out(self.time_shape),
                "ends": Out(count),
                "stalled": Out(max(1, len(causes))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits, count = self.count_bits, len(self.tasks)
        slots, following = (
            [each[bits * n :][:bits] for n in range(count)] for each in (self.slots, self.following)
        )
        for (a, b), first in self.first.items():
            still = Mux(self.go, following[b], slots[b])
            with m.If(self.go | self.start[a]):
                m.d.sync += first.eq(following[a] <= still)
            with m.Elif(self.start[b]):
                m.d.sync += first.eq(slots[a] <= following[b])
        slot: Any = 0
        for n in range(count):
            others = [
                self.dones[k] | (self.first[n, k] if n < k else ~self.first[k, n])
                for k in range(count)
                if k != n
            ]
            m.d.comb += self.head[n].eq(~self.dones[n] & Cat(*others, Const(1, 1)).all())
            slot = slot | Mux(self.head[n], slots[n], 0)
        m.d.comb += [self.pending.eq(~self.dones.all()), self.slot.eq(slot)]
        ready: Any = 1
        unmet: dict[str, Any] = dict.fromkeys(self.causes, 0)
        place = 0
        for n, task in enumerate(self.tasks):
            before: Any = self.head[n]  # all waits so far are met
            for wait in task.waits:
                met = self.met[place]
                unmet[wait.cause] = unmet[wait.cause] | (before & ~met)
                before = before & met
                place += 1
            ready = ready & (~self.head[n] | before)
        m.d.comb += self.ready.eq(self.pending & ready)
        if self.shape.shared:
            m.d.comb += self.start.eq(Mux(self.grant, self.head, 0))
            return m
        left = Signal(self.time_shape)  # cycles after this one
        running = Signal(count)
        free = left == 0
        begun = Signal()
        durations = [task.duration or 1 for task in self.tasks]
        m.d.comb += [
            begun.eq(free & self.ready & ~self.go),
            self.start.eq(Mux(begun, self.head, 0)),
            self.issue.eq(Mux(begun, self.head, Mux(free, 0, running))),
        ]
        done_so_far = Signal(self.time_shape)
        m.d.comb += self.element.eq(Mux(begun, 0, done_so_far))
        for n, duration in enumerate(durations):
            short = 1 if duration == 1 else 0
            m.d.comb += self.ends[n].eq((self.start[n] & short) | (running[n] & (left == 1)))
        with m.If(self.go):
            m.d.sync += [left.eq(0), running.eq(0), done_so_far.eq(0)]
        with m.Elif(begun):
            m.d.sync += [running.eq(self.head), done_so_far.eq(1)]
            for n, duration in enumerate(durations):
                with m.If(self.head[n]):
                    m.d.sync += left.eq(duration - 1)
        with m.Elif(~free):
            m.d.sync += [left.eq(left - 1), done_so_far.eq(done_so_far + 1)]
        with m.If(free & self.pending & ~self.go):
            m.d.comb += [self.stalled[n].eq(unmet[cause]) for n, cause in enumerate(self.causes)]
        return m


class Arbiter(wiring.Component):
    """Grants a free resource to the queue whose head has been ready longest.

    Ties go to the lower slot, then to the earlier queue. ``was_ready`` says of a queue whose head is
    new in this cycle whether it was ready in the cycle before, when it became the head.
    """

    def __init__(self, queues: int, count_bits: int = COUNT_BITS, age_bits: int = AGE_BITS) -> None:
        self.queues, self.count_bits, self.age_bits = queues, count_bits, age_bits
        super().__init__(
            {
                "go": In(1),
                "free": In(1),
                "ready": In(queues),
                "was_ready": In(queues),
                "slots": In(count_bits * queues),
                "grant": Out(queues),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count_bits, age_bits = self.count_bits, self.age_bits
        ages = []
        for n in range(self.queues):
            waited = Signal(age_bits, name=f"waited_{n}")
            fresh = Signal(name=f"fresh_{n}")
            age = Signal(age_bits, name=f"age_{n}")
            m.d.comb += age.eq(Mux(fresh, self.was_ready[n], waited))
            m.d.sync += fresh.eq(self.grant[n] & ~self.go)
            m.d.sync += waited.eq(Mux(self.ready[n] & ~self.go, age + 1, 0))
            ages.append(age)
        for n in range(self.queues):
            wins: Any = self.ready[n] & self.free & ~self.go
            mine = self.slots[count_bits * n :][:count_bits]
            for other in range(self.queues):
                if other == n:
                    continue
                theirs = self.slots[count_bits * other :][:count_bits]
                earlier = mine <= theirs if n < other else mine < theirs
                beats = (ages[n] > ages[other]) | ((ages[n] == ages[other]) & earlier)
                wins = wins & (~self.ready[other] | beats)
            m.d.comb += self.grant[n].eq(wins)
        return m
