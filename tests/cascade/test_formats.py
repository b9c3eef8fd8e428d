"""Number formats per tensor: results are rounded once, in both evaluators alike."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.cascade import Cascade
from accelsim.cascade.formats import FORMATS, format_of
from accelsim.errors import SpecError

ml_dtypes = pytest.importorskip("ml_dtypes", reason="number formats need ml_dtypes (extra rtl)")

MAP = Cascade.parse("in A[N]; B[N]\nout Y[N]\nT[n] = A[n] * B[n]\nY[n] = T[n] + A[n]")


def spelled_out(bits: int, exponent: int, values: np.ndarray) -> np.ndarray:
    """Round to nearest even by the definition of a binary format without its own inf rule."""
    fraction, bias = bits - 1 - exponent, 2 ** (exponent - 1) - 1
    found = []
    for value in values:
        _, power = np.frexp(value)
        step = np.ldexp(1.0, int(max(power - 1, 1 - bias)) - fraction)
        found.append(np.round(value / step) * step)
    return np.array(found)


@pytest.mark.parametrize(
    ("name", "bits", "exponent"),
    [("bf16", 16, 8), ("fp16", 16, 5), ("fp8_e4m3", 8, 4), ("fp8_e5m2", 8, 5), ("fp32", 32, 8)],
)
@given(values=st.lists(st.floats(-200, 200), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_rounds_to_nearest_even_as_the_format_is_defined(name, bits, exponent, values):
    data = np.array(values)
    np.testing.assert_array_equal(format_of(name).rounded(data), spelled_out(bits, exponent, data))


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20))
def test_integers_round_half_to_even_and_saturate(values):
    wanted = [max(-128, min(127, round(v))) for v in values]
    np.testing.assert_array_equal(format_of("int8").rounded(np.array(values)), wanted)
    assert format_of("uint4").rounded(99.0) == 15


@pytest.mark.parametrize("name", FORMATS)
def test_rounding_twice_is_rounding_once(name):
    values = np.random.default_rng(0).normal(0, 3, 500)
    once = format_of(name).rounded(values)
    np.testing.assert_array_equal(format_of(name).rounded(once), once)


@pytest.mark.parametrize("name", FORMATS)
def test_maps_have_equal_bits_in_both_evaluators(name):
    random = np.random.default_rng(1)
    data = {n: random.normal(0, 2, 40) for n in "AB"}
    formats = {"default": name}
    fast = MAP.evaluate(data, formats=formats)["Y"]
    np.testing.assert_array_equal(fast, MAP.evaluate_reference(data, formats=formats)["Y"])
    round_ = format_of(name).rounded
    a, b = round_(data["A"]), round_(data["B"])
    np.testing.assert_array_equal(fast, round_(round_(a * b) + a))


@pytest.mark.parametrize(
    "cascade", ["attention_3pass", "attention_1pass", "linear_decay", "topk_attention"]
)
def test_sums_of_low_precision_products_have_equal_bits(cascade, small, some_inputs):
    """Products of bf16 numbers of like size add up exactly in float64, in any order."""
    algorithm = Cascade.load(cascade)
    sizes = small(algorithm)
    data = some_inputs(algorithm, sizes)
    formats = {"default": "bf16"}
    params = {n: v for n, v in sizes.items() if n in algorithm.params}
    wanted = algorithm.evaluate_reference(data, formats=formats, **params)
    for budget in (None, 1):
        found = algorithm.evaluate(data, formats=formats, memory_bytes=budget, **params)
        for name, value in found.items():
            np.testing.assert_array_equal(value, wanted[name])
    exact = algorithm.evaluate(data, **params)
    for name, value in exact.items():
        assert not np.array_equal(value, wanted[name])
        np.testing.assert_allclose(value, wanted[name], rtol=0.1, atol=0.1)


def test_running_totals_are_rounded_once_at_the_end():
    cascade = Cascade.parse("in A[N]\nout Y[]\nY[] = A[n] :: +(n)")
    data = {"A": np.full(4096, 0.001)}
    found = cascade.evaluate(data, formats={"Y": "bf16"}, memory_bytes=1)["Y"]
    assert found == format_of("bf16").rounded(4.096)


def test_a_state_is_rounded_at_every_step():
    text = "in A[N]\nout Y[]\ninit S[0] = 0\nS[n+1] = S[n] + A[n]\nY[] = S[N]"
    cascade = Cascade.parse(text)
    data = {"A": np.full(1000, 1.0)}
    assert cascade.evaluate(data, formats={"S": "bf16"})["Y"] == 256  # 256 + 1 rounds to 256


def test_the_file_names_formats_and_the_call_overrides_them(tmp_path):
    path = tmp_path / "scale.yaml"
    path.write_text(
        "name: scale\nformats: {Y: int8}\ncascade: |\n  in A[N]\n  out Y[N]\n  Y[n] = A[n] * 3\n"
    )
    cascade = Cascade.load(path)
    data = {"A": np.array([0.5, 60.0])}
    assert cascade.evaluate(data)["Y"].tolist() == [2, 127]
    assert cascade.evaluate(data, formats={"Y": "fp64"})["Y"].tolist() == [1.5, 180]


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        ({"QQ": "bf16"}, "unknown tensor 'QQ'"),
        ({"Y": "bf61"}, "Y: 'bf61' is not a number format; did you mean 'bf16'"),
    ],
)
def test_refuses_unknown_names(formats, message):
    with pytest.raises(SpecError, match=message):
        MAP.evaluate({"A": [1.0], "B": [1.0]}, formats=formats)


def test_names_the_extra_that_is_missing(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "ml_dtypes":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SpecError, match=r"needs ml_dtypes: pip install 'accelsim\[rtl\]'"):
        MAP.evaluate({"A": [1.0], "B": [1.0]}, formats={"Y": "bf16"})
    assert MAP.evaluate({"A": [1.1], "B": [1.0]}, formats={"Y": "fp16"})["Y"] == np.float16(2.2)


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        ("{Y: bf61}", "2:14: Y must have a number format, not 'bf61'; did you mean 'bf16'"),
        ("{YY: bf16}", "2:11: no tensor is called 'YY'; did you mean 'Y'"),
    ],
)
def test_faults_of_a_file_say_where(tmp_path, formats, message):
    path = tmp_path / "scale.yaml"
    path.write_text(
        f"name: scale\nformats: {formats}\ncascade: |\n  in A[N]\n  out Y[N]\n  Y[n] = A[n] * 3\n"
    )
    with pytest.raises(SpecError, match=message):
        Cascade.load(path)
