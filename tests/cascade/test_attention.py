"""The attention family against plain loops written from the definition, not from the package."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.cascade import Cascade

FULL = (
    "attention",
    "attention_3pass",
    "attention_2pass",
    "attention_2pass_defer",
    "attention_1pass",
)
CAUSAL = ("attention_causal", "flash_attention2")


def naive(Q, K, V, *, causal=False):
    out = np.zeros((len(Q), V.shape[1]))
    for p in range(len(Q)):
        live = [m for m in range(len(K)) if not causal or m <= p + len(K) - len(Q)]
        if not live:
            continue
        scores = {
            m: sum(Q[p, e] * K[m, e] for e in range(Q.shape[1])) / math.sqrt(Q.shape[1])
            for m in live
        }
        top = max(scores.values())
        weights = {m: math.exp(s - top) for m, s in scores.items()}
        total = math.fsum(weights.values())
        for f in range(V.shape[1]):
            out[p, f] = math.fsum(weights[m] / total * V[m, f] for m in live)
    return out


def arrays(P, M, E, F, scale=1.0, seed=0):
    random = np.random.default_rng(seed)
    shapes = {"Q": (P, E), "K": (M, E), "V": (M, F)}
    return {n: random.standard_normal(s) * (scale if n != "V" else 1) for n, s in shapes.items()}


def tile(name, M0):
    return {"M0": M0} if "M0" in Cascade.load(name).params else {}


@settings(max_examples=25, deadline=None)
@given(
    P=st.integers(1, 7), M=st.integers(1, 13), E=st.integers(1, 5), F=st.integers(1, 5),
    M0=st.integers(1, 15),
    scale=st.sampled_from([0.1, 1.0, 200.0]), seed=st.integers(0, 9),
)  # fmt: skip
@pytest.mark.parametrize("name", [*FULL, *CAUSAL])
def test_equals_plain_loops(name, P, M, E, F, M0, scale, seed):
    data = arrays(P, M, E, F, scale, seed)
    result = Cascade.load(name).evaluate(data, **tile(name, M0))["AV"]
    np.testing.assert_allclose(result, naive(**data, causal=name in CAUSAL), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*FULL, *CAUSAL])
@pytest.mark.parametrize(
    ("P", "M", "M0"), [(1, 1, 4), (6, 3, 2), (3, 7, 3), (4, 8, 1), (5, 12, 256)]
)
def test_handles_edges(name, P, M, M0):
    data = arrays(P, M, 3, 2)
    result = Cascade.load(name).evaluate(data, **tile(name, M0))["AV"]
    wanted = naive(**data, causal=name in CAUSAL)
    np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CAUSAL)
def test_gives_zero_for_a_row_without_a_live_key(name):
    result = Cascade.load(name).evaluate(arrays(6, 2, 3, 2), **tile(name, 2))["AV"]
    assert (result[:4] == 0).all()
    assert (result[4:] != 0).all()


@pytest.mark.parametrize("name", [*FULL, *CAUSAL])
def test_survives_scores_whose_exponential_overflows(name):
    data = arrays(4, 6, 3, 2, scale=1e3)
    result = Cascade.load(name).evaluate(data, **tile(name, 4))["AV"]
    assert np.isfinite(result).all()
    np.testing.assert_allclose(result, naive(**data, causal=name in CAUSAL), rtol=1e-12, atol=1e-12)


def test_shares_key_heads_between_query_heads():
    random = np.random.default_rng(1)
    data = {"Q": (6, 4, 3), "K": (2, 5, 3), "V": (2, 5, 2)}
    data = {n: random.standard_normal(s) for n, s in data.items()}
    result = Cascade.load("gqa").evaluate(data)["AV"]
    for h in range(6):
        wanted = naive(data["Q"][h], data["K"][h // 3], data["V"][h // 3], causal=True)
        np.testing.assert_allclose(result[h], wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*FULL, *CAUSAL])
def test_broadcasts_leading_ranks(name):
    random = np.random.default_rng(2)
    data = {"Q": (2, 3, 5, 4), "K": (2, 3, 7, 4), "V": (7, 2)}
    data = {n: random.standard_normal(s) for n, s in data.items()}
    result = Cascade.load(name).evaluate(data, **tile(name, 3))["AV"]
    assert result.shape == (2, 3, 5, 2)
    for b in range(2):
        for h in range(3):
            wanted = naive(data["Q"][b, h], data["K"][b, h], data["V"], causal=name in CAUSAL)
            np.testing.assert_allclose(result[b, h], wanted, rtol=1e-12, atol=1e-12)


def test_multiplies_matrices():
    random = np.random.default_rng(3)
    a, b = random.standard_normal((5, 7)), random.standard_normal((7, 3))
    np.testing.assert_allclose(
        Cascade.load("matmul").evaluate({"A": a, "B": b})["C"], a @ b, rtol=1e-12
    )


def test_evaluates_a_long_sequence_fast():
    data = arrays(1024, 1024, 64, 64)
    full = Cascade.load("attention_1pass").evaluate(data, M0=256)["AV"]
    scores = data["Q"] @ data["K"].T / 8
    weights = np.exp(scores - scores.max(1, keepdims=True))
    np.testing.assert_allclose(
        full, weights / weights.sum(1, keepdims=True) @ data["V"], rtol=1e-9, atol=1e-12
    )
