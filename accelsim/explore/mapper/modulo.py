"""Modulo scheduling: every tile the same, as many in flight as it takes, one ready every interval.

Operations repeat every ``interval`` cycles, each on its unit, which does one at a time. The least
interval is that of the resources (the busiest unit) or of the recurrences (the circuit with the most
lag for the tiles that it goes back, a maximum cycle ratio). A schedule gives each operation a start; its
place in the program order of its unit is the start modulo the interval, its stage the quotient.
Source of the method: Rau, "Iterative modulo scheduling" (1996); see ``placer``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from accelsim.explore.mapper.operation import Arc, Operation, longest
from accelsim.explore.mapper.placer import Placer

WIDER = 64  # an interval that fails is made longer by this part


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


def modulo_schedule(operations: Sequence[Operation], arcs: Sequence[Arc]) -> Modulo:
    """Return a schedule with the shortest interval that is found, its stages as few as its order allows."""
    interval = max(1, resource_interval(operations), recurrence_interval(operations, arcs))
    while True:
        placer = Placer(operations, arcs, interval)
        found = placer.place()
        if found is not None:
            start = _shallow(operations, arcs, interval, found)
            placer.start = start
            placer.sink()
            return Modulo(operations=tuple(operations), interval=interval, start=placer.start)
        interval += max(1, interval // WIDER)


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
    "Modulo",
    "modulo_schedule",
    "recurrence_interval",
    "resource_interval",
]
