import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.engines import Offer, Stimulus
from accelsim.engines.buffer import Buffer
from accelsim.errors import SpecError
from tests.rtl.harness import lockstep, steady, stimuli


@st.composite
def buffers(draw):
    reads, writes = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return Buffer(
        width=draw(st.integers(1, 8)),
        depth=draw(st.integers(1, 6)),  # few words, so that requests meet
        reads=reads,
        writes=writes,
        access_ports=draw(st.integers(1, reads + writes)),
        latency_cycles=draw(st.integers(1, 3)),
    )


@given(data=st.data())
@settings(max_examples=40)
def test_equals_its_model(data):
    buffer = data.draw(buffers())
    lockstep(buffer, data.draw(stimuli(buffer, slack=60)))


@given(data=st.data())
@settings(max_examples=100)
def test_the_model_keeps_its_rules(data):
    """Told from the trace alone: a read sees the last write, ports are enough, nothing is lost."""
    buffer = data.draw(buffers())
    stimulus = data.draw(stimuli(buffer, slack=60))
    words, due = {}, {n: [] for n in range(buffer.reads)}
    by_cycle = {}
    for transfer in buffer.run(stimulus):
        by_cycle.setdefault(transfer.cycle, []).append(transfer)
    for transfers in by_cycle.values():
        requests = [t for t in transfers if t.port[0] in "wr"]
        assert len(requests) <= buffer.access_ports
        written = {}
        for t in requests:
            n = int(t.port[1:])
            if t.port[0] == "r":
                due[n].append(words.get(t.value, 0))
            else:
                request = buffer.port(t.port).unpack(t.value)
                assert request["address"] not in written
                if request["address"] < buffer.depth:
                    written[request["address"]] = request["data"]
        for t in transfers:
            if t.port[0] == "d":
                assert t.value == due[int(t.port[1:])].pop(0)
        words |= written
    assert not any(due.values())


@pytest.mark.parametrize("latency", [1, 2, 5])
def test_an_answer_takes_its_latency(latency):
    buffer = Buffer(depth=4, latency_cycles=latency)
    trace = lockstep(buffer, steady(buffer, {"r0": [0, 1, 2, 3]}))
    asked = [t.cycle for t in trace if t.port == "r0"]
    answered = [t.cycle for t in trace if t.port == "d0"]
    assert asked == [0, 1, 2, 3]
    assert answered == [cycle + buffer.lags["r0", "d0"] for cycle in asked]


def test_priority_is_fixed_and_conflicts_wait():
    buffer = Buffer(width=8, depth=4, reads=2, writes=1)
    write = buffer.port("w0").pack(address=1, data=7)
    offers = {"w0": [Offer(write)], "r0": [Offer(1)], "r1": [Offer(1)]}
    trace = lockstep(buffer, Stimulus(offers=offers, cycles=6))
    assert [(t.cycle, t.port) for t in trace if t.port[0] != "d"] == [
        (0, "w0"),
        (1, "r0"),
        (2, "r1"),
    ]
    assert [t.value for t in trace if t.port[0] == "d"] == [7, 7]


def test_a_read_sees_the_word_before_this_cycles_write():
    buffer = Buffer(width=8, depth=4, access_ports=2)
    write = buffer.port("w0").pack(address=1, data=7)
    trace = lockstep(
        buffer, Stimulus(offers={"w0": [Offer(write)], "r0": [Offer(1), Offer(1)]}, cycles=4)
    )
    assert [(t.cycle, t.value) for t in trace if t.port == "d0"] == [(1, 0), (2, 7)]


def test_an_answer_that_waits_keeps_its_port_free_for_others():
    buffer = Buffer(width=8, depth=4, reads=2)
    offers = {"r0": [Offer(0), Offer(0)], "r1": [Offer(1, gap=2)]}
    trace = lockstep(buffer, Stimulus(offers=offers, ready={"d0": [False] * 9}, cycles=12))
    assert (2, "r1") in [(t.cycle, t.port) for t in trace]


def test_more_ports_than_streams_are_refused():
    with pytest.raises(SpecError, match=r"access_ports must be at most reads \+ writes, 2, not 3"):
        Buffer(access_ports=3)
