"""The critical circuit: hand-made programs, random event graphs, the shipped designs."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from accelsim.job import Job
from accelsim.mapping import Workload
from accelsim.sim import reference
from accelsim.sim.explain import circuit_of, critical_circuit
from accelsim.sim.lower import Lowered
from accelsim.sim.program import Loop, Phase, Queue, Task, Wait
from accelsim.sim.waits import stalls_in_words, times_in, unit_times
from accelsim.sim.walk import Window
from tests.shares import share


def phase(count: int, tasks: list[Task], resources: list[int], names: str = "XYZDUVW") -> Phase:
    """One loop; queue q is on resource ``resources[q]`` and lists its tasks in order."""
    return Phase(
        name="case",
        loops=(Loop(name="i", count=count),),
        resources=tuple(names[: max(resources) + 1]),
        queues=tuple(
            Queue(
                name=f"Q{q}",
                resource=r,
                body=tuple((n, 0) for n, task in enumerate(tasks) if task.queue == q),
            )
            for q, r in enumerate(resources)
        ),
        tasks=tuple(tasks),
    )


def task(name: str, queue: int, duration: int, *waits: Wait, shift: int = 0) -> Task:
    return Task(name=name, queue=queue, durations=(duration,), waits=waits, shift=shift)


def wait(producer: int, back: int = 0, lag: int = 0, cause: str = "data", **more: str) -> Wait:
    return Wait(producer=producer, strides=(1,), offset=-back, lag=lag, cause=cause, **more)


def circuit(program: Phase):
    return critical_circuit(Window.of(program, 20_000))


def test_a_unit_that_is_always_busy():
    found = circuit(
        phase(100, [task("A", 0, 3), task("B", 0, 4), task("C", 1, 5, wait(1))], [0, 1])
    )
    assert found.kind == "unit"
    assert found.steps == ("X: A", "B")
    assert found.cycles_per_iteration == 7


def test_a_dependence_there_and_back_with_lags():
    tasks = [task("A", 0, 3, wait(1, back=1, lag=20)), task("B", 1, 5, wait(0, lag=10))]
    found = circuit(phase(100, tasks, [0, 1]))
    assert found.kind == "latency"
    assert found.steps == ("A", "(latency, 10)", "B", "(latency, 20)", "A")
    assert found.cycles_per_iteration == 38


def test_a_circuit_over_two_iterations_counts_half():
    tasks = [task("A", 0, 3, wait(1, back=2, lag=20)), task("B", 1, 5, wait(0, lag=10))]
    assert circuit(phase(200, tasks, [0, 1])).cycles_per_iteration == 19


def test_a_buffer_of_two_slots():
    tasks = [
        task("load", 0, 6, wait(1, back=2, cause="slot")),
        task("use", 1, 2, wait(0, lag=12)),
    ]
    found = circuit(phase(200, tasks, [0, 1]))
    assert found.kind == "slots"
    assert found.steps == ("load", "(latency, 12)", "use", "slot of load", "load")
    assert found.cycles_per_iteration == 10


def test_the_bus():
    tasks = [task("load", 0, 6), task("use", 2, 2, wait(0)), task("store", 1, 5, wait(1))]
    found = circuit(phase(200, tasks, [3, 3, 0]))
    assert found.kind == "memory"
    assert found.cycles_per_iteration == 11
    assert found.steps == ("D: load", "store")


def graph(program: Phase) -> dict[int, list[tuple[int, int, int]]]:
    """The event graph of starts: task -> (consumer, ticks, iterations between)."""
    edges: dict[int, list[tuple[int, int, int]]] = {n: [] for n in range(len(program.tasks))}
    for number, spec in enumerate(program.tasks):
        for w in spec.waits:
            length = program.tasks[w.producer].durations[0] if w.anchor == "end" else 0
            edges[w.producer].append((number, length + w.lag, -w.offset))
    for queue in program.queues:
        body = [t for t, _ in queue.body]
        for n, t in enumerate(body):
            following = body[(n + 1) % len(body)]
            a, b = program.tasks[t], program.tasks[following]
            wrap = n + 1 == len(body)
            edges[t].append((following, a.durations[0], a.shift - b.shift + wrap))
    return edges


def maximum_cycle_ratio(program: Phase) -> Fraction:
    """By enumeration of all simple cycles."""
    edges = graph(program)
    best = Fraction(0)

    def visit(root: int, node: int, time: int, tokens: int, seen: frozenset[int]) -> None:
        nonlocal best
        for other, length, count in edges[node]:
            if other == root:
                assert tokens + count > 0
                best = max(best, Fraction(time + length, tokens + count))
            elif other > root and other not in seen:
                visit(root, other, time + length, tokens + count, seen | {other})

    for root in edges:
        visit(root, root, 0, 0, frozenset({root}))
    return best


def random_program(seed: int, count: int) -> Phase:
    rng = random.Random(seed)
    units = rng.randint(1, 3)
    size = rng.randint(2, 6)
    queues = [n if n < units else rng.randrange(units) for n in range(max(size, units))]
    shifts = [rng.choice([0, 0, 1, 2]) for _ in queues]
    tasks = []
    for number, queue in enumerate(queues):
        waits = []
        for other in range(len(queues)):
            if rng.random() < 0.35:
                least = 0 if other < number and shifts[other] <= shifts[number] else 1
                back = least + max(0, shifts[other] - shifts[number]) + rng.choice([0, 0, 1, 2])
                waits.append(
                    wait(
                        other, back, rng.choice([0, 0, 7, 30]), anchor=rng.choice(["end", "start"])
                    )
                )
        tasks.append(task(f"T{number}", queue, rng.randint(1, 12), *waits, shift=shifts[number]))
    return phase(count, tasks, list(range(units)))


@pytest.mark.parametrize("seed", share(range(150), 3))
def test_the_rate_is_the_maximum_cycle_ratio(seed):
    program = random_program(seed, 400)
    expected = maximum_cycle_ratio(program)
    assert circuit(program).cycles_per_iteration == expected
    # the kernel's own rate: 840 is a multiple of every period up to 8
    long, longer = (reference.run(random_program(seed, n)).ticks for n in (840, 1680))
    assert Fraction(longer - long, 840) == expected


DESIGNS = {
    "fusemax_micro24": ("unit", 142),
    "fusemax_serial_micro24": ("latency", 458),
    "flat_1pass_micro24": ("unit", 1161),
    "flat_micro24": ("unit", 1024),
    "unfused_micro24": ("unit", 4096),
}


@pytest.fixture(scope="module")
def lowered() -> dict[str, Lowered]:
    stage = Workload.load("bert", 4096).stage("attention")
    return {name: Job.of(name).run(stage).lowered for name in DESIGNS}


@pytest.mark.parametrize("name", DESIGNS)
def test_shipped_designs(lowered, name):
    found = circuit_of(lowered[name])
    assert (found.kind, found.cycles_per_iteration) == DESIGNS[name]
    assert found.walked


def test_fusemax_is_held_by_the_program_order_of_the_row(lowered):
    steps = circuit_of(lowered["fusemax_micro24"]).steps
    assert steps[0] == "PE1D: RM"
    assert steps[-1] == "RNV"


def test_the_serial_design_waits_for_the_column_to_drain(lowered):
    assert "(drain, 256)" in circuit_of(lowered["fusemax_serial_micro24"]).steps


@pytest.mark.parametrize("name", DESIGNS)
def test_shares_of_each_unit_add_up(lowered, name):
    for unit in unit_times(lowered[name]):
        assert unit.busy + sum(unit.stalls.values()) + unit.idle == 1
        assert unit.idle >= 0


def test_stalls_in_words(lowered):
    words = stalls_in_words(lowered["fusemax_serial_micro24"])
    assert "RM for LM (data)" in next(w for w in words if w.startswith("PE1D"))


def test_stalls_of_a_whole_window():
    tasks = [task("A", 0, 3, wait(1, back=1)), task("B", 1, 5, wait(0))]
    window = Window.of(phase(10, tasks, [0, 1]), 1000)
    a, b = times_in(window, 0, window.end)
    assert (a.busy, a.stalls) == (Fraction(30, 80), {"data": Fraction(45, 80)})
    assert (a.idle, a.waits_for) == (Fraction(5, 80), ("A", "B", "data"))
    assert (b.busy, b.stalls["data"]) == (Fraction(50, 80), Fraction(30, 80))


def test_a_slot_too_long_to_walk_is_judged_by_its_work():
    tasks = [
        Task(name="A", queue=0, durations=(2,), inner=500, waits=()),
        Task(name="B", queue=1, durations=(100,), shift=2),
    ]
    program = Phase(
        name="case",
        loops=(Loop(name="i", count=100),),
        resources=("X", "Y"),
        queues=(
            Queue(name="X", resource=0, body=tuple((0, k) for k in range(500))),
            Queue(name="Y", resource=1, body=((1, 0),)),
        ),
        tasks=tuple(tasks),
    )
    found = critical_circuit(Window.of(program, 900))
    assert not found.walked
    assert (found.steps, found.cycles_per_iteration) == (("X: A",), 2)
