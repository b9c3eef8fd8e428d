"""The program: what a mapping lowers to, and the one meaning that every kernel gives it.

A program is a sequence of *phases*; a phase starts when the one before has ended. A phase is a loop
nest (``loops``, outer to inner) whose iterations are numbered 0 .. T-1 in row-major order, and a set of
in-order *queues*, each on a *resource* that serves one task at a time.

Order. A queue walks slots 0, 1, .. T-1+max(shift); in each slot it walks its ``body``, a tuple of
``(task, k)``. In slot ``s`` a task stands for its iteration ``i = s - shift`` and its inner index ``k``;
its *instance number* is ``i * inner + k`` (``inner`` instances an iteration). An item is *inactive* if
``i`` is not in 0 .. T-1 or if its guard is false for the digits of ``i`` (and ``k``); the queue passes
over an inactive item in no time, and the instance then counts as having happened, at that time.
A queue moves on to its next item as it starts one, so it also passes over items while its resource is
busy: what follows the last active item is passed over when that item *starts*. A queue's body lists each
``k`` of each of its tasks once, in ascending order.

Waiting. An item may start when all its ``waits`` are met. A wait whose guard is false, or whose needed
instance number is negative, is met. Else it is met from ``start + lag`` (anchor "start") or ``end +
lag`` (anchor "end") of the producer's instance. An instance passed over meets it from the time of
passing, but not before the last active instance of the producer ahead of it would: a mask that ends a
row early does not end what is still going on. A needed instance that is never reached is never met. All
waiting is at the start of a task; once started it lasts its duration (at least 1 tick).

Time. At each tick at which something can change, in this order: tasks that end there end (the resource
becomes free, ``gives`` are returned); then, until nothing changes: (1) every queue passes over inactive
items, and every queue that has its resource to itself starts its head if that is free and the head's
waits are met; when no more can, (2) resources shared by several queues, in index order, each start (if
free) one head whose waits are met: the one that has been *ready* longest (ready: at the head and waits
met, at the end of a step (1) or later), ties by lower slot, then by lower queue index; then (1) again.
``takes`` are taken at the start of a task.

Counters (all integers; every kernel returns the same): end of each phase; instances per task and class;
busy ticks per task; for each queue that has its resource to itself, from 0 until its last item has
started, the ticks in which the resource is free, by the ``cause`` of the head's first unmet wait in
order; for each pool the peak and the integral (amount x ticks) of what is held, and for each buffer
(the sum over its pools) the same. A peak is of what is held from one tick to the next, after all that
happens at a tick; what is never given is held to the end of the phase.

Data. Where durations, dependences or what is done at all come from data and not from the nest, they
are *looked up* by iteration: ``Task.kinds``, ``Wait.needs`` and ``Wait.lags`` have an entry for each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from accelsim.replay.exact import larger

Anchor = str  # "start" | "end"
Cause = str  # "data" | "slot" | "order" | "port"


@dataclass(frozen=True, kw_only=True)
class Loop:
    """One loop of the nest: its name and how often it runs."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class HalfPlane:
    """``sum(coefficients[l] * digit[l]) + inner[k] + constant >= 0`` (``inner`` empty: 0 for all k)."""

    coefficients: tuple[int, ...]
    constant: int = 0
    inner: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Guard:
    """True where the digits of levels ``first`` are 0, of ``last`` are count-1, and all half planes hold."""

    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()
    half_planes: tuple[HalfPlane, ...] = ()


