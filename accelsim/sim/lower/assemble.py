"""Assembles drafts to a program: program order, ticks, queues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from accelsim.mapping.plan import BlockPlan, Plan
from accelsim.replay.exact import apply, fraction
from accelsim.sim.lower.accesses import accesses
from accelsim.sim.lower.compute import PhaseDraft, draft_compute
from accelsim.sim.lower.draft import Draft, classes, finish
from accelsim.sim.lower.movement import draft_movement
from accelsim.sim.lower.nest import Classes, Edge
from accelsim.sim.lower.parts import split
from accelsim.sim.lower.ports import draft_ports
from accelsim.sim.program import Loop, Phase, Pool, Program, Queue

MAX_TICKS = 4096


@dataclass(frozen=True, kw_only=True)
class Lowered:
    """A program with the drafts behind its tasks, phase by phase, and the classes of each task."""

    plan: Plan
    program: Program
    phases: tuple[PhaseDraft, ...]
    classes: tuple[tuple[Classes, ...], ...]


def lower(plan: Plan) -> Lowered:
    """Return the program of a plan. Raises InfeasibleError for what cannot be sequenced."""
    groups = [plan.blocks] if plan.spec.outer else [(block,) for block in plan.blocks]
    phases = [draft_compute(plan, group) for group in groups]
    for number, phase in enumerate(phases):
        later = frozenset(t for p in phases[number + 1 :] for t in _read(p.blocks))
        draft_movement(phase, later)
        draft_ports(phase)
        phase.drafts = split(phase.drafts)
    ticks = _ticks(phases)
    built = [_phase(phase, ticks) for phase in phases]
    return Lowered(
        plan=plan,
        program=Program(phases=tuple(p for p, _ in built), ticks_per_cycle=ticks),
        phases=tuple(phases),
        classes=tuple(c for _, c in built),
    )


def _read(blocks: Iterable[BlockPlan]) -> set[str]:
    return {r.tensor for block in blocks for b in block.bindings for r in b.equation.reads}


def _ticks(phases: list[PhaseDraft]) -> int:
    """Return the least power of two that makes whole-tile transfers exact, at most 4096."""
    parts = [
        (fraction(draft.moved.whole) / draft.rate).denominator
        for phase in phases
        for draft in phase.drafts
        if draft.kind != "access" and draft.moved is not None
        if draft.tensor not in phase.plan.spilled
    ]
    ticks: int = apply(_least_power, tuple(parts))
    return ticks


def _least_power(parts: tuple[int, ...]) -> int:
    """Return the least power of two, at most MAX_TICKS, that all parts divide."""
    ticks = 1
    while ticks < MAX_TICKS and any(ticks % part for part in parts):
        ticks *= 2
    return ticks


def _phase(phase: PhaseDraft, ticks: int) -> tuple[Phase, tuple[Classes, ...]]:
    drafts = phase.drafts
    numbers = {draft: number for number, draft in enumerate(drafts)}
    pools = {name: n for n, name in enumerate(_pool_names(drafts))}
    extra = [_counted_edges(phase, draft) for draft in drafts]
    groups = tuple(classes(d, e) for d, e in zip(drafts, extra, strict=True))
    resources = tuple(dict.fromkeys(draft.resource for draft in drafts))
    members: dict[str, list[Draft]] = {}
    for draft in drafts:
        members.setdefault(draft.queue, []).append(draft)
    places = {queue: place for place, queue in enumerate(members)}
    nest = phase.nests[0]
    holds = {t: place.buffer for block in phase.blocks for t, place in block.hold.items()}
    built = Phase(
        name=" + ".join(b.id for block in phase.blocks for b in block.bindings),
        loops=tuple(Loop(name=x.name, count=x.count) for x in nest.levels[: nest.outer]),
        resources=resources,
        queues=tuple(
            Queue(name=queue, resource=resources.index(of[-1].resource), body=_body(of, numbers))
            for queue, of in members.items()
        ),
        tasks=tuple(
            finish(draft, group, places[draft.queue], numbers, pools, ticks)
            for draft, group in zip(drafts, groups, strict=True)
        ),
        pools=tuple(Pool(name=name, buffer=holds[name]) for name in pools),
    )
    return built, groups


def _counted_edges(phase: PhaseDraft, draft: Draft) -> tuple[Edge, ...]:
    """Return the edges that tell the instances of a compute task apart in lanes, points or accesses."""
    if draft.kind != "compute":
        return ()
    block = phase.blocks[draft.block]
    binding = block.binding(draft.einsum)
    assert binding is not None
    amounts = [amount for amount in (draft.lanes, draft.points) if amount is not None]
    amounts += [a.words for a in accesses(phase, draft.block, binding)]
    return tuple(edge for amount in amounts for edge in amount.edges)


def _pool_names(drafts: list[Draft]) -> list[str]:
    return list(dict.fromkeys(name for d in drafts for name, _ in (*d.takes, *d.gives)))


def _body(drafts: list[Draft], numbers: dict[Draft, int]) -> tuple[tuple[int, int], ...]:
    """Return the items of one slot: a block's tiles in order, blocks of one stage one after another.

    Blocks of different stages work on different iterations and are merged in proportion; of items at
    the same proportion the one of the later stage (the older iteration) goes first: it frees what the
    other needs.
    """
    if len(drafts) == 1 and drafts[0].site.nest.inner == 1:
        return ((numbers[drafts[0]], 0),)
    items: list[tuple[Fraction, int, int, tuple[int, int]]] = []
    together = len({draft.block for draft in drafts}) == 1
    for stage in dict.fromkeys(0 if together else draft.shift for draft in drafts):
        mine = [d for d in drafts if together or d.shift == stage]
        listed = [
            (numbers[draft], k)
            for block in dict.fromkeys(draft.block for draft in mine)
            for draft, k in _tiles([d for d in mine if d.block == block])
        ]
        for place, item in enumerate(listed):
            share = Fraction(2 * place + 1, 2 * len(listed))
            items.append((share, -stage, place, item))
    return tuple(item for *_, item in sorted(items))


def _tiles(drafts: list[Draft]) -> list[tuple[Draft, int]]:
    """Return the tiles of one block in its loop order, the Einsums of a tile in program order."""
    ordered = [(d, frozenset(d.site.active)) for d in sorted(drafts, key=lambda d: d.order)]
    return [
        (d, k) for k in range(drafts[0].site.nest.inner) for d, active in ordered if k in active
    ]


__all__ = ["Lowered", "lower"]
