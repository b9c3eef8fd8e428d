"""The causal cascades with the heads of a group folded into p equal grouped attention, head by head."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.cascade import Cascade


def causal_attention(q, k, v):
    """softmax(q k^T / sqrt(E)) v with the mask aligned at the bottom right, row by row."""
    rows = []
    for i, row in enumerate(q):
        live = max(0, min(len(k), i + len(k) - len(q) + 1))
        if not live:
            rows.append(np.zeros(v.shape[1]))
            continue
        scores = k[:live] @ row / np.sqrt(q.shape[1])
        weights = np.exp(scores - scores.max())
        rows.append(weights @ v[:live] / weights.sum())
    return np.array(rows)


@pytest.mark.parametrize("name", ["attention_1pass_causal", "attention_3pass_causal"])
@settings(max_examples=25, deadline=None)
@given(
    positions=st.integers(1, 6),
    keys=st.integers(1, 9),
    group=st.integers(1, 3),
    tile=st.integers(1, 5),
    seed=st.integers(0, 99),
)
def test_equals_grouped_attention(name, positions, keys, group, tile, seed):
    rng = np.random.default_rng(seed)
    q = rng.normal(size=(positions, group, 4))
    k, v = rng.normal(size=(keys, 4)), rng.normal(size=(keys, 3))
    params = {"M0": tile} if name.startswith("attention_1pass") else {}
    cascade = Cascade.load(name)
    folded = {"Q": q.reshape(positions * group, 4), "K": k, "V": v}
    found = cascade.evaluate(folded, group=group, **params)["AV"].reshape(positions, group, 3)
    for head in range(group):
        wanted = causal_attention(q[:, head], k, v)
        np.testing.assert_allclose(found[:, head], wanted, rtol=1e-12, atol=1e-12)
