"""Speed of the kernels: tasks/s of the reference, and times of big nests under the jump kernel."""

from __future__ import annotations

import time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from accelsim.sim import jump, reference
from accelsim.sim.program import Guard, HalfPlane, Loop, Outcome, Phase, Pool, Queue, Task, Wait


def attention(b: int, p2: int, m1: int, p1: int, *, causal: int = 0) -> Phase:
    """A fused attention nest: two arrays, one DRAM bus with five streams, 12 tasks a tile at most.

    ``causal`` n > 0: only tiles with ``m1 * n <= p2 * P1 + p1`` are computed.
    """
    counts = (b, p2, m1, p1)
    rows = (p2 * m1 * p1, m1 * p1, p1, 1)
    planes = (HalfPlane(coefficients=(0, p1, -causal, 1)),) if causal else ()
    tile = Guard(half_planes=planes)
    piece = Guard(first=(2,))
    row = (HalfPlane(coefficients=(0, p1, -causal, 0), constant=p1 - 1),) if causal else ()
    head = Guard(first=(3,), half_planes=row)
    names = ["LQ", "LK", "LV", "QK", "RM", "SLN", "SLD", "AV", "RN", "RD", "SO", "SM"]
    number = {name: n for n, name in enumerate(names)}

    def same(name: str, **more: object) -> Wait:
        return Wait(producer=number[name], strides=rows, **more)  # type: ignore[arg-type]

    def before(name: str, back: int, **more: object) -> Wait:
        return Wait(producer=number[name], strides=rows, offset=-back, **more)  # type: ignore[arg-type]

    first_p1 = (rows[0], rows[1], rows[2], 0)
    first_m1 = (rows[0], rows[1], 0, rows[3])
    last = Guard(last=(2,))
    once = Guard(first=(2,))
    running = Guard()
    tasks = (
        # Q: depth 2 over p2: the last use of the piece two p2 before.
        Task(
            name="LQ",
            queue=2,
            durations=(40,),
            guard=piece,
            waits=(
                Wait(
                    producer=number["QK"],
                    strides=first_m1,
                    offset=(m1 - 1) * p1 - 2 * rows[1],
                    cause="slot",
                ),
            ),
            takes=((0, (64,)),),
        ),
        Task(
            name="LK",
            queue=3,
            durations=(50,),
            guard=head,
            waits=(
                Wait(producer=number["QK"], strides=first_p1, offset=p1 - 1 - 2 * p1, cause="slot"),
            ),
        ),
        Task(
            name="LV",
            queue=4,
            durations=(50,),
            guard=head,
            waits=(
                Wait(producer=number["AV"], strides=first_p1, offset=p1 - 1 - 2 * p1, cause="slot"),
            ),
        ),
        Task(
            name="QK",
            queue=0,
            durations=(64,),
            guard=tile,
            waits=(
                Wait(producer=number["LQ"], strides=first_m1),
                Wait(producer=number["LK"], strides=first_p1),
                before("SLN", 3, cause="slot"),
            ),
        ),
        Task(
            name="RM",
            queue=1,
            durations=(8,),
            guard=tile,
            shift=1,
            waits=(same("QK", lag=20), before("RM", p1, guard=running)),
        ),
        Task(name="SLN", queue=0, durations=(7,), guard=tile, shift=2, waits=(same("RM", lag=30),)),
        Task(name="SLD", queue=0, durations=(2,), guard=tile, shift=2, waits=(same("SLN"),)),
        Task(
            name="AV",
            queue=0,
            durations=(64,),
            guard=tile,
            shift=3,
            waits=(
                same("SLN", lag=10),
                Wait(producer=number["LV"], strides=first_p1),
                before("RN", 4, cause="slot"),
            ),
        ),
        Task(name="RN", queue=1, durations=(60,), guard=tile, shift=4, waits=(same("AV", lag=20),)),
        Task(name="RD", queue=1, durations=(4,), guard=tile, shift=4, waits=(same("SLD"),)),
        Task(
            name="SO",
            queue=5,
            durations=(40,),
            guard=last,
            shift=4,
            waits=(same("RN"),),
            gives=((0, (64,)),),
        ),
        Task(name="SM", queue=6, durations=(3,), guard=once, shift=4, waits=(same("RD"),)),
    )
    bodies = [
        [("QK", 0), ("SLN", 0), ("SLD", 0), ("AV", 0)],
        [("RM", 0), ("RN", 0), ("RD", 0)],
        [("LQ", 0)],
        [("LK", 0)],
        [("LV", 0)],
        [("SO", 0)],
        [("SM", 0)],
    ]
    queues = tuple(
        Queue(name=f"q{n}", resource=min(n, 2), body=tuple((number[t], k) for t, k in body))
        for n, body in enumerate(bodies)
    )
    return Phase(
        name="attention",
        loops=tuple(
            Loop(name=n, count=c) for n, c in zip(("b", "p2", "m1", "p1"), counts, strict=True)
        ),
        resources=("2D", "1D", "DRAM"),
        queues=queues,
        tasks=tasks,
        pools=(Pool(name="Q", buffer="glb"),),
    )


