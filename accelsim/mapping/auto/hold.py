"""What stays in which buffer across which loop, and how many copies of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from math import prod

from accelsim.cascade.model import TensorRead
from accelsim.mapping.auto.group import Group
from accelsim.mapping.auto.partition import Parts
from accelsim.mapping.auto.placement import Placed, busiest
from accelsim.mapping.auto.shape import Case
from accelsim.mapping.plan import STREAM

RESIDENT = 8  # what stays for a whole loop takes at most this part of the buffer
DEEPEST = 64  # copies of a small tile that are under way at once


@dataclass(kw_only=True)
class Held:
    """Buffer -> tensor -> loop, and copies by tensor."""

    hold: dict[str, dict[str, str]] = field(default_factory=dict)
    depth: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)  # bytes that arrays pass on in a buffer
    cycles: int = 1  # of a tile on the unit that is busy longest

    def put(self, buffer: str, tensor: str, loop: str, depth: int | None = None) -> None:
        self.hold.setdefault(buffer, {})[tensor] = loop
        if depth is not None:
            self.depth[tensor] = depth


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The loops of a block by name, outer to inner, with the coordinate each belongs to."""

    loops: tuple[str, ...]
    coord: Table[str, str]  # loop -> coordinate, "" for a leading loop
    parts: Table[str, Parts]

    def walked(self, coords: Sequence[str], *, leading: bool) -> list[int]:
        """Return the places of the loops that move a tensor with these coordinates."""
        return [
            place
            for place, loop in enumerate(self.loops)
            if (self.coord[loop] in coords if self.coord[loop] else leading)
        ]

    def outside(self, walked: Sequence[int]) -> int | None:
        """Return the first loop that a tensor lacks and that has loops of the tensor inside."""
        last = max(walked, default=-1)
        return next((n for n in range(last) if n not in walked), None)


def held(
    group: Group,
    items: Sequence[Placed],
    frame: Frame,
    stage: Table[str, int],
    case: Case,
    stored: frozenset[str],
    copies: Table[str, int],
) -> Held:
    """Return what a block holds: operands, running states, what goes from array to array.

    ``copies`` gives, where it is known, how many tiles of an Einsum's result are there at once; where
    ports are shared one more is kept, as their requests run up to a tile ahead.
    """
    found = Held()
    cycles = busiest(items, group, case)
    found.cycles = cycles
    made = {e.tensor for e in group.equations}
    for tensor, reads in _loaded(group, made).items():
        at = [stage[e.id] for e in group.equations if any(r.tensor == tensor for r in e.reads)]
        _load(found, tensor, reads, frame, group, case, cycles, max(at) - min(at))
    for item in items:
        _make(found, item, items, frame, group, stage, case, stored, copies)
    return found


def _loaded(group: Group, made: set[str]) -> dict[str, list[TensorRead]]:
    reads: dict[str, list[TensorRead]] = {}
    for equation in group.equations:
        for read in equation.reads:
            if read.tensor not in made:
                reads.setdefault(read.tensor, []).append(read)
    return reads


