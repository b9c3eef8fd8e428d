"""The divider: correctly rounded, in model and logic; cycles."""

import random
from fractions import Fraction
from itertools import pairwise

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.engines.divide import Divide
from accelsim.engines.number import BF16, FP16, FP32, Float
from accelsim.engines.quotient import quotient
from accelsim.rtl import divide
from tests.rtl.harness import lockstep, steady, stimuli
from tests.rtl.numbers import hard, hard_arrays, hard_pair, nearest, plain_value
from tests.rtl.vectors import evaluate_steps

SMALL, FLUSHED = Float(3, 2), Float(3, 2, subnormals=False)
ENGINES = [
    Divide(),
    Divide(form=BF16, digits=11),
    Divide(form=BF16, to=FP32, digits=1),
    Divide(form=SMALL, to=FLUSHED, digits=64),
]


def logic(form, to, a, b):
    widths = {"a": form.width, "b": form.width}
    return evaluate_steps(divide.quotient(form, to), widths, {"a": a, "b": b})


@pytest.mark.parametrize("form", [SMALL, FLUSHED], ids=str)
@pytest.mark.parametrize("to", [SMALL, FLUSHED, Float(4, 3), Float(2, 1)], ids=str)
def test_every_pair_of_a_small_format_is_the_nearest_to_the_exact(form, to):
    a, b = (axis.ravel() for axis in np.indices((64, 64), dtype=np.uint64))
    found = logic(form, to, a, b)
    for x, y, bits in zip(a.tolist(), b.tolist(), found.tolist(), strict=True):
        assert quotient(x, y, form, to) == bits
        p, q = x & 31, y & 31
        if p < form.infinity and q < form.infinity and not form.is_zero(y):
            exact = plain_value(form, x) / plain_value(form, y)
            assert bits == nearest(to, exact, zero_sign=(x ^ y) >> 5)


def test_every_reciprocal_of_bf16_is_correctly_rounded():
    b = np.arange(1 << 16, dtype=np.uint64)
    found = logic(BF16, BF16, np.full_like(b, BF16.one), b)
    for y, bits in zip(b.tolist(), found.tolist(), strict=True):
        if BF16.is_nan(y):
            expected = BF16.nan
        elif BF16.is_infinite(y):
            expected = y & BF16.sign_bit
        elif BF16.is_zero(y):
            expected = y & BF16.sign_bit | BF16.infinity
        else:
            _, significand, scale = BF16.split(y)
            sign = y & BF16.sign_bit
            expected = sign | BF16.of(Fraction(1, significand) / Fraction(2) ** scale)
        assert bits == expected, BF16.show(y)


@pytest.mark.parametrize("count", [5_000, pytest.param(1_000_000, marks=pytest.mark.campaign)])
@pytest.mark.parametrize(
    ("form", "host", "word"),
    [
        (BF16, ml_dtypes.bfloat16, np.uint16),
        (FP16, np.float16, np.uint16),
        (FP32, np.float32, np.uint32),
    ],
    ids=str,
)
def test_equals_the_host(form, host, word, count):
    a, b = hard_arrays(form, count, np.random.default_rng(count))
    x, y = (v.astype(word).view(host) for v in (a, b))
    with np.errstate(all="ignore"):
        result = x / y
        expected = np.where(np.isnan(result), word(form.nan), result.view(word))
    assert (logic(form, form, a, b) == expected).all()


def test_the_normaliser_of_a_row_divides_sums_into_the_narrow_format():
    """What softmax does last: fp32 by fp32, rounded once to bf16."""
    a, b = hard_arrays(FP32, 2000, np.random.default_rng(1))
    expected = [quotient(int(x), int(y), FP32, BF16) for x, y in zip(a, b, strict=True)]
    assert (logic(FP32, BF16, a, b) == expected).all()


def operands(engine):
    def pack(rng):
        return engine.port("i").pack(a=hard(engine.form, rng), b=hard(engine.form, rng))

    return st.randoms(use_true_random=False).map(pack)


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_block_equals_model(engine):
    @settings(max_examples=5)
    @given(st.data())
    def check(data):
        lockstep(engine, data.draw(stimuli(engine, operands(engine))))

    check()


@pytest.mark.parametrize(
    ("engine", "latency"), list(zip(ENGINES, (6, 3, 29, 3), strict=True)), ids=str
)
def test_a_quotient_a_cycle_after_its_latency(engine, latency):
    rng = random.Random(5)
    pairs = [hard_pair(engine.form, rng) for _ in range(30)]
    values = [engine.port("i").pack(a=a, b=b) for a, b in pairs]
    trace = lockstep(engine, steady(engine, {"i": values}))
    taken = [t.cycle for t in trace if t.port == "i"]
    given_ = [t.cycle for t in trace if t.port == "o"]
    assert engine.latency == latency
    assert given_ == [cycle + latency for cycle in taken]
    assert all(b - a == 1 for a, b in pairwise(taken))
