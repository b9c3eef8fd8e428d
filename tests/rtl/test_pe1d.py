"""The lane of the 1D array: any instructions against its model, and a row of attention through it."""

import random
from fractions import Fraction

import pytest

from accelsim.engines import Offer, Stimulus
from accelsim.engines.number import Float
from accelsim.engines.pe1d import PE1D, LaneOp
from accelsim.engines.quotient import quotient
from accelsim.errors import SpecError
from tests.rtl.elements import anything, instruction, offers, priced, steps
from tests.rtl.harness import lockstep

SMALL = {"operand": Float(5, 6), "accumulator": Float(6, 16), "tiles": 3, "value": 3, "rings": 1}


@pytest.mark.parametrize(
    "engine",
    [PE1D(stages=1, tiles=1, value=1, vectors=1), PE1D(), PE1D(stages=6), PE1D(stages=2, **SMALL)],
    ids=lambda engine: f"{engine.operand} {engine.stages}",
)
def test_block_equals_model_on_any_instructions(engine):
    lockstep(engine, anything(engine, random.Random(str(engine)), 100))


@pytest.mark.campaign
@pytest.mark.parametrize("stages", [1, 2, 3, 4, 5, 8])
def test_block_equals_model_at_length(stages):
    for seed in range(20):
        lockstep(PE1D(stages=stages), anything(PE1D(stages=stages), random.Random(seed), 2000))


@pytest.mark.parametrize("stages", [1, 5])
def test_two_tiles_of_a_row(stages):
    """Maximum, rescaling, sum, product and quotient of one query, each as early as the lags allow."""
    engine = PE1D(stages=stages, tiles=1, value=2)
    x, y, adder = engine.operand, engine.accumulator, engine.adder
    number = lambda value: y.of(Fraction(value))  # noqa: E731
    tiles = [(number("1.25"), number("3.5"), [number("0.75"), number("-2")])]
    tiles.append((number("2.5"), number("1.5"), [number("5"), number("0.125")]))
    column, maxima = [], []
    for tag, (local, total, product) in enumerate(tiles):
        done = {"tag": tag, "first": 1, "last": 1}
        maxima.append(engine.port("maximum").pack(value=local, **done))
        for place, value in enumerate([total, *product]):
            fields = done | {"first": int(place < 2), "product": int(place > 0)}
            bits = adder.bits(adder.held(value))
            column.append(engine.port("sum").pack(value=bits, **fields))
    cycles = [None] * 8
    wanted_sum, wanted = 0, [0, 0]
    for tag, (local, total, product) in enumerate(tiles):
        fresh = {"fresh": int(tag == 0), "tag": tag}
        cycles.append(instruction(engine, LaneOp.RM, first=1, **fresh))
        begin = len(cycles)
        cycles += steps(engine, [fresh])
        ready = begin + engine.exponentials(1)[1]
        cycles = cycles[:ready] + [None] * (ready - len(cycles))
        gap = [None] * (stages - 1)
        cycles += [instruction(engine, LaneOp.SPD, **fresh), *gap]
        cycles += [instruction(engine, LaneOp.RD, **fresh), *gap]
        for op in (LaneOp.SPNV, LaneOp.RNV):
            for f in range(2):
                cycles += [instruction(engine, op, element=f, **fresh), *gap]
        before = y.convert(tiles[0][0], x)
        now = x.maximum(before, y.convert(local, x))
        scale = engine.steps.of_difference(x.convert(before, y), now) if tag else 0
        wide = x.convert(scale, y)
        wanted_sum = y.fused(total, y.one, y.fused(wanted_sum, wide, 0, y), y)
        wanted = [
            y.fused(new, y.one, y.fused(old, wide, 0, y), y)
            for old, new in zip(wanted, product, strict=True)
        ]
    cycles += [instruction(engine, LaneOp.AV, element=f, last=f) for f in range(2)]
    stimulus = Stimulus(
        offers={
            "i": offers(cycles),
            "sum": [Offer(each) for each in column],
            "maximum": [Offer(each) for each in maxima],
        },
        cycles=len(cycles) + engine.latency + 2,
    )
    trace = lockstep(engine, stimulus)
    found = [engine.port("quotient").unpack(t.value) for t in trace if t.port == "quotient"]
    assert [each["value"] for each in found] == [
        quotient(each, wanted_sum, y, x) for each in wanted
    ]
    issued = [t.cycle for t in trace if t.port == "i"][-1]
    assert [t.cycle for t in trace if t.port == "quotient"][-1] == issued + engine.divider.latency


@pytest.mark.parametrize("operation", [each.name for each in PE1D().operations])
def test_what_an_operation_is_priced_on(operation):
    """The second half does nothing else, on numbers that are there; the block does as the model says."""
    engine = PE1D()
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
        ({"tiles": "0"}, "pe1d: tiles must be at least 1, not 0"),
        ({"rings": "3"}, "pe1d: rings must be a power of two, not 3"),
        ({"operand": "fp32"}, "pe1d: the accumulator of the exponential must have at least"),
    ],
)
def test_what_it_cannot_be_is_refused(settings, sentence):
    with pytest.raises(SpecError) as error:
        PE1D.of(settings)
    assert sentence in str(error.value)
