"""The whole of a small space: every assignment, loop order, program order and stage, without guessing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations, product

from accelsim.arch import Lacking
from accelsim.errors import InfeasibleError
from accelsim.mapping import Problem
from accelsim.mapping.auto import STYLES, Case, Draft, Schedule
from accelsim.mapping.auto.mapper import Nested
from accelsim.mapping.binding import unit_ops

STAGES = 1  # the deepest stage that is looked at
SPACE = (
    "Einsums in one nest or in nests of their own, every array that can do an Einsum, every order of the"
    f" loops of a nest, every program order on each array, every stage up to {STAGES}; tiles and what is"
    " held follow from these by rule"
)


def all_drafts(problem: Problem) -> Iterator[Draft]:
    """Yield every structure of the space, each once."""
    seen: set[object] = set()
    arrays = problem.arch.arrays
    able = [
        [(e.id, u) for u in arrays if not isinstance(unit_ops(e, problem.arch, u), Lacking)]
        for e in problem.cascade.equations
    ]
    styles = [STYLES[0], next(style for style in STYLES if not style.fuse)]
    for style, units in product(styles, product(*able)):
        try:
            base = Draft.of(Case.of(problem, replace(style, units=units)))
        except InfeasibleError:
            continue
        for nests in product(*(list(_turned(nest)) for nest in base.nests)):
            draft = replace(base, nests=nests)
            if draft.shape not in seen:
                seen.add(draft.shape)
                yield draft


def _turned(nest: Nested) -> Iterator[Nested]:
    for loops in permutations(nest.frame.loops):
        yield replace(nest, frame=replace(nest.frame, loops=loops))


def all_schedules(draft: Draft) -> Iterator[Sequence[Schedule]]:
    """Yield every schedule of a structure: orders on each array, and stages."""
    yield from product(*(list(_schedules(nest)) for nest in draft.nests))


def _schedules(nest: Nested) -> Iterator[Schedule]:
    units = list(dict.fromkeys(item.unit for item in nest.items))
    mine = [[item.id for item in nest.items if item.unit == unit] for unit in units]
    names = [item.id for item in nest.items]
    for orders in product(*(permutations(ids) for ids in mine)):
        order = tuple(name for ids in orders for name in ids)
        for stages in product(range(STAGES + 1), repeat=len(names)):
            yield Schedule(order=order, stage=dict(zip(names, stages, strict=True)))
