"""Rows that differ in length under a mask are jumped over, and nothing of them is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from accelsim.errors import DeadlockError
from accelsim.sim import jump, reference
from accelsim.sim import trail as trail_module
from accelsim.sim.corners import Place
from accelsim.sim.program import Guard, HalfPlane, Loop, Outcome, Phase, Pool, Queue, Task, Wait
from accelsim.sim.trail import Trail
from tests.sim.programs import masked_phase

FOUND = [13, 18, 42, 53, 60]  # random programs in which rows are jumped over
Patch = pytest.MonkeyPatch


def rows(*planes: HalfPlane, count: int, tiles: int) -> Phase:
    """Load, two tasks in a chain, store once a row; buffers of a few tiles."""
    mask = Guard(half_planes=planes)
    each, row = (tiles, 1), (tiles, 0)

    def wait(producer: int, offset: int = 0, cause: str = "data", lag: int = 0) -> Wait:
        return Wait(producer=producer, strides=each, offset=offset, cause=cause, lag=lag)

    once = Wait(producer=2, strides=row, offset=tiles - 1)
    amount = ((0, (3,)),)
    tasks = (
        Task(name="load", queue=0, durations=(5,), guard=mask, waits=(wait(2, -3, "slot"),),
             takes=amount),
        Task(name="scores", queue=1, durations=(7,), guard=mask, waits=(wait(0, lag=4),)),
        Task(name="values", queue=2, durations=(6,), guard=mask, waits=(wait(1),), shift=1,
             gives=amount),
        Task(name="store", queue=3, durations=(9,), guard=Guard(last=(1,)), waits=(once,)),
    )  # fmt: skip
    return Phase(
        name="rows",
        loops=(Loop(name="p", count=count), Loop(name="m", count=tiles)),
        resources=("dram", "a", "b"),
        queues=tuple(
            Queue(name=t.name, resource=r, body=((n, 0),))
            for n, (t, r) in enumerate(zip(tasks, (0, 1, 2, 0), strict=True))
        ),
        tasks=tasks,
        pools=(Pool(name="tile", buffer="glb"),),
    )


MASKS = {
    "causal": (HalfPlane(coefficients=(1, -1), constant=0),),
    "two tiles a row": (HalfPlane(coefficients=(2, -1), constant=3),),
    "a tile in three rows": (HalfPlane(coefficients=(1, -3), constant=2),),
    "the rows shrink": (HalfPlane(coefficients=(-1, 1), constant=0),),
    "a window": (
        HalfPlane(coefficients=(1, -1), constant=0),
        HalfPlane(coefficients=(-1, 1), constant=4),
    ),
}


@pytest.mark.parametrize("mask", MASKS)
def test_few_steps_for_many_rows(mask: str) -> None:
    phase = rows(*MASKS[mask], count=90, tiles=90)
    statistics = jump.Statistics()
    assert jump.run_python(phase, statistics) == reference.run(phase)
    assert statistics.stretches > 0
    # A hundred times the rows and the tiles take about as many steps.
    more, many = jump.Statistics(), rows(*MASKS[mask], count=9000, tiles=9000)
    jump.run_python(many, more)
    assert more.walked < 3 * statistics.walked + 500


def outcome(kernel: Callable[[Phase], Outcome], phase: Phase) -> Outcome | str:
    try:
        return kernel(phase)
    except DeadlockError as error:
        return str(error)


def test_random_masked_programs() -> None:
    jumped = 0
    for seed in [*FOUND, *range(200, 203)]:
        phase, statistics = masked_phase(seed), jump.Statistics()
        mine = outcome(lambda p, s=statistics: jump.run_python(p, s), phase)  # type: ignore[misc]
        assert mine == outcome(reference.run, phase), seed
        jumped += statistics.stretches > 0
    assert jumped >= len(FOUND)


@pytest.mark.campaign
def test_many_masked_programs() -> None:
    jumped = 0
    for seed in range(1000, 2500):
        phase, statistics = masked_phase(seed), jump.Statistics()
        mine = outcome(lambda p, s=statistics: jump.run_python(p, s), phase)  # type: ignore[misc]
        assert mine == outcome(reference.run, phase), seed
        jumped += statistics.stretches > 0
    assert jumped >= 75


def any_need(patch: Patch) -> None:
    patch.setattr(Place, "_alike", lambda self, task, need, low, high: np.ones(len(need), bool))


def any_guard(patch: Patch) -> None:
    patch.setattr(Place, "task_fits", lambda *_: True)


def one_more(patch: Patch) -> None:
    """A row too many."""
    right = Trail.find

    def find(self: Trail) -> trail_module.Stretch | None:
        found = right(self)
        return found and replace(found, cycles=found.cycles + 1)

    patch.setattr(Trail, "find", find)


def same_length(patch: Patch) -> None:
    """Rows do not grow."""
    right = Trail.find

    def find(self: Trail) -> trail_module.Stretch | None:
        found = right(self)
        return found and replace(found, more=[0] * len(found.more))

    patch.setattr(Trail, "find", find)


@pytest.mark.parametrize("wrong", [any_need, any_guard, one_more, same_length])
def test_a_wrong_check_is_caught(wrong: Callable[[Patch], None], monkeypatch: Patch) -> None:
    wrong(monkeypatch)
    small = [rows(*planes, count=40, tiles=40) for planes in MASKS.values()]
    wide = [rows(*planes, count=40, tiles=25) for planes in MASKS.values()]
    for phase in [*small, *wide, *map(masked_phase, FOUND)]:
        try:
            if outcome(jump.run_python, phase) != outcome(reference.run, phase):
                return
        except (AssertionError, IndexError):  # the state it jumped to makes no sense
            return
    pytest.fail("no program told the kernels apart")
