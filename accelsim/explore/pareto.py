"""Points that no other one beats, and the volume that they dominate; every cost is to be least."""

from __future__ import annotations

from collections.abc import Sequence

Costs = Sequence[float]


def front(costs: Sequence[Costs]) -> list[int]:
    """Return the numbers of the points that none dominates, in order; equal points all stay.

    In the order of the costs a point can be dominated only by one before it; of two costs only by the
    least second one so far.
    """
    order = sorted(range(len(costs)), key=lambda i: tuple(costs[i]))
    if costs and len(costs[0]) <= 2:
        return sorted(_front_of_two(costs, order))
    import numpy as np

    table = np.array([tuple(costs[i]) for i in order], dtype=float)
    kept = np.empty_like(table)
    count = 0
    found: list[int] = []
    for number, row in zip(order, table, strict=True):
        best = kept[:count]
        if not ((best <= row).all(axis=1) & (best < row).any(axis=1)).any():
            kept[count] = row
            count += 1
            found.append(number)
    return sorted(found)


def _front_of_two(costs: Sequence[Costs], order: Sequence[int]) -> list[int]:
    found: list[int] = []
    for number in order:
        last = costs[found[-1]] if found else None
        if last is None or costs[number][-1] < last[-1] or tuple(costs[number]) == tuple(last):
            found.append(number)
    return found


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
