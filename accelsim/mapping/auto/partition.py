"""Cuts coordinates into parts: loops around the tile, time and space inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from accelsim.mapping.auto.group import Group
from accelsim.mapping.auto.placement import Placed
from accelsim.mapping.auto.shape import Case
from accelsim.mapping.partition import divisors


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of one coordinate, outer to inner; a part that is not there is ``""``."""

    coord: str
    far: str = ""  # the loop outside the sequential ones
    near: str = ""  # the only loop, or the one inside the sequential ones
    time: str = ""
    space: str = ""
    sizes: dict[str, int | str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [n for n in (self.far, self.near, self.time, self.space) if n]

    @property
    def is_split(self) -> bool:
        return bool(self.sizes)


def partition(group: Group, items: Sequence[Placed], case: Case) -> dict[str, Parts]:
    """Return the parts of every coordinate of a group."""
    width: dict[str, tuple[int, str]] = {}
    for item in items:
        array = case.arch.arrays[item.unit]
        for dimension, coord in item.space.items():
            lanes = (array.dimensions[dimension], f"{item.unit}.{dimension}")
            width[coord] = min(width.get(coord, lanes), lanes)
    middle = split_loop(group) if case.style.split else None
    coords = dict.fromkeys(c for e in group.equations for c in e.coords)
    taken = {*case.sizes.extents, *(n.lower() for n in case.sizes.symbols), *case.problem.leading}
    return {c: _parts(c, group, width.get(c), c == middle, case, taken) for c in coords}


def split_loop(group: Group) -> str | None:
    """Return the parallel loop that is split around the sequential ones: operands serve all its tiles."""
    parallel = [c for c in group.loops if c not in group.sequential]
    if not parallel or len(parallel) == len(group.loops):
        return None
    return parallel[-1]


def _parts(
    coord: str,
    group: Group,
    width: tuple[int, str] | None,
    is_middle: bool,
    case: Case,
    taken: set[str],
) -> Parts:
    tile, extent = group.tile[coord], case.extent(coord)
    is_loop = coord in group.loops
    lanes, limit = width if width is not None else (1, "1")
    space = min(tile, lanes) if width is not None else 1
    steps = -(-tile // space)
    need_time, need_space = steps > 1, space > 1
    pieces = [is_loop and is_middle, is_loop, need_time, need_space]
    if sum(pieces) < 2:
        name = coord.upper()
        return Parts(
            coord=coord,
            near=name if is_loop else "",
            time=name if need_time else "",
            space=name if need_space else "",
        )
    names = [_fresh(coord, n, taken) for n in range(sum(pieces))][::-1]
    given = iter(names)
    far, near, time, inner = (next(given) if piece else "" for piece in pieces)
    sizes: dict[str, int | str] = {}
    if inner:
        sizes[inner] = _size(space, lanes, limit, extent, coord, case)
    if time and (far or near):
        sizes[time] = f"divisor({-(-extent // space)}, {steps})"
    if far:
        most = case.style.near
        fits = f"max_fit({case.buffer})"
        across = -(-extent // space)
        left = across // next(d for d in divisors(across) if d <= steps) if time else across
        sizes[near] = fits if most is None else f"divisor({left}, {most})"
    return Parts(coord=coord, far=far, near=near, time=time, space=inner, sizes=sizes)


def _size(space: int, lanes: int, limit: str, extent: int, coord: str, case: Case) -> int | str:
    """Return a size in words of the architecture where it is one: then it holds for other sizes too."""
    if space != lanes:
        return space
    symbols = case.sizes.symbols
    name = coord.upper()
    if name in case.problem.ranks and symbols.get(name) == extent:
        return f"min({limit}, {name})"
    return limit


def _fresh(coord: str, number: int, taken: set[str]) -> str:
    """Return a name for a part that nothing else has."""
    name = f"{coord.upper()}{number}"
    while name.lower() in taken:
        name = f"{coord.upper()}_{number}" if "_" not in name else f"{name}_"
    return name
