"""Plans an evaluation that holds little: loops over tiles of coordinates.

Steps whose tensors fit run one after another on whole arrays. Around steps that do not fit, groups
(see ``fuse``) become loops, nested if need be. The choice is by figures: bytes held over the
target first, then seconds as ``_seconds`` guesses them. Results do not depend on it but for rounding.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from accelsim.cascade.fuse import Group, Program
from accelsim.cascade.model import Equation
from accelsim.cascade.order import Step
from accelsim.cascade.parts import demand, is_contraction
from accelsim.cascade.sizes import Sizes

ELEMENT_BYTES = 9  # a float64 and whether it exists
_COPIES = 4  # arrays of all points that an equation's evaluation may hold at once
_CALL_S = 40e-6  # seconds that any equation takes
_POINT_S = 1.5e-9  # per element of an array that is written
_FAR_S = 3e-9  # more per element of arrays that are larger than a cache
_CACHED = 2**16  # elements
_MAC_S = 0.05e-9  # per multiply-add of a matrix product
_DEPTH = 2  # loops in one another that are tried together
_LEVELS = 4
_TRIED = 3  # groups that are tried with loops inside


@dataclass(frozen=True, kw_only=True)
class Loop:
    """A loop over tiles of a group's coordinate."""

    group: Group
    tile: int
    body: tuple[Node, ...]
    lasting: frozenset[str]
    """Tensors that outlive an iteration: of the body they are not freed."""


