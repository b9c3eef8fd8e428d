"""A program that a recording gives, and what it says of a run, are those that lowering and measuring give.

Every point is lowered twice: as it is, and from what was recorded of points of the same structure before it.
"""

import os
from array import array
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.errors import InfeasibleError, SpecError
from accelsim.explore.build import Build
from accelsim.replay import Recording, replayed
from accelsim.replay.exact import Numbers
from accelsim.sim import native, recipes
from accelsim.sim.counters import buffers_of, causes_of
from accelsim.sim.lower import lower
from accelsim.sim.measure import measure
from accelsim.sim.native.encode import encode
from accelsim.sim.prepared import Prepared
from accelsim.sim.program import Outcome, PhaseOutcome
from tests.shares import share

FAMILIES = (  # design, or architecture, cascade and mapping
    "fusemax",
    "fusemax_serial",
    "fusemax_micro24",
    "fusemax_rtl",
    "flat",
    "flat_micro24",
    "flat_1pass",
    "unfused",
    "fusemax attention_1pass_causal fusemax/attention_1pass",
)
FIELDS = {
    "seq": [16, 48, 64, 96, 100, 128, 200, 4096, 5000, 65536],
    "workload.B": [1, 2],
    "workload.H": [1, 2, 3],
    "workload.E": [4, 8, 20, 64],
    "workload.F": [4, 8, 12],
    "arch.PE2D.rows": [4, 8, 12, 16],
    "arch.PE2D.cols": [4, 8, 12, 16],
    "arch.GLB.size": ["1 KiB", "16 KiB", "1 MiB", "16 MiB"],
    "arch.DRAM.bandwidth": ["10 GiB/s", "37 GB/s", "400 GiB/s"],
    "arch.PE1D.ops.exp": [1, 2, 6],
}


SEEN = 60 if os.environ.get("ACCELSIM_CAMPAIGN") else 3
KINDS = ("arch", "cascade", "mapping")


def point(family, values):
    names = family.split()
    found = {"design": family} if len(names) == 1 else dict(zip(KINDS, names, strict=True))
    lanes = max(values["arch.PE2D.rows"], values["arch.PE2D.cols"])
    found |= {"workload": "bert", "arch.PE1D.lanes": lanes} | values
    if family == "fusemax_rtl":  # whose port takes whole words a cycle
        del found["arch.DRAM.bandwidth"]
    return found


@st.composite
def neighbors(draw):
    """Return the settings of a machine and of what it runs, and others that differ in one or two fields.

    Sizes are ragged, buffers tiny: many fit badly, some not at all.
    """
    base = {name: draw(st.sampled_from(values)) for name, values in FIELDS.items()}
    found = [base]
    for _ in range(draw(st.integers(2, 4))):
        names = draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=2))
        found.append(base | {name: draw(st.sampled_from(FIELDS[name])) for name in names})
    return found


def counters(program, seed):
    """Return counters of the right form, of no run: what is measured of them is the same sums."""
    number = Random(seed).randrange
    return Outcome(
        phases=tuple(
            PhaseOutcome(
                ticks=number(1, 10**9),
                instances=tuple(tuple(number(10**4) for _ in t.durations) for t in phase.tasks),
                busy=tuple(number(10**6) for _ in phase.tasks),
                stalls=tuple(stalled(phase, number) for _ in phase.queues),
                pool_peak=tuple(number(10**4) for _ in phase.pools),
                pool_integral=tuple(number(10**9) for _ in phase.pools),
                buffer_peak={pool.buffer: number(10**5) for pool in phase.pools},
                buffer_integral={pool.buffer: number(10**9) for pool in phase.pools},
            )
            for phase in program.phases
        )
    )


def stalled(phase, number):
    """Return for how long a queue stalls, as a kernel tells it: by cause, where it does."""
    ticks = {cause: number(3) for cause in causes_of(phase)}
    return {cause: n for cause, n in ticks.items() if n}


