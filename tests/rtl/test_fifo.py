import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.engines import Offer, Stimulus, Transfer
from accelsim.engines.fifo import Fifo
from tests.rtl.harness import lockstep, steady, stimuli


@given(data=st.data())
@settings(max_examples=40)
def test_equals_its_model(data):
    fifo = Fifo(width=data.draw(st.integers(1, 9)), depth=data.draw(st.integers(1, 9)))
    lockstep(fifo, data.draw(stimuli(fifo)))


@given(data=st.data())
@settings(max_examples=60)
def test_the_model_neither_loses_nor_reorders(data):
    fifo = Fifo(width=8, depth=data.draw(st.integers(1, 5)))
    stimulus = data.draw(stimuli(fifo))
    trace = list(fifo.run(stimulus))
    into = [t.value for t in trace if t.port == "i"]
    out = [t.value for t in trace if t.port == "o"]
    assert into == [offer.value for offer in stimulus.offers["i"]]
    assert out == into


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_latency_and_interval_are_as_declared(depth):
    fifo = Fifo(depth=depth)
    trace = lockstep(fifo, steady(fifo, {"i": [5, 6, 7, 8]}))
    into = [t.cycle for t in trace if t.port == "i"]
    out = [t.cycle for t in trace if t.port == "o"]
    assert into == [n * fifo.interval for n in range(4)]
    assert out == [cycle + fifo.lags["i", "o"] for cycle in into]


def test_holds_as_many_as_it_says():
    fifo = Fifo(width=8, depth=3)
    offers = [Offer(n) for n in range(10)]
    stimulus = Stimulus(offers={"i": offers}, ready={"o": [False] * 10}, cycles=10)
    taken = [t.value for t in lockstep(fifo, stimulus)]
    assert taken == [0, 1, 2]


def test_first_word_falls_through():
    fifo = Fifo(width=8, depth=3)
    trace = lockstep(fifo, Stimulus(offers={"i": [Offer(9, gap=2)]}, cycles=6))
    assert trace == [Transfer(2, "i", 9), Transfer(3, "o", 9)]
