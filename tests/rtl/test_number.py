"""The logic of numbers against the model, which is tested against exact rationals."""

import itertools
import random

import pytest
from amaranth.hdl import Const, Fragment, Module

from accelsim.engines.number import BF16, FP16, FP32, Float
from accelsim.errors import SpecError
from accelsim.rtl import number
from tests.rtl.numbers import evaluate, hard, hard_pair, hard_triple

SMALL = [Float(3, 2), Float(3, 2, subnormals=False)]
FORMATS = [BF16, FP16, FP32, Float(8, 7, subnormals=False), Float(5, 10, subnormals=False)]
PAIRS = list(itertools.product(range(64), repeat=2))


def agree(steps, model, widths, vectors):
    found = evaluate(steps, widths, vectors)
    wrong = [
        (tuple(map(hex, vector)), hex(bits), hex(model(*vector)))
        for vector, bits in zip(vectors, found, strict=True)
        if bits != model(*vector)
    ]
    assert not wrong, f"{len(wrong)} of {len(found)}: operands, logic, model: {wrong[:3]}"


def binary(form):
    return {"a": form.width, "b": form.width}


def code_of_order(form):
    codes = {None: 0, -1: 1, 0: 2, 1: 4}
    return lambda a, b: codes[form.compare(a, b)]


@pytest.mark.parametrize("form", SMALL, ids=str)
def test_every_pair_of_a_small_format(form):
    agree(number.multiply(form), form.multiply, binary(form), PAIRS)
    agree(number.add(form), form.add, binary(form), PAIRS)
    agree(number.maximum(form), form.maximum, binary(form), PAIRS)
    agree(number.compare(form), code_of_order(form), binary(form), PAIRS)


@pytest.mark.parametrize("form", SMALL, ids=str)
@pytest.mark.parametrize("wide", ["e3m2", "e4m9ftz"])
def test_every_pair_of_a_small_format_with_an_addend(form, wide):
    to, rng = Float.parse(wide), random.Random(1)
    vectors = [(a, b, rng.getrandbits(to.width)) for a, b in PAIRS]
    widths = binary(form) | {"c": to.width}
    agree(number.fused(form, to), lambda a, b, c: form.fused(a, b, c, to), widths, vectors)


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_hard_pairs_of_real_formats(form):
    rng = random.Random(2)
    vectors = [hard_pair(form, rng) for _ in range(400)]
    agree(number.multiply(form), form.multiply, binary(form), vectors)
    agree(number.add(form), form.add, binary(form), vectors)
    agree(number.maximum(form), form.maximum, binary(form), vectors)
    agree(number.compare(form), code_of_order(form), binary(form), vectors)


@pytest.mark.parametrize("form", FORMATS, ids=str)
@pytest.mark.parametrize("to", [FP32, BF16], ids=str)
def test_hard_triples_of_real_formats(form, to):
    rng = random.Random(3)
    vectors = [hard_triple(form, to, rng) for _ in range(300)]
    widths = binary(form) | {"c": to.width}
    agree(number.fused(form, to), lambda a, b, c: form.fused(a, b, c, to), widths, vectors)


@pytest.mark.parametrize(("form", "to"), [*itertools.permutations(FORMATS + SMALL, 2)], ids=str)
def test_conversions(form, to):
    rng = random.Random(4)
    vectors = [(hard(form, rng),) for _ in range(120)]
    agree(number.convert(form, to), lambda a: form.convert(a, to), {"a": form.width}, vectors)


def test_other_entries_ride_along():
    steps = number.multiply(BF16)
    widths = binary(BF16) | {"tag": 5}
    found = evaluate(steps, widths, [(BF16.one, BF16.one, 21)])
    assert found == [BF16.one << 5 | 21]  # tag keeps its place, the result comes last


def test_registers_are_spread_and_counted():
    assert number.spread(3, 0) == [0, 0, 0]
    assert number.spread(3, 1) == [0, 1, 0]
    assert number.spread(4, 5) == [1, 2, 2, 0]
    m = Fragment.get(Module(), None)
    with pytest.raises(SpecError, match=r"a pipeline of 4 steps must be given as many"):
        number.pipeline(m, number.multiply(BF16), {"a": Const(0, 16)}, [1])