def _load(
    found: Held,
    tensor: str,
    reads: Sequence[TensorRead],
    frame: Frame,
    group: Group,
    case: Case,
    cycles: int,
    span: int,
) -> None:
    """Hold an operand; ``span`` is how many stages its first and last readers are apart."""
    affine = [i for read in reads for i in read.affine(case.sizes.symbols)]
    coords = tuple(dict.fromkeys(c for i in affine if i for c in i.coefs))
    clock = case.arch.spec.clock
    wait = int(case.arch.dram.latency * clock) // max(1, cycles)
    depth = min(DEEPEST, 2 + wait + case.style.ahead) + span
    if any(index is None for index in affine):
        return  # selected words come straight from the memory
    walked = frame.walked(coords, leading=tensor not in case.problem.shared)
    if not frame.loops:
        return
    lacking = frame.outside(walked)
    if lacking is not None:
        kept = _bytes(coords, frame, frame.loops[:lacking], group, case)
        kept *= _heads(walked, frame, lacking, case)
        if lacking and kept * depth <= case.room // RESIDENT:
            found.put(case.buffer, tensor, frame.loops[lacking - 1], 2 + span)
            return
    place = max(walked, default=0)
    one = _bytes(coords, frame, frame.loops[: place + 1], group, case)
    most = max(2 + span, case.room // RESIDENT // max(1, one))
    found.put(case.buffer, tensor, frame.loops[place], min(depth, most))


def _make(
    found: Held,
    item: Placed,
    items: Sequence[Placed],
    frame: Frame,
    group: Group,
    stage: Table[str, int],
    case: Case,
    stored: frozenset[str],
    known: Table[str, int],
) -> None:
    equation = item.equation
    if not set(equation.left_coords) <= set(equation.coords):
        return  # selected places go straight to the memory
    unit = {i.id: i.unit for i in items}
    users = [
        d.consumer.id
        for d in group.dependences
        if d.producer is equation and d.consumer is not equation
    ]
    kept = [c for c in equation.left_coords if c != equation.iterative]
    walked = frame.walked(kept, leading=True)
    gone = {*equation.reduce_coords, equation.iterative}
    over = [n for n, loop in enumerate(frame.loops) if frame.coord[loop] in gone]
    lacking = frame.outside(walked)
    if over:
        place = min(over[0], lacking if lacking is not None else over[0])
        # One copy is enough for who reads it at its own stage; a later stage still has the one before.
        late = any(stage[u] > stage[item.id] for u in users)
        loop = frame.loops[max(0, place - 1)]
        found.put(case.buffer, equation.tensor, loop, 2 if late else None)
        return
    if lacking is not None and users:
        late = any(stage[u] > stage[item.id] for u in users)
        loop = frame.loops[max(0, lacking - 1)]
        found.put(case.buffer, equation.tensor, loop, 2 if late else None)
        return
    others = [u for u in users if unit[u] != item.unit]
    if others and frame.loops:
        behind = max(stage[u] for u in users) - stage[item.id]
        buffer = max((case.between(item.unit, unit[u]) for u in others), key=_size_of(case))
        way = max(_way(item.unit, unit[u], case) for u in others)
        copies = known.get(item.id) or min(DEEPEST, behind + 2 + -(-way // found.cycles))
        copies += item.id in known and case.arch.buffers[buffer].ports is not None
        tile = prod(group.tile.get(c, 1) for c in kept) * case.word
        used = found.used.get(buffer, 0) + tile * copies
        if buffer != case.buffer and used > case.arch.buffers[buffer].size:
            buffer = case.buffer
        else:
            found.used[buffer] = used
        found.put(buffer, equation.tensor, frame.loops[-1], copies)
    elif users and frame.loops and words_per_lane(item, group, case) > _registers(item, case):
        behind = max(stage[u] for u in users) - stage[item.id]
        copies = known.get(item.id) or behind + 1
        copies += item.id in known and case.arch.buffers[case.buffer].ports is not None
        found.put(case.buffer, equation.tensor, frame.loops[-1], copies)
    elif (
        equation.tensor in stored
        and not users
        and set(equation.left_coords) <= set(equation.coords)
    ):
        found.put(case.buffer, equation.tensor, STREAM, 2)


def _way(one: str, other: str, case: Case) -> int:
    """Return the cycles from one array to another."""
    link = case.arch.link(one, other)
    return 0 if link is None else link.down if link.upper == one else link.up


def _size_of(case: Case) -> Callable[[str], int]:
    return lambda buffer: case.arch.buffers[buffer].size


def words_per_lane(item: Placed, group: Group, case: Case) -> int:
    """Return the words of a result's tile that one element of the array makes."""
    points = group.size(item.equation.left_coords)
    array = case.arch.arrays[item.unit]
    left = set(item.equation.left_coords)
    lanes = prod(
        min(group.tile.get(c, 1), array.dimensions[d]) for d, c in item.space.items() if c in left
    )
    return -(-points // max(1, lanes))


def _registers(item: Placed, case: Case) -> int:
    return case.arch.arrays[item.unit].registers


def _heads(walked: Sequence[int], frame: Frame, fixed: int, case: Case) -> int:
    """Return over how many values of leading ranks a tile goes, the first ``fixed`` loops standing still."""
    inside = [frame.loops[n] for n in walked if n >= fixed and not frame.coord[frame.loops[n]]]
    return prod(case.problem.leading[name] for name in inside)


def _bytes(
    coords: Sequence[str], frame: Frame, fixed: Sequence[str], group: Group, case: Case
) -> int:
    """Return the bytes of a tile while the loops ``fixed`` stand still; split loops count from 1."""
    size = case.word
    for coord in coords:
        names = frame.parts[coord].names if coord in frame.parts else []
        moving = [n for n in names if n.lower() in frame.loops and n.lower() not in fixed]
        whole = len(moving) == len([n for n in names if n.lower() in frame.loops]) and moving
        size *= case.extent(coord) if whole else group.tile.get(coord, 1)
    return size
