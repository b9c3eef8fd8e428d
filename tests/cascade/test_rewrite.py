"""Rewrites: which are legal, what they leave, and that no value changes."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.cascade import Cascade
from accelsim.errors import SpecError
from tests.cascade import random_cascades, random_softmax

HEAD = "in S[P,M]; V[M,F]; B[P]; W[M]\nout Y[P]\n"
SOFTMAX = "G[p] = S[p,m] :: max(m)\nN[p,m] = exp(S[p,m] - G[p])\nD[p] = N[p,m] :: +(m)\n"


def outcome(text: str, rank: str = "m"):
    (row,) = Cascade.parse(HEAD + text).rewritten(rank).ranks
    return row


def data(cascade: Cascade, sizes: dict[str, int], seed: int, scale: float = 1.0):
    random = np.random.default_rng(seed)
    shapes = cascade.sizes(**sizes).shapes
    return {t.name: scale * random.standard_normal(shapes[t.name]) for t in cascade.inputs}


def assert_equal_values(first: Cascade, second: Cascade, inputs, random) -> None:
    """Compare two cascades; an output may differ by what rounding the inputs does to the first.

    And by the rounding of what is beside it in its row: of a difference that cancels no more is known.
    """
    wanted = first.evaluate_reference(inputs)
    moved = {n: a * (1 + 1e-13 * random.standard_normal(a.shape)) for n, a in inputs.items()}
    near = first.evaluate_reference(moved)
    for evaluate in (second.evaluate_reference, second.evaluate):
        found = evaluate(inputs)
        assert set(found) == set(wanted)
        for name, value in wanted.items():
            sure = np.isfinite(value) & np.isfinite(near[name])
            exact, got = value[sure], found[name][sure]
            scale = min(np.abs(exact).max(initial=1), 1e6)
            finite = np.where(sure, np.abs(value), 0)
            beside = finite.max(axis=-1, keepdims=True, initial=0) if finite.ndim > 1 else finite
            row = np.broadcast_to(beside, value.shape)[sure]
            slack = 1e-8 * np.abs(exact) + 1e-10 * scale + 1e3 * np.abs(near[name][sure] - exact)
            slack += 1e-13 * row
            assert (np.abs(got - exact) <= slack).all(), (first.text, second.text, value, found)


def check_softmax(seed: int) -> bool:
    random = Random(seed)
    cascade = Cascade.parse(random_softmax.write(random))
    result = cascade.rewritten("m", tile=random.choice([None, None, 2]))
    (row,) = result.ranks
    assert result.cascade.passes()[row.now] == row.after <= row.before
    assert result.saves == (row.after < row.before) == bool(row.applied)
    assert (row.stays == "") == (row.after < 2)
    if result.saves:
        for lowest in (1, 1, 0):
            sizes = {n: random.randrange(lowest, 6) for n in "PMEFR"}
            scale = random.choice([1.0, 1.0, 4.0])
            if any(step.rule == "moments" for step in row.applied):
                scale = 0.3  # E[x^2] - E[x]^2 cancels where x is large, as the step says
            inputs = data(cascade, sizes, seed, scale)
            assert_equal_values(cascade, result.cascade, inputs, np.random.default_rng(seed))
    return result.saves


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_relatives_of_the_softmax_keep_their_values(seed):
    check_softmax(seed)


@pytest.mark.campaign
def test_many_relatives_of_the_softmax_keep_their_values():
    assert sum(check_softmax(seed) for seed in range(5000)) > 2500


@settings(max_examples=40)
@given(st.integers(0, 2**32))
def test_random_cascades_keep_their_values(seed):
    random = Random(seed)
    text, writer = random_cascades.write(random, 8)
    cascade = Cascade.parse(text)
    for rank, passes in cascade.passes().items():
        if passes > 1:
            result = cascade.rewritten(rank)
            shapes = dict(cascade.sizes(**writer.sizes).shapes)
            inputs = random_cascades.arrays(random, writer, shapes)
            floats = dict(inputs)
            wanted = cascade.evaluate_reference(floats)
            found = result.cascade.evaluate_reference(floats)
            for name, value in wanted.items():
                sure = np.isfinite(value)
                scale = max(1.0, np.abs(value[sure]).max(initial=0))
                np.testing.assert_allclose(
                    found[name][sure], value[sure], rtol=1e-8, atol=1e-9 * scale, err_msg=text
                )


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        (SOFTMAX + "Y[p] = N[p,m] / D[p] * W[m] :: +(m)", 1),
        (SOFTMAX + "Y[p] = N[p,m] * N[p,m] / (D[p] * D[p]) :: +(m)", 1),
        (SOFTMAX + "Y[p] = N[p,m] * rsqrt(D[p]) :: +(m)", 1),
        (SOFTMAX + "Y[p] = N[p,m] / D[p] * B[p] - N[p,m] / D[p] :: +(m)", 1),
        (SOFTMAX + "Y[p] = N[p,m] / D[p] where D[p] > 2, W[m] > 0 :: +(m)", 1),
        (SOFTMAX + "A[p,m] = N[p,m] / D[p]\nY[p] = A[p,m] :: max(m)", 1),
        ("G[p] = S[p,m] :: min(m)\nY[p] = exp(G[p] - S[p,m]) :: +(m)", 1),
        ("G[p] = S[p,m] :: max(m)\nY[p] = exp(2 * S[p,m] - 2 * G[p]) :: +(m)", 1),
        ("G[p] = W[m] :: +(m)\nY[p] = S[p,m] - G[p] :: max(m)", 1),
        ("G[p] = W[m] :: +(m)\nY[p] = tanh(S[p,m] - G[p]) :: min(m)", 1),
        ("G[p] = S[p,m] :: +(m)\nY[p] = (W[m] - G[p]) * (W[m] - G[p]) :: +(m)", 1),
        ("G[p] = S[p,m] :: max(m)\nY[p] = exp(G[p] - S[p,m]) :: +(m)", 1),
        # not homogeneous, or not surely finite
        (SOFTMAX + "Y[p] = N[p,m] / (W[m] + D[p]) :: +(m)", 2),
        (SOFTMAX + "Y[p] = exp(N[p,m] / D[p]) :: +(m)", 2),
        ("G[p] = W[m] :: +(m)\nY[p] = S[p,m] * G[p] :: max(m)", 2),
        ("G[p] = W[m] :: +(m)\nY[p] = tanh(S[p,m] - G[p]) :: +(m)", 2),
        ("G[p] = S[p,m] :: max(m)\nY[p] = exp(S[p,m] - G[p]) * G[p] + 1 :: +(m)", 2),
        ("G[p] = S[p,m] :: max(m)\nY[p] = exp(S[p,m] - G[p]) + 1 :: +(m)", 2),
        ("G[p] = S[p,m] :: max(m)\nY[p] = (exp(S[p,m] - G[p]))?0 :: +(m)", 2),
        ("G[p] = S[p,m] :: max(m)\nY[p] = W[m] where S[p,m] > G[p] :: +(m)", 2),
    ],
)
def test_what_is_homogeneous_is_rewritten(text, passes):
    row = outcome(text)
    assert row.after == passes
    if passes > 1:
        assert row.stays.startswith("Y reduces m and needs ")
    cascade = Cascade.parse(HEAD + text)
    inputs = data(cascade, {"P": 4, "M": 6, "F": 2}, 3)
    random = np.random.default_rng(4)
    assert_equal_values(cascade, cascade.rewritten("m").cascade, inputs, random)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (SOFTMAX + "Y[p] = N[p,m] / (W[m] + D[p]) :: +(m)", "joins values that scale differently"),
        ("G[p] = W[m] :: +(m)\nY[p] = S[p,m] * G[p] :: max(m)", "needs G > 0, which is not sure"),
        ("G[p] = S[p,m] :: max(m)\nY[p] = exp(S[p,m] - G[p])*W[m] + G[p] :: +(m)", "adds a scaled"),
        (SOFTMAX + "Y[p] = (N[p,m] / D[p])?0 :: +(m)", "is chosen by whether a value is present"),
    ],
)
def test_says_why_not(text, reason):
    assert reason in outcome(text).stays


def test_a_sum_over_more_points_than_its_maximum_has_one_of_its_own():
    text = (
        "G[p] = S[p,m] where m > 2 :: max(m)\nN[p,m] = exp(S[p,m] - G[p])\n"
        "D[p] = N[p,m] :: +(m)\nY[p] = D[p]"
    )
    cascade = Cascade.parse(HEAD + text)
    result = cascade.rewritten("m")
    assert result.cascade.passes()["m"] == 1
    assert len([e for e in result.cascade.inits if "inf" in e.text]) == 1
    inputs = data(cascade, {"P": 3, "M": 5, "F": 1}, 1)
    assert_equal_values(cascade, result.cascade, inputs, np.random.default_rng(0))


def test_counts_one_more_exponential_and_two_rescalings_per_step():
    p, m, e, f = 3, 7, 4, 5
    cascade = Cascade.load("attention_3pass")
    before = cascade.count(P=p, M=m, E=e, F=f)
    after = cascade.rewritten().cascade.count(P=p, M=m, E=e, F=f)
    assert after["exp"] == before["exp"] + p * m
    assert after["div"] == p * f
    assert after["mul"] == before["mul"] + p * m + p * m * f
    assert after["max"] == before["max"] + p


def test_a_rank_must_be_one():
    with pytest.raises(SpecError, match="rank 'q' is unknown; known: e, f, m, p"):
        Cascade.load("attention_3pass").rewritten("q")


def test_one_pass_stays_as_it_is():
    cascade = Cascade.load("attention_1pass")
    assert cascade.rewritten().cascade is cascade
    assert not cascade.rewritten().saves
