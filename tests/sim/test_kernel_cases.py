"""Small cases whose answers are worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from accelsim.errors import DeadlockError
from accelsim.sim import jump, reference
from accelsim.sim.observe import record
from accelsim.sim.program import (
    Guard,
    HalfPlane,
    Loop,
    Outcome,
    Phase,
    Pool,
    Queue,
    Task,
    Wait,
)

Kernel = Callable[[Phase], Outcome]
both = pytest.mark.parametrize("kernel", [reference.run, jump.run])


def phase(counts: dict[str, int], tasks: list[Task], resources: list[int], **more: object) -> Phase:
    """A phase in which queue q is on resource ``resources[q]`` and lists its tasks in order."""
    return Phase(
        name="case",
        loops=tuple(Loop(name=name, count=count) for name, count in counts.items()),
        resources=tuple(f"R{n}" for n in range(max(resources) + 1)),
        queues=tuple(
            Queue(
                name=f"Q{q}",
                resource=r,
                body=tuple(
                    (n, k)
                    for n, task in enumerate(tasks)
                    if task.queue == q
                    for k in range(task.inner)
                ),
            )
            for q, r in enumerate(resources)
        ),
        tasks=tuple(tasks),
        **more,  # type: ignore[arg-type]
    )


def pipeline(n: int, load: int, use: int, depth: int | None) -> Phase:
    slot = () if depth is None else (Wait(producer=1, strides=(1,), offset=-depth, cause="slot"),)
    return phase(
        {"i": n},
        [
            Task(name="load", queue=0, durations=(load,), waits=slot, takes=((0, (10,)),)),
            Task(
                name="use",
                queue=1,
                durations=(use,),
                waits=(Wait(producer=0, strides=(1,)),),
                gives=((0, (10,)),),
            ),
        ],
        [0, 1],
        pools=(Pool(name="buf", buffer="glb"),),
    )


@both
@pytest.mark.parametrize("n", [1, 2, 1000, 10**10])
def test_double_buffer(kernel: Kernel, n: int) -> None:
    """Load 30, use 50, two slots: bound by use; every load but the first two waits for its slot."""
    if kernel is reference.run and n > 1000:
        return
    end = kernel(pipeline(n, 30, 50, 2)).phases[0]
    assert end.ticks == 30 + 50 * n
    assert end.busy == (30 * n, 50 * n)
    assert end.instances == ((n,), (n,))
    # Load 2 is held from 60 to 80, all that follow 20 ticks each.
    assert end.stalls == ({"slot": 20 * (n - 2)} if n > 2 else {}, {"data": 30})
    assert end.pool_peak == ((20,) if n > 1 else (10,))
    # Held from the start of a load to the end of its use: 80, 100, then 100 each.
    assert end.pool_integral == (10 * (80 + 100 * (n - 1)),)
    assert end.buffer_integral == {"glb": end.pool_integral[0]}


@both
def test_single_buffer_takes_turns(kernel: Kernel) -> None:
    end = kernel(pipeline(500, 30, 50, 1)).phases[0]
    assert end.ticks == 80 * 500
    assert end.stalls == ({"slot": 50 * 499}, {"data": 30 * 500})
    assert end.pool_peak == (10,)


@both
def test_load_bound(kernel: Kernel) -> None:
    end = kernel(pipeline(500, 70, 50, 2)).phases[0]
    assert end.ticks == 70 * 500 + 50
    assert end.stalls == ({}, {"data": 70 + 20 * 499})


@both
def test_a_pipeline_that_grows(kernel: Kernel) -> None:
    """No finite buffer: what is held grows with every load, and the kernels still agree."""
    n = 300
    end = kernel(pipeline(n, 30, 50, None)).phases[0]
    assert end.ticks == 30 + 50 * n
    # At the start of load j (30 j) the uses ended are those with 30 + 50 u <= 30 j.
    assert end.pool_peak == (10 * (n - (30 * (n - 1) - 30) // 50),)


@both
def test_bus_serves_the_longest_ready_then_the_lower_slot(kernel: Kernel) -> None:
    """Two streams on one bus, both ready always: they take turns, the first queue first."""
    n = 100
    tasks = [Task(name="A", queue=0, durations=(10,)), Task(name="B", queue=1, durations=(7,))]
    case = phase({"i": n}, tasks, [0, 0])
    assert kernel(case).ticks == 17 * n
    order = [(s.task, s.start) for s in record(case, limit=4)]
    assert order == [(0, 0), (1, 10), (0, 17), (1, 27)]
    assert record(case, limit=2)[1].binding == ("bus", -1, 0, 0)


@both
def test_stage_shift_lets_a_unit_run_behind(kernel: Kernel) -> None:
    """U does X then, one iteration behind, Y; V in between. Without the shift it takes turns."""
    n = 200
    for shift, ticks in ((0, 30 * n), (1, 20 * n)):
        tasks = [
            Task(name="X", queue=0, durations=(10,)),
            Task(name="V", queue=1, durations=(10,), waits=(Wait(producer=0, strides=(1,)),)),
            Task(
                name="Y",
                queue=0,
                durations=(10,),
                shift=shift,
                waits=(Wait(producer=1, strides=(1,)),),
            ),
        ]
        assert kernel(phase({"i": n}, tasks, [0, 1])).ticks == ticks


@both
@pytest.mark.parametrize("masked", [False, True])
def test_triangle_and_piece(kernel: Kernel, masked: bool) -> None:
    """Rows q of columns m <= q; a piece is loaded once a row, at the first column.

    Its slot is waited for at the last tile of the row before the last, or at that row's last column:
    that is masked and passed over when the last tile starts, but not free before that tile ends.
    """
    n = 60
    triangle = Guard(half_planes=(HalfPlane(coefficients=(1, -1)),))
    slot = (
        Wait(producer=1, strides=(n, 0), offset=-n - 1, cause="slot")
        if masked
        else Wait(producer=1, strides=(n + 1, 0), offset=-2 * (n + 1), cause="slot")
    )
    tasks = [
        Task(name="LQ", queue=0, durations=(5,), guard=Guard(first=(1,)), waits=(slot,)),
        Task(
            name="T",
            queue=1,
            durations=(9,),
            guard=triangle,
            waits=(Wait(producer=0, strides=(n, 0)),),
        ),
    ]
    end = kernel(phase({"q": n, "m": n}, tasks, [0, 1])).phases[0]
    tiles = n * (n + 1) // 2
    assert end.instances == ((n,), (tiles,))
    assert end.ticks == 5 + 9 * tiles
    # Row r ends at 5 + 9 (r + 1)(r + 2) / 2, a row of q - 1 tiles after the one before it.
    held = sum(9 * (q - 1) - 5 for q in range(2, n))
    assert end.stalls == ({"slot": held}, {"data": 5})


@both
@pytest.mark.parametrize("anchor", ["start", "end"])
def test_a_sum_that_a_mask_ends_early_is_read_when_it_is_done(kernel: Kernel, anchor: str) -> None:
    """Once a row another unit takes the sum from its last column: that of the last tile before the mask."""
    n = 30
    triangle = Guard(half_planes=(HalfPlane(coefficients=(1, -1)),))
    last = Wait(producer=0, strides=(n, 0), offset=n - 1, anchor=anchor, lag=4)
    tasks = [
        Task(name="T", queue=0, durations=(9,), guard=triangle),
        Task(name="out", queue=1, durations=(20,), guard=Guard(last=(1,)), waits=(last,)),
    ]
    end = kernel(phase({"q": n, "m": n}, tasks, [0, 1])).phases[0]
    assert end.ticks == 9 * n * (n + 1) // 2 - (9 if anchor == "start" else 0) + 24


@both
def test_lag_from_the_start(kernel: Kernel) -> None:
    """Chaining: the consumer starts 3 ticks after its producer starts."""
    tasks = [
        Task(name="A", queue=0, durations=(10,)),
        Task(
            name="B",
            queue=1,
            durations=(10,),
            waits=(Wait(producer=0, strides=(1,), anchor="start", lag=3),),
        ),
    ]
    end = kernel(phase({"i": 50}, tasks, [0, 1])).phases[0]
    assert end.ticks == 503
    assert end.stalls == ({}, {"data": 3})


@both
def test_ragged_class_and_inner(kernel: Kernel) -> None:
    tasks = [
        Task(
            name="A", queue=0, durations=(10, 4, 3, 1), ragged=(0,), inner=3, inner_class=(0, 0, 1)
        )
    ]
    end = kernel(phase({"i": 40}, tasks, [0])).phases[0]
    assert end.instances == ((78, 2, 39, 1),)
    assert end.ticks == 780 + 8 + 117 + 1


@both
def test_deadlock_names_who_waits_for_what(kernel: Kernel) -> None:
    tasks = [
        Task(name="RM", queue=0, durations=(1,), waits=(Wait(producer=1, strides=(4, 1)),)),
        Task(
            name="SLD",
            queue=1,
            durations=(1,),
            waits=(Wait(producer=0, strides=(4, 1), guard=Guard(last=(1,))),),
        ),
    ]
    with pytest.raises(DeadlockError) as error:
        kernel(phase({"m1": 3, "p1": 4}, tasks, [0, 1]))
    assert "RM[m1=0,p1=3] on R0 waits for SLD[m1=0,p1=3]" in str(error.value)
    assert "SLD[m1=0,p1=3] on R1 waits for RM[m1=0,p1=3]" in str(error.value)


@both
def test_nothing_to_do(kernel: Kernel) -> None:
    never = Guard(first=(0,), last=(0,))
    tasks = [Task(name="A", queue=0, durations=(1,), guard=never)]
    assert kernel(phase({"i": 10**9}, tasks, [0])).ticks == 0
    assert kernel(phase({"i": 0}, tasks, [0])).ticks == 0


def test_binding() -> None:
    starts = record(pipeline(3, 30, 50, 2))
    assert sorted(((s.task, s.start, s.end) for s in starts), key=lambda s: (s[1], s[0])) == [
        (0, 0, 30),
        (0, 30, 60),
        (1, 30, 80),
        (0, 80, 110),
        (1, 80, 130),
        (1, 130, 180),
    ]
    held = {(s.task, s.iteration): s.binding for s in starts}
    assert held[0, 0] == ("unit", -1, -1, -1)
    assert held[0, 2] == ("wait", 0, 1, 0)
    assert held[1, 0] == ("wait", 0, 0, 0)
    assert held[1, 1] == ("unit", -1, 1, 0)