def made(point, how):
    """Return a program for each mapping of a point with what a run did, or why there is none."""
    try:
        build = Build.of(point)
        (stage,) = build.job.stages(build.workload, build.scope)
        mappings, problem = build.job.choices(stage)
        return [how(mapping, problem) for mapping in mappings]
    except (InfeasibleError, SpecError) as error:
        return str(error)


def fresh(mapping, problem):
    lowered = lower(mapping.plan(problem))
    outcome = counters(lowered.program, 1)
    return lowered.program, measure(lowered, outcome, "it", mapping.name)


def again(mapping, problem):
    prepared = Prepared(mapping, problem)
    return prepared.program, prepared.measure(counters(prepared.program, 1), "it")


@pytest.fixture
def eager(monkeypatch):
    """Record whatever has not been."""
    monkeypatch.setattr(recipes, "FREE", 10**6)
    monkeypatch.setattr(recipes, "MOST", 10**6)


def exact(value):
    """Return the text of a value: the kinds of its numbers count too."""
    return repr(value)


@pytest.mark.parametrize("family", share(FAMILIES, 2))
def test_a_program_again_is_the_program(family, eager):
    @settings(max_examples=SEEN, deadline=None)
    @given(neighbors())
    def hold(these):
        for values in these:
            one = point(family, values)
            assert exact(made(one, again)) == exact(made(one, fresh))

    hold()


@pytest.mark.parametrize("family", FAMILIES)
def test_designs_that_decide_alike_are_lowered_once(family, eager, monkeypatch):
    plain = {name: values[1] for name, values in FIELDS.items()} | {"arch.GLB.size": "1 MiB"}
    made(point(family, plain), again)  # the first of a structure is not recorded
    made(point(family, plain | {"workload.B": 3}), again)
    monkeypatch.setattr("accelsim.sim.prepared.lower", None)
    monkeypatch.setattr("accelsim.sim.prepared.measure", None)
    for name, value in (("workload.B", 4), ("workload.H", 7), ("arch.GLB.size", "999 KiB")):
        found = made(point(family, plain | {"workload.B": 3, name: value}), again)
        assert not isinstance(found, str)


def test_a_point_that_cannot_run_is_said_as_without_a_recording(eager):
    fits = {name: values[1] for name, values in FIELDS.items()} | {"arch.GLB.size": "16 MiB"}
    for size in ("16 MiB", "8 MiB", "4 MiB", "8 B"):
        one = point("unfused", fits | {"arch.GLB.size": size})
        assert exact(made(one, again)) == exact(made(one, fresh))
    assert "GLB" in made(one, again)


@pytest.mark.parametrize("family", ["fusemax", "flat", "unfused"])
def test_words_of_a_recording_are_those_of_the_program(family, eager):
    plain = {name: values[1] for name, values in FIELDS.items()} | {"arch.GLB.size": "1 MiB"}
    for batch in (1, 2, 3, 4):
        for prepared in made(point(family, plain | {"workload.B": batch}), Prepared):
            if native.library() is None or not prepared.words:
                continue
            for phase, words in zip(prepared.program.phases, prepared.words, strict=True):
                assert words == encode(phase, causes_of(phase), buffers_of(phase))
    assert native.library() is None or prepared.words


def test_words_that_are_too_large_are_none():
    recording = Recording()
    (number,) = recording.stand_in([3])
    again = recording.function(Numbers([1, number, number * 2], 100))
    assert again([4]) == array("q", [1, 4, 8])
    assert replayed(again, [50]) is None


def test_the_oldest_recordings_go(eager, monkeypatch):
    monkeypatch.setattr(recipes, "IN_ALL", 2)
    recipes.Recipes._all.clear()
    one, other = recipes.Recipes(), recipes.Recipes()
    made = [recipes.Recipe(program=len, causes=()) for _ in range(4)]
    for recipe, where in zip(made, (one, other, one, one), strict=True):
        where.add(recipe)
    assert one.known == [made[3], made[2]]
    assert other.known == []
