import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.engines.zero_eliminator import ZeroEliminator
from tests.rtl.harness import lockstep, steady, stimuli


def row(engine, keep, values):
    lanes = {f"lane_{n}": value for n, value in enumerate(values)}
    return engine.port("i").pack(keep=keep, **lanes)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_equals_its_model(data):
    engine = ZeroEliminator(
        lanes=data.draw(st.integers(1, 9)), width=data.draw(st.sampled_from([1, 3, 8]))
    )
    lockstep(engine, data.draw(stimuli(engine)))


@pytest.mark.parametrize("lanes", [1, 2, 5, 6])
def test_closes_every_pattern_of_gaps(lanes):
    engine = ZeroEliminator(lanes=lanes, width=4)
    rows = [row(engine, keep, range(1, lanes + 1)) for keep in range(2**lanes)]
    trace = lockstep(engine, steady(engine, {"i": rows}))
    found = [engine.port("o").unpack(t.value) for t in trace if t.port == "o"]
    assert len(found) == 2**lanes
    for keep, given_back in enumerate(found):
        wanted = [n + 1 for n in range(lanes) if keep >> n & 1]
        assert given_back["count"] == len(wanted)
        lanes_out = [given_back[f"lane_{n}"] for n in range(lanes)]
        assert lanes_out == wanted + [0] * (lanes - len(wanted))


def test_takes_a_row_a_cycle_and_gives_it_two_later():
    engine = ZeroEliminator(lanes=4, width=4)
    trace = lockstep(engine, steady(engine, {"i": [row(engine, 5, [1, 2, 3, 4])] * 6}))
    assert [t.cycle for t in trace if t.port == "i"] == list(range(6))
    assert [t.cycle for t in trace if t.port == "o"] == list(range(2, 8))
