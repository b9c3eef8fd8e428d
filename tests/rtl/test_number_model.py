"""The number model against exact rationals and against NumPy and ml_dtypes."""

import itertools
import random
import re
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.engines.number import BF16, FP16, FP32, FP64, Float
from accelsim.errors import SpecError
from tests.rtl.numbers import hard, hard_pair, nearest, plain_value

SMALL = Float(3, 2)
FLUSHED = Float(3, 2, subnormals=False)
ALL = range(1 << SMALL.width)
HOSTS = [
    (BF16, ml_dtypes.bfloat16, np.uint16),
    (FP16, np.float16, np.uint16),
    (FP32, np.float32, np.uint32),
    (FP64, np.float64, np.uint64),
]


def special(form, *operands):
    return any(form.is_nan(x) or form.is_infinite(x) for x in operands)


@pytest.mark.parametrize("form", [SMALL, FLUSHED], ids=str)
def test_products_and_sums_are_the_nearest_to_the_exact(form):
    for a, b in itertools.product(ALL, repeat=2):
        if special(form, a, b):
            continue
        x, y = plain_value(form, a), plain_value(form, b)
        signs = a >> 5, b >> 5
        assert form.multiply(a, b) == nearest(form, x * y, signs[0] ^ signs[1])
        assert form.add(a, b) == nearest(form, x + y, signs[0] & signs[1])
        assert form.compare(a, b) == (x > y) - (x < y)


@pytest.mark.parametrize("form", [SMALL, FLUSHED], ids=str)
@pytest.mark.parametrize("wide", [Float(3, 2), Float(4, 3), Float(2, 1)], ids=str)
def test_a_fused_multiply_add_rounds_the_exact_once(form, wide):
    rng = random.Random(4)
    for a, b in itertools.product(ALL, repeat=2):
        for c in rng.sample(range(1 << wide.width), 4):
            if special(form, a, b) or special(wide, c):
                continue
            product = plain_value(form, a) * plain_value(form, b)
            zero = (a >> 5 ^ b >> 5) & c >> wide.width - 1
            exact = product + plain_value(wide, c)
            assert form.fused(a, b, c, wide) == nearest(wide, exact, zero)


@pytest.mark.parametrize(("form", "host", "word"), HOSTS, ids=str)
def test_equals_the_host(form, host, word):
    rng = random.Random(5)
    pairs = np.array([hard_pair(form, rng) for _ in range(3000)], dtype=word)
    x, y = pairs[:, 0].view(host), pairs[:, 1].view(host)
    with np.errstate(all="ignore"):
        cases = [(form.multiply, x * y), (form.add, x + y), (form.subtract, x - y)]
        cases.append((form.maximum, np.where(x != x, x, np.where(y != y, y, np.maximum(x, y)))))
    for operation, result in cases:
        with np.errstate(all="ignore"):
            expected = np.where(np.isnan(result), word(form.nan), result.view(word))
        for (a, b), bits in zip(pairs.tolist(), expected.tolist(), strict=True):
            if operation == form.maximum and form.is_zero(a) and form.is_zero(b):
                bits = a & b  # NumPy takes either zero, IEEE 754 the positive one
            assert operation(a, b) == bits, f"{operation} {form.show(a)} {form.show(b)}"


def test_conversions_equal_the_hosts():
    rng = random.Random(6)
    for (form, host, word), (to, other, wide) in itertools.permutations(HOSTS, 2):
        bits = [hard(form, rng) for _ in range(1000)]
        with np.errstate(all="ignore"):
            result = np.array(bits, dtype=word).view(host).astype(np.float64)
            if form is FP64 and to is BF16:
                continue  # ml_dtypes rounds twice, by way of float32
            result = result.astype(other)
        expected = np.where(np.isnan(result), wide(to.nan), result.view(wide)).tolist()
        assert [form.convert(value, to) for value in bits] == expected, (form, to)


@given(st.integers(0, BF16.infinity - 1), st.booleans())
def test_numbers_survive_their_value(bits, negative):
    bits |= BF16.sign_bit * negative
    value = BF16.value(bits)
    assert value == plain_value(BF16, bits)
    assert BF16.of(value) == (bits if value else 0)


@given(st.fractions(), st.sampled_from([SMALL, FLUSHED, Float(4, 1), Float(2, 5)]))
def test_any_rational_is_rounded_once(value, form):
    found = form.of(value)
    assert found == nearest(form, value)


def test_the_policy_for_infinities_and_nan():
    inf, nan, zero, minus = FP32.infinity, FP32.nan, 0, FP32.sign_bit
    assert nan == 0x7FC00000
    assert FP32.add(inf, inf | minus) == nan
    assert FP32.multiply(inf, zero) == nan
    assert FP32.multiply(inf, FP32.one | minus) == inf | minus
    assert BF16.fused(0x7F80, 0, 0, FP32) == nan
    assert BF16.fused(0x7F80, BF16.one, inf | minus, FP32) == nan
    assert BF16.fused(1, 1, inf | minus, FP32) == inf | minus
    for quiet in (nan, nan | minus, inf + 1):
        assert FP32.maximum(quiet, inf) == FP32.maximum(zero, quiet) == nan
        assert FP32.convert(quiet, BF16) == BF16.nan
        assert FP32.compare(quiet, quiet) is None
    assert FP32.maximum(inf | minus, FP32.of(-3)) == FP32.of(-3)
    assert FP32.maximum(zero, minus) == FP32.maximum(minus, zero) == zero
    assert FP32.compare(zero, minus) == 0


def test_shows_numbers_as_the_host_does():
    for value in (1.0, -0.1, 3e-45, 6.5e-310):
        bits = FP64.of(Fraction(value))
        shown = FP64.show(bits)
        assert float.fromhex(shown) == value
    assert [SMALL.show(b) for b in (0x20, SMALL.infinity, 0x3C, SMALL.nan)] == [
        "-0",
        "inf",
        "-inf",
        "nan",
    ]


def test_formats_have_names():
    assert [Float.parse(n) for n in ("bf16", "fp16", "e8m23", "e3m2ftz")] == [
        BF16,
        FP16,
        FP32,
        FLUSHED,
    ]
    assert [str(form) for form in (BF16, FP32, SMALL, FLUSHED)] == [
        "bf16",
        "fp32",
        "e3m2",
        "e3m2ftz",
    ]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Float(8, 0), "the mantissa of a float must be 1 to 52 bits, not 0"),
        (lambda: Float(0, 7), "the exponent of a float must be 2 to 11 bits, not 0"),
        (lambda: Float(12, 7), "the exponent of a float must be 2 to 11 bits, not 12"),
        (lambda: Float(8, 53), "the mantissa of a float must be 1 to 52 bits, not 53"),
        (lambda: Float(8, 7.0), "the mantissa of a float must be 1 to 52 bits, not 7.0"),
        (lambda: Float.parse("bf17"), "must be a float format such as bf16 or e8m7, not 'bf17'"),
        (
            lambda: Float.parse("e8m0"),
            "'e8m0': the mantissa of a float must be 1 to 52 bits, not 0",
        ),
    ],
)
def test_bad_formats_are_refused(make, sentence):
    with pytest.raises((SpecError, ValueError), match=re.escape(sentence)):
        make()
