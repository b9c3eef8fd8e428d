"""Running maxima against their model, and PRM as the exponential engine makes it of their pairs."""

import random
from fractions import Fraction

import pytest

from accelsim.engines import Offer, Stimulus
from accelsim.engines.exponential import Exponential
from accelsim.engines.number import Float
from accelsim.engines.running_max import RunningMax
from accelsim.errors import SpecError
from tests.rtl.elements import anything
from tests.rtl.harness import lockstep, steady

SMALL = {"operand": Float(4, 4), "accumulator": Float(5, 10)}


@pytest.mark.parametrize(
    "engine",
    [RunningMax(), RunningMax(tiles=1, rings=1, tag=1, **SMALL), RunningMax(tiles=3, tag=5)],
    ids=repr,
)
def test_block_equals_model_on_any_instructions(engine):
    lockstep(engine, anything(engine, random.Random(str(engine)), 200))


def only(engine, trace, port):
    return [engine.port(port).unpack(t.value) for t in trace if t.port == port]


@pytest.mark.parametrize("lag", [0, 1])
def test_the_running_maximum_and_what_it_rescales_by(lag):
    """Two queries in turn; the pair is read a cycle after its update, for an exponential."""
    engine, draw = RunningMax(), random.Random(lag)
    x, y = engine.operand, engine.accumulator
    i, local = engine.port("i"), engine.port("maximum")
    maxima, told, wanted, pairs = [], [], [], []
    running = [None, None]
    for n in range(40):
        value = y.of(Fraction(draw.gauss(0, 3)))
        tile, which = n % 2, {"tile": n % 2, "tag": n % engine.rings, "fresh": int(n < 2)}
        maxima.append(local.pack(value=value, tag=n % engine.rings))
        told += [i.pack(update=1, rescale=0, **which), i.pack(update=0, rescale=1, **which)]
        old = x.negate(x.infinity) if running[tile] is None else running[tile]
        running[tile] = x.maximum(old, y.convert(value, x))
        wanted.append(running[tile])
        pairs.append({"old": old, "new": running[tile]})
    offers = {
        "maximum": [Offer(each, int(n > 0)) for n, each in enumerate(maxima)],
        "i": [Offer(each, int(n == 0) * lag) for n, each in enumerate(told)],
    }
    trace = lockstep(engine, Stimulus(offers=offers, cycles=2 * len(told)))
    assert [each["value"] for each in only(engine, trace, "climb")] == wanted
    assert only(engine, trace, "pair") == pairs
    power = Exponential(stages=1)
    operands = [
        power.port("i").pack(a=x.convert(pair["old"], y), b=pair["new"]) for pair in pairs[2:12]
    ]
    made = [t.value for t in lockstep(power, steady(power, {"i": operands}, 100)) if t.port == "o"]
    exact = [x.value(pair["old"]) - x.value(pair["new"]) for pair in pairs[2:12]]
    steps = power.steps
    assert made == [steps.of_difference(x.convert(p["old"], y), p["new"]) for p in pairs[2:12]]
    assert all((d == 0) == (value == x.one) for d, value in zip(exact, made, strict=True))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rings": "3"}, "running_max: rings must be a power of two, not 3"),
        ({"rings": "8"}, "running_max: tag must be at least the 3 bits of a place, not 2"),
        ({"tiles": "0"}, "running_max: tiles must be at least 1, not 0"),
    ],
)
def test_what_it_cannot_be_is_refused(settings, sentence):
    with pytest.raises(SpecError) as error:
        RunningMax.of(settings)
    assert str(error.value).endswith(sentence)
