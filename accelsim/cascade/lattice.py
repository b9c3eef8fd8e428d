"""Counts integer points of a box under affine conditions, and projects such sets, exactly."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from accelsim.cascade.linear import Linear
from accelsim.cascade.polygon import polygon
from accelsim.replay.exact import apply, grouped

Ints = NDArray[np.int64]
MAX_MESH = 20_000_000
KEPT_COUNTS = 4096
MAX_COUNT = 1 << 62  # points of a group: what 64 bits hold


class UncountableError(Exception):
    """A set that has no closed form here."""


def simplified(planes: Iterable[Linear], extents: Mapping[str, int]) -> tuple[Linear, ...] | None:
    """Return the conditions that the box and the others do not imply, or None if no point meets them."""
    cutting: list[Linear] = []
    for plane in planes:
        low, high = _range(plane, extents)
        if high < 0:
            return None
        if low < 0:
            cutting.append(plane)
    parallel = grouped(cutting, lambda plane: plane.coefs)
    kept = [min(group, key=lambda plane: plane.const) for group in parallel]
    found = list(kept)
    for plane in kept:
        back = {x: -k for x, k in plane.coefs.items()}
        opposite = next((other for other in kept if other.coefs == back), None)
        if opposite is not None and plane.const + opposite.const < 0:
            return None
        if any(o is not plane and _implies(o, plane, extents) for o in found):
            found = [o for o in found if o is not plane]
    return tuple(found)


def _range(plane: Linear, extents: Mapping[str, int]) -> tuple[int, int]:
    ends = [k * (extents[x] - 1) for x, k in plane.coefs.items()]
    return plane.const + sum(e for e in ends if e < 0), plane.const + sum(e for e in ends if e > 0)


def _implies(one: Linear, other: Linear, extents: Mapping[str, int]) -> bool:
    """Whether a multiple of one condition is below another everywhere in the box."""
    for coord, k in one.coefs.items():
        j = other.coefs.get(coord, 0)
        if j * k > 0 and _range(other.times(abs(k)).plus(one.times(abs(j)), -1), extents)[0] >= 0:
            return True
    return False


def count_points(
    planes: Sequence[Linear],
    coords: Sequence[str],
    extents: Mapping[str, int],
    mesh: int = MAX_MESH,
) -> int:
    """Return how many points of the box over ``coords`` meet all conditions.

    Raises UncountableError where that takes more than ``mesh`` combinations.
    """
    forms = tuple((tuple(p.coefs), tuple(p.coefs.values()), p.const) for p in planes)
    found: int = apply(_counted, forms, tuple(coords), tuple(extents[c] for c in coords), mesh)
    if found < 0:
        raise UncountableError(f"too many combinations of {', '.join(coords)}")
    return found


_Form = tuple[tuple[str, ...], tuple[int, ...], int]  # coordinates, their factors, the constant


@lru_cache(maxsize=KEPT_COUNTS)
def _counted(
    forms: tuple[_Form, ...], coords: tuple[str, ...], extents: tuple[int, ...], mesh: int
) -> int:
    """Return the points that meet conditions; -1 if it takes too many combinations."""
    planes = [Linear(coefs=dict(zip(n, k, strict=True)), const=c) for n, k, c in forms]
    try:
        return _points(planes, dict(zip(coords, extents, strict=True)), mesh)
    except UncountableError:
        return -1


def _points(planes: Sequence[Linear], sizes: dict[str, int], mesh: int) -> int:
    if 0 in sizes.values():
        return 0
    tight = simplified(planes, sizes)
    if tight is None:
        return 0
    tight, sizes = _merged(tight, sizes)
    solved = _solved(tight, sizes)
    if solved is None:
        return 0
    tight, sizes = solved
    total = 1
    left = set(sizes)
    while left and total:
        group = _component(min(left), tight)
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


def _solved(
    planes: tuple[Linear, ...], sizes: dict[str, int]
) -> tuple[tuple[Linear, ...], dict[str, int]] | None:
    """Put in for a coordinate what an equation says that it is; None if no point meets all conditions."""
    known = {(tuple(sorted(p.coefs.items())), p.const) for p in planes}
    for plane in planes:
        opposite = (tuple(sorted((x, -k) for x, k in plane.coefs.items())), -plane.const)
        unit = [x for x, k in plane.coefs.items() if abs(k) == 1]
        if not unit or opposite not in known:
            continue
        coord = max(unit, key=lambda x: (sizes[x], x))
        k = plane.coefs[coord]
        value = plane.plus(Linear(coefs={coord: k}, const=0), -1).times(-k)
        bounds = [value, Linear(coefs={}, const=sizes[coord] - 1).plus(value, -1)]
        changed = [
            p.plus(Linear(coefs={coord: c}, const=0), -1).plus(value.times(c)) if c else p
            for p in planes
            for c in (p.coefs.get(coord, 0),)
        ]
        rest = {c: n for c, n in sizes.items() if c != coord}
        tight = simplified([*changed, *bounds], rest)
        return None if tight is None else _solved(tight, rest)
    return planes, sizes


def _component_count(
    planes: Sequence[Linear], group: Sequence[str], sizes: Mapping[str, int], most: int
) -> int:
    """Return the points of one group: of one or two coordinates in closed form, else one after another.

    A coordinate is summed out for all values of its neighbours at once: an interval, or what is left
    by those before it.
    """
    if len(group) == 1:
        return polygon([(p.coefs[group[0]], 0, p.const) for p in planes], sizes[group[0]], 1)
    if len(group) == 2:
        a, b = group
        lines = [(p.coefs.get(a, 0), p.coefs.get(b, 0), p.const) for p in planes]
        return polygon(lines, sizes[a], sizes[b])
    if prod(sizes[c] for c in group) > MAX_COUNT:
        raise UncountableError(f"more than {MAX_COUNT} points of {', '.join(group)}")
    left, rest = list(group), list(planes)
    arrays: list[tuple[tuple[str, ...], Ints]] = []
    while left:
        coord = min(left, key=lambda c: (_effort(c, rest, arrays, sizes), c))
        if _effort(coord, rest, arrays, sizes) > most:
            raise UncountableError(f"too many combinations of {', '.join(group)}")
        mine = [p for p in rest if coord in p.coefs]
        known = [item for item in arrays if coord in item[0]]
        others = _around(coord, mine, known)
        rest = [p for p in rest if coord not in p.coefs]
        arrays = [item for item in arrays if coord not in item[0]]
        arrays.append((others, _summed(coord, others, mine, known, sizes)))
        left.remove(coord)
    return prod(int(array) for _, array in arrays)


def _around(
    coord: str, planes: Sequence[Linear], arrays: Sequence[tuple[tuple[str, ...], Ints]]
) -> tuple[str, ...]:
    names = {c for p in planes for c in p.coefs} | {c for axes, _ in arrays for c in axes}
    return tuple(sorted(names - {coord}))


def _effort(
    coord: str,
    planes: Sequence[Linear],
    arrays: Sequence[tuple[tuple[str, ...], Ints]],
    sizes: Mapping[str, int],
) -> int:
    """Return how many values it takes to sum out a coordinate."""
    mine = [p for p in planes if coord in p.coefs]
    known = [item for item in arrays if coord in item[0]]
    around = _around(coord, mine, known)
    return prod(sizes[c] for c in around) * (sizes[coord] if known else 1)


def _summed(
    coord: str,
    others: tuple[str, ...],
    planes: Sequence[Linear],
    arrays: Sequence[tuple[tuple[str, ...], Ints]],
    sizes: Mapping[str, int],
) -> Ints:
    """Return for all values of the others how many points (weighted by the arrays) a coordinate has."""
    axes = (*others, coord) if arrays else others
    place = {c: n for n, c in enumerate(axes)}

    def along(c: str) -> Ints:
        shape = [1] * len(axes)
        shape[place[c]] = sizes[c]
        return np.arange(sizes[c], dtype=np.int64).reshape(shape)

    def value(plane: Linear) -> Ints:
        total = np.full((1,) * len(axes), plane.const, dtype=np.int64)
        for c, k in plane.coefs.items():
            if c in place:
                total = total + k * along(c)
        return total

    shape = tuple(sizes[c] for c in axes)
    if not arrays:
        low, high = np.zeros(shape, np.int64), np.full(shape, sizes[coord] - 1, np.int64)
        for plane in planes:
            step = plane.coefs[coord]
            if step > 0:
                low = np.maximum(low, -(value(plane) // step))
            else:
                high = np.minimum(high, value(plane) // -step)
        return np.asarray(np.maximum(high - low + 1, 0), dtype=np.int64)
    total = np.ones(shape, np.int64)
    for names, array in arrays:
        order = sorted(range(len(names)), key=lambda n: place[names[n]])
        turned = array.transpose(order)
        wide = [sizes[c] if c in names else 1 for c in axes]
        total *= turned.reshape(wide)
    for plane in planes:
        total *= value(plane) >= 0
    return np.asarray(total.sum(axis=place[coord]), dtype=np.int64)


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
