"""The element of the 2D array: any instructions against its model, and what they make of numbers."""

import random
from fractions import Fraction

import pytest

from accelsim.engines import Stimulus
from accelsim.engines.number import BF16, FP16, FP32, Float
from accelsim.engines.number_sum import Adder
from accelsim.engines.pe2d import PE2D, Op
from accelsim.errors import SpecError
from accelsim.rtl.number_sum import held
from tests.rtl.elements import anything, instruction, offers, priced, steps
from tests.rtl.harness import lockstep
from tests.rtl.numbers import hard

SMALL = {"operand": Float(5, 6), "accumulator": Float(6, 16), "scores": 3}


@pytest.mark.parametrize(
    "engine",
    [PE2D(stages=1, scores=1), PE2D(), PE2D(stages=5), PE2D(stages=2, **SMALL)],
    ids=lambda engine: f"{engine.operand} {engine.stages}",
)
def test_block_equals_model_on_any_instructions(engine):
    lockstep(engine, anything(engine, random.Random(str(engine)), 120))


@pytest.mark.campaign
@pytest.mark.parametrize("stages", [1, 2, 3, 4, 5, 8])
def test_block_equals_model_at_length(stages):
    for seed in range(20):
        lockstep(PE2D(stages=stages), anything(PE2D(stages=stages), random.Random(seed), 2000))


def only(engine, trace, port, field="value"):
    return [engine.port(port).unpack(t.value)[field] for t in trace if t.port == port]


@pytest.mark.parametrize("stages", [1, 3, 4])
def test_a_column_of_attention(stages):
    """Scores, their maximum, as many exponentials as stages interleaved, their sum and product."""
    engine, draw = PE2D(stages=stages, scores=4), random.Random(stages)
    x, y, adder = engine.operand, engine.accumulator, engine.adder
    tiles = min(stages, 4)
    number = lambda: x.of(Fraction(draw.gauss(0, 1)))  # noqa: E731
    keys, queries = [number() for _ in range(8)], [[number() for _ in range(8)] for _ in range(4)]
    cycles, scores = [], []
    for n in range(tiles):
        score = 0
        for e, (k, q) in enumerate(zip(keys, queries[n], strict=True)):
            where = {"score": n, "first": int(e == 0), "last": int(e == 7), "on": 1}
            cycles.append(instruction(engine, Op.SCORE, west=k, north=q, **where))
            score = x.fused(k, q, score, y)
        scores.append(score)
        cycles.append(instruction(engine, Op.MAXIMUM, score=n, first=1, last=1, on=1))
    maxima = [y.convert(score, x) for score in scores]
    cycles += [None] * stages
    start = len(cycles)
    cycles += steps(engine, [{"score": n, "north": maxima[n], "on": 1} for n in range(tiles)])
    issue, ready = engine.exponentials(tiles)
    cycles = cycles[: start + issue] + [None] * (ready - issue)
    for n in range(tiles):
        cycles.append(instruction(engine, Op.SUM, score=n, on=1))
        cycles.append(instruction(engine, Op.PRODUCT, score=n, west=keys[n], on=1))
        cycles.append(instruction(engine, Op.PRODUCT, score=n, west=keys[n], on=0))
    zero = engine.port("above").pack(sum=adder.bits(adder.held(0)), maximum=y.negate(y.infinity))
    trace = lockstep(
        engine,
        Stimulus(
            offers={"i": offers(cycles), "above": offers([zero] * (len(cycles) + stages))},
            cycles=len(cycles) + stages + 2,
        ),
    )
    assert only(engine, trace, "maximum") == scores
    powers = [engine.steps.of_difference(s, m) for s, m in zip(scores, maxima, strict=True)]
    sums = [adder.rounded(adder.sum_of(value)) for value in only(engine, trace, "sum")]
    wanted = [
        each
        for n, power in enumerate(powers)
        for each in (x.convert(power, y), x.fused(power, keys[n], 0, y), 0)
    ]
    assert sums == wanted


def test_an_exponential_is_no_factor_a_cycle_earlier():
    """Both figures of ``exponentials`` are tight: what is issued too early reads the score."""
    engine = PE2D(stages=3)
    x = engine.operand
    for early, right in ((0, True), (1, False)):
        cycles = [instruction(engine, Op.SCORE, west=0, north=0, first=1, last=1, on=1)]
        cycles += [None] * engine.stages
        cycles += steps(engine, [{"north": x.one, "on": 1}])
        ready = 1 + engine.stages + engine.exponentials(1)[1] - early
        cycles = cycles[:ready] + [None] * (ready - len(cycles))
        cycles.append(instruction(engine, Op.SUM, on=1))
        trace = lockstep(engine, Stimulus(offers={"i": offers(cycles)}, cycles=len(cycles) + 5))
        (value,) = only(engine, trace, "sum")
        found = engine.adder.rounded(engine.adder.sum_of(value))
        power = engine.steps.of_difference(0, x.one)
        assert (found == x.convert(power, engine.accumulator)) is right


@pytest.mark.parametrize(
    ("form", "to"),
    [(BF16, FP32), (FP32, FP32), (Float(3, 2), Float(4, 4)), (FP16, Float(5, 10, False))],
    ids=str,
)
def test_an_unrounded_sum_is_that_of_fused_operations(form, to):
    adder, draw = Adder(form, to), random.Random(str(form))
    assert adder.width == held(to, range(1, adder.exponents)).size
    sum_, wanted = adder.held(0), 0
    for _ in range(3000):
        a, b = hard(form, draw), hard(form, draw)
        if draw.random() < 0.1:
            wanted = hard(to, draw)
            sum_ = adder.held(wanted)
        if draw.random() < 0.2:
            a, b = to.convert(to.negate(wanted), form), form.one
        sum_, wanted = adder.add(a, b, sum_), form.fused(a, b, wanted, to)
        assert adder.rounded(sum_) == wanted
        assert adder.sum_of(adder.bits(sum_)) == sum_


@pytest.mark.parametrize("operation", [each.name for each in PE2D().operations])
def test_what_an_operation_is_priced_on(operation):
    """The second half does nothing else, on numbers that are there; the block does as the model says."""
    engine = PE2D()
    (port,) = (each.port for each in engine.operations if each.name == operation)
    trace = lockstep(engine, priced(engine, operation, "attention"))
    half = max(t.cycle for t in trace) // 2
    done = [t for t in trace if t.port == port and t.cycle > half + engine.latency]
    assert len(done) > 20
    if port != "adding":
        assert len({t.value for t in done}) > 2
    else:
        assert len({engine.port(port).unpack(t.value)["op"] for t in done}) in (1, 7)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"stages": "0"}, "pe2d: stages must be at least 1, not 0"),
        ({"scores": "65"}, "pe2d: scores must be at most 64, not 65"),
        ({"operand": "fp32"}, "pe2d: the accumulator of the exponential must have at least"),
    ],
)
def test_what_it_cannot_be_is_refused(settings, sentence):
    with pytest.raises(SpecError) as error:
        PE2D.of(settings)
    assert sentence in str(error.value)
