"""Pruning and progressive quantization on values: against the cascades, and against dense attention."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.cascade import Cascade
from accelsim.errors import SpecError
from accelsim.job.rows import RowJob
from accelsim.rows.algorithm import Pruning, softmax, top
from accelsim.rows.drawn import drawn_rows
from accelsim.rows.quantize import planes
from accelsim.rows.schedule import Bits, Schedule
from accelsim.rows.tensors import Tensors, tensor_rows

PRUNED = """
name: made_up
source: made up for the tests
layers: 3
heads: 4
features: 64
tokens: 24
keep_tokens: [1, 0.5, 0.25]
keep_heads: [1, 1, 0.5]
keep_values: 0.5
bits: {query: 12, key: 4, value: 8, extra: 4}
threshold: 0.2
"""


def schedule(tmp_path: Path, text: str = PRUNED) -> Schedule:
    (tmp_path / "s.yaml").write_text(text)
    return Schedule.load(str(tmp_path / "s.yaml"))


def tensors(
    layers: int = 3, heads: int = 4, queries: int = 24, tokens: int = 24, seed: int = 0
) -> Tensors:
    draw = np.random.default_rng(seed)
    q, k, v = (draw.normal(size=(layers, heads, n, 64)) for n in (queries, tokens, tokens))
    return Tensors(q=2 * q, k=k, v=v, name="made_up")


def test_keeping_everything_is_dense_attention_exactly() -> None:
    made = tensors()
    found = tensor_rows(made)
    dense = Cascade.load("attention_3pass")
    for layer in range(3):
        output = found.output(layer, 4)
        for head in range(4):
            q, k, v = (array[layer, head] for array in (made.q, made.k, made.v))
            assert (output[head] == softmax(q @ k.T / np.sqrt(64)) @ v).all()
            expected = dense.evaluate({"Q": q, "K": k, "V": v})["AV"]
            np.testing.assert_allclose(output[head], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("queries", "generates"), [(24, 0), (3, 3)])
def test_keeping_everything_takes_the_cycles_of_dense_rows(
    tmp_path: Path, queries: int, generates: int
) -> None:
    plan = schedule(
        tmp_path,
        f"name: dense\nsource: x\nlayers: 3\nheads: 4\nfeatures: 64\ntokens: {24 - generates}\n"
        f"generates: {generates}\n",
    )
    job = RowJob.of("spatten")
    valued = job.run(tensor_rows(tensors(queries=queries)).rows)
    drawn = job.run(drawn_rows(plan))
    assert valued.outcome == drawn.outcome
    assert valued.outcome.phases[0].instances[10] == drawn.outcome.phases[0].instances[10]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 999),
    kept=st.tuples(st.integers(1, 9), st.integers(1, 3)),
    values=st.integers(1, 9),
)
def test_against_the_cascade_of_pruning(seed: int, kept: tuple[int, int], values: int) -> None:
    draw = np.random.default_rng(seed)
    q, k, v = (draw.normal(size=(3, 9, 8)) for _ in range(3))
    state = Pruning.of(9, 3, Bits(), 0.0)
    state.token_importance = draw.random(9).round(1)  # ties among them
    state.head_importance = draw.random(3).round(1)
    before = {"IT": state.token_importance.copy(), "IH": state.head_importance.copy()}
    tokens, heads = kept
    values = min(values, tokens)
    state.keep_tokens(tokens)
    state.keep_heads(heads)
    run = state.layer(q, k, v, values)
    found = Cascade.load("spatten_prune").evaluate(
        {"Q": q, "K": k, "V": v, **before}, kt=tokens, kh=heads, kv=values
    )
    output = np.zeros((3, 9, 8))
    for each in run.heads:
        output[each.head, run.tokens] = each.output
    np.testing.assert_allclose(output, found["O"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(run.token_importance, found["ITN"], rtol=1e-9)
    np.testing.assert_allclose(run.head_importance, found["IHN"], rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 999),
    bits=st.integers(2, 8),
    extra=st.integers(0, 4),
    threshold=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
)
def test_against_the_cascade_of_progressive_quantization(
    seed: int, bits: int, extra: int, threshold: float
) -> None:
    draw = np.random.default_rng(seed)
    q, k, v = (2 * draw.normal(size=(1, n, 8)) for n in (5, 7, 7))
    state = Pruning.of(7, 1, Bits(key=bits, extra=extra), threshold)
    run = state.layer(q, k, v, 7, np.arange(5))
    scale = np.abs(k).max() / (2 ** (bits + extra - 1) - 1)
    found = Cascade.load("spatten_progquant").evaluate(
        {"Q": q[0], "KI": np.rint(k[0] / scale).astype(int), "V": v[0]},
        lsb=extra, scale=scale, thr=threshold,
    )  # fmt: skip
    np.testing.assert_allclose(run.heads[0].output, found["O"], rtol=1e-9, atol=1e-12)


def test_rows_of_a_schedule(tmp_path: Path) -> None:
    found = tensor_rows(tensors(), schedule(tmp_path)).rows
    shape = [(r.layer, r.head, r.queries, r.keys, r.values, r.selects) for r in found]
    assert shape == (
        [(0, h, 24, 24, 12, 12 if h == 3 else 0) for h in range(4)]
        + [(1, h, 12, 12, 6, 6 if h == 3 else 0) for h in range(4)]
        + [(2, h, 6, 6, 3, 0) for h in range(2)]
    )
    for row, again, weights in zip(found, found.again, found.weights, strict=True):
        assert row.requantized == again.sum()
        assert weights.shape == (row.queries, row.keys)
    kept = [set(found.kept_keys[n].tolist()) for n in (0, 4, 8)]
    assert kept[0] > kept[1] > kept[2]  # what is gone does not come back
    assert 0 < sum(row.requantized for row in found) < sum(row.queries for row in found)


def test_the_time_follows_from_the_values(tmp_path: Path) -> None:
    """The passes of top-k are those of the weights: other values, other cycles; same values, same."""
    job, plan = RowJob.of("spatten"), schedule(tmp_path)
    one = job.run(tensor_rows(tensors(seed=1), plan).rows)
    two = job.run(tensor_rows(tensors(seed=2), plan).rows)
    again = job.run(tensor_rows(tensors(seed=1), plan).rows)
    assert one.outcome == again.outcome
    assert one.outcome.ticks != two.outcome.ticks


def test_generation_keeps_the_newest_token(tmp_path: Path) -> None:
    text = PRUNED.replace("heads: 4", "heads: 2").replace(
        "keep_heads: [1, 1, 0.5]", "keep_heads: [1]"
    )
    found = tensor_rows(tensors(heads=2, queries=4), schedule(tmp_path, text)).rows
    for row, kept in zip(found, found.kept_keys, strict=True):
        assert row.queries == 1
        assert kept.max() == row.tokens - 1
        assert len(kept) == row.keys


@given(bits=st.integers(2, 8), extra=st.integers(0, 6), seed=st.integers(0, 99))
def test_planes(bits: int, extra: int, seed: int) -> None:
    matrix = np.random.default_rng(seed).normal(size=(4, 3))
    found = planes(matrix, bits, extra)
    step = np.abs(matrix).max() / (2 ** (bits + extra - 1) - 1)
    assert np.abs(found.full - matrix).max() <= step / 2 * (1 + 1e-9)
    gap = found.full - found.high
    assert gap.min() >= -1e-12
    assert gap.max() <= (2**extra - 1) * step * (1 + 1e-9)
    assert (planes(matrix, 0).full == matrix).all()
    assert (planes(np.zeros((2, 2)), bits, extra).full == 0).all()


@given(values=st.lists(st.integers(0, 5), min_size=1, max_size=20), keep=st.integers(0, 20))
def test_top_takes_the_first_of_equals(values: list[int], keep: int) -> None:
    found = top(np.array(values, float), keep).tolist()
    expected = sorted(sorted(range(len(values)), key=lambda n: (-values[n], n))[:keep])
    assert found == expected


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"Q": np.ones((1, 1, 2, 4)), "K": np.ones((1, 1, 2, 4))}, "lacks V"),
        ({n: np.ones((2, 4)) for n in "QKV"}, "Q must be .layers, heads, tokens, features."),
        ({n: np.full((1, 1, 2, 4), np.nan) for n in "QKV"}, "Q must have finite numbers"),
        (
            {"Q": np.ones((1, 1, 3, 4)), "K": np.ones((1, 1, 2, 4)), "V": np.ones((1, 1, 2, 4))},
            "at most the 2 tokens",
        ),
        (
            {"Q": np.ones((1, 1, 2, 4)), "K": np.ones((1, 1, 2, 5)), "V": np.ones((1, 1, 2, 4))},
            "must agree",
        ),
        ({n: np.array([[[["x"]]]], dtype=object) for n in "QKV"}, "must be an .npz file"),
    ],
)
def test_faulty_tensors(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, **arrays)
    with pytest.raises(SpecError, match=message):
        Tensors.load(path)


def test_no_tensors_at_all(tmp_path: Path) -> None:
    for name, content in (("t.npz", b"PK\x03\x04 cut"), ("u.npz", b"\x93NUMPY"), ("v.npz", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SpecError, match=r"must be an \.npz file"):
            Tensors.load(tmp_path / name)
    with pytest.raises(SpecError, match="tensors must be a name or a file"):
        Tensors.load(tmp_path / "none.npz")
    with pytest.raises(SpecError, match="did you mean 'minilm'"):
        Tensors.load("minlm")


def test_shipped_capture(tmp_path: Path) -> None:
    """A real model: its weights stand out, so a query seldom asks for the low bits of all its keys."""
    made = Tensors.load("minilm")
    assert made.q.shape == made.k.shape == made.v.shape
    assert made.q.shape[:2] == (6, 12)
    found = tensor_rows(made, Schedule.load("encoder-progressive")).rows
    asked = sum(row.requantized for row in found) / sum(row.queries for row in found)
    assert 0 < asked < 0.5
    flat = tensor_rows(
        Tensors(q=0 * made.q, k=made.k, v=made.v, name="flat"), Schedule.load("encoder-progressive")
    ).rows
    assert all(row.requantized == row.queries for row in flat)


# The published traces of GPT-2, by what is known of them: spatten's counts, to the digit.
@pytest.mark.parametrize(
    ("name", "rows", "keys", "values"),
    [
        ("gpt2-small", 4608, 1_283_172, 255_180),
        ("gpt2-small-dense", 4608, 4_647_168, 4_647_168),
        ("gpt2-medium", 11_328, 6_143_004, 1_848_398),
    ],
)
def test_schedules_have_the_totals_of_the_published_traces(
    name: str, rows: int, keys: int, values: int
) -> None:
    from accelsim.rows import totals

    found = totals(drawn_rows(Schedule.load(name)))
    assert (found.rows, found.keys, found.values) == (rows, keys, values)
