"""Modulo schedules keep every arc, one operation a unit at a time; small ones are the shortest."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.explore.mapper.modulo import (
    modulo_schedule,
    recurrence_interval,
    resource_interval,
)
from accelsim.explore.mapper.operation import Arc, Operation, longest


@st.composite
def graphs(draw, most=6, longest_task=9, longest_lag=30):
    count = draw(st.integers(1, most))
    operations = [
        Operation(
            name=f"e{n}",
            unit=draw(st.sampled_from(["A", "B"])),
            cycles=draw(st.integers(1, longest_task)),
        )
        for n in range(count)
    ]
    cycles = {op.name: op.cycles for op in operations}
    arcs = []
    for _ in range(draw(st.integers(0, 2 * count))):
        a, b = draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))
        back = draw(st.integers(1, 3)) if a >= b else draw(st.integers(0, 1))
        lag = cycles[f"e{a}"] + draw(st.integers(0, longest_lag))
        arcs.append(Arc(producer=f"e{a}", consumer=f"e{b}", lag=lag, distance=back))
    return operations, arcs


def is_schedule(operations, arcs, start, interval):
    if any(start[a.consumer] < start[a.producer] + a.lag - a.distance * interval for a in arcs):
        return False
    taken = set()
    for op in operations:
        places = {(op.unit, (start[op.name] + n) % interval) for n in range(op.cycles)}
        if len(places) < op.cycles or taken & places:
            return False
        taken |= places
    return True


@given(graphs())
@settings(max_examples=120, deadline=None)
def test_every_schedule_is_one(graph):
    operations, arcs = graph
    made = modulo_schedule(operations, arcs)
    assert is_schedule(operations, arcs, made.start, made.interval)
    assert made.interval >= max(
        resource_interval(operations), recurrence_interval(operations, arcs)
    )
    begin = made.begin(arcs)
    stage, order = made.stage(begin), made.order(begin)
    assert sorted(order) == sorted(stage)
    for unit in begin:
        assert min(stage[op.name] for op in operations if op.unit == unit) == 0
    # On one unit a consumer comes after its producer, in order or in stage.
    unit = {op.name: op.unit for op in operations}
    for arc in arcs:
        if not arc.distance and unit[arc.producer] == unit[arc.consumer]:
            before = (stage[arc.producer], order.index(arc.producer))
            assert before < (stage[arc.consumer], order.index(arc.consumer))


@given(graphs(most=3, longest_task=3, longest_lag=4))
@settings(max_examples=60, deadline=None)
def test_small_graphs_get_the_shortest_interval(graph):
    operations, arcs = graph
    made = modulo_schedule(operations, arcs)
    for interval in range(1, made.interval):
        assert not any(
            _settles(
                operations,
                arcs,
                dict(zip([op.name for op in operations], at, strict=True)),
                interval,
            )
            for at in product(range(interval), repeat=len(operations))
        ), interval


def _settles(operations, arcs, place, interval):
    """Whether some numbers of stages make the places a schedule: tried one by one."""
    names = [op.name for op in operations]
    if not is_schedule(operations, [], place, interval):
        return False
    most = sum(a.lag for a in arcs) // interval + 2
    for stages in product(range(most), repeat=len(names)):
        start = {n: place[n] + k * interval for n, k in zip(names, stages, strict=True)}
        if is_schedule(operations, arcs, start, interval):
            return True
    return False


def test_a_recurrence_sets_the_interval():
    operations = [Operation(name="a", unit="A", cycles=2), Operation(name="b", unit="B", cycles=3)]
    arcs = [
        Arc(producer="a", consumer="b", lag=10, distance=0),
        Arc(producer="b", consumer="a", lag=11, distance=2),
    ]
    assert recurrence_interval(operations, arcs) == 11  # 21 cycles for two tiles
    assert longest(operations, arcs, 10) is None
    assert modulo_schedule(operations, arcs).interval == 11
