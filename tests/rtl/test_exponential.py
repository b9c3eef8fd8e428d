"""exp(a - b): accuracy over every input of bf16, in model and logic; cycles; formats."""

import functools
import re
from types import SimpleNamespace

import ml_dtypes
import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Signal, signed
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.engines.exponential import Exponential
from accelsim.engines.exponential_steps import STEPS
from accelsim.engines.number import BF16, FP16, FP32, Float
from accelsim.errors import SpecError
from accelsim.rtl import number_steps
from accelsim.rtl.exponential import operation_after, scaled, special_of
from accelsim.rtl.mac import added
from accelsim.rtl.number import pipeline, product
from accelsim.rtl.number_sum import held
from tests.rtl.harness import lockstep, steady, stimuli
from tests.rtl.numbers import hard, hard_arrays
from tests.rtl.vectors import Netlist

EVERY = range(1 << BF16.width)
ENGINES = [
    Exponential(stages=1),
    Exponential(),
    Exponential(stages=3, interleaved=2),
    Exponential(stages=4, interleaved=4),
    Exponential(form=Float(5, 10, subnormals=False), stages=2, interleaved=2),
]


@functools.cache
def unrolled(engine):
    """The logic of an engine's seven steps one behind another, registers left out."""
    m, model = Module(), engine.steps
    x, y = model.operand, model.accumulator
    a, b = (Signal(form.width, name=name) for form, name in ((y, "in_a"), (x, "in_b")))
    operands = SimpleNamespace(a=a, b=b)
    back = {"valid": 0, "step": STEPS - 1, "kept": 0, "whole": 0, "special": 0, "result": 0}
    shapes = {"valid": 1, "step": 3, "kept": y.width, "special": 3, "result": y.width}
    shapes["whole"] = signed(model.integer_bits)
    for _ in range(STEPS):
        now = {name: Signal(shapes[name], name=f"back_{name}") for name in shapes}
        m.d.comb += [signal.eq(back[name]) for name, signal in now.items()]
        now["special"] = special_of(m, model, now["result"], now["step"] == 0, now["special"])
        operation = operation_after(m, model, now, operands)
        steps = [*product(x, y), number_steps.unpack(y, "c")]
        fields = pipeline(m, steps, operation, [0] * len(steps))
        unused = Signal(held(y, fields["product"].shape().exponents), name="unused")
        rounding = number_steps.round_off("sum", y, "result")
        back = fields | rounding(m, {"sum": added(m, fields, y, unused)}) | {"valid": 1}
    out = Signal(x.width, name="out")
    special = back["special"]
    m.d.comb += out.eq(scaled(m, model, back["result"], back["whole"], special))
    return Netlist(rtlil.convert(m, ports=[a, b, out], name="top"))


def logic(engine, a, b):
    return unrolled(engine).evaluate("\\out", {"\\in_a": a, "\\in_b": b})


@pytest.fixture(scope="module")
def results():
    """What the logic gives for every a of bf16, b = 0."""
    a = np.array(EVERY, np.uint64) << np.uint64(16)
    return logic(Exponential(), a, np.zeros_like(a)).astype(np.uint16)


def host(bits):
    with np.errstate(all="ignore"):  # a conversion of a signalling NaN
        return np.asarray(bits, np.uint16).view(ml_dtypes.bfloat16).astype(np.float64)


def test_every_input_is_within_one_unit_in_the_last_place(results):
    """NumPy's own error in float64 is a 2^-43rd of what is measured."""
    x = host(EVERY)
    exact = np.exp(np.where(x < 89, x, np.nan))
    ok = np.isfinite(exact) & (exact < float(BF16.value(BF16.largest)))
    place = np.exp2(np.maximum(np.floor(np.log2(np.maximum(exact, 1e-300))), -126.0) - 7)
    error = np.abs(host(results) - exact)[ok] / place[ok]
    assert error.max() < 0.86
    assert (exact[ok] < 2.0**-126).any(), "subnormal results are among them"
    away = np.abs(results[ok].astype(int) - exact[ok].astype(ml_dtypes.bfloat16).view(np.uint16))
    assert away.max() == 1
    assert (away > 0).mean() < 0.01
    over = (x > 0) & ~ok & ~np.isnan(x)
    assert (results[over] == BF16.infinity).all()


