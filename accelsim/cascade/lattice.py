"""Counts integer points of a box under affine conditions, and projects such sets, exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from accelsim.cascade.linear import Linear

MAX_MESH = 20_000_000


class UncountableError(Exception):
    """A set that has no closed form here."""


def simplified(planes: Iterable[Linear], extents: Mapping[str, int]) -> tuple[Linear, ...] | None:
    """Return the conditions that the box does not already imply, or None if no point meets them."""
    kept: dict[tuple[object, ...], Linear] = {}
    for plane in planes:
        least = plane.const + sum(k * (extents[x] - 1) for x, k in plane.coefs.items() if k < 0)
        most = plane.const + sum(k * (extents[x] - 1) for x, k in plane.coefs.items() if k > 0)
        if most < 0:
            return None
        if least < 0:
            kept[tuple(sorted(plane.coefs.items())), plane.const] = plane
    return tuple(kept.values())


def count_points(
    planes: Sequence[Linear],
    coords: Sequence[str],
    extents: Mapping[str, int],
    mesh: int = MAX_MESH,
) -> int:
    """Return how many points of the box over ``coords`` meet all conditions.

    Raises UncountableError where that takes more than ``mesh`` combinations.
    """
    sizes = {c: extents[c] for c in coords}
    if 0 in sizes.values():
        return 0
    tight = simplified(planes, sizes)
    if tight is None:
        return 0
    tight, sizes = _merged(tight, sizes)
    total = 1
    left = set(sizes)
    while left:
        group = _component(next(iter(sorted(left))), tight)
        left -= group
        inside = [p for p in tight if set(p.coefs) & group]
        total *= _component_count(inside, sorted(group), sizes, mesh)
    return total


def _component(start: str, planes: Sequence[Linear]) -> set[str]:
    group = {start}
    while True:
        grown = group | {c for p in planes if set(p.coefs) & group for c in p.coefs}
        if grown == group:
            return group
        group = grown


def _merged(
    planes: tuple[Linear, ...], sizes: dict[str, int]
) -> tuple[tuple[Linear, ...], dict[str, int]]:
    """Replace pairs that occur only as ``outer*size(inner) + inner`` by one coordinate."""
    for outer, inner in itertools.permutations(sorted(sizes), 2):
        width = sizes[inner]
        involved = [p for p in planes if outer in p.coefs or inner in p.coefs]
        if not involved or any(
            p.coefs.get(outer, 0) != width * p.coefs.get(inner, 0) for p in involved
        ):
            continue
        name = f"{outer}.{inner}"
        changed = []
        for plane in planes:
            coefs = {c: k for c, k in plane.coefs.items() if c not in (outer, inner)}
            if inner in plane.coefs:
                coefs[name] = plane.coefs[inner]
            changed.append(Linear(coefs=coefs, const=plane.const))
        rest = {c: n for c, n in sizes.items() if c not in (outer, inner)}
        return _merged(tuple(changed), {**rest, name: sizes[outer] * width})
    return planes, sizes


def _component_count(
    planes: Sequence[Linear], group: Sequence[str], sizes: Mapping[str, int], most: int
) -> int:
    """Return the points of one group: intervals along its longest coordinate, for all others at once."""
    if len(planes) == 1 and len(group) == 2:
        (a, x), (b, y) = ((planes[0].coefs[c], sizes[c]) for c in group)
        return below_line(a, b, planes[0].const, x, y)
    along = max(group, key=lambda c: sizes[c])
    others = [c for c in group if c != along]
    mesh = 1
    for c in others:
        mesh *= sizes[c]
    if mesh > most:
        raise UncountableError(f"{mesh} combinations of {', '.join(others)}")
    grids = np.meshgrid(
        *(np.arange(sizes[c], dtype=np.int64) for c in others), indexing="ij", sparse=True
    )
    shape = tuple(sizes[c] for c in others)
    low = np.zeros(shape, np.int64)
    high = np.full(shape, sizes[along] - 1, np.int64)
    for plane in planes:
        rest = np.asarray(plane.const, np.int64)
        for c, grid in zip(others, grids, strict=True):
            rest = rest + plane.coefs.get(c, 0) * grid
        step = plane.coefs.get(along, 0)
        if step > 0:
            low = np.maximum(low, -(rest // step))
        elif step < 0:
            high = np.minimum(high, rest // -step)
        else:
            high = np.where(rest >= 0, high, -1)
    return int(np.maximum(high - low + 1, 0).sum())


def below_line(a: int, b: int, c: int, width: int, height: int) -> int:
    """Return how many 0 <= x < width, 0 <= y < height have a*x + b*y + c >= 0 (a and b are not 0).

    >>> below_line(1, -1, 0, 4, 4)
    10
    """
    if b > 0:  # count y from the other end
        b, c = -b, c + b * (height - 1)
    if a < 0:
        a, c = -a, c + a * (width - 1)
    d = -b
    first = min(max(-(c // a), 0), width)
    full = min(max(-((c - d * (height - 1)) // a), first), width)
    steps = full - first
    return floor_sum(steps, d, a, a * first + c) + steps + (width - full) * height


def floor_sum(count: int, divisor: int, step: int, start: int) -> int:
    """Return the sum of (step*i + start) // divisor over 0 <= i < count, for step, start >= 0."""
    total = 0
    while count > 0:
        total += (step // divisor) * count * (count - 1) // 2 + (start // divisor) * count
        step, start = step % divisor, start % divisor
        top = step * count + start
        if top < divisor:
            break
        count, start = divmod(top, divisor)
        divisor, step = step, divisor
    return total


def projected(
    planes: Sequence[Linear], drop: Sequence[str], extents: Mapping[str, int]
) -> list[Linear]:
    """Return the conditions under which some value of the dropped coordinates exists."""
    rest = list(planes)
    for coord in sorted(
        drop, key=lambda c: max((abs(p.coefs.get(c, 0)) for p in planes), default=0)
    ):
        if extents[coord] == 0:
            return [Linear(coefs={}, const=-1)]
        low = [Linear(coefs={coord: 1}, const=0), *(p for p in rest if p.coefs.get(coord, 0) > 0)]
        high = [
            Linear(coefs={coord: -1}, const=extents[coord] - 1),
            *(p for p in rest if p.coefs.get(coord, 0) < 0),
        ]
        kept = [p for p in rest if not p.coefs.get(coord, 0)]
        for a, b in itertools.product(low, high):
            up, down = a.coefs[coord], -b.coefs[coord]
            if up != 1 and down != 1:
                raise UncountableError(f"a projection along {coord}")
            kept.append(a.times(down).plus(b.times(up)))
        tight = simplified(kept, extents)
        if tight is None:
            return [Linear(coefs={}, const=-1)]
        rest = list(tight)
    return rest