Node = Step | Loop


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where in a nest of loops steps stand: how long coordinates and axes are there."""

    coords: Mapping[tuple[int, str], int] = field(default_factory=dict)
    axes: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def inside(self, group: Group, tile: int) -> _Place:
        axes = {(t, w.axis): tile + w.lag + w.shift for t, w in group.windows.items()}
        coords = dict.fromkeys(group.coords.items(), tile)
        return _Place(coords={**self.coords, **coords}, axes={**self.axes, **axes})


@dataclass(frozen=True, kw_only=True)
class _Scene:
    """Where steps are planned: what outlives them, the loops around them, the bytes that they may take."""

    kept: frozenset[str]
    target: int
    taken: frozenset[tuple[int, str]] = frozenset()
    place: _Place = field(default_factory=_Place)
    level: int = 0

    def inside(self, loop: Loop, live: int) -> _Scene:
        """Return the scene of a loop's body, where ``live`` bytes are taken."""
        return _Scene(
            kept=loop.lasting,
            target=max(self.target - live, self.target // 4),
            taken=self.taken | set(loop.group.coords.items()),
            place=self.place.inside(loop.group, loop.tile),
            level=self.level + 1,
        )


@dataclass(frozen=True, kw_only=True)
class _Rated:
    """A loop, the bytes over the target and the seconds of all steps with it, the bytes it holds."""

    loop: Loop
    score: tuple[int, float]
    live: int


@dataclass(frozen=True, kw_only=True)
class Planner:
    sizes: Sizes
    target: int
    """Bytes that intermediates should take."""
    outputs: frozenset[str]

    @property
    def limit(self) -> int:
        """Points of the arrays of one equation."""
        return max(self.target // (4 * 8 * _COPIES), 64)

    def plan(self, steps: Sequence[Step]) -> list[Node]:
        return self._plan(list(steps), _Scene(kept=self.outputs, target=self.target), _DEPTH)

    def peak(self, nodes: Sequence[Node]) -> int:
        """Return the most bytes that intermediates take at once, as planned."""
        return max((p for p, _ in self._costs(nodes, self.outputs, _Place())), default=0)

    def _plan(self, steps: list[Step], scene: _Scene, depth: int) -> list[Node]:
        costs = self._costs(steps, scene.kept, scene.place)
        over = [p - scene.target for p, _ in costs]
        wide = {id(e) for s, p in zip(steps, over, strict=True) if p > 0 for e in s.equations}
        if not wide or not depth:
            return list(steps)
        found = self._best(steps, wide, scene, depth)
        if found is None or found.score[0] >= max(over):
            return list(steps)
        group, loop = found.loop.group, found.loop
        if found.score[0] and depth == _DEPTH and scene.level < _LEVELS:
            inner = self._plan(list(group.inside), scene.inside(loop, found.live), depth)
            deeper = self._rated(replace(loop, body=tuple(inner)), scene)
            loop = min(found, deeper, key=lambda r: r.score).loop
        inside = [*group.prologue, *group.inside]
        later = [*inside, *group.after]
        used = {r.tensor for s in later for e in s.equations for r in e.reads}
        used |= {e.tensor for s in later for e in s.equations}
        begun = {e.tensor for s in (*group.before, *inside) for e in s.equations}
        before = self._plan(group.before, replace(scene, kept=scene.kept | used), depth)
        after = self._plan(group.after, replace(scene, kept=scene.kept | begun), depth)
        return [*before, loop, *after]

    def _best(self, steps: list[Step], wide: set[int], scene: _Scene, depth: int) -> _Rated | None:
        """Return the loop that costs least; where none fits, some are tried with loops inside."""
        first: list[_Rated] = []  # the best of each group
        found: list[_Rated] = []
        for group in Program(steps, self.sizes, scene.taken).groups(scene.kept):
            if wide & set(group.coords):
                tiles = list(_tiles(group.extent))
                rated = [self._rated(_loop(group, t, scene.kept), scene) for t in tiles]
                first.append(min(rated, key=lambda r: r.score))
                found += rated
        if not found:
            return None
        best = min(found, key=lambda r: r.score)
        tried = {r.loop.group.key for r in sorted(first, key=lambda r: r.score)[:_TRIED]}
        for one in found if depth > 1 else ():
            hopeless = not best.score[0] and one.score[1] >= best.score[1]
            if one.score[0] and one.loop.group.key in tried and not hopeless:
                body = list(one.loop.group.inside)
                inner = self._plan(body, scene.inside(one.loop, one.live), depth - 1)
                nested = self._rated(replace(one.loop, body=tuple(inner)), scene)
                best = min(best, nested, key=lambda r: r.score)
        return best

    def _rated(self, loop: Loop, scene: _Scene) -> _Rated:
        """Return what a loop costs among its steps."""
        group = loop.group
        nodes: list[Node] = [*group.before, loop, *group.after]
        costs = self._costs(nodes, scene.kept, scene.place)
        peak = costs[len(group.before)][0]
        inside = self._costs(loop.body, loop.lasting, scene.place.inside(group, loop.tile))
        return _Rated(
            loop=loop,
            score=(max(peak - scene.target, 0), sum(s for _, s in costs)),
            live=peak - max((p for p, _ in inside), default=0),
        )

    def _costs(
        self, nodes: Sequence[Node], kept: frozenset[str], place: _Place
    ) -> list[tuple[int, float]]:
        """Return the peak bytes and the seconds of each node; what is kept is its owner's."""
        last = frees(nodes, kept)
        live: dict[str, int] = {}
        costs: list[tuple[int, float]] = []
        for number, node in enumerate(nodes):
            for tensor in written(node):
                if tensor not in kept or not place.coords:
                    live[tensor] = self._held(tensor, place)
            if isinstance(node, Step):
                extra, seconds = self._step(node, place)
            else:
                for tensor in written(node):
                    if tensor in node.lasting:
                        if tensor in live:
                            live[tensor] = self._held(tensor, place.inside(node.group, node.tile))
                    else:
                        live.pop(tensor, None)
                inside = place.inside(node.group, node.tile)
                body = self._costs(node.body, node.lasting, inside)
                extra = max((p for p, _ in body), default=0)
                seconds = math.ceil(node.group.extent / node.tile) * sum(s for _, s in body)
            costs.append((sum(live.values()) + extra, seconds))
            for tensor in last.get(number, ()):
                live.pop(tensor, None)
        return costs

    def _held(self, tensor: str, place: _Place) -> int:
        """Return the bytes of a tensor that is no output: those are there whatever the plan."""
        if tensor in self.outputs:
            return 0
        shape = self.sizes.shapes[tensor]
        lengths = (min(place.axes.get((tensor, i), n), n) for i, n in enumerate(shape))
        return ELEMENT_BYTES * math.prod(lengths)

    def _step(self, step: Step, place: _Place) -> tuple[int, float]:
        """Return the bytes of a step's temporary arrays, and its seconds."""
        extra, seconds = 0, 0.0
        for equation in step.equations:
            sizes = self._lengths(equation, place)
            times = math.prod(sizes.pop(c, 1) for c in step.ranks)
            points = demand(equation, sizes)
            extra = max(extra, 8 * _COPIES * min(points, self.limit))
            seconds += times * _seconds(equation, sizes, points)
        return extra, seconds

    def _lengths(self, equation: Equation, place: _Place) -> dict[str, int]:
        coords = dict.fromkeys((*equation.left_coords, *equation.coords))
        extents = self.sizes.extents
        return {c: min(place.coords.get((id(equation), c), extents[c]), extents[c]) for c in coords}


def _seconds(equation: Equation, sizes: Mapping[str, int], points: int) -> float:
    seconds = _CALL_S + points * (_POINT_S + (_FAR_S if points > _CACHED else 0))
    if is_contraction(equation):
        seconds += _MAC_S * math.prod(sizes.values())
    return seconds


def _tiles(extent: int) -> Iterator[int]:
    """Yield lengths of tiles: a half, a quarter and so on, down to 1."""
    tile = extent
    while tile > 1:
        tile = -(-tile // 2)
        yield tile


def _loop(group: Group, tile: int, kept: frozenset[str]) -> Loop:
    made = {e.tensor for s in (*group.inside, *group.prologue) for e in s.equations}
    first = {e.tensor for s in group.prologue for e in s.equations}
    passing = {t for t, w in group.windows.items() if w.is_passing and t not in first}
    lasting = frozenset((made | kept) - passing)
    return Loop(group=group, tile=tile, body=tuple(group.inside), lasting=lasting)


def written(node: Node) -> set[str]:
    """Return the tensors that a node writes."""
    if isinstance(node, Step):
        return {e.tensor for e in node.equations}
    return set().union(*(written(n) for n in (*node.group.prologue, *node.body)))


def _read(node: Node) -> set[str]:
    if isinstance(node, Step):
        return {r.tensor for e in node.equations for r in e.reads}
    return set().union(*(_read(n) for n in (*node.group.prologue, *node.body)))


def frees(nodes: Sequence[Node], kept: frozenset[str]) -> dict[int, list[str]]:
    """Return which of the tensors that nodes write are not needed any more after each of them."""
    made = set().union(*(written(n) for n in nodes)) - kept
    last: dict[str, int] = {}
    for number, node in enumerate(nodes):
        for tensor in (written(node) | _read(node)) & made:
            last[tensor] = number
    found: dict[int, list[str]] = {}
    for tensor, number in sorted(last.items()):
        found.setdefault(number, []).append(tensor)
    return found
