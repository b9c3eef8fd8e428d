"""What a tile reads from and writes to buffers: the accesses that cost energy and port cycles."""

from __future__ import annotations

from dataclasses import replace

from accelsim.mapping.plan import STREAM, Binding, is_carried, made_axes, read_axes, result_axes
from accelsim.sim.lower.amounts import axis_atoms, live_tiles, tile_words
from accelsim.sim.lower.compute import PhaseDraft
from accelsim.sim.lower.draft import Access, Amount
from accelsim.sim.lower.nest import ALL
from accelsim.sim.lower.passes import same_pass


def accesses(phase: PhaseDraft, number: int, binding: Binding) -> tuple[Access, ...]:
    """Return the buffer accesses of one tile of an Einsum.

    Each operand is read once from the buffer that holds it, unless the same unit has made it in the
    same tile and pass; the running state once per unit and tile. A result is written if it is held.
    What is not held, or streams, passes between bus and array through a FIFO: no rows are accessed.
    """
    if binding.id not in phase.accesses:
        phase.accesses[binding.id] = _accesses(phase, number, binding)
    return phase.accesses[binding.id]


def _accesses(phase: PhaseDraft, number: int, binding: Binding) -> tuple[Access, ...]:
    found = [*_reads(phase, number, binding), *_writes(phase, number, binding)]
    block = phase.blocks[number]
    live = live_tiles(phase.plan, block, binding.id, block.still(binding))
    if live == 1:
        return tuple(found)
    return tuple(replace(access, words=access.words.scaled(live)) for access in found if live)


def holder(phase: PhaseDraft, number: int, tensor: str) -> str | None:
    """Return the buffer that holds a tensor in a block, or the one that it shares with a held tensor."""
    if (number, tensor) not in phase.holders:
        block = phase.blocks[number]
        shares = [*phase.plan.spec.share, *block.block.share]
        together = next((names for names in shares if tensor in names), [tensor])
        places = (block.hold.get(name) for name in together)
        kept = (place.buffer for place in places if place is not None and place.loop != STREAM)
        phase.holders[number, tensor] = next(kept, None)
    return phase.holders[number, tensor]


def _reads(phase: PhaseDraft, number: int, binding: Binding) -> list[Access]:
    block, plan = phase.blocks[number], phase.plan
    found: list[Access] = []
    seen: set[str] = set()
    for read in binding.equation.reads:
        buffer = holder(phase, number, read.tensor)
        if read.tensor in seen or buffer is None:
            continue
        makers = phase.makers(read.tensor)
        local = False
        for other, maker in makers:
            digits = phase.digits(number, read, other, maker)
            carried = any(d.back for d in digits.values())
            same_unit = maker.bind.unit == binding.bind.unit
            if carried and same_unit and _read_before(block.bindings, binding, read.tensor):
                local = True
            if other == number and same_unit and not carried:
                local = local or same_pass(plan.cascade, maker.id, binding.id)
        if local:
            continue
        seen.add(read.tensor)
        axes = read_axes(plan.sizes, read)
        if makers and is_carried(plan.cascade, read.tensor):
            axes = result_axes(plan.sizes, makers[0][1].equation)
        words = tile_words(block, axes, binding)
        found.append(Access(buffer=buffer, action="read", tensor=read.tensor, words=words))
    return found


def _read_before(bindings: tuple[Binding, ...], binding: Binding, tensor: str) -> bool:
    """Return whether an Einsum listed earlier on the same unit has read the state in this tile."""
    for other in bindings:
        if other.id == binding.id:
            return False
        if other.bind.unit == binding.bind.unit and any(
            r.tensor == tensor for r in other.equation.reads
        ):
            return True
    return False


def _writes(phase: PhaseDraft, number: int, binding: Binding) -> list[Access]:
    block, plan = phase.blocks[number], phase.plan
    tensor = binding.equation.tensor
    buffer = holder(phase, number, tensor)
    if buffer is None:
        return []
    axes = made_axes(block, plan.sizes, binding.equation)
    words = tile_words(block, axes, binding)
    site = phase.sites[number][binding.id]
    walked = {*axis_atoms(block, axes), *block.space.leading}
    levels = site.nest.levels
    reduced = [
        p for p, level in enumerate(levels) if site.at[p] == ALL and level.name not in walked
    ]
    reduced = [p for p in reduced if is_carried(plan.cascade, tensor) != levels[p].name]
    inside = reduced and any(
        level.name in walked and level.count > 1 for level in levels[reduced[0] + 1 :]
    )
    summed = set(block.space.atoms(binding.equation.reduce_coords))
    leaves = bool(summed & set(binding.lanes))  # a sum across the array leaves it at once
    if not reduced:
        return [Access(buffer=buffer, action="write", tensor=tensor, words=words)]
    if not inside and not leaves:  # the sum stays in the array until it is done
        last = tuple((levels[p].name, "last") for p in reduced)
        return [Access(buffer=buffer, action="write", tensor=tensor, words=words.only_at(last))]
    first = tuple((levels[p].name, "first") for p in reduced)
    begun = words.only_at(first)
    again = Amount(
        edges=tuple(dict.fromkeys((*words.edges, *begun.edges))),
        value=lambda at: words.at(at) - begun.at(at),
    )
    return [
        Access(buffer=buffer, action="write", tensor=tensor, words=words),
        Access(buffer=buffer, action="read", tensor=tensor, words=again),
    ]
