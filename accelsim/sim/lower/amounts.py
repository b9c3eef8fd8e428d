"""Bytes and lanes of a tile, as amounts that shrink at ragged edges."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import prod

from accelsim.mapping.plan import Binding, BlockPlan, Plan
from accelsim.mapping.selection import expected_live
from accelsim.mapping.tiles import Axis
from accelsim.replay.exact import fraction
from accelsim.sim.lower.draft import Amount, Exact
from accelsim.sim.lower.nest import Edge


def axis_atoms(plan: BlockPlan, axes: tuple[Axis, ...]) -> tuple[str, ...]:
    """Return the atoms that the axes of a tensor are walked by."""
    return plan.space.atoms_along(axes)


def tile_words(plan: BlockPlan, axes: tuple[Axis, ...], user: Binding | None = None) -> Amount:
    """Return the words of one tile: all loops stand still but those that a ``user`` takes at once."""
    fixed = plan.fixed if user is None else plan.still(user)
    ragged = [
        name for name in plan.space.ragged(axis_atoms(plan, axes), fixed) if name in plan.loops
    ]

    def words(at: frozenset[Edge]) -> int:
        return plan.space.words(axes, fixed, _last(at) | plan.outside)

    return Amount(edges=tuple((name, "last") for name in ragged), value=words)


def live_tiles(
    plan: Plan, block: BlockPlan, einsum: str, still: Iterable[str] | None = None
) -> Fraction:
    """Return the share of tiles in which an Einsum has a live point, by the stated selection.

    A tile is dead if a condition on data fails at all of its points, taken as independent; ``still`` are
    the loops that stand still in it (by default all).
    """
    fixed = frozenset((*(block.loops if still is None else still), *block.space.leading))
    share = Fraction(1)
    for event in plan.presence.events.get(einsum, ()):
        share *= expected_live(event.share, block.space.points(event.coords, fixed))
    return share


def lanes_used(plan: BlockPlan, binding: Binding) -> Amount:
    """Return the lanes that do an operation in a tile: the points of the spatial ranks.

    Of loops that are taken at once it is the mean over their iterations.
    """
    fixed, taken = plan.still(binding), plan.taken(binding)
    times = prod(plan.count(loop) for loop in taken)
    families = [
        (family, [a.name for a in family.atoms if a.name in (*binding.lanes, *taken)])
        for family in plan.space.families
    ]
    mine = [(family, names) for family, names in families if names]
    ragged = [
        name for name in plan.space.ragged((*binding.lanes, *taken), fixed) if name in plan.loops
    ]

    def lanes(at: frozenset[Edge]) -> Exact:
        edge = _last(at) | plan.outside
        all_of_them = prod(f.positions(names, fixed, edge) for f, names in mine)
        return all_of_them if times == 1 else fraction(all_of_them, times)

    return Amount(edges=tuple((name, "last") for name in ragged), value=lanes)


def tile_points(plan: BlockPlan, binding: Binding) -> Amount:
    """Return the points of an Einsum's tile: what its operations are counted by."""
    fixed = plan.still(binding)
    atoms = set(plan.space.atoms(binding.equation.coords))
    mine = [
        (family, [a.name for a in family.atoms if a.name in atoms])
        for family in plan.space.families
    ]
    mine = [(family, names) for family, names in mine if set(names) - fixed]
    ragged = [name for name in plan.space.ragged(atoms, fixed) if name in plan.loops]

    def points(at: frozenset[Edge]) -> int:
        edge = _last(at) | plan.outside
        return prod(f.positions(names, fixed, edge) for f, names in mine)

    return Amount(edges=tuple((name, "last") for name in ragged), value=points)


def _last(at: frozenset[Edge]) -> frozenset[str]:
    return frozenset([name for name, side in at if side == "last"])