ALWAYS = Guard()


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Wait for instance ``sum(strides[l] * digit[l]) + inner[k] + needs[i] + offset`` of ``producer``.

    Digits, k and the iteration i are the consumer's; the lag, ``lag + lags[i]``, is in ticks and at
    least 0. ``needs`` and ``lags`` may be empty: 0 for all i.
    """

    producer: int
    strides: tuple[int, ...]
    offset: int = 0
    inner: tuple[int, ...] = ()
    anchor: Anchor = "end"
    lag: int = 0
    cause: Cause = "data"
    guard: Guard = ALWAYS
    needs: tuple[int, ...] = ()
    lags: tuple[int, ...] = ()

    @property
    def longest_lag(self) -> int:
        return self.lag + max(self.lags, default=0)


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task of the nest, run once an iteration and inner index in which its guard holds.

    The class of an instance is ``sum(2**j for j, l in enumerate(ragged) if at_edge(l)) + 2**len(ragged) *
    (inner_class[k] + n * kinds[i])``, n the number of inner classes; it selects the duration (ticks) and
    the amounts taken and given. ``at_edge(l)`` is "digit[l] is count-1" for l >= 0 and "digit[~l] is 0"
    for l < 0 (``~l`` is -1-l: the first iteration). ``kinds`` has an entry for each iteration i (or is
    empty: 0 for all); where it is negative, the task is inactive.
    """

    name: str
    queue: int
    durations: tuple[int, ...]
    shift: int = 0
    inner: int = 1
    guard: Guard = ALWAYS
    ragged: tuple[int, ...] = ()
    inner_class: tuple[int, ...] = ()
    kinds: tuple[int, ...] = ()
    waits: tuple[Wait, ...] = ()
    takes: tuple[tuple[int, tuple[int, ...]], ...] = ()  # (pool, amount by class), at the start
    gives: tuple[tuple[int, tuple[int, ...]], ...] = ()  # (pool, amount by class), at the end

    @cached_property
    def looked_up(self) -> tuple[int, ...]:
        """The iterations that the table of kinds leaves active, ascending."""
        return tuple(i for i, kind in enumerate(self.kinds) if kind >= 0)

    @property
    def inner_classes(self) -> int:
        return max(self.inner_class, default=0) + 1

    @property
    def looks_up(self) -> bool:
        """Whether anything of it is looked up by iteration."""
        return bool(self.kinds) or any(wait.needs or wait.lags for wait in self.waits)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """An in-order list of items on one resource; ``body`` is what it does in one slot, in order."""

    name: str
    resource: int
    body: tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Pool:
    """An amount held in a buffer, counted up by ``takes`` and down by ``gives`` (bytes)."""

    name: str
    buffer: str


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One loop nest with its queues; task, queue, resource and pool numbers are positions in the tuples."""

    name: str
    loops: tuple[Loop, ...]
    resources: tuple[str, ...]
    queues: tuple[Queue, ...]
    tasks: tuple[Task, ...]
    pools: tuple[Pool, ...] = ()

    @property
    def iterations(self) -> int:
        return prod(loop.count for loop in self.loops)

    @property
    def looks_up(self) -> bool:
        """Whether anything is looked up by iteration: then nothing need repeat."""
        return any(task.looks_up for task in self.tasks)

    @property
    def slots(self) -> int:
        if self.iterations == 0:
            return 0
        return self.iterations + larger(0, *(task.shift for task in self.tasks))


@dataclass(frozen=True, kw_only=True)
class Program:
    """Phases in order; ``ticks_per_cycle`` is a power of two."""

    phases: tuple[Phase, ...]
    ticks_per_cycle: int = 1


@dataclass(frozen=True, kw_only=True)
class PhaseOutcome:
    """The counters of one phase, in the order of its tuples; ``stalls[queue]`` maps cause to ticks."""

    ticks: int
    instances: tuple[tuple[int, ...], ...]
    busy: tuple[int, ...]
    stalls: tuple[dict[Cause, int], ...]
    pool_peak: tuple[int, ...]
    pool_integral: tuple[int, ...]
    buffer_peak: dict[str, int] = field(default_factory=dict)
    buffer_integral: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The counters of a program, phase by phase."""

    phases: tuple[PhaseOutcome, ...]

    @property
    def ticks(self) -> int:
        return sum(phase.ticks for phase in self.phases)
