"""The 2D array: any instructions, words and maxima against its model; a tile of attention through it."""

import random
from fractions import Fraction

import pytest

from accelsim.engines import Offer, Stimulus
from accelsim.engines.array2d import Array2D, Tensor
from accelsim.engines.exponential_steps import STEPS
from accelsim.engines.number import Float
from accelsim.engines.pe2d import Op
from accelsim.errors import SpecError
from tests.rtl.elements import anything, offers
from tests.rtl.harness import lockstep

SMALL = {"operand": Float(4, 4), "accumulator": Float(5, 10)}


@pytest.mark.parametrize(
    "engine",
    [
        Array2D(stages=1, climb=1, cols=1, rows=1, rings=1, tag=1, key_slots=1, **SMALL),
        Array2D(rows=3, hop=2, words=2, head=6, stages=2, climb=3, key_slots=1, **SMALL),
        pytest.param(Array2D(), marks=pytest.mark.campaign),
    ],
    ids=lambda engine: f"{engine.rows} {engine.cols}",
)
def test_block_equals_model_on_any_instructions(engine):
    lockstep(engine, anything(engine, random.Random(str(engine)), 80))


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(12))
def test_block_equals_model_at_length(seed):
    draw = random.Random(seed)
    engine = Array2D(
        rows=draw.randint(1, 4),
        cols=draw.randint(1, 4),
        hop=draw.randint(1, 3),
        climb=draw.randint(1, 5),
        stages=draw.randint(1, 4),
        words=draw.choice([1, 2]),
        head=draw.choice([2, 4, 6]),
        value=draw.choice([2, 4, 6]),
        scores=draw.randint(1, 4),
        key_slots=draw.randint(1, 3),
    )
    lockstep(engine, anything(engine, draw, 600))


@pytest.mark.parametrize("keys", [1, pytest.param(2, marks=pytest.mark.campaign)])
def test_a_tile_of_attention(keys):
    """Q, K, V filled; QK, LM, the maxima back up, SLN, SLD, SLNV: each column's are those of its query."""
    engine = Array2D(rows=2, cols=2, head=2, value=3, stages=2, hop=2, climb=3, **SMALL)
    draw, x, y, adder = random.Random(keys), engine.operand, engine.accumulator, engine.adder
    number = lambda: x.of(Fraction(draw.gauss(0, 1)))  # noqa: E731
    words = {
        tensor: [[number() for _ in range(engine.sizes[tensor])] for _ in range(2)]
        for tensor in Tensor
    }
    fill = engine.port("fill").pack
    filled = [
        fill(tensor=tensor, slot=1, lane=lane, group=e, words=word)
        for tensor, rows in words.items()
        for lane, row in enumerate(rows)
        for e, word in enumerate(row)
    ]
    still = dict.fromkeys([name for name, _ in engine.issue], 0)
    still |= {"rows": keys, "row_slot": 1, "col_slot": 1, "tag": 2, "score": 3}

    def issue(op, element=0, last=1):
        fields = {"op": op, "element": element, "first": int(element == 0), "last": last}
        return engine.port("issue").pack(**still | fields)

    scores = [
        [adder_score(engine, words[Tensor.K][r], words[Tensor.Q][c]) for r in range(2)]
        for c in range(2)
    ]
    maxima = [y.convert(max(column[:keys], key=y.value), x) for column in scores]
    climb = [[None] * len(filled) + [engine.port("climb_0").pack(value=m, tag=2)] for m in maxima]
    # Scores, their maximum, then the maxima are up and the exponentials begin.
    cycles = [None] * len(filled)
    cycles += [issue(Op.SCORE, 0, 0), issue(Op.SCORE, 1), issue(Op.MAXIMUM)]
    cycles += [None] * (engine.stages + engine.climb)
    begin = len(cycles)
    for step in range(STEPS):
        cycles += [issue(Op.STEP_0 + step), *[None] * (engine.stages - 1)]
    ready = begin + engine.exponentials(1)[1]
    cycles = cycles[:ready] + [None] * (ready - len(cycles))
    cycles += [issue(Op.SUM), *(issue(Op.PRODUCT, f, int(f == 2)) for f in range(3))]
    trace = lockstep(
        engine,
        Stimulus(
            offers={
                "issue": offers(cycles),
                "fill": [Offer(each) for each in filled],
                **{f"climb_{c}": offers(each) for c, each in enumerate(climb)},
            },
            cycles=len(cycles) + engine.latency + 2,
        ),
    )
    for c in range(2):
        greatest = [(t.cycle, t.value) for t in trace if t.port == f"maximum_{c}"]
        at = len(filled) + 2 + engine.lags["issue", f"maximum_{c}"]
        wanted = max(scores[c][:keys], key=y.value)
        assert [(n, engine.port("maximum_0").unpack(v)["value"]) for n, v in greatest] == [
            (at, wanted)
        ]
        powers = [engine.steps.of_difference(s, maxima[c]) for s in scores[c][:keys]]
        sums = []
        for f in (None, 0, 1, 2):
            total = adder.held(0)
            for r in range(2):
                if r >= keys:
                    total = adder.add(x.sign_bit, x.one, total)
                else:
                    value = x.one if f is None else words[Tensor.V][r][f]
                    total = adder.add(powers[r], value, total)
            sums.append(adder.bits(total))
        found = [(t.cycle, t.value) for t in trace if t.port == f"sum_{c}"]
        first = ready + engine.lags["issue", f"sum_{c}"]
        assert [n for n, _ in found] == [first + n for n in range(4)]
        assert [engine.port("sum_0").unpack(v)["value"] for _, v in found] == sums
    top = {name: next(t.cycle for t in trace if t.port == name) for name in ("corner", "bottom")}
    assert top == {name: len(filled) + engine.lags["issue", name] for name in ("corner", "bottom")}
    assert [t.cycle for t in trace if t.port == "climbed"] == [
        len(filled) + engine.lags["climb_0", "climbed"]
    ]


def adder_score(engine, key, query):
    """The dot product as the MAC has it: every product added, rounded once a step."""
    x, y, score = engine.operand, engine.accumulator, 0
    for k, q in zip(key, query, strict=True):
        score = x.fused(k, q, score, y)
    return score


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"rows": "0"}, "array2d: rows must be at least 1, not 0"),
        ({"words": "3"}, "array2d: words must be a power of two, not 3"),
        ({"words": "4", "head": "6"}, "array2d: words must divide head, 6, not be 4"),
        ({"tag": "1"}, "array2d: tag must be at least the 2 bits of a place, not 1"),
        ({"operand": "fp32"}, "array2d: the accumulator of the exponential must have at least"),
    ],
)
def test_what_it_cannot_be_is_refused(settings, sentence):
    with pytest.raises(SpecError) as error:
        Array2D.of(settings)
    assert sentence in str(error.value)
