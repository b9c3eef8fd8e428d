"""The lane array: any instructions against its model; each lane is a lane on its own, a cycle later."""

import random

import pytest

from accelsim.engines import Stimulus
from accelsim.engines.array1d import Array1D
from accelsim.engines.number import Float
from accelsim.engines.pe1d import LaneOp
from accelsim.errors import SpecError
from tests.rtl.elements import anything, priced
from tests.rtl.harness import lockstep

SMALL = {"operand": Float(4, 4), "accumulator": Float(5, 10), "stages": 2, "digits": 4}
AV = LaneOp.AV


@pytest.mark.parametrize(
    "engine",
    [Array1D(tiles=1, rings=1, **SMALL), pytest.param(Array1D(), marks=pytest.mark.campaign)],
    ids=lambda e: str(e.operand),
)
def test_block_equals_model_on_any_instructions(engine):
    lockstep(engine, anything(engine, random.Random(str(engine)), 80))


def test_a_lane_does_what_it_does_alone():
    engine = Array1D(lanes=3, **SMALL)
    lane, draw = engine.lane, random.Random(3)
    stimulus = anything(engine, draw, 300)
    trace = list(engine.run(stimulus))
    for c in range(engine.lanes):
        first = stimulus.offers["i"]
        own = {"i": [first[0]._replace(gap=first[0].gap + c), *first[1:]]}
        own |= {name: stimulus.offers[f"{name}_{c}"] for name in ("sum", "maximum")}
        alone = list(lane.run(Stimulus(offers=own, cycles=stimulus.cycles)))
        for name in ("climb", "quotient"):
            wanted = [(t.cycle, t.value) for t in alone if t.port == name]
            assert wanted
            assert [(t.cycle, t.value) for t in trace if t.port == f"{name}_{c}"] == wanted


def test_what_an_operation_is_priced_on_and_lags():
    """A quotient of each lane leaves just its lag after its instruction."""
    engine = Array1D(lanes=2, **SMALL)
    trace = lockstep(engine, priced(engine, "div", "attention"))
    issued = [
        t.cycle for t in trace if t.port == "i" and engine.port("i").unpack(t.value)["op"] == AV
    ]
    assert len(issued) > 20
    for c in range(2):
        given = [t.cycle for t in trace if t.port == f"quotient_{c}"]
        lag = engine.lags["i", f"quotient_{c}"]
        assert given == [cycle + lag for cycle in issued if cycle + lag <= given[-1]]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"lanes": "0"}, "array1d: lanes must be at least 1, not 0"),
        ({"vectors": "3"}, "array1d: vectors must be a power of two, not 3"),
    ],
)
def test_what_it_cannot_be_is_refused(settings, sentence):
    with pytest.raises(SpecError) as error:
        Array1D.of(settings)
    assert str(error.value).endswith(sentence)
