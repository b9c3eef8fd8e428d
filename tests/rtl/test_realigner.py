import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.engines import Offer, Stimulus
from accelsim.engines.realigner import Realigner
from tests.rtl.harness import lockstep, steady


def rows(engine, lists):
    """Return the input rows of lists of ragged rows; values count up from 1."""
    found, value = [], 0
    for ragged in lists:
        for n, count in enumerate(ragged):
            lanes = [(value + i) % 15 + 1 for i in range(engine.lanes)]
            value += count
            given_in = {f"lane_{i}": v for i, v in enumerate(lanes)}
            found.append(
                engine.port("i").pack(count=count, last=int(n == len(ragged) - 1), **given_in)
            )
    return found


def values(port, transfers):
    """Return the lists of values that passed a port."""
    lists, now = [], []
    for row in (port.unpack(t.value) for t in transfers if t.port == port.name):
        now += [row[f"lane_{n}"] for n in range(row["count"])]
        if row["last"]:
            lists.append(now)
            now = []
    return lists, now


def ragged(lanes):
    return st.lists(st.lists(st.integers(0, lanes), min_size=1, max_size=6), max_size=4)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_equals_its_model_and_keeps_every_value(data):
    engine = Realigner(lanes=data.draw(st.integers(1, 7)), width=4)
    offers = [
        Offer(row, data.draw(st.sampled_from([0, 0, 1, 3])))
        for row in rows(engine, data.draw(ragged(engine.lanes)))
    ]
    ready = data.draw(st.lists(st.booleans(), max_size=30))
    stimulus = Stimulus(offers={"i": offers}, ready={"o": ready}, cycles=6 * len(offers) + 40)
    trace = lockstep(engine, stimulus)
    into, out = engine.ports
    assert values(out, trace) == values(into, trace)
    given_back = [out.unpack(t.value) for t in trace if t.port == "o"]
    assert all(row["count"] == engine.lanes for row in given_back if not row["last"])


@pytest.mark.parametrize("count", [0, 1, 3, 4])
def test_takes_a_row_a_cycle_at_any_density(count):
    engine = Realigner(lanes=4, width=4)
    trace = lockstep(engine, steady(engine, {"i": rows(engine, [[count] * 12])}, cycles=20))
    assert [t.cycle for t in trace if t.port == "i"] == list(range(12))


def test_the_end_of_a_list_costs_at_most_one_more_cycle():
    engine = Realigner(lanes=4, width=4)
    trace = lockstep(engine, steady(engine, {"i": rows(engine, [[3, 3], [1], [4, 2]])}, cycles=20))
    assert [t.cycle for t in trace if t.port == "i"] == [0, 1, 3, 4, 5]


def test_counts_past_the_lanes_are_as_many_as_the_lanes():
    engine = Realigner(lanes=2, width=4)
    row = engine.port("i").pack(count=3, last=1, lane_0=5, lane_1=6)
    trace = lockstep(engine, steady(engine, {"i": [row]}, cycles=6))
    assert values(engine.ports[1], trace) == ([[5, 6]], [])
