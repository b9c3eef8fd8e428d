"""A mask that is a union of conditions: a task for each part, and no tile without a point."""

from __future__ import annotations

import pytest

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.errors import InfeasibleError
from accelsim.mapping import Problem, auto
from accelsim.mapping.masks import masks_of, parts_of
from accelsim.sim import jump, reference
from accelsim.sim.lower import Lowered, lower
from accelsim.sim.measure import measure

SMALL = {"PE2D.rows": 16, "PE2D.cols": 16, "PE1D.lanes": 16, "GLB.size": "256 KiB"}
TEXT = """
in Q[N,E]; K[N,E]; V[N,F]
out AV[N,F]
param W = 3; glob = 2
S[n,m] = Q[n,e] * K[m,e] where (m-n <= W and n-m <= W) or n < glob or m < glob :: +(e)
A[n,m] = softmax{m}(S[n,m])
AV[n,f] = A[n,m] * V[m,f] :: +(m)
"""


def problem(tokens: int, window: int) -> Problem:
    return Problem(
        cascade=Cascade.parse(TEXT),
        arch=Architecture.load("fusemax", SMALL),
        ranks={"N": tokens, "E": 8, "F": 8, "W": window, "glob": 5},
        leading={"b": 2},
    )


def fine(tokens: int, window: int = 20) -> Lowered:
    """Tiles of one array: the style that keeps no rows in the buffer."""
    mine = problem(tokens, window)
    style = next(s for s in auto.styles(mine) if s.name == "split")
    return lower(auto.Draft.of(auto.Case.of(mine, style)).mapping().plan(mine))


def test_parts_of_a_union() -> None:
    mine = problem(100, 20)
    sizes = mine.cascade.sizes(**mine.ranks)
    assert masks_of(mine.cascade, sizes)["S"] == ()
    parts = parts_of(mine.cascade, sizes)
    assert [len(parts[e]) for e in ("S", "A__SN", "AV")] == [3, 3, 3]
    # One side that holds everywhere leaves no condition.
    everywhere = mine.cascade.sizes(**{**mine.ranks, "glob": 100})
    assert parts_of(mine.cascade, everywhere)["S"] == ()


def test_runs_where_there_is_a_point_and_nowhere_else() -> None:
    tokens = 330
    lowered = fine(tokens)
    phase = next(p for p in lowered.phases if any(d.einsum == "S" for d in p.drafts))
    tasks = [n for n, d in enumerate(phase.drafts) if (d.einsum, d.kind) == ("S", "compute")]
    assert len(tasks) > 1
    done = jump.run(lowered.program).phases[lowered.phases.index(phase)]
    side = 16
    tiles = {
        (n // side, m // side)
        for n in range(tokens)
        for m in range(tokens)
        if abs(n - m) <= 20 or n < 5 or m < 5
    }
    assert sum(sum(done.instances[n]) for n in tasks) == 2 * len(tiles)


@pytest.mark.parametrize("tokens", [150, 400])
def test_both_kernels_agree_and_buffers_hold(tokens: int) -> None:
    ran = 0
    for mapping in list(auto.candidates(problem(tokens, 20)))[:4]:
        try:
            lowered = lower(mapping.plan(problem(tokens, 20)))
        except InfeasibleError:
            continue
        outcome = jump.run(lowered.program)
        assert outcome == reference.run(lowered.program)
        activity = measure(lowered, outcome, "", mapping.name)
        for use in activity.buffers:
            assert use.peak_bytes <= use.charged_bytes <= use.capacity_bytes
        ran += 1
    assert ran
