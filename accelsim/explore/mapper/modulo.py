"""Modulo scheduling: every tile the same, as many in flight as it takes, one ready every interval.

Operations repeat every ``interval`` cycles, each on its unit, which does one at a time. The least
interval is that of the resources (the busiest unit) or of the recurrences (the circuit with the most
lag for the tiles that it goes back, a maximum cycle ratio). A schedule gives each operation a start; its
place in the program order of its unit is the start modulo the interval, its stage the quotient.
Source of the method: Rau, "Iterative modulo scheduling" (1996); places are chosen so that what is still
to come fits the gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TRIES = 24  # placements an operation, on average, before a longer interval is tried
ROUNDS = 8  # over all operations to let values wait less
WIDER = 64  # an interval that fails is made longer by this part


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An Einsum's tile: ``cycles`` on ``unit``, at least 0 (0: it does not run in every tile)."""

    name: str
    unit: str
    cycles: int


@dataclass(frozen=True, kw_only=True)
class Arc:
    """``consumer`` of tile t starts at least ``lag`` cycles after ``producer`` of tile t - distance.

    ``weight``: the words of what is handed over.
    """

    producer: str
    consumer: str
    lag: int
    distance: int
    weight: int = 1


@dataclass(frozen=True, kw_only=True)
class Modulo:
    """A schedule of one tile: start cycle by operation, a new tile every ``interval`` cycles."""

    operations: tuple[Operation, ...]
    interval: int
    start: dict[str, int]

    def order(self, begin: dict[str, int]) -> tuple[str, ...]:
        """Return the operations by their place in a slot; ``begin``: where a unit's slot begins."""
        known = {op.name: op for op in self.operations}

        def key(name: str) -> tuple[int, bool, int]:
            op = known[name]
            place = self._place(op)
            return (place - begin[op.unit]) % self.interval, not op.cycles, place

        return tuple(sorted(known, key=key))

    def stage(self, begin: dict[str, int]) -> dict[str, int]:
        """Return the slots that each operation runs behind the first of its unit."""
        found = {
            op.name: (self._place(op) - begin[op.unit]) // self.interval for op in self.operations
        }
        least = {
            unit: min(found[op.name] for op in self.operations if op.unit == unit) for unit in begin
        }
        return {op.name: found[op.name] - least[op.unit] for op in self.operations}

    def begin(self, arcs: Sequence[Arc]) -> dict[str, int]:
        """Return where each unit's slot begins: where the fewest values outlive it, then the first place.

        The order round the slot is the same wherever it begins; the stages, and with them the copies of
        what is kept from one slot to the next, are not.
        """
        found: dict[str, int] = {}
        for unit in dict.fromkeys(op.unit for op in self.operations):
            mine = [op for op in self.operations if op.unit == unit]
            names = {op.name for op in mine}
            inside = [
                a for a in arcs if not a.distance and a.producer in names and a.consumer in names
            ]
            at = {op.name: self._place(op) for op in mine}

            def late(begin: int, inside: list[Arc] = inside, at: dict[str, int] = at) -> int:
                return sum(
                    a.weight
                    * (
                        (at[a.consumer] - begin) // self.interval
                        - (at[a.producer] - begin) // self.interval
                    )
                    for a in inside
                )

            places = sorted(at[op.name] % self.interval for op in mine if op.cycles) or [0]
            found[unit] = min(places, key=late)
        return found

    def copies(self, arcs: Sequence[Arc]) -> dict[str, int]:
        """Return by operation how many tiles of its result are there at once: made, waiting or read."""
        cycles = {op.name: op.cycles for op in self.operations}
        found = {op.name: 1 for op in self.operations}
        for arc in arcs:
            if not arc.distance:
                live = self.start[arc.consumer] + cycles[arc.consumer] - self.start[arc.producer]
                found[arc.producer] = max(found[arc.producer], -(-live // self.interval))
        return found

    def _place(self, op: Operation) -> int:
        """An operation that takes no time of most slots belongs to the end of what it follows."""
        return self.start[op.name] - (not op.cycles)


def resource_interval(operations: Iterable[Operation]) -> int:
    """Return the cycles of a tile on the unit with most work."""
    load: dict[str, int] = {}
    for op in operations:
        load[op.unit] = load.get(op.unit, 0) + op.cycles
    return max(load.values(), default=0)


def recurrence_interval(operations: Sequence[Operation], arcs: Sequence[Arc]) -> int:
    """Return the least interval that no circuit of arcs forbids: ceil(max of lag / distance)."""
    low, high = 0, max(1, sum(max(0, a.lag) for a in arcs) + 1)
    if longest(operations, arcs, high) is None:
        raise ValueError("a circuit of arcs goes back no tile")
    while low < high:
        middle = (low + high) // 2
        if longest(operations, arcs, middle) is None:
            low = middle + 1
        else:
            high = middle
    return low


def longest(
    operations: Sequence[Operation], arcs: Sequence[Arc], interval: int
) -> dict[str, int] | None:
    """Return the earliest starts that the arcs allow at an interval; None if a circuit forbids it."""
    start = {op.name: 0 for op in operations}
    for _ in range(len(start) + 1):
        changed = False
        for arc in arcs:
            least = start[arc.producer] + arc.lag - arc.distance * interval
            if least > start[arc.consumer]:
                start[arc.consumer] = least
                changed = True
        if not changed:
            return start
    return None


def modulo_schedule(operations: Sequence[Operation], arcs: Sequence[Arc]) -> Modulo:
    """Return a schedule with the shortest interval that is found, its stages as few as its order allows."""
    interval = max(1, resource_interval(operations), recurrence_interval(operations, arcs))
    while True:
        placer = _Placer(operations, arcs, interval)
        found = placer.place()
        if found is not None:
            start = _shallow(operations, arcs, interval, found)
            placer.start = start
            placer.sink()
            return Modulo(operations=tuple(operations), interval=interval, start=placer.start)
        interval += max(1, interval // WIDER)


class _Placer:
    """Places operations in the slot of one interval, taking back what is in the way."""

    def __init__(self, operations: Sequence[Operation], arcs: Sequence[Arc], interval: int) -> None:
        self.operations = {op.name: op for op in operations}
        self.interval = interval
        self.into = {op.name: [a for a in arcs if a.consumer == op.name] for op in operations}
        self.out = {op.name: [a for a in arcs if a.producer == op.name] for op in operations}
        self.rank = {op.name: n for n, op in enumerate(operations)}
        self.height = self._heights(operations, arcs)
        self.start: dict[str, int] = {}
        self.last: dict[str, int] = {}

    def _heights(self, operations: Sequence[Operation], arcs: Sequence[Arc]) -> dict[str, int]:
        back = [
            Arc(producer=a.consumer, consumer=a.producer, lag=a.lag, distance=a.distance)
            for a in arcs
        ]
        found = longest(operations, back, self.interval)
        assert found is not None  # the interval is no shorter than the recurrences
        return found

    def place(self) -> dict[str, int] | None:
        waiting = list(self.operations)
        for _ in range(TRIES * len(waiting)):
            if not waiting:
                return self.start
            name = max(waiting, key=lambda n: (self.height[n], -self.rank[n]))
            waiting.remove(name)
            earliest = max(
                (
                    self.start[a.producer] + a.lag - a.distance * self.interval
                    for a in self.into[name]
                    if a.producer in self.start and a.producer != name
                ),
                default=0,
            )
            at = self._free(name, earliest, waiting)
            if at is None:
                at = max(earliest, self.last.get(name, earliest - 1) + 1)
            self.start[name] = self.last[name] = at
            waiting += self._evict(name)
        return self.start if not waiting else None

    def _busy(self, unit: str) -> list[tuple[int, int]]:
        """Return (place in the slot, cycles) of what is placed on a unit, in order."""
        found = [
            (self.start[n] % self.interval, op.cycles)
            for n, op in self.operations.items()
            if n in self.start and op.unit == unit and op.cycles
        ]
        return sorted(found)

    def _free(self, name: str, earliest: int, waiting: Sequence[str]) -> int | None:
        """Return the earliest start in a gap that leaves room for all that is still to come."""
        op = self.operations[name]
        if not op.cycles:
            return earliest
        rest = sorted(
            (self.operations[n].cycles for n in waiting if self.operations[n].unit == op.unit),
            reverse=True,
        )
        busy = self._busy(op.unit)
        second: int | None = None
        for at in self._starts(earliest, busy, op.cycles):
            gaps = _gaps([*busy, (at % self.interval, op.cycles)], self.interval)
            if gaps is None:
                continue
            if _packs(gaps, rest):
                return at
            second = at if second is None else second
        return second

    def _starts(self, earliest: int, busy: list[tuple[int, int]], cycles: int) -> list[int]:
        """Return the starts within one interval that are worth trying: at once, or touching another."""
        places = {earliest % self.interval}
        for place, length in busy:
            places |= {(place + length) % self.interval, (place - cycles) % self.interval}
        return sorted(earliest + (place - earliest) % self.interval for place in places)

    def sink(self) -> None:
        """Move operations, one by one, to where results of the same tile wait less, weighted by words."""
        for _ in range(ROUNDS):
            moved = False
            for name in sorted(self.start, key=lambda n: -self.start[n]):
                best = min(self._rooms(name), key=lambda at: (self._waiting(name, at), at))
                if self._waiting(name, best) < self._waiting(name, self.start[name]):
                    self.start[name] = best
                    moved = True
            if not moved:
                return

    def _rooms(self, name: str) -> list[int]:
        """Return the starts that an operation could have with all others where they are."""
        op, now = self.operations[name], self.start[name]
        first = max(
            (
                self.start[a.producer] + a.lag - a.distance * self.interval
                for a in self.into[name]
                if a.producer != name
            ),
            default=now,
        )
        last = min(
            (
                self.start[a.consumer] - a.lag + a.distance * self.interval
                for a in self.out[name]
                if a.consumer != name
            ),
            default=now,
        )
        here = self.start.pop(name)
        busy = self._busy(op.unit)
        found = {now}
        for base in (first, last - self.interval + 1, last) if op.cycles else ():
            for at in self._starts(base, busy, op.cycles):
                if first <= at <= last:
                    place = (at % self.interval, op.cycles)
                    if _gaps([*busy, place], self.interval) is not None:
                        found.add(at)
        self.start[name] = here
        return sorted(found)

    def _waiting(self, name: str, at: int) -> int:
        """Return the word-cycles that the values of an operation wait if it starts at ``at``."""
        before = sum(
            a.weight * (at - self.start[a.producer])
            for a in self.into[name]
            if not a.distance and a.producer != name
        )
        after = sum(
            a.weight * (self.start[a.consumer] - at)
            for a in self.out[name]
            if not a.distance and a.consumer != name
        )
        return before + after

    def _evict(self, name: str) -> list[str]:
        """Take back what cannot stay beside the operation just placed; return it."""
        gone = []
        op, at = self.operations[name], self.start[name]
        for other in list(self.start):
            if other == name:
                continue
            mate = self.operations[other]
            clash = (
                mate.unit == op.unit
                and op.cycles > 0
                and mate.cycles > 0
                and _overlap(
                    at % self.interval,
                    op.cycles,
                    self.start[other] % self.interval,
                    mate.cycles,
                    self.interval,
                )
            )
            early = any(
                self.start[other] < at + a.lag - a.distance * self.interval
                for a in self.out[name]
                if a.consumer == other
            )
            if clash or early:
                gone.append(other)
        for other in gone:
            del self.start[other]
        return gone


def _overlap(a: int, long_a: int, b: int, long_b: int, interval: int) -> bool:
    return (b - a) % interval < long_a or (a - b) % interval < long_b


def _gaps(busy: list[tuple[int, int]], interval: int) -> list[int] | None:
    """Return the lengths of the gaps in a slot; None if two overlap."""
    ordered = sorted(busy)
    found = []
    for n, (place, length) in enumerate(ordered):
        following = ordered[(n + 1) % len(ordered)][0] + (interval if n + 1 == len(ordered) else 0)
        if following < place + length:
            return None
        found.append(following - place - length)
    return found


def _packs(gaps: Sequence[int], lengths: Sequence[int]) -> bool:
    """Whether lengths (longest first) fit the gaps, each into the tightest that has room."""
    left = list(gaps)
    for length in lengths:
        room = [g for g in left if g >= length]
        if not room:
            return False
        tightest = min(room)
        left[left.index(tightest)] -= length
    return True


def _shallow(
    operations: Sequence[Operation], arcs: Sequence[Arc], interval: int, start: dict[str, int]
) -> dict[str, int]:
    """Return the schedule with its order kept, the units moved against one another to the fewest stages.

    With the places in the slot given, an arc asks for a number of stages between two operations; the
    least numbers are longest paths. One unit after another is turned to each of its places.
    """
    place = {name: at % interval for name, at in start.items()}
    units = list(dict.fromkeys(op.unit for op in operations))
    best = _settled(operations, arcs, place, interval)
    assert best is not None  # the schedule found is one
    cost = _cost(best, arcs, interval)
    for unit in units[1:]:
        mine = [op.name for op in operations if op.unit == unit]
        steps = sorted(
            {(place[a.producer] + a.lag - place[a.consumer]) % interval for a in arcs}
            | {(place[a.producer] - a.lag - place[a.consumer]) % interval for a in arcs}
        )
        base = dict(place)
        for step in steps:
            trial = base | {name: (base[name] + step) % interval for name in mine}
            settled = _settled(operations, arcs, trial, interval)
            if settled is not None and _cost(settled, arcs, interval) < cost:
                best, cost, place = settled, _cost(settled, arcs, interval), trial
    return best


def _settled(
    operations: Sequence[Operation], arcs: Sequence[Arc], place: dict[str, int], interval: int
) -> dict[str, int] | None:
    """Return the earliest starts with given places in the slot."""
    stage = {op.name: 0 for op in operations}
    for _ in range(len(stage) + 1):
        changed = False
        for arc in arcs:
            wait = place[arc.producer] + arc.lag - place[arc.consumer]
            least = stage[arc.producer] - arc.distance - (-wait // interval)
            if least > stage[arc.consumer]:
                stage[arc.consumer] = least
                changed = True
        if not changed:
            return {name: place[name] + n * interval for name, n in stage.items()}
    return None


def _cost(start: dict[str, int], arcs: Sequence[Arc], interval: int) -> tuple[int, int]:
    """Return the stages in all, then how long values wait: what buffers and registers pay for."""
    stages = max(start.values()) // interval - min(start.values()) // interval
    waiting = sum(
        start[a.consumer] + a.distance * interval - start[a.producer] - a.lag
        for a in arcs
        if a.distance == 0
    )
    return stages, waiting


__all__ = [
    "Arc",
    "Modulo",
    "Operation",
    "longest",
    "modulo_schedule",
    "recurrence_interval",
    "resource_interval",
]
