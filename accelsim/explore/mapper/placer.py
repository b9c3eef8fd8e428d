"""Places operations in the slot of one interval: iterative modulo scheduling (Rau, 1996).

Places are chosen so that what is still to come fits the gaps.
"""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.explore.mapper.operation import Arc, Operation, longest

TRIES = 24  # placements an operation, on average, before a longer interval is tried
ROUNDS = 8  # over all operations to let values wait less


class Placer:
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


__all__ = ["Placer"]
