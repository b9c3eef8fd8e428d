"""The logic of numbers against exact rationals, the host's arithmetic, and the model."""

import itertools
import random
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from amaranth.hdl import Const, Fragment, Module

from accelsim.engines.number import BF16, FP16, FP32, Float
from accelsim.errors import SpecError
from accelsim.rtl import number
from tests.rtl.numbers import hard_arrays, nearest, plain_value
from tests.rtl.vectors import evaluate_steps

SMALL = [Float(3, 2), Float(3, 2, subnormals=False)]
FORMATS = [BF16, FP16, FP32, Float(8, 7, subnormals=False), Float(5, 10, subnormals=False)]
HOSTS = [(BF16, ml_dtypes.bfloat16, np.uint16), (FP16, np.float16, np.uint16)]
HOSTS += [(FP32, np.float32, np.uint32)]
SHARE, CAMPAIGN = 10_000, 1_000_000
sizes = pytest.mark.parametrize(
    "count", [SHARE, pytest.param(CAMPAIGN, marks=pytest.mark.campaign)]
)


def binary(form):
    return {"a": form.width, "b": form.width}


def agree(found, expected, *operands):
    wrong = np.flatnonzero(found != np.asarray(expected, np.uint64))
    seen = [[hex(int(x[n])) for x in (*operands, found)] for n in wrong[:3]]
    assert not len(wrong), f"{len(wrong)} of {len(found)}: operands, logic: {seen}"


def grid(*widths):
    """All combinations of bits, an array per operand."""
    axes = np.meshgrid(*(np.arange(1 << w, dtype=np.uint64) for w in widths), indexing="ij")
    return [axis.ravel() for axis in axes]


def scaled(form, places):
    """Every finite number of a small format times 2^places, a whole number; 0 for the others."""
    finite = [bits & ~form.sign_bit < form.infinity for bits in range(1 << form.width)]
    return np.array(
        [int(plain_value(form, b) * 2**places) if ok else 0 for b, ok in enumerate(finite)]
    ), np.array(finite)


def rounded(form, exact, places, zero_sign):
    """Round whole numbers times 2^-places to the nearest of a format, each distinct one once."""
    distinct, where = np.unique(exact, return_inverse=True)
    bits = np.array([nearest(form, Fraction(int(v), 2**places)) for v in distinct], np.uint64)
    return np.where(exact == 0, zero_sign * np.uint64(form.sign_bit), bits[where])


@pytest.mark.parametrize("form", SMALL, ids=str)
def test_every_product_and_sum_of_a_small_format_is_the_nearest_to_the_exact(form):
    a, b = grid(6, 6)
    values, finite = scaled(form, 4)
    ok = finite[a] & finite[b]
    signs = a >> np.uint64(5), b >> np.uint64(5)
    product = evaluate_steps(number.multiply(form), binary(form), {"a": a, "b": b})
    exact = rounded(form, values[a] * values[b], 8, signs[0] ^ signs[1])
    agree(product[ok], exact[ok], a[ok], b[ok])
    sums = evaluate_steps(number.add(form), binary(form), {"a": a, "b": b})
    exact = rounded(form, values[a] + values[b], 4, signs[0] & signs[1])
    agree(sums[ok], exact[ok], a[ok], b[ok])


@pytest.mark.parametrize("form", SMALL, ids=str)
@pytest.mark.parametrize("wide", ["e3m2", "e2m1", "e3m2ftz"])
def test_every_fused_multiply_add_of_a_small_format_is_the_nearest_to_the_exact(form, wide):
    """All pairs with all addends: 262,144 triples of e3m2."""
    to = Float.parse(wide)
    a, b, c = grid(6, 6, to.width)
    (x, finite), (z, finite_c) = scaled(form, 4), scaled(to, 8 + to.mantissa)
    ok = finite[a] & finite[b] & finite_c[c]
    a, b, c = a[ok], b[ok], c[ok]
    widths = binary(form) | {"c": to.width}
    found = evaluate_steps(number.fused(form, to), widths, {"a": a, "b": b, "c": c})
    minus = (a ^ b) >> np.uint64(5) & c >> np.uint64(to.width - 1)
    exact = x[a] * x[b] * 2**to.mantissa + z[c]
    agree(found, rounded(to, exact, 8 + to.mantissa, minus), a, b, c)


@sizes
@pytest.mark.parametrize(("form", "host", "word"), HOSTS, ids=str)
def test_equals_the_host(form, host, word, count):
    a, b = hard_arrays(form, count, np.random.default_rng(count))
    x, y = (v.astype(word).view(host) for v in (a, b))
    with np.errstate(all="ignore"):
        results = {"multiply": x * y, "add": x + y}
        for name, result in results.items():
            expected = np.where(np.isnan(result), word(form.nan), result.view(word))
            found = evaluate_steps(getattr(number, name)(form), binary(form), {"a": a, "b": b})
            agree(found, expected, a, b)


