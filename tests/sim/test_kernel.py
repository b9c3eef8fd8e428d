"""The kernels against each other, against a literal reading of the rules, and with mutations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from accelsim.errors import DeadlockError
from accelsim.sim import effort, jump, reference
from accelsim.sim import state as state_module
from accelsim.sim.program import Outcome, Phase, Program
from accelsim.sim.state import Snapshot, Step
from accelsim.sim.stepper import Stepper
from accelsim.sim.verify import Verifier
from accelsim.sim.within import Within
from benchmarks.bench_kernel import long_body
from tests.sim.oracle import walk
from tests.sim.programs import random_lookups, random_phase


def outcome_of(kernel: Callable[[Phase], Outcome], phase: Phase) -> Outcome | str:
    try:
        return kernel(phase)
    except DeadlockError as error:
        return str(error)


def compare(
    seeds: range, made: Callable[[int], Phase] = random_phase
) -> tuple[Counter[str], list[int]]:
    """Figures of a campaign, and the seeds at which the kernels differ."""
    count: Counter[str] = Counter()
    different = []
    for seed in seeds:
        phase = made(seed)
        statistics = jump.Statistics()
        right = outcome_of(reference.run, phase)
        mine = outcome_of(lambda p, s=statistics: jump.run_python(p, s), phase)  # type: ignore[misc]
        count["deadlocks"] += isinstance(right, str)
        count["repeated"] += statistics.repeats > 0
        count["recalled"] += statistics.recalls > 0
        count["jumped"] += statistics.repeats + statistics.recalls > 0
        if right != mine:
            different.append(seed)
    return count, different


def test_same_counters_on_random_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "WORTH", 0)  # the programs are small, and so are their steps
    count, different = compare(range(80))
    assert not different
    assert count["jumped"] >= 44  # else the test says little
    assert count["repeated"] >= 36
    assert count["recalled"] >= 32
    assert 2 <= count["deadlocks"] <= 24


def test_same_counters_where_data_decide() -> None:
    count, different = compare(range(50), random_lookups)
    assert not different
    assert count["jumped"] < 40  # what looks up is walked
    assert 2 <= count["deadlocks"] <= 32


@pytest.mark.campaign
def test_campaign() -> None:
    count, different = compare(range(1000, 7000))
    assert not different, count
    assert count["jumped"] >= 3600, count
    _, different = compare(range(1000, 4000), random_lookups)
    assert not different


@pytest.mark.parametrize(("made", "first"), [(random_phase, 20_000), (random_lookups, 30_000)])
def test_reference_is_the_text_read_literally(made: Callable[[int], Phase], first: int) -> None:
    seen = dead = 0
    for seed in range(first, first + 200):
        phase = made(seed)
        if phase.iterations * sum(len(queue.body) for queue in phase.queues) > 1000:
            continue
        right = walk(phase)
        mine = outcome_of(reference.run, phase)
        seen += 1
        if isinstance(mine, str):
            dead += 1
            assert right is None, seed
        else:
            end = mine.phases[0]
            counters = (end.ticks, [list(n) for n in end.instances], list(end.stalls))
            assert counters == right, seed
    assert seen >= 40
    assert dead >= 1


def test_periods_inside_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two slots with thousands of items: the jumps are inside, and the answer is the same."""
    phase = long_body(outer=1, rows=2, inner=3000)
    inside, outside = jump.Statistics(), jump.Statistics()
    assert jump.run_python(phase, inside) == reference.run(phase)
    monkeypatch.setattr(jump, "LONG", 1 << 30)
    jump.run_python(phase, outside)
    assert inside.repeats > outside.repeats == 0
    assert inside.walked < outside.walked * 3 // 4


def test_phases_follow_each_other() -> None:
    phases = [
        p for p in map(random_phase, range(60)) if not isinstance(outcome_of(jump.run, p), str)
    ]
    program = Program(phases=(phases[0], phases[1], phases[0]))
    both = jump.run(program)
    assert both == reference.run(program)
    assert both.ticks == sum(jump.run(p).ticks for p in program.phases)


Mutation = Callable[[pytest.MonkeyPatch], None]


def no_check(patch: pytest.MonkeyPatch) -> None:
    """Steps are taken again without looking at guards and needs."""
    patch.setattr(Verifier, "fits", lambda *_: True)


def one_too_many(patch: pytest.MonkeyPatch) -> None:
    right = Verifier.repeats
    patch.setattr(Verifier, "repeats", lambda self, n, step: (t := right(self, n, step)) + (t > 0))


def lost_stalls(patch: pytest.MonkeyPatch) -> None:
    """The last counter (a stall) is not carried in a jump."""
    right = state_module.apply

    def wrong(
        stepper: Stepper, step: Step, at: Snapshot, shift: int, ref: int, times: int
    ) -> list[int]:
        peaks = right(stepper, step, at, shift, ref, times)
        stepper.counters[stepper.stall_base :] = at.counters[stepper.stall_base :]
        return peaks

    patch.setattr(jump, "apply", wrong)


def forgotten_peaks(patch: pytest.MonkeyPatch) -> None:
    right = state_module.apply
    patch.setattr(jump, "apply", lambda *args: [0 for _ in right(*args)])


def any_need(patch: pytest.MonkeyPatch) -> None:
    """Needs may stand anywhere."""
    patch.setattr(Verifier, "_alike", lambda *_: True)


def any_drift(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Verifier, "_drift", lambda *_: 1 << 62)


def any_item(patch: pytest.MonkeyPatch) -> None:
    """Inside a slot every item is taken for the one a period later."""
    patch.setattr(
        Within,
        "_pairs",
        lambda self, q, step, moved, start, stop, by: np.ones(max(0, stop - by - start), bool),
    )


@pytest.mark.parametrize(
    "mutation",
    [no_check, one_too_many, lost_stalls, forgotten_peaks, any_need, any_drift, any_item],
)
def test_a_wrong_jump_is_caught(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation(monkeypatch)
    monkeypatch.setattr(effort, "WORTH", 0)
    for seed in range(400):
        phase = random_phase(seed)
        right = outcome_of(reference.run, phase)
        try:
            if outcome_of(jump.run_python, phase) != right:
                return
        except (AssertionError, IndexError):  # the state it jumped to makes no sense
            return
    pytest.fail("the mutation makes no difference")
