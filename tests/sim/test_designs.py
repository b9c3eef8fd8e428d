"""Every shipped design: the jump kernel equals the reference, and the closed forms come out.

The closed forms are those of FuseMax (MICRO 2024) as reference/fusemax.md, section 3, has them, for
numbers other than the paper's. ``N`` is the side of the arrays, ``T`` the tiles of the scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pytest

from accelsim.api import Job, Run
from accelsim.mapping import Workload
from accelsim.sim import jump, reference
from accelsim.sim.lower import lower
from accelsim.sim.measure import measure

FAMILIES = ("fusemax", "fusemax_serial", "flat", "flat_1pass", "unfused")
TWINS = tuple(f"{name}_micro24" for name in FAMILIES)


def side(n: int, **more: Any) -> dict[str, Any]:
    """The overrides for arrays of n x n and n lanes; ``DRAM__bandwidth`` stands for DRAM.bandwidth."""
    found: dict[str, Any] = {"PE2D.rows": n, "PE2D.cols": n, "PE1D.lanes": n}
    return found | {key.replace("__", "."): value for key, value in more.items()}


def runs(
    design: str,
    seq: int,
    ranks: dict[str, int],
    arch_set: dict[str, Any] | None = None,
    *,
    mapping: str | None = None,
    scope: str = "attention",
) -> list[Run]:
    job = Job.of(design, arch_set=arch_set, mapping=mapping)
    stages = Workload.load("bert", seq, ranks).stages
    return [job.run(s) for s in stages if scope == "layer" or s.scope == scope]


# -- jump == reference -------------------------------------------------------------------------

SHAPES: dict[str, tuple[int, dict[str, int], dict[str, Any]]] = {
    "short": (512, {"B": 2, "H": 2}, {}),
    "plain": (2048, {"B": 1, "H": 2}, {}),
    "ragged": (1000, {"B": 1, "H": 2}, {}),
    "odd ranks": (1000, {"B": 2, "H": 1, "E": 80, "F": 80}, {}),
    "E not F": (1024, {"B": 1, "H": 1, "E": 48, "F": 96}, {}),
    "side 96": (768, {"B": 2, "H": 1}, side(96)),
    "side 96 ragged": (1000, {"B": 1, "H": 2}, side(96)),
    "side 128, slow bus": (
        1024, {"B": 2, "H": 1, "E": 128, "F": 128}, side(128, DRAM__bandwidth="40 GiB/s")
    ),
    "other slots": (
        1024, {"B": 1, "H": 2}, {"PE1D.ops.exp": 3, "PE1D.ops.max": 2, "PE1D.ops.div": 5}
    ),
    "small buffer": (1024, {"B": 1, "H": 2}, {"GLB.size": "700 KiB"}),
}  # fmt: skip


def assert_same(run: Run) -> None:
    statistics = jump.Statistics()
    fast = jump.run(run.lowered.program, statistics)
    slow = reference.run(run.lowered.program)
    assert fast == slow  # ticks, instances, busy, stalls, peaks and integrals
    name, mapping = run.activity.design, run.activity.mapping
    assert measure(run.lowered, slow, name, mapping) == run.activity


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("design", (*FAMILIES, *TWINS))
def test_jump_is_the_reference(design: str, shape: str) -> None:
    seq, ranks, arch_set = SHAPES[shape]
    for run in runs(design, seq, ranks, arch_set):
        assert_same(run)


@pytest.mark.parametrize("design", (*FAMILIES, *TWINS))
def test_jump_is_the_reference_on_layers(design: str) -> None:
    ranks = {"B": 1, "H": 2, "D": 96, "S": 400}
    found = runs(design, 1000, ranks, scope="layer")
    assert [run.stage.name for run in found] == ["q", "k", "v", "attention", "out", "ffn1", "ffn2"]
    for run in found:
        assert_same(run)


@pytest.mark.parametrize("design", (*FAMILIES, *TWINS))
def test_jump_jumps(design: str) -> None:
    """Else the tests above compare the reference with itself."""
    statistics = jump.Statistics()
    (run,) = runs(design, 2048, {"B": 4, "H": 4})
    fast = jump.run(run.lowered.program, statistics)
    assert statistics.repeats + statistics.recalls > 0
    assert fast == reference.run(run.lowered.program)


@pytest.mark.campaign
@pytest.mark.parametrize("seq", [256, 700, 1024, 1536, 2000, 4096])
@pytest.mark.parametrize("arch", [{}, side(96), side(128), side(64, DRAM__bandwidth="30 GiB/s")])
@pytest.mark.parametrize("design", (*FAMILIES, *TWINS))
def test_campaign(design: str, arch: dict[str, Any], seq: int) -> None:
    for dim in (32, 64):
        ranks = {"B": 2, "H": 2, "E": dim, "F": dim, "D": 100, "S": 300}
        if design.startswith("flat_1pass") and seq <= arch.get("PE2D.rows", 256) * 2:
            continue  # deadlocks: see test_flat_1pass_needs_more_tiles
        for run in runs(design, seq, ranks, arch, scope="layer"):
            assert_same(run)
