"""Loads of pieces that overlap, and of rows whose numbers are data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from accelsim.cascade import ast
from accelsim.cascade.lattice import UncountableError, count_points
from accelsim.cascade.linear import Linear
from accelsim.cascade.live import MESH
from accelsim.cascade.model import TensorRead
from accelsim.mapping.plan import Binding, BlockPlan
from accelsim.mapping.tiles import Axis
from accelsim.replay.exact import fraction, smaller
from accelsim.sim.lower.compute import PhaseDraft, comes_from_dram
from accelsim.sim.lower.draft import Draft, DraftWait
from accelsim.sim.lower.nest import Plane, need


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A load of a block with the reads that it serves."""

    block: int
    load: Draft
    users: Sequence[tuple[Binding, TensorRead]]


def fresh_share(
    block: BlockPlan,
    axes: tuple[Axis, ...],
    walked: set[str],
    loop: str,
    planes: Sequence[Plane],
) -> Fraction:
    """Return what part of a piece is not there yet, on average over the pieces of what is held.

    Pieces of a sum of coordinates, of a quotient or of gathers overlap; the buffer keeps what it has.
    ``planes`` are the conditions under which a piece is loaded at all.
    """
    inside = block.loops[block.loops.index(loop) + 1 :] if loop in block.loops else ()
    pieces = [name for name in inside if name in walked and block.count(name) > 1]
    if not pieces or all(axis.is_apart for axis in axes):
        return Fraction(1)
    still = frozenset((*block.loops, *block.space.leading))
    total = 0
    for last in product((False, True), repeat=len(pieces)):
        edge = frozenset(name for name, at in zip(pieces, last, strict=True) if at)
        times = prod(block.count(name) - 1 for name in pieces if name not in edge)
        total += times * block.space.words(axes, still, edge)
    kept = block.space.words(axes, still - frozenset(inside), frozenset())
    return smaller(Fraction(1), kept / (total * _loaded_share(block, planes) or Fraction(1)))


def _loaded_share(block: BlockPlan, planes: Sequence[Plane]) -> Fraction:
    """Return the share of the pieces that meets all conditions."""
    names = tuple(dict.fromkeys(name for plane in planes for name in plane.coefs))
    counts = {name: block.count(name) for name in names}
    forms = [Linear(coefs=plane.coefs, const=plane.const) for plane in planes]
    try:
        return fraction(count_points(forms, names, counts, MESH), prod(counts.values()))
    except UncountableError:
        return Fraction(1)


def wait_for_indices(phase: PhaseDraft, loaded: Sequence[Loaded], latency: Fraction) -> None:
    """A gather is loaded when its indices are there: made by an Einsum, or loaded themselves."""
    for item in loaded:
        for binding, read in item.users:
            gathers = read.node.gathers if isinstance(read.node, ast.Read) else ()
            for index in binding.equation.reads:
                if index.node in gathers:
                    _wait_for_index(phase, item, index, loaded, latency)


def _wait_for_index(
    phase: PhaseDraft,
    item: Loaded,
    index: TensorRead,
    loaded: Sequence[Loaded],
    latency: Fraction,
) -> None:
    load, number = item.load, item.block
    if comes_from_dram(phase, number, index.tensor):
        same = phase.nests[number].same
        for other in loaded:
            if other.block == number and other.load.tensor == index.tensor:
                needed = need(load.site, other.load.site, same)
                load.waits.append(DraftWait(producer=other.load, need=needed, lag=latency))
        return
    for where, maker in phase.makers(index.tensor):
        producer = phase.compute[maker.id]
        digits = phase.digits(number, index, where, maker)
        needed = need(load.site, producer.site, digits)
        load.waits.append(DraftWait(producer=producer, need=needed, lag=maker.latency))