def test_never_falls_as_its_operand_rises(results):
    x = host(EVERY)
    known = np.flatnonzero(~np.isnan(x))
    rising = known[np.argsort(x[known], kind="stable")]
    values = host(results)[rising]
    assert (values[1:] >= values[:-1]).all()


def test_what_softmax_needs_is_exact(results):
    minus = BF16.sign_bit
    assert results[0] == results[minus] == BF16.one
    assert results[BF16.infinity | minus] == 0
    assert results[BF16.infinity] == BF16.infinity
    nans = [bits for bits in EVERY if BF16.is_nan(bits)]
    assert (results[nans] == BF16.nan).all()
    model = Exponential().steps
    for x in (0, BF16.one, BF16.largest, 1):
        assert model.of_difference(x << 16, x) == BF16.one, "a score minus itself"
        assert model.of_difference(FP32.infinity | FP32.sign_bit, x) == 0, "no key there"


@pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.campaign)])
def test_the_logic_equals_the_model(results, every):
    model = Exponential().steps
    inputs = EVERY[::every]
    assert [model.of_difference(bits << 16, 0) for bits in inputs] == results[inputs].tolist()


@pytest.mark.parametrize("engine", [ENGINES[1], ENGINES[-1]], ids=str)
def test_the_logic_equals_the_model_on_differences(engine):
    rng, model = np.random.default_rng(2), engine.steps
    x, y = engine.form, engine.accumulator
    a = hard_arrays(y, 1000, rng)[0]
    b = hard_arrays(x, 1000, rng)[0]
    expected = [model.of_difference(int(p), int(q)) for p, q in zip(a, b, strict=True)]
    assert (logic(engine, a, b) == expected).all()


@pytest.mark.parametrize(("reach", "places"), [(8.0, 1.0), (86.0, 3.0)])
def test_a_difference_with_all_bits_of_a_sum_is_near(reach, places):
    d = np.random.default_rng(3).uniform(-reach, reach, 20_000).astype(np.float32)
    found = logic(Exponential(), d.view(np.uint32).astype(np.uint64), np.zeros(len(d), np.uint64))
    exact = np.exp(d.astype(np.float64))
    error = np.abs(host(found) - exact) / np.exp2(np.floor(np.log2(exact)) - 7)
    assert error.max() < places


def test_the_slots_of_interleaved_exponentials():
    """A chain of n dependent operations takes (n - 1) S + g cycles for g at a time."""
    for engine in ENGINES:
        one = engine.port("i").pack(a=0, b=0)
        groups = 3
        offers = {"i": [one] * (groups * engine.interleaved)}
        trace = lockstep(engine, steady(engine, offers, cycles=groups * 7 * engine.stages + 20))
        taken = [t.cycle for t in trace if t.port == "i"]
        given_ = [t.cycle for t in trace if t.port == "o"]
        slots = 6 * engine.stages + engine.interleaved
        assert engine.slots(engine.interleaved) == slots
        n = engine.interleaved
        assert taken == [group * slots + k for group in range(groups) for k in range(n)]
        assert given_ == [cycle + engine.latency for cycle in taken]


def operands(engine):
    def pack(rng):
        a = hard(engine.accumulator, rng)
        return engine.port("i").pack(a=a, b=hard(engine.form, rng))

    return st.randoms(use_true_random=False).map(pack)


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_block_equals_model(engine):
    @settings(max_examples=3)
    @given(st.data())
    def check(data):
        lockstep(engine, data.draw(stimuli(engine, operands(engine), length=4)))

    check()


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"stages": 2, "interleaved": 3}, "interleaved must be at most the 2 stages, not 3"),
        ({"form": Float(8, 2)}, "factors must be at least 7 bits with an exponent of 8, not 2"),
        (
            {"form": Float(3, 3), "accumulator": Float(4, 9)},
            "the exponent of the exponential's accumulator must reach 2^9, not 2^7",
        ),
        ({"accumulator": FP16}, "at least 8 bits of exponent and 16 of mantissa, not 5 and 10"),
    ],
)
def test_what_cannot_work_is_refused(settings, sentence):
    with pytest.raises(SpecError, match=re.escape(sentence)):
        Exponential(**settings)
