"""A port that stalls from outside, and lags from start to start, in the kernels."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from accelsim.errors import SpecError
from accelsim.sim import jump, reference
from accelsim.sim.lower import lower
from accelsim.sim.program import Loop, Phase, Queue, Task, Wait
from tests.mapping.texts import plan


def phase() -> Phase:
    load = Task(name="load", queue=0, durations=(3,))
    use = Task(
        name="use",
        queue=1,
        durations=(2,),
        waits=(Wait(producer=0, strides=(1,), anchor="end", lag=1),),
    )
    return Phase(
        name="two",
        loops=(Loop(name="i", count=4),),
        resources=("BUS", "PE"),
        queues=(
            Queue(name="bus", resource=0, body=((0, 0),)),
            Queue(name="pe", resource=1, body=((1, 0),)),
        ),
        tasks=(load, use),
    )


def starts(ready: Callable[[int], bool]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    reference.run(phase(), lambda t, _i, _k, s, *_: found.append((t, s)), ready={"BUS": ready})
    return sorted(found)


def test_a_resource_works_only_in_ready_ticks() -> None:
    assert starts(lambda _: True) == starts(lambda tick: tick >= 0)
    loads = [s for t, s in starts(lambda tick: tick % 2 == 1) if t == 0]
    assert loads == [0, 6, 12, 18]  # ends with the third odd tick
    uses = [s for t, s in starts(lambda tick: tick % 2 == 1) if t == 1]
    assert uses == [7, 13, 19, 25]


def test_a_trace_counts_ready_ticks_whatever_they_are() -> None:
    r = Random(3)
    for _ in range(20):
        bits = [r.random() < 0.5 for _ in range(200)]
        now, wanted = 0, []
        for _ in range(4):
            wanted.append(now)
            now = [t for t in range(now, 200) if bits[t]][2] + 1
        assert [s for t, s in starts(bits.__getitem__) if t == 0] == wanted


def test_a_lag_of_a_bind_stands_for_the_links() -> None:
    change = ("einsum: RM,", "einsum: RM, lags: {LM: 2 * PE2D.rows}, source: x,")
    program = lower(plan(change)).program
    phase = program.phases[0]
    names = [task.name for task in phase.tasks]
    (wait,) = (w for w in phase.tasks[names.index("RM")].waits if names[w.producer] == "LM")
    assert (wait.anchor, wait.lag) == ("start", 32 * program.ticks_per_cycle)
    assert jump.run(program) == reference.run(program)


@pytest.mark.parametrize(
    ("lags", "message"),
    [
        ("lags: {L: 2}, source: x", "lags must name an Einsum that RM reads, not 'L'"),
        ("lags: {SLN: 2}, source: x", "lags must name an Einsum that RM reads, not 'SLN'"),
        ("lags: {LM: 0}, source: x", "lags.LM must be above 0 or text, not 0"),
        ("lags: {LM: PE2D.rows - 16}, source: x", "lag must be at least 1 cycle, not 0"),
        (
            "lags: {LM: 2}",
            "a bind that overrides latency, slots, cycles or lags must have a source",
        ),
    ],
)
def test_a_faulty_lag_is_refused(lags: str, message: str) -> None:
    with pytest.raises(SpecError) as error:
        plan(("einsum: RM,", f"einsum: RM, {lags},"))
    assert message in str(error.value)
