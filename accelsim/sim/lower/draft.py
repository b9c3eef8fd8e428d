"""Drafts: tasks while they are made, with amounts that depend on which loops are at an edge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from math import ceil

from accelsim.replay.exact import integer, larger, simplest
from accelsim.sim.lower.nest import Classes, Edge, Need, Nest, Site
from accelsim.sim.program import ALWAYS, Guard, Task, Wait

Exact = int | Fraction
Value = Callable[[frozenset[Edge]], Exact]


@dataclass(kw_only=True, eq=False, slots=True)
class Amount:
    """A number of each instance: it depends only on which of ``edges`` the instance is at."""

    edges: tuple[Edge, ...]
    value: Value
    _own: frozenset[Edge] = field(init=False, repr=False)
    _known: dict[frozenset[Edge], Exact] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        self._own = frozenset(self.edges)

    def at(self, edges: frozenset[Edge]) -> Exact:
        """Return the amount of an instance that is at these edges of its loops."""
        mine = edges & self._own
        if mine not in self._known:
            self._known[mine] = self.value(mine)
        return self._known[mine]

    def scaled(self, factor: Exact) -> Amount:
        times = whole(factor)
        if times == 1:
            return self
        return Amount(edges=self.edges, value=lambda at: self.at(at) * times)

    def only_at(self, conditions: tuple[Edge, ...]) -> Amount:
        """Return the amount where all conditions hold, and 0 elsewhere."""
        edges = tuple(dict.fromkeys((*self.edges, *conditions)))
        return Amount(
            edges=edges,
            value=lambda at: self.at(at) if at.issuperset(conditions) else 0,
        )

    @property
    def whole(self) -> Exact:
        """The amount of an instance in the middle of every loop."""
        return self.at(frozenset())


def total(amounts: list[Amount]) -> Amount:
    edges = tuple(dict.fromkeys(edge for amount in amounts for edge in amount.edges))
    return Amount(edges=edges, value=lambda at: sum([a.at(at) for a in amounts]))


def whole(value: Exact) -> Exact:
    """Return a whole number as int: quotients of ints are exact, and much slower."""
    return simplest(value)


@dataclass(frozen=True, kw_only=True)
class Access:
    """Words that one instance of an Einsum reads from (or writes to) a buffer."""

    buffer: str
    action: str  # "read" | "write"
    tensor: str
    words: Amount


@dataclass(kw_only=True)
class DraftWait:
    """A wait on another draft; ``lag`` in cycles."""

    producer: Draft
    need: Need
    anchor: str = "end"
    lag: Fraction | int = 0
    cause: str = "data"
    guard: Guard = ALWAYS


@dataclass(kw_only=True, eq=False)
class Draft:
    """A task in the making; ``duration`` in cycles is fixed, or ``moved`` bytes at the bus's rate."""

    name: str
    kind: str  # compute, load, store, access
    resource: str
    queue: str
    site: Site
    einsum: str
    shift: int = 0
    order: int = 0
    block: int = 0
    cycles: int = 0
    moved: Amount | None = None
    rate: Fraction = Fraction(1)  # bytes (or rows) a cycle
    tensor: str = ""
    lanes: Amount | None = None  # of a compute task: that do an operation
    points: Amount | None = None  # of a compute task: that its operations are counted by
    waits: list[DraftWait] = field(default_factory=list)
    takes: list[tuple[str, Amount]] = field(default_factory=list)
    gives: list[tuple[str, Amount]] = field(default_factory=list)

    def edges(self) -> tuple[Edge, ...]:
        """Return the edges that any amount of the task depends on, loops of one iteration left out."""
        amounts = [amount for _, amount in (*self.takes, *self.gives)]
        if self.moved is not None:
            amounts.append(self.moved)
        found = dict.fromkeys(edge for amount in amounts for edge in amount.edges)
        position = self.site.nest.position
        return tuple(e for e in found if self.site.nest.levels[position[e[0]]].count > 1)


def classes(draft: Draft, extra: tuple[Edge, ...] = ()) -> Classes:
    """Return the classes of a draft; edges of loops with one iteration always hold."""
    nest = draft.site.nest
    wanted = tuple(dict.fromkeys((*draft.edges(), *extra)))
    if wanted not in nest.classes:
        nest.classes[wanted] = _classes(nest, wanted)
    return nest.classes[wanted]


def _classes(nest: Nest, wanted: tuple[Edge, ...]) -> Classes:
    single = frozenset(
        (level.name, side)
        for level in nest.levels
        if level.count == 1
        for side in ("first", "last")
    )
    wanted = tuple(e for e in wanted if e not in single)
    outer = [e for e in wanted if nest.position[e[0]] < nest.outer]
    inside = [e for e in wanted if nest.position[e[0]] >= nest.outer]
    ragged = tuple(
        nest.position[name] if side == "last" else ~nest.position[name] for name, side in outer
    )
    kinds: dict[frozenset[Edge], int] = {}
    inner_class: list[int] = []
    for digits in nest.inner_digits:
        here = frozenset(
            (name, side)
            for name, side in inside
            if digits[nest.position[name] - nest.outer]
            == (nest.levels[nest.position[name]].count - 1 if side == "last" else 0)
        )
        inner_class.append(kinds.setdefault(here, len(kinds)))
    found: list[frozenset[Edge]] = []
    for inner in kinds or {frozenset(): 0}:
        for bits in product((False, True), repeat=len(outer)):
            on = frozenset(e for e, bit in zip(reversed(outer), bits, strict=True) if bit)
            found.append(on | inner | single)
    return Classes(
        ragged=ragged,
        inner_class=tuple(inner_class) if len(kinds) > 1 else (),
        at=tuple(found),
    )


def finish(
    draft: Draft,
    groups: Classes,
    queue: int,
    numbers: dict[Draft, int],
    pools: dict[str, int],
    ticks: int,
) -> Task:
    """Return the program's task; times become ticks, rounded up."""
    if draft.moved is not None:
        over, by = ticks * draft.rate.denominator, draft.rate.numerator
        moved = draft.moved
        durations = tuple([larger(1, _up(moved.at(at) * over, by)) for at in groups.at])
    else:
        durations = (larger(1, draft.cycles * ticks),) * len(groups.at)
    waits = tuple(
        Wait(
            producer=numbers[wait.producer],
            strides=wait.need.strides,
            offset=wait.need.offset,
            inner=wait.need.inner,
            anchor=wait.anchor,
            lag=ceil(wait.lag * ticks),
            cause=wait.cause,
            guard=_both(wait.need.guard, wait.guard),
        )
        for wait in draft.waits
    )

    def amounts(pairs: list[tuple[str, Amount]]) -> tuple[tuple[int, tuple[int, ...]], ...]:
        return tuple(
            (pools[pool], tuple([integer(amount.at(at)) for at in groups.at]))
            for pool, amount in pairs
        )

    return Task(
        name=draft.name,
        queue=queue,
        durations=durations,
        shift=draft.shift,
        inner=draft.site.nest.inner,
        guard=draft.site.guard,
        ragged=groups.ragged,
        inner_class=groups.inner_class,
        waits=waits,
        takes=amounts(draft.takes),
        gives=amounts(draft.gives),
    )


def _both(need: Guard, own: Guard) -> Guard:
    """Return the guard of a wait: its own, and that its need looks back no further than there is."""
    if not need.half_planes:
        return own
    planes = (*need.half_planes, *own.half_planes)
    return Guard(first=own.first, last=own.last, half_planes=planes)


def _up(value: Exact, by: int) -> int:
    """Return the quotient rounded up."""
    return integer(-(-value // by))
