"""Points that no other one beats, and the volume that they dominate; every cost is to be least."""

from __future__ import annotations

from collections.abc import Sequence

Costs = Sequence[float]


def dominates(one: Costs, other: Costs) -> bool:
    """Whether ``one`` is nowhere worse than ``other`` and somewhere better."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def front(costs: Sequence[Costs]) -> list[int]:
    """Return the numbers of the points that none dominates, in order; equal points all stay.

    In the order of the costs a point can be dominated only by one before it.
    """
    kept: list[int] = []
    for number in sorted(range(len(costs)), key=lambda i: tuple(costs[i])):
        if not any(dominates(costs[k], costs[number]) for k in kept):
            kept.append(number)
    return sorted(kept)


def hypervolume(costs: Sequence[Costs], corner: Costs) -> float:
    """Return the volume of what is dominated by some point and better than ``corner``.

    Exact, in any number of dimensions: a point counts for its own box less what those after it
    take of it (While, Bradstreet and Barone, IEEE TEVC 16(1), 2012).
    """
    inside = {tuple(c) for c in costs if all(a < b for a, b in zip(c, corner, strict=True))}
    points = sorted(inside)
    return _volume([points[i] for i in front(points)], tuple(corner))


def _volume(points: list[tuple[float, ...]], corner: tuple[float, ...]) -> float:
    if not points:
        return 0.0
    if len(corner) == 1:
        return corner[0] - min(p[0] for p in points)
    if len(corner) == 2:
        return _area(points, corner)
    total = 0.0
    for number, point in enumerate(points):
        box = 1.0
        for low, high in zip(point, corner, strict=True):
            box *= high - low
        limited = [
            tuple(max(a, b) for a, b in zip(point, other, strict=True))
            for other in points[number + 1 :]
        ]
        kept = [limited[i] for i in front(limited)]
        total += box - _volume(list(dict.fromkeys(kept)), corner)
    return total


def _area(points: list[tuple[float, ...]], corner: tuple[float, ...]) -> float:
    total = 0.0
    height = corner[1]
    for x, y in sorted(points):
        if y < height:
            total += (corner[0] - x) * (height - y)
            height = y
    return total
