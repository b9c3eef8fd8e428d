"""The graph that a schedule is made for: the tiles of a nest, and who waits for whom how long."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from accelsim.explore.mapper.operation import Arc, Operation
from accelsim.mapping.plan import result_axes
from accelsim.sim.lower.amounts import tile_words
from accelsim.sim.lower.compute import PhaseDraft, needs
from accelsim.sim.lower.draft import Draft, DraftWait
from accelsim.sim.lower.nest import ALL, LAST


def operations(phase: PhaseDraft) -> list[Operation]:
    """Return the Einsums of a phase; those that do not run in most tiles take no time of a slot."""
    return [
        Operation(
            name=draft.einsum,
            unit=draft.resource,
            cycles=max(1, draft.cycles) if _is_frequent(draft) else 0,
        )
        for draft in phase.compute.values()
    ]


def arcs(phase: PhaseDraft) -> list[Arc]:
    """Return what the Einsums of a phase wait for, in cycles from start to start and tiles back."""
    found: dict[tuple[str, str, int], Arc] = {}
    ports = {
        draft.einsum: max((w.lag for w in draft.waits if w.cause == "port"), default=Fraction(0))
        for draft in phase.drafts
        if draft.kind == "compute"
    }
    for number, block in enumerate(phase.blocks):
        for binding in block.bindings:
            consumer = phase.compute[binding.id]
            for wait, _ in needs(phase, number, binding):
                lag = Fraction(wait.lag) + ports[binding.id]
                if wait.anchor == "end":
                    lag += max(1, wait.producer.cycles)
                distance = _distance(consumer, wait)
                arc = Arc(
                    producer=wait.producer.einsum,
                    consumer=binding.id,
                    lag=ceil(lag),
                    distance=distance,
                    weight=_words(phase, wait.producer),
                )
                key = (arc.producer, arc.consumer, distance)
                if key not in found or found[key].lag < arc.lag:
                    found[key] = arc
    return list(found.values())


def _words(phase: PhaseDraft, producer: Draft) -> int:
    """Return the words of a tile of what an Einsum makes."""
    block = phase.blocks[producer.block]
    binding = block.binding(producer.einsum)
    assert binding is not None
    axes = result_axes(phase.plan.sizes, binding.equation)
    return int(tile_words(block, axes).whole)


def _is_frequent(draft: Draft) -> bool:
    """Whether an Einsum runs in every tile, or in every other at least."""
    levels = zip(draft.site.nest.levels, draft.site.at, strict=True)
    return all(at == ALL or level.count < 2 for level, at in levels)


def _distance(consumer: Draft, wait: DraftWait) -> int:
    """Return the fewest tiles that a wait goes back: over all iterations in which the consumer runs."""
    nest = consumer.site.nest
    least = -wait.need.offset
    for place, level in enumerate(nest.levels):
        step = nest.strides[place] - wait.need.strides[place]
        at = consumer.site.at[place]
        if at == LAST:
            least += step * (level.count - 1)
        elif at == ALL:
            least += min(0, step * (level.count - 1))
    return least
