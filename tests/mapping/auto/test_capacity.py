"""No buffer ever holds more than it has room for, whatever a mask makes of first and last uses."""

import pytest

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.errors import InfeasibleError
from accelsim.job import Job
from accelsim.mapping import Problem, auto
from accelsim.sim import jump
from accelsim.sim.lower import lower
from accelsim.sim.measure import measure
from accelsim.specs import names

SMALL = {"PE2D.rows": 16, "PE2D.cols": 16, "PE1D.lanes": 16, "GLB.size": "256 KiB"}
TOKENS = 600  # over 30 tiles of 16: a mask leaves out many
HEAD = {"E": 8, "F": 8, "H": 4, "G": 2, "D": 6}
MASKED = ["attention_causal", "attention_1pass_causal", "flash_attention2"]
WINDOWED = ["sliding_window", "streaming_sink"]


def fits(activity):
    for use in activity.buffers:
        assert use.peak_bytes <= use.charged_bytes <= use.capacity_bytes, use
        assert use.peak_bytes <= sum(use.by_tensor.values()), use
        assert max(use.by_tensor.values(), default=0) <= use.peak_bytes, use


SLICED = ["rope"]  # two Einsums make a slice each of one tensor


@pytest.mark.parametrize("name", MASKED + WINDOWED + SLICED)
def test_under_masks_every_candidate_keeps_to_its_buffers(name):
    cascade = Cascade.load(name)
    sizes = {**dict.fromkeys(("P", "M", "N"), TOKENS), **HEAD, "W": 100, "S": 4}
    problem = Problem(
        cascade=cascade,
        arch=Architecture.load("fusemax", SMALL),
        ranks={n: sizes[n] for n in cascade.shape_names},
        leading={"b": 2},
    )
    done = 0
    for mapping in list(auto.candidates(problem))[:4]:
        try:
            lowered = lower(mapping.plan(problem))
        except InfeasibleError:  # too large for these buffers: said, not run
            continue
        fits(measure(lowered, jump.run(lowered.program), "", mapping.name))
        done += 1
    assert done


@pytest.mark.parametrize("shared", [frozenset(), frozenset({"K", "V"})])
def test_leading_ranks_inside_a_held_tile_are_paid_for(shared):
    cascade = Cascade.load("attention_1pass")
    problem = Problem(
        cascade=cascade,
        arch=Architecture.load("fusemax", {**SMALL, "GLB.size": "1 MiB"}),
        ranks={"P": 256, "M": 256, "E": 8, "F": 8},
        leading={"b": 2, "h": 6},
        shared=shared,
    )
    style = auto.Style(name="heads", back=2, inner=("h",), params=(("M0", "PE2D.rows"),))
    plan = auto.Draft.of(auto.Case.of(problem, style)).mapping().plan(problem)
    lowered = lower(plan)
    activity = measure(lowered, jump.run(lowered.program), "", "")
    fits(activity)
    glb = next(use for use in activity.buffers if use.name == "GLB")
    # A strip of queries is there twice and its states once, for each of the six heads.
    strip = 6 * plan.blocks[0].count("p1") * 16 * 8 * 2
    assert glb.by_tensor["RNV"] == strip
    assert glb.by_tensor["Q"] == 2 * strip
    assert glb.peak_bytes <= glb.charged_bytes


@pytest.mark.campaign
@pytest.mark.parametrize("arch", ["fusemax", "flat"])
@pytest.mark.parametrize("name", names("cascade"))
def test_every_cascade_at_64k(name, arch):
    job = Job.of(cascade=name, arch=arch)
    fits(job.run(job.load(None, 1 << 16).stage_of(job.cascade)).activity)