@sizes
@pytest.mark.parametrize(("form", "host", "word"), HOSTS[:2], ids=str)
def test_fused_equals_the_host(form, host, word, count):
    """The host has no narrow fused multiply-add: float64, rounded to odd, then to float32."""
    rng = np.random.default_rng(count + 1)
    a, b = hard_arrays(form, count, rng)
    x, y = (v.astype(word).view(host) for v in (a, b))
    with np.errstate(all="ignore"):
        product = x.astype(np.float64) * y.astype(np.float64)  # exact
        close = (-product.astype(np.float32)).view(np.uint32) ^ rng.integers(
            0, 16, count, np.uint32
        )
        c = np.where(
            rng.random(count) < 0.5, close, hard_arrays(FP32, count, rng)[0].astype(np.uint32)
        )
        z = c.view(np.float32).astype(np.float64)
        total = product + z
        back = total - product
        error = (product - (total - back)) + (z - back)  # what the sum lost, exactly
        bits = total.view(np.int64)
        even = (bits & 1 == 0) & (error != 0) & np.isfinite(total)
        toward = np.where((error > 0) == (total > 0), bits + 1, bits - 1)
        odd = np.where(even, toward, bits).view(np.float64).astype(np.float32)
        expected = np.where(np.isnan(odd), np.uint32(FP32.nan), odd.view(np.uint32))
    widths = binary(form) | {"c": 32}
    found = evaluate_steps(number.fused(form, FP32), widths, {"a": a, "b": b, "c": c})
    agree(found, expected, a, b, c)


def of_model(model, *operands):
    return [model(*(int(x) for x in values)) for values in zip(*operands, strict=True)]


def code_of_order(form):
    codes = {None: 0, -1: 1, 0: 2, 1: 4}
    return lambda a, b: codes[form.compare(a, b)]


@pytest.mark.parametrize("form", [*FORMATS, *SMALL], ids=str)
def test_everything_equals_the_model(form):
    a, b = grid(6, 6) if form in SMALL else hard_arrays(form, 3000, np.random.default_rng(7))
    pairs = {"a": a, "b": b}
    for name in ("multiply", "add", "maximum"):
        found = evaluate_steps(getattr(number, name)(form), binary(form), pairs)
        agree(found, of_model(getattr(form, name), a, b), a, b)
    found = evaluate_steps(number.compare(form), binary(form), pairs)
    agree(found, of_model(code_of_order(form), a, b), a, b)


@pytest.mark.parametrize("form", FORMATS, ids=str)
@pytest.mark.parametrize("to", [FP32, BF16, Float(8, 23, subnormals=False)], ids=str)
def test_fused_equals_the_model(form, to):
    rng = random.Random(3)
    a, b = hard_arrays(form, 2000, np.random.default_rng(8))
    c = [form.fused(x, y, 0, to) for x, y in zip(map(int, a), map(int, b), strict=True)]
    flips = [rng.choice([0, to.sign_bit]) ^ rng.getrandbits(4) for _ in c]
    c = np.array([x ^ flip for x, flip in zip(c, flips, strict=True)], np.uint64)
    widths = binary(form) | {"c": to.width}
    found = evaluate_steps(number.fused(form, to), widths, {"a": a, "b": b, "c": c})
    agree(found, of_model(lambda x, y, z: form.fused(x, y, z, to), a, b, c), a, b, c)


@pytest.mark.parametrize(("form", "to"), [*itertools.permutations(FORMATS + SMALL, 2)], ids=str)
def test_conversions(form, to):
    a, _ = hard_arrays(form, 1000, np.random.default_rng(9))
    found = evaluate_steps(number.convert(form, to), {"a": form.width}, {"a": a})
    agree(found, of_model(lambda x: form.convert(x, to), a), a)


def test_other_entries_ride_along():
    one = [BF16.one]
    operands = {"a": one, "b": one, "tag": [21]}
    found = evaluate_steps(number.multiply(BF16), binary(BF16) | {"tag": 5}, operands)
    assert found == [BF16.one << 5 | 21]  # tag keeps its place, the result comes last


def test_registers_are_spread_and_counted():
    assert number.spread(3, 0) == [0, 0, 0]
    assert number.spread(3, 1) == [0, 1, 0]
    assert number.spread(4, 5) == [1, 2, 2, 0]
    m = Fragment.get(Module(), None)
    with pytest.raises(SpecError, match=r"a pipeline of 4 steps must be given as many"):
        number.pipeline(m, number.multiply(BF16), {"a": Const(0, 16)}, [1])
