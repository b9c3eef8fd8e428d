"""Where a task may be active: found in both directions, equal to a walk over all iterations."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from accelsim.sim.active import Active
from accelsim.sim.program import Guard, HalfPlane, Loop, Phase, Task


@st.composite
def guarded(draw: st.DrawFn) -> tuple[Phase, Task]:
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    levels = st.integers(0, len(counts) - 1)
    planes = st.builds(
        HalfPlane,
        coefficients=st.tuples(*[st.integers(-5, 5)] * len(counts)),
        constant=st.integers(-9, 9),
        inner=st.sampled_from([(), (0, 3), (-4, 1)]),
    )
    total = len(list(product(*map(range, counts))))
    task = Task(
        name="t",
        queue=0,
        durations=(1, 1),
        inner=2,
        guard=Guard(
            first=tuple(draw(st.lists(levels, max_size=2, unique=True))),
            last=tuple(draw(st.lists(levels, max_size=2, unique=True))),
            half_planes=tuple(draw(st.lists(planes, max_size=3))),
        ),
        kinds=draw(st.sampled_from([(), tuple(n % 3 - 1 for n in range(total))])),
    )
    loops = tuple(Loop(name=f"l{n}", count=count) for n, count in enumerate(counts))
    return Phase(name="p", loops=loops, resources=(), queues=(), tasks=(task,)), task


def may_run(phase: Phase, task: Task) -> list[int]:
    """The iterations in which each condition of the guard holds for some k."""
    found = []
    for i, digits in enumerate(product(*(range(loop.count) for loop in phase.loops))):
        sums = [
            sum(c * d for c, d in zip(p.coefficients, digits, strict=True)) + p.constant
            for p in task.guard.half_planes
        ]
        if (
            all(digits[n] == 0 for n in task.guard.first)
            and all(digits[n] == phase.loops[n].count - 1 for n in task.guard.last)
            and all(
                s + max(p.inner, default=0) >= 0
                for s, p in zip(sums, task.guard.half_planes, strict=True)
            )
            and (not task.kinds or task.kinds[i] >= 0)
        ):
            found.append(i)
    return found


@given(guarded())
def test_both_directions_find_what_a_walk_finds(case: tuple[Phase, Task]) -> None:
    phase, task = case
    active, runs = Active(phase, task), may_run(phase, task)
    total = phase.iterations
    for place in range(-1, total + 1):
        if place >= 0:
            assert active.next(place) == min((i for i in runs if i >= place), default=total)
        assert active.last(place) == max((i for i in runs if i <= place), default=-1)
