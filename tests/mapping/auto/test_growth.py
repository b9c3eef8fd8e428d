"""Cycles and buffers follow what the algorithm says of itself: linear, quadratic, constant state."""

import pytest

from accelsim.job import Job
from accelsim.mapping import Problem, auto
from accelsim.sim import jump
from accelsim.sim.lower import lower
from accelsim.specs import names

LINEAR = ["deltanet", "linear_decay", "mamba2", "titans", "attention_gate"]
WINDOWED = ["longformer", "streaming_sink"]
QUADRATIC = ["attention_1pass", "sigmoid_attention"]


def ran(cascade, arch, tokens):
    job = Job.of(cascade=cascade, arch=arch, mapping="auto")
    load = job.load(None, tokens)
    return job.run(job.stages(load, "attention")[0]).activity


def growth(cascade, arch):
    few, many = ran(cascade, arch, 1 << 16), ran(cascade, arch, 1 << 20)
    times = (many.ticks / many.ticks_per_cycle) / (few.ticks / few.ticks_per_cycle)
    return times / 16, few, many


@pytest.mark.parametrize("cascade", LINEAR)
def test_linear_in_the_tokens(cascade):
    times, few, many = growth(cascade, "fusemax")
    assert 0.9 < times < 1.1
    for small, large in zip(few.buffers, many.buffers, strict=True):
        assert large.peak_bytes <= 1.1 * small.peak_bytes + 4096  # a state, whatever the length


@pytest.mark.parametrize("cascade", WINDOWED)
def test_windows_are_linear_in_the_tokens(cascade):
    times, _, many = growth(cascade, "fusemax")
    assert 0.8 < times < 1.15  # the tiles chosen differ
    for use in many.buffers:
        assert use.peak_bytes <= use.capacity_bytes


@pytest.mark.parametrize("cascade", QUADRATIC)
def test_quadratic_in_the_tokens(cascade):
    times, _, many = growth(cascade, "fusemax")
    assert 0.9 * 16 < times < 1.1 * 16
    for use in many.buffers:
        assert use.peak_bytes <= use.capacity_bytes


def test_one_pass_keeps_no_row_and_three_passes_move_it():
    """A row of M scores stays on chip or goes through the memory; one pass needs neither."""
    one, three = (
        ran("attention_1pass", "fusemax", 1 << 16),
        ran("attention_3pass", "fusemax", 1 << 16),
    )
    scores = 2 * 64 * 12 * (1 << 32)  # bytes of all of them
    assert sum(t.bytes for t in one.transfers) < scores / 100
    assert sum(t.bytes for t in three.transfers) >= 2 * scores


@pytest.mark.campaign
@pytest.mark.parametrize("arch", ["fusemax", "flat"])
@pytest.mark.parametrize("cascade", [n for n in names("cascade") if n != "matmul"])
@pytest.mark.parametrize("tokens", [None, 1 << 16, 1 << 20])
def test_every_cascade_at_any_length(cascade, tokens, arch):
    done = ran(cascade, arch, tokens)
    assert done.ticks > 0
    for use in done.buffers:
        assert use.peak_bytes <= use.capacity_bytes


def test_the_choice_is_the_same_each_time_and_bounded():
    """Effort, not the clock, ends the search."""
    job = Job.of(cascade="linear_attention", arch="fusemax", mapping="auto")
    load = job.load(None, 1024)
    stage = job.stages(load, "attention")[0]
    assert job.run(stage).mapping.name == job.run(stage).mapping.name
    problem = Problem(cascade=job.cascade, arch=job.arch, ranks=stage.ranks, leading=stage.leading)
    program = lower(next(auto.candidates(problem)).plan(problem)).program
    with pytest.raises(jump.IrregularError, match="more than 3 steps"):
        jump.run(program, limit=3)
