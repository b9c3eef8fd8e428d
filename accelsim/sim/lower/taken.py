"""Einsums that take loops at once: what lowering asks of the tiles that they read and make."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from accelsim.errors import InfeasibleError
from accelsim.mapping.plan import STREAM, Binding, BlockPlan
from accelsim.sim.lower.nest import ALL, LAST, Site


def later_by(block: BlockPlan, binding: Binding) -> int:
    """Return by how many slots an Einsum that takes loops at once is later than for their first tile."""
    found = 0
    for loop in block.taken(binding):
        inside = block.loops[block.loops.index(loop) + 1 :]
        found += (block.count(loop) - 1) * prod(block.count(each) for each in inside)
    return found


def runs_after(producer: Site, consumer: Site) -> bool:
    """Return whether a producer runs in the last iteration of a loop of which a consumer has all."""
    both = zip(producer.at, consumer.at, strict=True)
    return any(made == LAST and read == ALL for made, read in both)


def check_taken(block: BlockPlan, sites: Mapping[str, Site], from_dram: frozenset[str]) -> None:
    """Raise InfeasibleError where tiles of several iterations do not wait together for one task."""
    for binding in block.bindings:
        for loop in block.taken(binding):
            equation = binding.equation
            for tensor in dict.fromkeys([equation.tensor, *(r.tensor for r in equation.reads)]):
                _check_held(block, binding, loop, tensor, tensor in from_dram)
            makers = [b for b in block.bindings if b.equation.tensor in _read(binding)]
            for each in (binding, *makers):
                if any(plane.coefs.get(loop) for plane in sites[each.id].planes):
                    raise InfeasibleError(
                        f"{binding.id}: loop {loop}, taken at once, must be one that no mask of"
                        f" {each.id} depends on"
                    )
        for name, distance in binding.bind.after.items():
            maker = block.binding(name)
            together = prod(block.count(x) for x in block.taken(maker)) if maker else 1
            if distance % together:
                raise InfeasibleError(
                    f"{binding.id}: after {name} must be a multiple of the {together} tiles that it"
                    f" takes at once, not {distance}"
                )


def _read(binding: Binding) -> set[str]:
    return {read.tensor for read in binding.equation.reads}


def _check_held(
    block: BlockPlan, binding: Binding, loop: str, tensor: str, from_dram: bool
) -> None:
    place = block.hold.get(tensor)
    if place is None and not from_dram:
        return  # in registers, or stored as it is made
    inside = block.loops[block.loops.index(loop) :]
    if place is None or place.loop == STREAM or place.loop in inside:
        found = "not held" if place is None else f"held by {place.loop}"
        raise InfeasibleError(
            f"{binding.id}: {tensor} must be held by a loop outside {loop}, which is taken at once;"
            f" it is {found}"
        )
