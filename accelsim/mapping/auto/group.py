"""A group: Einsums that share one nest, what a tile of it is, and whether the nest is legal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

from accelsim.cascade.model import Equation
from accelsim.mapping.auto.dependence import (
    Dependence,
    dependences,
    is_final,
    is_pointwise,
    ordered,
)
from accelsim.mapping.auto.shape import Case

FIRST, LAST, ALL = "first", "last", "all"
WHOLE = 1024  # a rank that is only summed over stays whole in the tile up to this size
PIECE = 512  # and is cut into pieces of this size beyond


@dataclass(frozen=True, kw_only=True)
class Group:
    """Einsums in order, the loops around their tile (outer to inner) and the tile's size by coordinate.

    ``rows`` and ``cols`` are the two coordinates that the group spreads over an array. ``whole`` are
    coordinates that had to stay in the tile, so that no value is needed before it is complete.
    """

    equations: tuple[Equation, ...]
    dependences: tuple[Dependence, ...]
    loops: tuple[str, ...]
    sequential: frozenset[str]
    tile: dict[str, int]
    rows: str | None
    cols: str | None
    whole: frozenset[str]

    @property
    def iterative(self) -> frozenset[str]:
        return frozenset(e.iterative for e in self.equations if e.iterative)

    def size(self, coords: Iterable[str]) -> int:
        """Return the points of a tile over some coordinates."""
        return prod(self.tile.get(c, 1) for c in coords)

    def lanes(self, equation: Equation, case: Case, besides: Iterable[str] = ()) -> int:
        """Return how many elements of the largest array an Einsum can use, some coordinates aside."""
        sizes = [self.tile[c] for c in equation.coords if c not in besides]
        return prod(min(size, max(case.side)) for size in sorted(sizes, reverse=True)[:2])

    def bytes(self, case: Case) -> int:
        """Return what one tile of every tensor of the group takes."""
        axes = _tensors(self.equations, case)
        return sum(self.size(coords) for coords in axes.values()) * case.word


def group_of(equations: Sequence[Equation], whole: frozenset[str], case: Case) -> Group:
    """Return the group of some Einsums with ``whole`` in the tile; it may be illegal."""
    found = dependences(equations, case.sizes)
    order = ordered(equations, found)
    rows, cols = _pair(order, case)
    tile = _tile(order, whole, rows, cols, case)
    coords = list(dict.fromkeys(c for e in order for c in e.coords))
    iterative = {e.iterative for e in order if e.iterative}
    loops = [c for c in coords if tile[c] < case.extent(c) or c in iterative]
    summed = {c for e in order for c in e.reduce_coords}
    sequential = frozenset(c for c in loops if c in iterative or c in summed)
    outer = [c for c in loops if c not in sequential]
    if case.style.thin > 1:  # few long rows: the coordinate with the coarse tiles goes first
        outer.sort(key=lambda c: c in (rows, cols) and c != cols)
    nest = outer + [c for c in loops if c in sequential]
    return Group(
        equations=tuple(order),
        dependences=tuple(found),
        loops=tuple(nest),
        sequential=sequential,
        tile=tile,
        rows=rows,
        cols=cols,
        whole=whole,
    )


def conflict(group: Group, case: Case) -> str | None:
    """Return a coordinate over which some value would be needed before it is complete, or None."""
    at = sites(group)
    for dependence in group.dependences:
        maker, user = dependence.producer, dependence.consumer
        for place, loop in enumerate(group.loops):
            if not _agrees(dependence, loop, group.loops[place + 1 :], at, case):
                return loop
            if loop in maker.left_coords and loop not in maker.coords:
                return loop
        del maker, user
    return None


def sites(group: Group) -> dict[tuple[str, str], str]:
    """Return by (Einsum, loop) where an Einsum runs: in all iterations, the first or the last."""
    at: dict[tuple[str, str], str] = {}
    for equation in group.equations:
        makers = [d.producer for d in group.dependences if d.consumer is equation and not d.old]
        for loop in group.loops:
            if loop in equation.coords:
                at[equation.id, loop] = ALL
            else:
                out = any(at.get((m.id, loop), FIRST) != FIRST for m in makers)
                at[equation.id, loop] = LAST if out else FIRST
    return at


def _agrees(
    dependence: Dependence,
    loop: str,
    inner: Sequence[str],
    at: dict[tuple[str, str], str],
    case: Case,
) -> bool:
    maker, user = dependence.producer, dependence.consumer
    walks = loop in user.coords
    if loop in maker.left_coords:
        if walks:
            return is_pointwise(dependence, loop, case.sizes)
        return is_final(dependence, loop, case.sizes)
    if loop in maker.coords or at[maker.id, loop] == LAST:
        return not walks
    # Made once in the first iteration: it must not be one of many tiles that come by in there.
    return not walks or not any(other in maker.coords for other in inner)


def is_nested(group: Group) -> bool:
    """Whether some Einsum walks every loop: the others add no iterations of their own."""
    return any(set(group.loops) <= set(e.coords) for e in group.equations)


def _pair(equations: Sequence[Equation], case: Case) -> tuple[str | None, str | None]:
    """Return the coordinates for rows and columns: the pair with most work; what is summed drains down."""
    rows, cols = case.side
    iterative = {e.iterative for e in equations if e.iterative}
    weight: dict[tuple[str, str], float] = {}
    for equation in equations:
        coords = [c for c in equation.coords if c not in iterative]
        left = set(equation.left_coords)
        points = case.points(coords)
        for a in coords:
            for b in coords:
                if a == b or b not in left:
                    continue
                lanes = min(case.extent(a), rows) * min(case.extent(b), cols)
                kept = 1.0 if a in left else 0.99  # all else alike, outputs stay where they are
                weight[a, b] = weight.get((a, b), 0.0) + points * lanes * kept
    best = max(weight.values(), default=0.0)
    tops = [pair for pair, value in weight.items() if value >= best]
    if tops:
        return _turned(tops[0], equations)
    alone = [c for e in equations for c in e.coords if c not in iterative]
    return None, max(alone, key=case.extent, default=None)


def _turned(pair: tuple[str, str], equations: Sequence[Equation]) -> tuple[str, str]:
    """Put the coordinate that is reduced more often on the rows."""
    a, b = pair
    summed = [c for e in equations for c in e.reduce_coords]
    return (b, a) if summed.count(b) > summed.count(a) else (a, b)


def _tensors(
    equations: Iterable[Equation], case: Case
) -> dict[tuple[str, tuple[str, ...]], tuple[str, ...]]:
    """Return the coordinates that walk each tensor, by tensor and reader."""
    found: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
    for equation in equations:
        found[equation.tensor, ()] = equation.left_coords
        for read in equation.reads:
            affine = read.affine(case.sizes.symbols)
            coords = tuple(dict.fromkeys(c for i in affine if i for c in i.coefs))
            found[read.tensor, coords] = coords
    return found


def _tile(
    equations: Sequence[Equation],
    whole: frozenset[str],
    rows: str | None,
    cols: str | None,
    case: Case,
) -> dict[str, int]:
    """Return the tile: small ranks whole, the pair as large as the array, the rest as far as it fits."""
    coords = list(dict.fromkeys(c for e in equations for c in (*e.coords, *e.left_coords)))
    iterative = {e.iterative for e in equations if e.iterative}
    made = {c for e in equations for c in e.left_coords}
    summed = {c for e in equations for c in e.reduce_coords}
    tile = dict.fromkeys(coords, 1)
    axes = list(_tensors(equations, case).values())
    limit = max(1, case.room // case.word // case.style.share)

    def wanted(coord: str) -> int:
        extent = case.extent(coord)
        if coord in whole:
            return extent
        if coord not in made:
            return extent if extent <= WHOLE else max(1, PIECE // case.style.thin)
        if coord == rows:
            return min(extent, max(1, case.side[0] // case.style.thin))
        if coord == cols:
            widths = -(-extent // case.side[1])
            steps = 1 if case.style.tiles is None else -(-widths // case.style.tiles)
            return min(extent, case.side[1] * steps)
        return extent if extent <= min(case.side) else min(case.side) if coord in summed else 1

    def fits(coord: str, size: int) -> bool:
        trial = {**tile, coord: size}
        return all(prod(trial[c] for c in t) <= limit for t in axes if coord in t)

    def rank(coord: str) -> tuple[int, int]:
        pair = coord in (rows, cols)
        return (0 if coord in whole else 1 if coord not in made else 2 if pair else 3), -(
            case.extent(coord) <= min(case.side)
        )

    for coord in sorted(coords, key=rank):
        if coord in iterative:
            continue
        size = wanted(coord)
        while size > 1 and coord not in whole and not fits(coord, size):
            is_loop = coord in made and coord not in (rows, cols, *summed)
            size = 1 if is_loop else (size + 1) // 2
        tile[coord] = size
    return tile
