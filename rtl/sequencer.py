"""Sequencers: one walker a task, one in-order queue a unit, an arbiter where queues share a resource.

Twin of a program (``accelsim.sim.program``). A walker holds the loop digits of its task's next active
instance, the slot in which its queue comes to it, and for every wait which instance is needed. The
head of a queue is the task of the lowest slot, the first in program order among equals. Instances are
numbered among the active ones of a task, so that a token is a pulse and what has happened a counter.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from accelsim.rtl.skeleton import COUNT_BITS, DIGIT_BITS, Skeleton, TaskShape

AGE_BITS = 24  # cycles that a transfer may wait for the bus and still keep its turn


class Walker(wiring.Component):
    """The next active instance of a task; ``step`` goes on to the one after it.

    ``digit`` and ``need`` lie side by side, loop by loop and wait by wait; ``registers`` are the
    numbers of the run, in the order of ``Skeleton.registers``.
    """

    def __init__(self, shape: TaskShape, levels: int) -> None:
        self.shape, self.levels = shape, levels
        self.walked = shape.walked(levels)
        waits = len(shape.waits)
        width = 2 + len(self.walked) + sum(len(w.planes) for w in shape.waits)
        width += (2 + len(self.walked)) * waits
        super().__init__(
            {
                "go": In(1),
                "step": In(1),
                "counts": In(COUNT_BITS * levels),
                "registers": In(COUNT_BITS * width),
                "slot": Out(COUNT_BITS),
                "digits": Out(DIGIT_BITS * levels),
                "needs": Out(max(1, COUNT_BITS * waits)),
                "active": Out(max(1, waits)),
                "first": Out(levels),
                "last": Out(levels),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape, walked = self.shape, self.walked
        words = iter(
            self.registers[n : n + COUNT_BITS] for n in range(0, len(self.registers), COUNT_BITS)
        )
        walks = next(words)
        follow = [("slot", next(words), [next(words) for _ in walked])]
        on, planes = [], []
        for number, wait in enumerate(shape.waits):
            on.append(next(words)[0])
            follow.append((f"need_{number}", next(words), [next(words) for _ in walked]))
            planes.append([next(words) for _ in wait.planes])
        digits = [Signal(DIGIT_BITS, name=f"digit_{n}") for n in range(self.levels)]
        at_first, at_last = [], []
        for level in range(self.levels):
            most = self.counts[COUNT_BITS * level :][:DIGIT_BITS]
            if level in shape.last:
                m.d.comb += digits[level].eq(most - 1)
            at_first.append(digits[level] == 0)
            at_last.append(digits[level] == most - 1)
        steps: list[Any] = []  # one hot: which loop steps
        inner: Any = 1
        for level in reversed(walked):
            over = at_last[level] | ~walks[level]
            steps.insert(0, inner & ~over)
            inner = inner & over
        held = []
        for name, start, deltas in follow:
            value = Signal(signed(COUNT_BITS), name=name)
            held.append(value)
            delta: Any = 0
            for step, change in zip(steps, deltas, strict=True):
                delta = delta | Mux(step, change, 0)
            with m.If(self.go):
                m.d.sync += value.eq(start)
            with m.Elif(self.step):
                m.d.sync += value.eq(value + delta)
        with m.If(self.go):
            m.d.sync += [self.done.eq(0), *(digits[level].eq(0) for level in walked)]
        with m.Elif(self.step):
            m.d.sync += self.done.eq(inner)
            for place, level in enumerate(walked):
                with m.If(steps[place]):
                    m.d.sync += digits[level].eq(digits[level] + 1)
                    m.d.sync += [digits[n].eq(0) for n in walked[place + 1 :]]
        m.d.comb += [
            self.slot.eq(held[0]),
            self.digits.eq(Cat(*digits)),
            self.first.eq(Cat(*at_first)),
            self.last.eq(Cat(*at_last)),
        ]
        if shape.waits:
            m.d.comb += self.needs.eq(Cat(*(value.as_unsigned() for value in held[1:])))
        for number, wait in enumerate(shape.waits):
            holds: Any = on[number]
            for plane, constant in zip(wait.planes, planes[number], strict=True):
                digit = digits[plane.level]
                sum_ = (
                    digit + constant.as_signed() if plane.sign > 0 else constant.as_signed() - digit
                )
                holds = holds & (sum_ >= 0)
            m.d.comb += self.active[number].eq(holds)
        return m


class Queue(wiring.Component):
    """An in-order queue over its tasks' walkers; a private one keeps its unit's time as well.

    ``met`` says per task which waits of its head are met. Outputs: ``head`` (one hot), ``ready`` (all
    waits of the head are met), ``start`` (one hot; a shared queue starts on ``grant``), and for a
    private one ``issue`` (the task that has the unit), ``element`` (cycles since it started), ``ends``
    (its last cycle) and ``stalled`` (one hot by cause).
    """

    def __init__(self, skeleton: Skeleton, number: int, causes: tuple[str, ...]) -> None:
        self.skeleton, self.shape = skeleton, skeleton.queues[number]
        self.causes = causes
        tasks = [skeleton.tasks[n] for n in self.shape.tasks]
        self.tasks = tasks
        count = len(tasks)
        longest = max((t.duration or 1 for t in tasks), default=1)
        self.time_shape = range(longest + 1)
        super().__init__(
            {
                "go": In(1),
                "slots": In(COUNT_BITS * count),
                "dones": In(count),
                "met": In(max(1, sum(len(t.waits) for t in tasks))),
                "grant": In(1),
                "head": Out(count),
                "pending": Out(1),
                "ready": Out(1),
                "slot": Out(COUNT_BITS),
                "start": Out(count),
                "issue": Out(count),
                "element": Out(self.time_shape),
                "ends": Out(count),
                "stalled": Out(max(1, len(causes))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = len(self.tasks)
        best_slot: Any = self.slots[:COUNT_BITS]
        best = Signal(range(max(2, count)), name="best_0")
        any_left: Any = ~self.dones[0]
        for n in range(1, count):
            mine = self.slots[COUNT_BITS * n :][:COUNT_BITS]
            wins = Signal(name=f"wins_{n}")
            m.d.comb += wins.eq(~self.dones[n] & (~any_left | (mine < best_slot)))
            slot, chosen, left = (
                Signal(COUNT_BITS, name=f"slot_{n}"),
                Signal(range(max(2, count)), name=f"best_{n}"),
                Signal(name=f"left_{n}"),
            )
            m.d.comb += [
                slot.eq(Mux(wins, mine, best_slot)),
                chosen.eq(Mux(wins, n, best)),
                left.eq(any_left | ~self.dones[n]),
            ]
            best_slot, best, any_left = slot, chosen, left
        m.d.comb += [self.pending.eq(any_left), self.slot.eq(best_slot)]
        m.d.comb += [self.head[n].eq(any_left & (best == n)) for n in range(count)]
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
        m.d.comb += self.ready.eq(any_left & ready)
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
        with m.If(free & any_left & ~self.go):
            m.d.comb += [self.stalled[n].eq(unmet[cause]) for n, cause in enumerate(self.causes)]
        return m


class Arbiter(wiring.Component):
    """Grants a free resource to the queue whose head has been ready longest.

    Ties go to the lower slot, then to the earlier queue. ``was_ready`` says of a queue whose head is
    new in this cycle whether it was ready in the cycle before, when it became the head.
    """

    def __init__(self, queues: int) -> None:
        self.queues = queues
        super().__init__(
            {
                "go": In(1),
                "free": In(1),
                "ready": In(queues),
                "was_ready": In(queues),
                "slots": In(COUNT_BITS * queues),
                "grant": Out(queues),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ages = []
        for n in range(self.queues):
            waited = Signal(AGE_BITS, name=f"waited_{n}")
            fresh = Signal(name=f"fresh_{n}")
            age = Signal(AGE_BITS, name=f"age_{n}")
            m.d.comb += age.eq(Mux(fresh, self.was_ready[n], waited))
            m.d.sync += fresh.eq(self.grant[n] & ~self.go)
            m.d.sync += waited.eq(Mux(self.ready[n] & ~self.go, age + 1, 0))
            ages.append(age)
        for n in range(self.queues):
            wins: Any = self.ready[n] & self.free & ~self.go
            mine = self.slots[COUNT_BITS * n :][:COUNT_BITS]
            for other in range(self.queues):
                if other == n:
                    continue
                theirs = self.slots[COUNT_BITS * other :][:COUNT_BITS]
                earlier = mine <= theirs if n < other else mine < theirs
                beats = (ages[n] > ages[other]) | ((ages[n] == ages[other]) & earlier)
                wins = wins & (~self.ready[other] | beats)
            m.d.comb += self.grant[n].eq(wins)
        return m


class Tokens(wiring.Component):
    """Counts pulses from the start of a run; ``previous`` is the count of the cycle before."""

    def __init__(self) -> None:
        super().__init__(
            {
                "go": In(1),
                "pulse": In(1),
                "count": Out(COUNT_BITS),
                "previous": Out(COUNT_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += self.previous.eq(self.count)
        with m.If(self.go):
            m.d.sync += self.count.eq(0)
        with m.Else():
            m.d.sync += self.count.eq(self.count + self.pulse)
        return m


def token_keys(skeleton: Skeleton) -> tuple[tuple[int, str, int], ...]:
    """Return what is waited for: (task, anchor, lag), each once."""
    return tuple(
        dict.fromkeys((w.producer, w.anchor, w.lag) for t in skeleton.tasks for w in t.waits)
    )


class Sequencer(wiring.Component):
    """All queues of a machine, generated from a program's skeleton.

    ``tokens``: one pulse input per key of :func:`token_keys`, in that order, raised in the cycle before
    the first in which the waiting task may start. ``freed``: per shared resource, the last cycle of its
    transfer. Per task: ``start``, ``issue`` and its walker's ``digits``, ``first``, ``last`` and
    ``needs``; per queue ``element``.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self.keys = token_keys(skeleton)
        self.causes = tuple(dict.fromkeys(w.cause for t in skeleton.tasks for w in t.waits))
        levels = len(skeleton.loops)
        self.walkers = [Walker(task, levels) for task in skeleton.tasks]
        self.queues = [Queue(skeleton, n, self.causes) for n in range(len(skeleton.queues))]
        self.address_shape = range(len(skeleton.registers))
        tasks = len(skeleton.tasks)
        super().__init__(
            {
                "go": In(1),
                "write": In(1),
                "address": In(self.address_shape),
                "value": In(COUNT_BITS),
                "tokens": In(max(1, len(self.keys))),
                "freed": In(len(skeleton.resources)),
                "start": Out(tasks),
                "issue": Out(tasks),
                "ends": Out(tasks),
                "stalled": Out(len(skeleton.queues) * max(1, len(self.causes))),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        skeleton = self.skeleton
        levels = len(skeleton.loops)
        registers = [Signal(COUNT_BITS, name=f"r{n}") for n in range(len(skeleton.registers))]
        with m.If(self.write), m.Switch(self.address):
            for n, register in enumerate(registers):
                with m.Case(n):
                    m.d.sync += register.eq(self.value)
        place = levels
        for task, walker in zip(skeleton.tasks, self.walkers, strict=True):
            m.submodules[f"walk_{plain(task.name)}"] = walker
            size = len(walker.registers) // COUNT_BITS
            m.d.comb += [
                walker.go.eq(self.go),
                walker.counts.eq(Cat(*registers[:levels])),
                walker.registers.eq(Cat(*registers[place : place + size])),
            ]
            place += size
        counters = []
        for n, (task_number, anchor, lag) in enumerate(self.keys):
            counter = Tokens()
            name = f"tokens_{plain(skeleton.tasks[task_number].name)}_{anchor}_{lag}"
            m.submodules[name] = counter
            m.d.comb += [counter.go.eq(self.go), counter.pulse.eq(self.tokens[n])]
            counters.append(counter)
        idle: Any = 1
        for number, queue in enumerate(self.queues):
            m.submodules[f"queue_{plain(queue.shape.name)}"] = queue
            met, was = [], []
            for n in queue.shape.tasks:
                walker = self.walkers[n]
                for w, wait in enumerate(skeleton.tasks[n].waits):
                    counter = counters[self.keys.index((wait.producer, wait.anchor, wait.lag))]
                    need = walker.needs[COUNT_BITS * w :][:COUNT_BITS].as_signed()
                    met.append(~walker.active[w] | (counter.count.as_signed() > need))
                    was.append(~walker.active[w] | (counter.previous.as_signed() > need))
            m.d.comb += [
                queue.go.eq(self.go),
                queue.slots.eq(Cat(*(self.walkers[n].slot for n in queue.shape.tasks))),
                queue.dones.eq(Cat(*(self.walkers[n].done for n in queue.shape.tasks))),
            ]
            if met:
                m.d.comb += queue.met.eq(Cat(*met))
            if queue.shape.shared:
                self._was(m, queue, was)
            for position, n in enumerate(queue.shape.tasks):
                m.d.comb += [
                    self.start[n].eq(queue.start[position]),
                    self.issue[n].eq(queue.issue[position]),
                    self.ends[n].eq(queue.ends[position]),
                    self.walkers[n].step.eq(queue.start[position]),
                ]
            idle = idle & ~queue.pending & (queue.issue == 0)
            stalled = self.stalled[number * max(1, len(self.causes)) :][: max(1, len(self.causes))]
            m.d.comb += stalled.eq(queue.stalled)
        busy = self._arbiters(m)
        started = Signal()
        with m.If(self.go):
            m.d.sync += started.eq(1)
        m.d.comb += self.finished.eq(started & ~self.go & idle & ~busy)
        return m

    def _was(self, m: Module, queue: Queue, was: list[Any]) -> None:
        """Whether the head's waits were met in the cycle before."""
        ready: Any = 1
        place = 0
        for position, n in enumerate(queue.shape.tasks):
            mine: Any = 1
            for _ in self.skeleton.tasks[n].waits:
                mine = mine & was[place]
                place += 1
            ready = ready & (~queue.head[position] | mine)
        queue.was_ready = Signal(name="was_ready")
        m.d.comb += queue.was_ready.eq(ready)

    def _arbiters(self, m: Module) -> Value:
        """An arbiter for each shared resource; returns whether one of these is busy."""
        any_busy: Any = 0
        for resource, name in enumerate(self.skeleton.resources):
            queues = [q for q in self.queues if q.shape.shared and q.shape.resource == resource]
            if not queues:
                continue
            arbiter = Arbiter(len(queues))
            m.submodules[f"arbiter_{plain(name)}"] = arbiter
            busy = Signal(name=f"busy_{plain(name)}")
            m.d.comb += [
                arbiter.go.eq(self.go),
                arbiter.free.eq(~busy),
                arbiter.ready.eq(Cat(*(q.ready for q in queues))),
                arbiter.was_ready.eq(Cat(*(q.was_ready for q in queues))),
                arbiter.slots.eq(Cat(*(q.slot for q in queues))),
            ]
            m.d.comb += [q.grant.eq(arbiter.grant[n]) for n, q in enumerate(queues)]
            with m.If(self.go | self.freed[resource]):
                m.d.sync += busy.eq(0)
            with m.Elif(arbiter.grant.any()):
                m.d.sync += busy.eq(1)
            any_busy = any_busy | busy | arbiter.grant.any()
        return any_busy


def plain(name: str) -> str:
    """Return a name that Verilog takes."""
    return "".join(c if c.isalnum() else "_" for c in name.replace(" (0)", "")).lower()
