"""Every cascade at small sizes, on every candidate: two kernels agree, and what must move moves once.

The machine is the shipped one with small arrays and a small buffer, so that every rank is cut.
"""

from __future__ import annotations

import random
from math import prod

import pytest

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.cascade.count import counted
from accelsim.mapping import Problem, auto
from accelsim.sim import jump, reference
from accelsim.sim.lower import lower
from accelsim.sim.measure import measure
from accelsim.specs import names
from tests.conftest import CAMPAIGN

SIZES = {
    "P": 70, "M": 90, "N": 80, "E": 8, "F": 8, "H": 4, "G": 2, "D": 6, "C": 3, "L": 4, "W": 3,
    "A": 3, "S": 3, "T": 5, "HI": 8, "WI": 6, "X": 5, "I": 3, "J": 3, "K": 8, "TAPS": 9, "SS": 4,
    "HS": 1, "Z": 2, "B": 3, "R": 3,
}  # fmt: skip
SMALL = {"PE2D.rows": 16, "PE2D.cols": 16, "PE1D.lanes": 16, "GLB.size": "64 KiB"}
BATCH = 2
CASCADES = names("cascade")
SAMPLE = sorted(random.Random(13).sample(CASCADES, 8))  # in every run; all of them in campaigns


def problem(name: str, arch: str, changes: dict[str, object] | None = None) -> Problem:
    cascade = Cascade.load(name)
    coords = cascade.block.coords
    return Problem(
        cascade=cascade,
        arch=Architecture.load(arch, changes),
        ranks={shape: SIZES[shape] for shape in cascade.shape_names},
        leading={"b" if "b" not in coords else "batch": BATCH},
    )


def checked(case: Problem, number: int) -> None:
    """Run one of the candidates (by number) on both kernels and account for what it did."""
    found = list(auto.candidates(case))
    mapping = found[number % len(found)]
    lowered = lower(mapping.plan(case))
    outcome = jump.run(lowered.program)
    assert outcome == reference.run(lowered.program)
    done = measure(lowered, outcome, "", mapping.name)
    plan, word = lowered.plan, lowered.plan.word_bytes
    moved = {(t.direction, t.tensor): t.bytes for t in done.transfers}
    live = {e.id: plan.presence.share(e.id) for e in case.cascade.equations}
    readers = [(e, r) for e in case.cascade.equations for r in e.reads]
    for tensor in case.cascade.outputs:
        size = prod(plan.sizes.outputs[tensor.name]) * word * BATCH
        makers = [e for e in case.cascade.equations if e.tensor == tensor.name]
        if all(set(e.left_coords) <= set(e.coords) and live[e.id] == 1 for e in makers):
            assert moved["write", tensor.name] == size, tensor.name
        else:  # what is selected: no more than there is, and something
            assert 0 < moved["write", tensor.name] <= size, tensor.name
    for tensor in case.cascade.inputs:
        mine = [(e, r) for e, r in readers if r.tensor == tensor.name]
        size = prod(plan.sizes.shapes[tensor.name]) * word * BATCH
        if mine and all(not r.gathered_axes and live[e.id] == 1 for e, r in mine):
            assert moved["read", tensor.name] >= size, tensor.name
        elif mine:
            assert moved["read", tensor.name] > 0, tensor.name
    for use in done.buffers:
        assert use.peak_bytes <= use.charged_bytes <= use.capacity_bytes, use.name
    operations(case, plan, done.ops)


def operations(case: Problem, plan, done: dict[str, int]) -> None:
    """Divisions and exponentials are as many as the cascade's own count says, where data decide none."""
    count = counted(case.cascade, dict(case.ranks))
    bindings = [b for block in plan.blocks for b in block.bindings]
    if not count.exact_for_all_data or any(b.ops.expanded for b in bindings):
        return
    quiet = any(b.bind.only_with for b in bindings)
    for kind in {"exp", "div"} & set(count.operations):
        wanted = count.operations[kind] * BATCH
        assert done[kind] <= wanted if quiet else done[kind] == wanted, kind


@pytest.mark.parametrize("name", CASCADES if CAMPAIGN else SAMPLE)
def test_kernels_agree_and_traffic_is_whole(name: str) -> None:
    checked(problem(name, "fusemax"), CASCADES.index(name))


@pytest.mark.campaign
@pytest.mark.parametrize("arch", ["fusemax", "flat"])
@pytest.mark.parametrize("changes", [{}, SMALL], ids=["shipped", "small"])
@pytest.mark.parametrize("name", CASCADES)
def test_every_candidate(name: str, changes: dict[str, object], arch: str) -> None:
    case = problem(name, arch, changes)
    for number in range(len(list(auto.candidates(case)))):
        checked(case, number)


@pytest.mark.parametrize("name", SAMPLE[::3])
def test_small_machines(name: str) -> None:
    """On small arrays every rank is cut: time inside the tile, ragged edges, tight buffers."""
    checked(problem(name, "fusemax", SMALL), 0)
