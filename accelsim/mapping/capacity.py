"""What the held tiles need, what of it is paid for, and what share of the spilled ones moves."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from accelsim.arch import Architecture
from accelsim.cascade.sizes import Sizes
from accelsim.errors import InfeasibleError
from accelsim.mapping.model import MappingSpec
from accelsim.mapping.plan import STREAM, BlockPlan, alike, made_axes, read_axes
from accelsim.mapping.tiles import Axis, Space
from accelsim.replay.exact import fraction, larger


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Bytes by buffer that the mapping pays for, by tensor too, and what it leaves unpaid by name."""

    charged: Table[str, int]
    by_tensor: Table[str, int]
    tiles: Table[str, Table[str, int]]  # buffer -> tensor that owns the place -> bytes
    unpaid: tuple[str, ...]


def tile_axes(plan: BlockPlan, sizes: Sizes, tensor: str) -> list[tuple[Axis, ...]]:
    """Return the axes of a tensor as the block walks it: of each part as it is made, else of each load."""
    made = [e for e in plan.equations if e.tensor == tensor]
    if made:  # several make slices of it
        return [made_axes(plan, sizes, equation) for equation in made]
    reads = [r for e in plan.equations for r in e.reads if r.tensor == tensor]
    return [read_axes(sizes, *together) for together in alike(sizes, reads)]


def fixed_atoms(plan: BlockPlan, loop: str) -> frozenset[str]:
    """Return the loops that stand still while a tile is held at ``loop``."""
    if loop == STREAM:
        return frozenset((*plan.loops, *plan.space.leading))
    inside = plan.loops.index(loop) + 1
    return frozenset((*plan.loops[:inside], *plan.space.leading))


def default_depth(plan: BlockPlan, tensor: str) -> int:
    """Return 1 for what the block makes and keeps, 2 for what moves in or out of it."""
    made = any(e.tensor == tensor for e in plan.equations)
    place = plan.hold.get(tensor)
    return 1 if made and place is not None and place.loop != STREAM else 2


def makers(blocks: tuple[BlockPlan, ...], tensor: str) -> tuple[BlockPlan, ...]:
    """Return the blocks that make a tensor; if none does, all of them."""
    found = tuple(p for p in blocks if any(e.tensor == tensor for e in p.equations))
    return found or blocks


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a block holds of a tensor: the ``paid`` of its ``copies``, in the place of the ``owner``."""

    block: int
    tensor: str
    owner: str
    buffer: str
    walks: list[tuple[Axis, ...]]
    fixed: frozenset[str]  # loops that stand still meanwhile
    inside: tuple[str, ...]  # leading ranks over whose values it goes
    copies: int
    paid: int

    def words(self, space: Space) -> int:
        """Return the words paid for where the atoms have the sizes of a space."""
        tile = sum(space.words(axes, self.fixed, frozenset()) for axes in self.walks)
        return tile * prod(space.sizes[name] for name in self.inside) * self.paid


def claims(
    spec: MappingSpec, group: tuple[BlockPlan, ...], sizes: Sizes, shared: frozenset[str]
) -> list[Claim]:
    """Return what the blocks of a group hold, whatever the sizes of their tiles."""
    found: list[Claim] = []
    for number, plan in enumerate(group):
        charges = {**spec.charge, **plan.block.charge}
        shares = [*spec.share, *plan.block.share]
        for tensor, place in plan.hold.items():
            walks = tile_axes(plan, sizes, tensor)
            if not walks:
                continue
            share = next((names for names in shares if tensor in names), None)
            owner = share[0] if share else tensor
            copies = max(
                plan.depth.get(owner) or default_depth(b, owner) for b in makers(group, owner)
            )
            within: tuple[str, ...] = ()
            if place.loop != STREAM and tensor not in shared:
                within = plan.loops[plan.loops.index(place.loop) + 1 :]
            claim = Claim(
                block=number,
                tensor=tensor,
                owner=owner,
                buffer=place.buffer,
                walks=walks,
                fixed=fixed_atoms(plan, place.loop),
                inside=tuple(name for name in within if name in plan.space.leading),
                copies=copies,
                paid=charges.get(owner, copies),
            )
            found.append(claim)
    return found


def paid_bytes(held: list[Claim], space: Space, word: int) -> dict[str, int]:
    """Return the bytes by buffer of what one block holds."""
    tiles: dict[str, dict[str, int]] = {}
    for claim in held:
        own = tiles.setdefault(claim.buffer, {})
        own[claim.owner] = larger(own.get(claim.owner, 0), claim.words(space) * word)
    return {buffer: sum(own.values()) for buffer, own in tiles.items()}


def demand(
    spec: MappingSpec,
    blocks: tuple[BlockPlan, ...],
    arch: Architecture,
    sizes: Sizes,
    shared: frozenset[str] = frozenset(),
) -> Demand:
    """Return what is charged: per buffer the sum of the held tiles times the copies paid for.

    Blocks that share outer loops are live together (a tensor counts once, at its largest); blocks that
    run one after another are not (the largest block counts). Tensors that share a buffer count once.
    """
    together: list[tuple[BlockPlan, ...]] = [blocks] if spec.outer else [(b,) for b in blocks]
    charged: dict[str, int] = {}
    by_tensor: dict[str, int] = {}
    unpaid: dict[str, None] = {}
    largest: dict[str, dict[str, int]] = {}
    for group in together:
        totals: dict[str, dict[str, int]] = {}
        for claim in claims(spec, group, sizes, shared):
            size = claim.words(group[claim.block].space) * arch.spec.word
            tiles = totals.setdefault(claim.buffer, {})
            tiles[claim.owner] = larger(tiles.get(claim.owner, 0), size)
            by_tensor[claim.tensor] = larger(by_tensor.get(claim.tensor, 0), size)
            if claim.paid < claim.copies and claim.owner == claim.tensor:
                text = f"{claim.tensor}: {claim.copies} copies in {claim.buffer}, {claim.paid} paid for"
                unpaid[text] = None
        for buffer, tiles in totals.items():
            if sum(tiles.values()) > charged.get(buffer, -1):
                charged[buffer] = sum(tiles.values())
                largest[buffer] = tiles
    return Demand(charged=charged, by_tensor=by_tensor, tiles=largest, unpaid=tuple(unpaid))


def spilled(spec: MappingSpec, need: Demand, arch: Architecture) -> dict[str, Fraction]:
    """Return the share of each spilled tensor that does not fit, by the mapping's ``spill_share``.

    Raises InfeasibleError with demand, capacity and gap where too little may spill.
    """
    names = {tensor for placement in (spec, *spec.blocks) for tensor in placement.spill}
    shares: dict[str, Fraction] = {}
    for buffer, bytes_needed in need.charged.items():
        capacity = arch.buffers[buffer].size
        if bytes_needed <= capacity:
            continue
        movable = sum(n for tensor, n in need.tiles[buffer].items() if tensor in names)
        excess = bytes_needed - capacity
        if excess > movable:
            largest = max(need.by_tensor, key=lambda t: need.by_tensor[t])
            raise InfeasibleError(
                f"the mapping does not fit {buffer}: it needs {bytes_needed} bytes, there are"
                f" {capacity} ({excess} too few). The largest tile is {largest}"
                f" ({need.by_tensor[largest]} bytes): hold it at an inner loop, choose smaller sizes,"
                " or name what may spill"
            )
        by_rule = {
            "excess": fraction(excess, movable),
            "published": fraction(excess, bytes_needed),
        }
        shares |= dict.fromkeys(names, by_rule[spec.spill_share])
    return shares
