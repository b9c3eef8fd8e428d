"""Sequencers: one walker a task, one in-order queue a unit, an arbiter where queues share a resource.

Twin of a program (``accelsim.sim.program``). A walker holds the loop digits of its task's next active
instance, the slot in which its queue comes to it, and for every wait which instance is needed. The
head of a queue is the task of the lowest slot, the first in program order among equals. Instances are
numbered among the active ones of a task, so that a token is a pulse and what has happened a counter.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from accelsim.rtl.in_order import Arbiter, Queue
from accelsim.rtl.skeleton import Skeleton
from accelsim.rtl.walker import Tokens, Walker


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
        levels, bits = len(skeleton.loops), skeleton.count_bits
        self.walkers = [Walker(task, levels, bits, skeleton.digit_bits) for task in skeleton.tasks]
        self.queues = [Queue(skeleton, n, self.causes) for n in range(len(skeleton.queues))]
        self.address_shape = range(len(skeleton.registers))
        tasks = len(skeleton.tasks)
        super().__init__(
            {
                "go": In(1),
                "write": In(1),
                "address": In(self.address_shape),
                "value": In(bits),
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
        levels, bits = len(skeleton.loops), skeleton.count_bits
        # Whatever they begin with, a run starts after all of them have been written.
        registers = [
            Signal(bits, name=f"r{n}", reset_less=True) for n in range(len(skeleton.registers))
        ]
        for n, register in enumerate(registers):  # one switch would be written out for each
            with m.If(self.write & (self.address == n)):
                m.d.sync += register.eq(self.value)
        place = levels
        for task, walker in zip(skeleton.tasks, self.walkers, strict=True):
            m.submodules[f"walk_{plain(task.name)}"] = walker
            size = len(walker.registers) // bits
            m.d.comb += [
                walker.go.eq(self.go),
                walker.lasts.eq(Cat(*registers[:levels])),
                walker.registers.eq(Cat(*registers[place : place + size])),
            ]
            place += size
        counters = []
        for n, (task_number, anchor, lag) in enumerate(self.keys):
            counter = Tokens(bits)
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
                    need = walker.needs[bits * w :][:bits].as_signed()
                    met.append(~walker.active[w] | (counter.count.as_signed() > need))
                    was.append(~walker.active[w] | (counter.previous.as_signed() > need))
            m.d.comb += [
                queue.go.eq(self.go),
                queue.slots.eq(Cat(*(self.walkers[n].slot for n in queue.shape.tasks))),
                queue.following.eq(Cat(*(self.walkers[n].following for n in queue.shape.tasks))),
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
            arbiter = Arbiter(len(queues), self.skeleton.count_bits, self.skeleton.age_bits)
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