def long_body(outer: int = 768, rows: int = 256, inner: int = 16384) -> Phase:
    """Few iterations with a long body each: QK and AV of ``inner`` tiles in one slot."""
    strides = (rows * inner, inner)
    each = tuple(range(inner))
    depth = tuple(k - 2 for k in each)
    kinds = tuple(int(k >= inner - 7) for k in each)
    tasks = (
        Task(
            name="QK",
            queue=0,
            durations=(64, 30),
            inner=inner,
            inner_class=kinds,
            waits=(Wait(producer=1, strides=strides, inner=depth, cause="slot"),),
        ),
        Task(
            name="SM",
            queue=1,
            durations=(61, 29),
            inner=inner,
            inner_class=kinds,
            waits=(Wait(producer=0, strides=strides, inner=each, lag=64),),
        ),
        Task(
            name="AV",
            queue=0,
            durations=(64, 30),
            inner=inner,
            inner_class=kinds,
            shift=1,
            waits=(Wait(producer=1, strides=strides, inner=each, lag=64),),
        ),
    )
    body = tuple(item for k in each for item in ((0, k), (2, k)))
    return Phase(
        name="long",
        loops=(Loop(name="b", count=outer), Loop(name="m", count=rows)),
        resources=("2D", "1D"),
        tasks=tasks,
        queues=(
            Queue(name="2D", resource=0, body=body),
            Queue(name="1D", resource=1, body=tuple((1, k) for k in each)),
        ),
    )


def tasks_of(outcome: Outcome) -> int:
    return sum(sum(map(sum, phase.instances)) for phase in outcome.phases)


def nests() -> dict[str, Phase]:
    return {
        "768 x 32 x 4096 x 128": attention(768, 32, 4096, 128),
        "768 x 32 x 4096 x 128 causal": attention(768, 32, 4096, 128, causal=1),
        "768 x 256 x 4096 x 16 causal": attention(768, 256, 4096, 16, causal=1),
        "768 x 256, 32,768 items a slot": long_body(),
    }


def test_reference(benchmark: BenchmarkFixture) -> None:
    """Tasks a second of the reference kernel, 12 tasks an iteration (aim: 0.5 M)."""
    phase = attention(1, 4, 64, 64)
    outcome = benchmark.pedantic(reference.run, (phase,), rounds=5)
    rate = tasks_of(outcome) / benchmark.stats.stats.min
    benchmark.extra_info["M tasks/s"] = round(rate / 1e6, 3)


@pytest.mark.parametrize("name", nests())
def test_jump(benchmark: BenchmarkFixture, name: str) -> None:
    """Big nests under the jump kernel."""
    outcome = benchmark.pedantic(jump.run, (nests()[name],), rounds=1)
    benchmark.extra_info["tasks"] = tasks_of(outcome)


def test_ratio(benchmark: BenchmarkFixture) -> None:
    """The same program under both, in one run: the same counters, and how much sooner."""
    phase = attention(1, 4, 64, 64)
    begin = time.process_time()
    right = reference.run(phase)
    spent = time.process_time() - begin
    assert benchmark.pedantic(jump.run, (phase,), rounds=3) == right
    benchmark.extra_info["reference / jump"] = round(spent / benchmark.stats.stats.min, 1)


def main() -> None:
    phase = attention(1, 4, 64, 64)
    times = []
    for _ in range(5):
        begin = time.process_time()
        outcome = reference.run(phase)
        times.append(time.process_time() - begin)
    count, spent = tasks_of(outcome), min(times)
    print(f"reference: {count} tasks in {spent:.2f} s = {count / spent / 1e6:.2f} M tasks/s")
    begin = time.process_time()
    assert jump.run(phase) == outcome
    mine = time.process_time() - begin
    print(f"jump on the same: {mine:.3f} s, {spent / mine:.1f} times as fast")
    for name, phase in nests().items():
        statistics = jump.Statistics()
        begin = time.process_time()
        outcome = jump.run(phase, statistics)
        spent = time.process_time() - begin
        count = tasks_of(outcome)
        print(
            f"jump, {name}: {count:.3e} tasks, {outcome.ticks} ticks in {spent:.3f} s", statistics
        )


if __name__ == "__main__":
    main()
