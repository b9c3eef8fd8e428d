"""A column of elements: any instructions against its model, and the sums and maxima that drain from it."""

import random
from fractions import Fraction

import pytest

from accelsim.engines import Stimulus
from accelsim.engines.column import Column
from accelsim.engines.number import Float
from accelsim.engines.pe2d import Op
from accelsim.errors import SpecError
from tests.rtl.elements import anything, offers, steps
from tests.rtl.harness import lockstep

SMALL = {"operand": Float(4, 4), "accumulator": Float(5, 10)}


@pytest.mark.parametrize(
    "engine",
    [Column(stages=1, rows=1), Column(rows=3, hop=3, stages=2, **SMALL)],
    ids=lambda engine: f"{engine.rows} {engine.hop}",
)
def test_block_equals_model_on_any_instructions(engine):
    lockstep(engine, anything(engine, random.Random(str(engine)), 80))


@pytest.mark.campaign
@pytest.mark.parametrize("rows", [1, 2, 4, 8])
def test_block_equals_model_at_length(rows):
    for seed in range(10):
        engine = Column(rows=rows, hop=1 + seed % 3, stages=1 + seed % 4)
        lockstep(engine, anything(engine, random.Random(seed), 1000))


def driven(engine, cycles, wests):
    """Row r gets the instructions ``hop`` r cycles later, each with its own word from the left."""
    width = engine.port("i_0").width
    sent = {"north": offers([0 if each is None else each >> width for each in cycles])}
    for r in range(engine.rows):
        row = [None] * (engine.hop * r)
        for n, each in enumerate(cycles):
            if each is not None:
                fields = engine.port("i_0").unpack(each & ((1 << width) - 1))
                each = engine.port("i_0").pack(**fields | {"west": wests[r].get(n, 0)})
            row.append(each)
        sent[f"i_{r}"] = offers(row)
    return Stimulus(offers=sent, cycles=len(cycles) + engine.drain + 2)


@pytest.mark.parametrize(
    "engine",
    [Column(rows=3, hop=2, stages=2, **SMALL), Column(rows=2, hop=1, stages=3)],
    ids=lambda engine: f"{engine.rows} {engine.hop}",
)
def test_what_drains_is_the_sum_and_the_maximum_of_the_rows(engine):
    """One score a row, its exponential; LM, SLD and SLNV leave ``drain`` cycles after they are issued."""
    draw = random.Random(engine.rows)
    x, y, element = engine.operand, engine.accumulator, engine.element
    number = lambda: x.of(Fraction(draw.gauss(0, 1)))  # noqa: E731
    keys, query, north = [number() for _ in range(4)], number(), x.one
    values = [number() for _ in range(4)]
    pack = element.port("i").pack
    fields = {"on": 1, "score": 0, "tag": 0, "west": 0, "north": 0, "first": 1, "last": 1}
    cycles = [
        pack(**fields | {"op": Op.SCORE, "north": query}),
        pack(**fields | {"op": Op.MAXIMUM}),
    ]
    cycles += [None] * engine.stages
    start = len(cycles)
    cycles += steps(element, [fields | {"north": north}])
    ready = start + engine.exponentials(1)[1]
    cycles = cycles[:ready] + [None] * (ready - len(cycles))
    cycles += [pack(**fields | {"op": op}) for op in (Op.SUM, Op.PRODUCT)]
    wests = [{0: keys[r], ready + 1: values[r]} for r in range(engine.rows)]
    trace = lockstep(engine, driven(engine, cycles, wests))
    scores = [x.fused(key, query, 0, y) for key in keys[: engine.rows]]
    powers = [engine.steps.of_difference(score, north) for score in scores]
    adder = engine.adder
    total, product = adder.held(0), adder.held(0)
    for power, value in zip(powers, values, strict=False):
        total, product = adder.add(power, x.one, total), adder.add(power, value, product)
    found = {t.cycle: engine.port("sum").unpack(t.value) for t in trace if t.port == "sum"}
    assert {n: each["value"] for n, each in found.items()} == {
        ready + engine.drain: adder.bits(total),
        ready + 1 + engine.drain: adder.bits(product),
    }
    assert [each["product"] for each in found.values()] == [0, 1]
    ((at, greatest),) = [(t.cycle, t.value) for t in trace if t.port == "maximum"]
    assert at == 1 + engine.drain
    most = max(scores, key=y.value)
    assert engine.port("maximum").unpack(greatest)["value"] == most
    first = {
        name: next(t.cycle for t in trace if t.port == name) for name in ("top", "foot", "o_0")
    }
    below = engine.hop * (engine.rows - 1)
    assert first == {"top": engine.stages - 1, "foot": below + engine.stages - 1, "o_0": 1}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rows": "0"}, "column: rows must be at least 1, not 0"),
        ({"hop": "9"}, "column: hop must be at most 8, not 9"),
        ({"operand": "fp32"}, "column: the accumulator of the exponential must have at least"),
    ],
)
def test_what_it_cannot_be_is_refused(settings, sentence):
    with pytest.raises(SpecError) as error:
        Column.of(settings)
    assert sentence in str(error.value)
