"""The compiled kernel against the one in Python and the reference: counters, statistics, errors."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from accelsim.errors import DeadlockError
from accelsim.sim import effort, jump, native, reference
from accelsim.sim.counters import buffers_of, causes_of
from accelsim.sim.effort import IrregularError, Statistics
from accelsim.sim.native.encode import encode
from accelsim.sim.program import Loop, Outcome, Phase, PhaseOutcome, Pool, Queue, Task
from benchmarks.bench_kernel import long_body
from tests.sim.programs import random_lookups, random_phase
from tests.sim.test_rows import MASKS, masked_phase, rows

Told = tuple[Outcome | str, Statistics]
built = pytest.mark.skipif(
    native.library() is None, reason="the compiled kernel was not built: no C++ compiler"
)


def in_python(phase: Phase, limit: int | None = None) -> Told:
    statistics = Statistics()
    try:
        return jump.run_python(phase, statistics, limit), statistics
    except (DeadlockError, IrregularError) as error:
        return str(error), statistics


def compiled(phase: Phase, limit: int | None = None) -> Told:
    statistics = Statistics()
    try:
        outcome = native.run(phase, statistics, limit)
    except (DeadlockError, IrregularError) as error:
        return str(error), statistics
    assert isinstance(outcome, PhaseOutcome)
    return Outcome(phases=(outcome,)), statistics


MADE = {"programs": random_phase, "lookups": random_lookups, "rows under masks": masked_phase}


@built
@pytest.mark.parametrize("worth", [0, effort.WORTH])
@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_is_its_twin_in_python(
    made: Callable[[int], Phase], worth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effort, "WORTH", worth)
    seeds = range(1000 + worth, 1010 + worth if made is masked_phase else 1030 + worth)
    told = [compiled(made(seed)) for seed in seeds]
    assert told == [in_python(made(seed)) for seed in seeds]
    assert made is random_lookups or sum(s.jumps > 0 for _, s in told) >= 3


@built
def test_says_what_the_reference_says() -> None:
    dead = 0
    for seed in range(300, 370):
        phase = random_phase(seed)
        mine, _ = compiled(phase)
        try:
            assert mine == reference.run(phase), seed
        except DeadlockError as error:
            assert mine == str(error), seed
            dead += 1
    assert 1 <= dead <= 40


@built
@pytest.mark.campaign
@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_is_its_twin_in_a_campaign(made: Callable[[int], Phase]) -> None:
    seeds = range(10_000, 12_000)
    assert not [seed for seed in seeds if compiled(made(seed)) != in_python(made(seed))]


@pytest.mark.ci
@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_touches_nothing_that_is_not_its_own(tmp_path: Path) -> None:
    """Under the compiler's checks of memory and arithmetic it does the same."""
    source, program = Path(__file__).parent / "sanitized.cc", tmp_path / "sanitized"
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
    include = f"-I{Path(native.__file__).parent}"
    subprocess.run(
        ["g++", "-std=c++17", "-O1", *checks, include, str(source), "-o", str(program)], check=True
    )
    phases = [made(seed) for seed in range(30) for made in MADE.values()] + [long_body(4000)]
    files = []
    for number, phase in enumerate(phases):
        words = encode(phase, causes_of(phase), buffers_of(phase))
        assert words is not None
        files.append(tmp_path / f"{number}.words")
        files[-1].write_bytes(words.tobytes())
    done = subprocess.run([program, *files], check=True, capture_output=True, text=True)
    assert not done.stderr
    for phase, line in zip(phases, done.stdout.splitlines(), strict=True):
        outcome, statistics = compiled(phase)
        ticks, walked, jumps, looks = map(int, line.split())
        assert (walked, jumps, looks) == (statistics.walked, statistics.jumps, statistics.looks)
        assert isinstance(outcome, str) or ticks == outcome.ticks


@built
@pytest.mark.parametrize("mask", MASKS)
def test_stretches_rows_as_its_twin_does(mask: str) -> None:
    for size in (90, 9000):
        phase = rows(*MASKS[mask], count=size, tiles=size)
        told = compiled(phase)
        assert told == in_python(phase)
        assert told[1].stretches > 0


@built
def test_finds_periods_inside_a_slot() -> None:
    phase = long_body(4000)
    assert compiled(phase) == in_python(phase)
    assert compiled(phase)[1].repeats > 0


@built
def test_ends_at_the_same_effort() -> None:
    phase = random_phase(3)
    whole = compiled(phase)[1].effort
    for limit in (whole // 2, whole - 1, whole):
        told = compiled(phase, limit)
        assert told == in_python(phase, limit)
        assert isinstance(told[0], str) == (limit < whole)


def one_task(duration: int, count: int) -> Phase:
    return Phase(
        name="p",
        loops=(Loop(name="i", count=count),),
        resources=("r",),
        queues=(Queue(name="q", resource=0, body=((0, 0),)),),
        tasks=(Task(name="t", queue=0, durations=(duration,)),),
    )


def test_leaves_to_python_what_64_bits_do_not_hold() -> None:
    assert encode(one_task(1 << 20, 1 << 20), [], []) is not None
    assert encode(one_task(1 << 61, 3), [], []) is None
    assert encode(one_task(3, 1 << 61), [], []) is None
    assert jump.run(one_task(1 << 61, 5)).ticks == 5 << 61


@built
def test_leaves_to_python_what_grows_too_large() -> None:
    for large in (one_task(1 << 40, 1 << 40), one_task(1 << 59, 10), one_task(1 << 40, 1 << 23)):
        statistics = Statistics()
        assert encode(large, [], []) is not None
        assert native.run(large, statistics, None) is None
        assert statistics == Statistics()
        assert jump.run(large).ticks == large.tasks[0].durations[0] * large.iterations
    held = replace(
        one_task(3, 1 << 30),
        tasks=(replace(one_task(3, 1).tasks[0], takes=((0, (1 << 40,)),)),),
        pools=(Pool(name="p", buffer="b"),),
    )
    assert native.run(held, Statistics(), None) is None
    assert jump.run(held).phases[0].pool_peak == (1 << 70,)


def test_a_kernel_of_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "FORMAT", -1)
    native.library.cache_clear()
    try:
        assert native.library() is None
        assert jump.run(one_task(3, 5)).ticks == 15
    finally:
        native.library.cache_clear()


def test_both_refuse_what_has_no_meaning() -> None:
    phase = one_task(1, 5)
    wrong = replace(phase, tasks=(replace(phase.tasks[0], durations=(0,)),))
    for run in (jump.run, jump.run_python):
        with pytest.raises(ValueError, match="durations are at least 1 tick"):
            run(wrong)
