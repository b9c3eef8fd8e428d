"""The MAC: values against exact sums, and cycles, with gaps and back-pressure."""

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.engines import Offer, Stimulus
from accelsim.engines.mac import Mac
from accelsim.engines.number import BF16, FP16, FP32, Float
from tests.rtl.harness import lockstep, steady, stimuli
from tests.rtl.numbers import hard, hard_pair

ENGINES = [
    Mac(stages=1),
    Mac(stages=2),
    Mac(),
    Mac(stages=5),
    Mac(form=Float(3, 2), accumulator=Float(3, 2), stages=2),
    Mac(form=FP16, accumulator=Float(5, 10, subnormals=False)),
]


def numbers(form):
    return st.randoms(use_true_random=False).map(lambda rng: hard(form, rng))


def operations(engine):
    flags = st.sampled_from([0, 0, 1])
    return st.builds(
        lambda **values: engine.port("i").pack(**values),
        a=numbers(engine.form),
        b=numbers(engine.form),
        c=numbers(engine.accumulator),
        first=flags,
        last=flags,
    )


def from_first(engine, stimulus):
    """Make the first operation begin a sum: what a sum is after reset is not defined."""
    offers = list(stimulus.offers["i"])
    if offers:
        fields = engine.port("i").unpack(offers[0].value) | {"first": 1}
        offers[0] = Offer(engine.port("i").pack(**fields), offers[0].gap)
    return Stimulus(offers={"i": offers}, ready=stimulus.ready, cycles=stimulus.cycles)


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_block_equals_model(engine):
    @settings(max_examples=4)
    @given(st.data())
    def check(data):
        lockstep(engine, from_first(engine, data.draw(stimuli(engine, operations(engine)))))

    check()


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_one_product_a_cycle_into_the_same_sum(engine):
    """Sums that cancel, overflow and become NaN: every step of every sum is seen."""
    rng = random.Random(engine.stages)
    form, wide = engine.form, engine.accumulator
    values, sum_, expected = [], 0, []
    for n in range(240):
        a, b = hard_pair(form, rng)
        c, first = hard(wide, rng), int(n % 20 == 0)
        if rng.random() < 0.3 and not (first or wide.is_nan(sum_) or wide.is_infinite(sum_)):
            a, b = wide.convert(wide.negate(sum_), form), form.one
        sum_ = form.fused(a, b, c if first else sum_, wide)
        expected.append(sum_)
        values.append(engine.port("i").pack(a=a, b=b, c=c, first=first, last=1))
    trace = lockstep(engine, steady(engine, {"i": values}))
    taken = [t.cycle for t in trace if t.port == "i"]
    given_ = [t for t in trace if t.port == "o"]
    assert [t.value for t in given_] == expected
    assert [t.cycle for t in given_] == [cycle + engine.latency for cycle in taken]
    assert all(b - a == engine.interval for a, b in pairwise(taken))


def test_a_sum_survives_its_own_overflow_and_underflow():
    """Rounded to infinity it stays there; rounded to a subnormal it is exact from there on."""
    engine = Mac()
    big, tiny = BF16.largest, 1
    steps = [(big, big), (BF16.negate(big), big), (tiny, BF16.one), (tiny, BF16.negate(BF16.one))]
    for order in (steps, steps[2:], steps[::-1]):
        values = [
            engine.port("i").pack(a=a, b=b, c=FP32.largest, first=int(not n), last=1)
            for n, (a, b) in enumerate(order)
        ]
        lockstep(engine, steady(engine, {"i": values}))


@pytest.mark.parametrize("kind", ["attention", "random"])
@pytest.mark.parametrize("operation", [each.name for each in Mac().operations])
def test_operands_make_the_operation_that_they_are_named_for(operation, kind):
    engine = Mac()
    fields = [engine.port("i").unpack(v) for v in engine.operands(operation, kind, 2, 50)["i"]]
    assert len(fields) == 50
    if operation == "add":
        assert all(f["b"] == engine.form.one and f["first"] and f["last"] for f in fields)
    if operation == "mul":
        assert all(f["c"] == 0 and f["first"] and f["last"] for f in fields)
    if operation == "mac" and kind == "attention":
        assert 0 < sum(f["first"] for f in fields) < 10
        assert fields[-1]["last"]
