"""What a modulo schedule is made of: operations on units, and arcs that hold one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


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


__all__ = ["Arc", "Operation", "longest"]
