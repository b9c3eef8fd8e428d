"""What the literature says is equal: one cascade against another, without the references."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.cascade import Cascade
from tests.zoo.parts import Array, normalised, positive, relu, silu
from tests.zoo.table import ENTRIES, same

SEEDS = st.integers(0, 2**16)
LENGTHS = st.integers(1, 12)
BLOCKS = st.integers(1, 15)
few = settings(max_examples=12)


def run(name: str, /, **given: object) -> Array:
    """Return the first output; arrays are inputs, the rest are parameters."""
    arrays = {n: a for n, a in given.items() if isinstance(a, np.ndarray)}
    params = {n: v for n, v in given.items() if n not in arrays}
    cascade = Cascade.load(name)
    return cascade.evaluate(arrays, **params)[cascade.outputs[0].name]


def run_all(name: str, arrays: dict[str, Array], **params: object) -> dict[str, Array]:
    return Cascade.load(name).evaluate(arrays, **params)


def drawn(name: str, seed: int, **sizes: int) -> dict[str, Array]:
    """Return the inputs that the table makes for a name."""
    return ENTRIES[name].case(sizes, seed)[0]


def qkv(seed: int, N: int, E: int = 4, F: int = 3) -> dict[str, Array]:
    return drawn("attention_causal", seed, P=N, M=N, E=E, F=F)


def heads(x: dict[str, Array]) -> dict[str, Array]:
    return {n: a[None] for n, a in x.items()}


def rotate(N: int, angle: float) -> Array:
    return np.full((N, 2), angle)


# --- the forms of softmax attention


@few
@given(SEEDS, LENGTHS, LENGTHS, BLOCKS)
def test_every_schedule_of_softmax_is_three_passes(seed, P, M, tile):
    x = drawn("attention", seed, P=P, M=M)
    three = run("attention_3pass", **x)
    same(run("attention", **x), three)
    same(run("attention_2pass_defer", **x), three)
    same(run("attention_no_max", **x), three)
    same(run("attention_no_max_defer", **x), three)
    same(run("attention_2pass", **x, M0=tile), three)
    same(run("attention_1pass", **x, M0=tile), three)
    same(run("flash_decoding", **x, splits=tile), three)


@few
@given(SEEDS, LENGTHS, LENGTHS, BLOCKS)
def test_every_schedule_of_causal_softmax_is_three_passes(seed, P, M, tile):
    x = drawn("attention", seed, P=P, M=M)
    three = run("attention_causal", **x)
    same(run("attention", **x, causal=1), three)
    same(run("flash_attention2", **x, M0=tile), three)
    same(run("attention_1pass_causal", **x, M0=tile), three)
    same(run("attention_3pass_causal", **x), three)
    assert not three[: max(P - M, 0)].any()


def test_the_running_maximum_survives_scores_that_overflow():
    x = qkv(0, 8)
    x["Q"] = 1e4 * x["Q"]
    three = run("attention_causal", **x)
    assert np.isfinite(three).all()
    same(run("flash_attention2", **x, M0=3), three)
    same(run("aaren", Q=x["Q"][-1], K=x["K"], V=x["V"])[-1], three[-1])


OTHER_FORMS = {
    "pointer_net": "pointer_net_2pass",
    "kv_quant": "kv_quant_2pass",
    "sparse_gin": "sparse_gin_2pass",
    "spatten_progquant": "spatten_progquant_2pass",
    "waad_fai": "waad_fai_2pass",
    "hop_profile": "hop_profile_1pass",
    "ela": "ela_2pass",
    "topk_block_decode": "topk_block_decode_online",
    "ssd": "ssd_chunk",
    "linear_decay": "lightning2",
}


@pytest.mark.parametrize("name", OTHER_FORMS)
@few
@given(seed=SEEDS)
def test_the_form_with_fewer_passes_has_the_same_values(name, seed):
    sizes = {"A": 2} | ({"R": 3} if name == "ela" else {})
    arrays, params = ENTRIES[name].case(sizes, seed)
    wanted = run_all(name, arrays, **params)
    for output, value in run_all(OTHER_FORMS[name], arrays, **params).items():
        same(value, wanted[output])


# --- heads and caches


@given(SEEDS, LENGTHS, LENGTHS, st.integers(0, 1))
@few
def test_grouped_heads(seed, P, M, causal):
    x = drawn("gqa", seed, G=4, R=1, P=P, M=M)
    plain = np.array([run("attention", **{n: a[h] for n, a in x.items()}, causal=causal)
                      for h in range(4)])  # fmt: skip
    same(run("gqa", **x, causal=causal), plain)
    one = {"Q": x["Q"], "K": x["K"][:1], "V": x["V"][:1]}
    repeated = {"Q": x["Q"], "K": np.repeat(one["K"], 4, 0), "V": np.repeat(one["V"], 4, 0)}
    same(run("mqa", **one, causal=causal), run("gqa", **repeated, causal=causal))
    same(run("mqa", **one, causal=causal), run("gqa", **one, causal=causal))


@given(SEEDS, LENGTHS, LENGTHS, st.integers(0, 1))
@few
def test_absorbed_latent_attention_is_the_expanded_one(seed, P, M, causal):
    x = drawn("mla", seed, P=P, M=M, H=3)
    latent = np.einsum("ml,hdl->hmd", x["C"], x["WUK"])
    shared = np.broadcast_to(x["KR"], (3, *x["KR"].shape))
    expanded = {
        "Q": np.concatenate([x["QN"], x["QR"]], 2),
        "K": np.concatenate([latent, shared], 2),
        "V": np.einsum("ml,hfl->hmf", x["C"], x["WUV"]),
    }
    same(run("mla", **x, causal=causal), run("gqa", **expanded, causal=causal))


@given(SEEDS, st.integers(1, 12))
@few
def test_pages_are_attention_on_the_tokens_in_order(seed, length):
    x = drawn("paged_decode", seed, T=5, B=3, L=4)
    keys, values = (x[n][x["TBL"]].reshape(12, -1)[:length] for n in ("KP", "VP"))
    found = run("paged_decode", **x, length=length)
    same(found[None], run("attention", Q=x["Q"][None], K=keys, V=values))


def test_24_bits_are_as_good_as_all():
    x = drawn("kv_quant", 0, P=5, M=12)
    np.testing.assert_allclose(run("kv_quant", **x, bits=24), run("attention", **x), rtol=1e-5)
    assert np.abs(run("kv_quant", **x, bits=2) - run("attention", **x)).max() > 1e-3


@given(SEEDS, LENGTHS, LENGTHS, st.integers(0, 3))
@few
def test_top_of_all_keys_is_attention(seed, P, M, more):
    x = drawn("topk_attention", seed, P=P, M=M)
    same(run("topk_attention", **x, k=M + more), run("attention", **x))


@given(SEEDS, LENGTHS, LENGTHS)
@few
def test_top_one_is_the_value_of_the_best_key(seed, P, M):
    x = drawn("topk_attention", seed, P=P, M=M)
    same(run("topk_attention", **x, k=1), x["V"][np.argmax(x["Q"] @ x["K"].T, axis=1)])


# --- masks and positions


@given(SEEDS, LENGTHS, st.integers(0, 3))
@few
def test_windows_as_long_as_the_sequence_are_causal(seed, N, more):
    x = qkv(seed, N)
    causal = run("attention_causal", **x)
    same(run("sliding_window", **x, W=N + more, sinks=0), causal)
    same(run("streaming_sink", **x, W=N + more, sinks=2), causal)
    same(run("streaming_sink", **x, W=1, sinks=N + more), causal)
    same(run("longformer", **x, W=N + more, glob=0), run("attention", **x))
    same(run("longformer", **x, W=0, glob=N + more), run("attention", **x))


@given(SEEDS, LENGTHS, BLOCKS)
@few
def test_small_windows(seed, N, W):
    x = qkv(seed, N)
    same(run("streaming_sink", **x, W=W, sinks=0), run("sliding_window", **x, W=W, sinks=0))
    same(run("sliding_window", **x, W=1, sinks=0), x["V"])
    same(run("longformer", **x, W=0, glob=0), x["V"])


@given(SEEDS, LENGTHS)
@few
def test_a_window_forgets_what_left_it(seed, N):
    x, y = qkv(seed, N + 3), qkv(seed + 1, N + 3)
    for name in ("K", "V"):
        y[name][N:] = x[name][N:]
    y["Q"] = x["Q"]
    same(run("sliding_window", **x, W=3)[N + 2 :], run("sliding_window", **y, W=3)[N + 2 :])


@given(SEEDS, LENGTHS, st.floats(-3, 3), st.integers(0, 1))
@few
def test_only_differences_of_angles_matter(seed, N, angle, causal):
    x = drawn("rope", seed, N=N, I=2)
    turned = x | {"SP": x["SP"] + rotate(N, angle)}
    same(run("rope", **x, causal=causal), run("rope", **turned, causal=causal))
    same(run("se_attention", **x, causal=causal), run("rope", **x, causal=causal))


@given(SEEDS, LENGTHS)
@few
def test_rotary_without_angles_is_attention(seed, N):
    x = drawn("rope", seed, N=N, I=2)
    x["SP"] = -np.arange(N)[:, None] * 10.0 ** np.array([0.0, -2.0])  # undoes base 10000
    plain = {n: x[n] for n in "QKV"}
    same(run("rope", **x, causal=1), run("attention_causal", **plain))
    same(run("rope", **x, causal=0), run("attention", **plain))


@given(SEEDS, LENGTHS)
@few
def test_alibi_without_a_slope_is_causal(seed, N):
    x = qkv(seed, N)
    same(run("alibi", **x, slope=0.0), run("attention_causal", **x))
    np.testing.assert_allclose(run("alibi", **x, slope=1e6), x["V"])


@given(SEEDS, LENGTHS, LENGTHS)
@few
def test_additive_scores(seed, P, M):
    x = drawn("additive_attention", seed, P=P, M=M)
    map_inputs = {n: a for n, a in x.items() if n != "R"}
    pointers = run("pointer_net", **map_inputs)
    same(pointers.sum(axis=1), np.ones(P))
    still = x | {"R": np.full(M, 0.7)}  # the same perturbation of every key changes nothing
    same(run("additive_attention", **still), pointers @ x["ENC"])
    masked = x | {"R": np.where(np.arange(M) == 0, 0, -1e9)}
    same(run("additive_attention", **masked), np.repeat(x["ENC"][:1], P, axis=0))


# --- recurrences


@given(SEEDS, LENGTHS)
@few
def test_aaren_is_causal_attention_with_one_query(seed, N):
    x = qkv(seed, N)
    query = x["Q"][0]
    repeated = np.repeat(query[None], N, axis=0)
    same(
        run("aaren", Q=query, K=x["K"], V=x["V"]),
        run("attention_causal", Q=repeated, K=x["K"], V=x["V"]),
    )


@given(SEEDS, LENGTHS)
@few
def test_aaren_is_a_scan_of_triples(seed, N):
    x = qkv(seed, N)
    scores = x["K"] @ x["Q"][0] / 2
    tops, sums, rows = scores.copy(), np.ones(N), x["V"].copy()
    step = 1
    while step < N:  # doubling steps: n takes in n - step
        old, now = slice(0, N - step), slice(step, N)
        new = np.maximum(tops[old], tops[now])
        a, b = np.exp(tops[old] - new), np.exp(tops[now] - new)
        sums[now] = sums[old] * a + sums[now] * b
        rows[now] = rows[old] * a[:, None] + rows[now] * b[:, None]
        tops[now] = new
        step *= 2
    same(run("aaren", Q=x["Q"][0], K=x["K"], V=x["V"]), rows / sums[:, None])


@given(SEEDS, LENGTHS, BLOCKS)
@few
def test_blocks_of_lightning_are_the_masked_quadratic_form(seed, N, block):
    x = drawn("lightning2", seed, N=N, H=2)
    apart = np.subtract.outer(np.arange(N), np.arange(N))
    decay = np.where(apart >= 0, x["LAM"][:, None, None] ** np.maximum(apart, 0), 0)
    wanted = (x["Q"] @ x["K"].transpose(0, 2, 1) * decay) @ x["V"]
    for name in ("lightning2", "lightning1", "linear_decay", "retention"):
        same(run(name, **x, block=block), wanted)


@given(SEEDS, LENGTHS, BLOCKS)
@few
def test_chunks_of_ssd_are_the_recurrence(seed, N, block):
    x = drawn("ssd", seed, N=N)
    same(run("ssd_chunk", **x, block=block), run("ssd", **x))
    same(run("mamba2", **x), run("ssd", **x))


@given(SEEDS, LENGTHS)
@few
def test_recurrences_with_one_decay_are_linear_decay(seed, N):
    x = qkv(seed, N)
    wanted = run("linear_decay", **heads(x), LAM=np.array([0.8]))[0]
    same(run("gla", **x, GT=np.full((N, 4), 0.8)), wanted)
    same(run("ssd", X=x["V"], LA=np.full(N, math.log(0.8)), B=x["K"], C=x["Q"]), wanted)
    same(run("lrpe_decay", **x, TH=np.zeros(4), lam=0.8), wanted)


@given(SEEDS, LENGTHS)
@few
def test_lrpe_is_decay_on_turned_features(seed, N):
    x = drawn("lrpe_decay", seed, N=N)
    angles = np.outer(np.arange(N), x["TH"])
    q, k = (np.concatenate([X * np.cos(angles), X * np.sin(angles)], 1) for X in (x["Q"], x["K"]))
    doubled = {"Q": q[None], "K": k[None], "V": x["V"][None], "LAM": np.array([0.9])}
    same(run("lrpe_decay", **x, lam=0.9), run("linear_decay", **doubled)[0])


@given(SEEDS, LENGTHS)
@few
def test_tnl_is_a_normalised_gated_decay(seed, N):
    x = drawn("tnl", seed, N=N, H=2, F=3)
    open_gate = x | {"U": np.full((N, 6), 100.0)}
    inner = {n: silu(x[n]) for n in "QKV"} | {"LAM": x["LAM"]}
    heads_out = run("linear_decay", **inner).transpose(1, 0, 2).reshape(N, 6)
    rms = np.sqrt(np.mean(heads_out**2, axis=1, keepdims=True))
    same(run("tnl", **open_gate, eps=1e-6), heads_out / (rms + 1e-6))


@given(SEEDS, LENGTHS)
@few
def test_dsf_holds_linear_attention(seed, N):
    x = qkv(seed, N, E=4, F=3)
    q, k = positive(x["Q"]), positive(x["K"])
    eta = np.einsum("ne,ne->n", q, np.cumsum(k, axis=0))
    fade = np.concatenate([[1.0], eta[:-1]]) / eta
    dsf = {
        "U": x["V"],
        "LAM": np.repeat(fade[:, None], 12, axis=1),
        "B": np.einsum("ne,fd->nefd", k / eta[:, None], np.eye(3)).reshape(N, 12, 3),
        "C": np.einsum("ne,fd->nfed", q, np.eye(3)).reshape(N, 3, 12),
        "DD": np.zeros((N, 3, 3)),
    }
    same(run("dsf", **dsf), run("linear_attention", **x))


@given(SEEDS, LENGTHS)
@few
def test_dsf_holds_s6_and_ssd(seed, N):
    x = drawn("s6", seed, N=N, D=1, S=3)
    dsf = {
        "U": x["X"],
        "LAM": np.exp(x["DT"] * x["A"]),
        "B": (x["DT"] * x["B"])[:, :, None],
        "C": x["C"][:, None, :],
        "DD": np.broadcast_to(x["DS"], (N, 1, 1)).copy(),
    }
    same(run("dsf", **dsf), run("s6", **x))
    y = drawn("ssd", seed, N=N, F=1, S=3)
    dsf = {
        "U": y["X"],
        "LAM": np.repeat(np.exp(y["LA"])[:, None], 3, axis=1),
        "B": y["B"][:, :, None],
        "C": y["C"][:, None, :],
        "DD": np.zeros((N, 1, 1)),
    }
    same(run("dsf", **dsf), run("ssd", **y))


# --- memories


@given(SEEDS, LENGTHS)
@few
def test_memories_without_their_extras_are_the_delta_rule(seed, N):
    x = drawn("deltanet", seed, N=N, E=4, F=3)
    beta, one, zero = x.pop("BETA"), np.ones(N), np.zeros(N)
    wanted = run("deltanet", **x | {"BETA": beta, "ALPHA": one})
    x.pop("ALPHA")
    same(run("gated_deltanet", **x, BETA=beta, ALPHA=one), wanted)
    same(run("titans", **x, ALPHA=zero, ETA=zero, THETA=beta / 2, c=2.0, chunk=1), wanted)
    same(run("titans", **x, ALPHA=zero, ETA=zero, THETA=beta, c=1.0, chunk=1), wanted)
    start = np.full((3, 4), 1e-300)  # the norm of a zero memory is 0 to the power 0
    same(run("moneta", **x, ALPHA=one, ETA=beta / 2, M0=start, p=2.0, q=2.0), wanted)
    for mode in ("norm", "sign"):
        huge = {"M0": np.zeros((3, 4)), "DELTA": np.full(N, 1e30), "mode": mode}
        same(run("yaad", **x, ALPHA=one, ETA=beta, **huge), wanted)


@given(SEEDS, LENGTHS)
@few
def test_the_delta_rule_is_a_triangular_solve(seed, N):
    x = drawn("deltanet", seed, N=N)
    x["ALPHA"] = np.ones(N)
    system = np.eye(N) + x["BETA"][:, None] * np.tril(x["K"] @ x["K"].T, -1)
    written = np.linalg.solve(system, x["BETA"][:, None] * x["V"])
    same(run("deltanet", **x), np.tril(x["Q"] @ x["K"].T) @ written)


@given(SEEDS, LENGTHS)
@few
def test_titans_in_chunks(seed, N):
    x = drawn("titans", seed, N=N)
    same(run("titans_chunk", **x, c=2.0, chunk=1), run("titans", **x, c=2.0, chunk=1))
    orthogonal = drawn("titans", seed, N=4, E=4)
    orthogonal["K"] = np.linalg.qr(orthogonal["K"])[0].T.copy()
    orthogonal |= {"ALPHA": np.zeros(4), "ETA": np.zeros(4)}
    same(run("titans_chunk", **orthogonal, chunk=4), run("titans", **orthogonal, chunk=1))


def test_titans_in_chunks_differ_where_keys_meet():
    x = drawn("titans", 0, N=8)
    assert np.abs(run("titans_chunk", **x, chunk=4) - run("titans", **x, chunk=1)).max() > 1e-6


@given(SEEDS)
@few
def test_titans_mlp_goes_down_the_measured_slope(seed):
    x = drawn("titans_mlp", seed, N=1, X=3, E=3, F=2)
    x |= {"ALPHA": np.zeros(1), "ETA": np.zeros(1), "THETA": np.full(1, 0.1)}
    weights = [x["W1"], x["W2"]]

    def loss(W1: Array, W2: Array) -> float:
        return float(np.sum((W2 @ silu(W1 @ x["K"][0]) - x["V"][0]) ** 2))

    moved = []
    for which, weight in enumerate(weights):
        slope = np.zeros(weight.shape)
        for place in np.ndindex(weight.shape):
            ends = []
            for step in (1e-5, -1e-5):
                at = [w.copy() for w in weights]
                at[which][place] += step
                ends.append(loss(*at))
            slope[place] = (ends[0] - ends[1]) / 2e-5
        moved.append(weight - 0.1 * slope)
    wanted = moved[1] @ silu(moved[0] @ x["Q"][0])
    np.testing.assert_allclose(run("titans_mlp", **x, c=2.0)[0], wanted, rtol=1e-6, atol=1e-7)


@given(SEEDS, LENGTHS)
@few
def test_memora_stays_on_the_simplex(seed, N):
    x = drawn("memora", seed, N=N)
    x["Q"] = np.ones_like(x["Q"])  # reads the sums of the rows
    same(run("memora", **x, c=1.0), np.ones((N, x["V"].shape[1])))


# --- selection


@given(SEEDS, LENGTHS)
@few
def test_landmark_with_one_block_is_causal(seed, N):
    x = qkv(seed, N)
    same(run("landmark", **x, L=N + 1), run("attention_causal", **x))


@given(SEEDS, LENGTHS, BLOCKS)
@few
def test_landmark_weights_sum_to_one(seed, N, L):
    x = qkv(seed, N)
    x["V"] = np.ones_like(x["V"])
    found = run("landmark", **x, L=L + 1)
    same(found, np.ones_like(x["V"]))


@given(SEEDS, st.integers(1, 3), st.integers(2, 4))
@few
def test_landmark_with_every_block_retrieved_is_landmark(seed, blocks, L):
    """The last query, whose own block is the window."""
    N = blocks * L + L - 1
    x = qkv(seed, N)
    split = {n: x[n][: blocks * L].reshape(blocks, L, -1) for n in "KV"}
    found = run(
        "landmark_topk", Q=x["Q"][-1:], KL=split["K"][:, -1].copy(), K=split["K"][:, :-1].copy(),
        V=split["V"][:, :-1].copy(), KW=x["K"][blocks * L :], VW=x["V"][blocks * L :], k=blocks,
    )  # fmt: skip
    same(found[0], run("landmark", **x, L=L)[-1])


@given(SEEDS, st.integers(1, 6), st.integers(1, 4))
@few
def test_all_blocks_or_blocks_of_one(seed, T, L):
    x = drawn("topk_block_decode", seed, T=T, L=L)
    tokens = {n: x[n].reshape(T * L, -1) for n in "KV"}
    plain = run("attention", Q=x["Q"][None], **tokens)[0]
    same(run("topk_block_decode", **x, k=T), plain)
    one = drawn("topk_block_decode", seed, T=T, L=1)
    tokens = {n: one[n].reshape(T, -1) for n in "KV"}
    for k in (1, T):
        found = run("topk_block_decode", **one, k=k)
        same(found, run("topk_attention", Q=one["Q"][None], **tokens, k=k)[0])


@given(SEEDS, LENGTHS, BLOCKS, st.integers(1, 13))
@few
def test_branches_of_native_sparse_attention(seed, N, L, W):
    x = qkv(seed, N)

    def branch(which: int, **params: int) -> Array:
        gate = np.zeros((N, 3))
        gate[:, which] = 1
        return run("nsa", **x, GT=gate, **params)

    causal = run("attention_causal", **x)
    same(branch(0, L=1, n=1, W=W), causal)
    same(branch(1, L=L, n=N, W=W), causal)
    same(branch(2, L=L, n=1, W=W), run("sliding_window", **x, W=W))


@given(SEEDS, st.integers(1, 9))
@few
def test_one_cluster_is_attention_on_normalised_rows(seed, N):
    x = drawn("routing", seed, N=N, C=1, E=4)
    rows = {n: np.array([normalised(row) for row in x[n]]) for n in "QK"}
    same(run("routing", **x, w=N), run("attention", **rows, V=x["V"]))
    shared = {"Q": rows["Q"], "K": rows["Q"], "V": x["V"]}
    same(run("routing_causal", **x, w=N), run("attention_causal", **shared))


@given(SEEDS, st.integers(1, 8), st.integers(1, 4))
@few
def test_spatten_that_prunes_nothing_is_attention(seed, N, H):
    x = drawn("spatten_prune", seed, N=N, H=H)
    found = run_all("spatten_prune", x, kt=N, kh=H, kv=N)
    for h in range(H):
        same(found["O"][h], run("attention", **{n: x[n][h] for n in "QKV"}))
    np.testing.assert_allclose((found["ITN"] - x["IT"]).sum(), H * N)


@given(SEEDS, st.integers(1, 8), st.integers(1, 8))
@few
def test_progressive_quantisation_at_both_thresholds(seed, P, M):
    x = drawn("spatten_progquant", seed, P=P, M=M)
    keys = x["KI"].astype(float)
    low = {"Q": x["Q"], "K": (x["KI"] >> 4 << 4) * 0.025, "V": x["V"]}
    full = low | {"K": keys * 0.025}
    options = {"lsb": 4, "scale": 0.025}
    same(run("spatten_progquant", **x, **options, thr=0.0), run("attention", **low))
    same(run("spatten_progquant", **x, **options, thr=2.0), run("attention", **full))


@given(SEEDS, st.integers(1, 8))
@few
def test_focus_on_all_tokens_is_attention(seed, N):
    x = drawn("focus_tokens", seed, N=N)
    plain = {n: x["X"] @ x["W" + n] for n in "QKV"}
    same(run("focus_tokens", **x, k=N), run("attention", **plain))


@given(SEEDS, st.integers(1, 7), st.integers(0, 1))
@few
def test_mixture_that_routes_all_heads_is_gated_attention(seed, N, causal):
    x = drawn("moh", seed, N=N, S=1, R=3)
    plain = run("gqa", **{n: x[n] for n in "QKV"}, causal=causal)

    def weights(W: Array) -> Array:
        powers = np.exp(x["X"] @ W.T)
        return powers / powers.sum(axis=1, keepdims=True)

    both = weights(x["WH"])
    gates = np.concatenate([both[:, :1] * weights(x["WS"]), both[:, 1:] * weights(x["WR"])], 1)
    wanted = np.einsum("nh,hnf,hfd->nd", gates, plain, x["WO"])
    same(run("moh", **x, k=3, causal=causal), wanted)


@given(SEEDS, LENGTHS)
@few
def test_sparse_graph_of_everything_sums_the_past(seed, N):
    x = drawn("sparse_gin", seed, N=N)
    past = np.cumsum(x["V"], axis=0) - x["V"]
    wanted = relu((1.3 * x["V"] + past) @ x["W1"]) @ x["W2"]
    same(run("sparse_gin", **x, eps=0.3, k=N, thr=0.0), wanted)


# --- structure


@given(SEEDS, LENGTHS)
@few
def test_chunks_of_one_token_are_causal_and_one_chunk_is_a_gated_mean(seed, N):
    x = drawn("rat", seed, N=N, E=4)
    closed = x | {"GT": np.zeros((N, 4)), "Z": np.ones((N, 4))}
    causal = run("attention_causal", **{n: x[n] for n in "QKV"})
    same(run("rat", **closed, L=1), causal)
    state, states = np.zeros(4), []
    for n in range(N):
        state = x["GT"][n] * state + (1 - x["GT"][n]) * x["V"][n]
        states.append(x["Z"][n] * state)
    same(run("rat", **x, L=N), np.array(states))


@given(SEEDS, st.integers(1, 5), st.integers(1, 5), st.integers(1, 4))
@few
def test_halos(seed, Y, X, b):
    x = drawn("halo2d", seed, Y=Y, X=X)
    whole = run("attention", **{n: a.reshape(Y * X, -1) for n, a in x.items()})
    same(run("halo2d", **x, b=b, h=max(Y, X)).reshape(Y * X, -1), whole)
    same(run("halo2d", **x, b=max(Y, X), h=0).reshape(Y * X, -1), whole)
    same(run("halo2d", **x, b=1, h=0), x["V"])
    corner = {n: a[:b, :b].reshape(-1, a.shape[2]) for n, a in x.items()}
    found = run("halo2d", **x, b=b, h=0)[:b, :b]
    same(found.reshape(-1, found.shape[2]), run("attention", **corner))


@given(SEEDS, st.integers(1, 4), st.integers(1, 4))
@few
def test_agents(seed, A, R):
    x = drawn("agent", seed, A=A, R=R)
    x |= {"BA": np.zeros_like(x["BA"]), "BQ": np.zeros_like(x["BQ"])}
    agents = x["Q"].reshape(A, R, -1).mean(axis=1)
    held = run("attention", Q=agents, K=x["K"], V=x["V"])
    found = run("agent", **x, n=A)
    assert found.shape == x["V"].shape
    same(found, run("attention", Q=x["Q"], K=agents, V=held))
    if A == 1:
        same(found, np.repeat(held, R, axis=0))


@given(SEEDS, LENGTHS)
@few
def test_convolutions_that_do_nothing_leave_causal_attention(seed, N):
    x = drawn("rcmha", seed, N=N, E=4, F=3, J=3)
    still = {n: np.tile([0.0, 0.0, 1.0], (len(x[n]), 1)) for n in ("CQ", "CK", "CV")}
    still |= {"R": np.zeros((N, 4)), "BU": np.zeros(4), "BV": np.zeros(4)}
    same(run("rcmha", **x | still), run("attention_causal", **{n: x[n] for n in "QKV"}))


@given(SEEDS, LENGTHS)
@few
def test_collapsed_matrices(seed, N):
    random = np.random.default_rng(seed)
    X, (WQ, WK, WV) = random.standard_normal((N, 6)), random.standard_normal((3, 6, 4))
    WO, Z = random.standard_normal((4, 6)), random.standard_normal((6, 4))
    one = run("attention", Q=X @ WQ, K=X @ WK, V=X @ WV) @ WO
    same(run("collapsed", X=X, W=WQ @ WK.T, WVO=WV @ WO, d=4), one)
    same(run("symmetric", X=X, Z=Z), run("collapsed", X=X, W=Z @ Z.T, WVO=np.eye(6), d=4))


@given(SEEDS, LENGTHS)
@few
def test_deconstructed(seed, N):
    x = drawn("deconstruct", seed, N=N)
    causal = run("attention_causal", **{n: x[n] for n in "QKV"})
    same(run("deconstruct_static", **x | {"EQ": x["Q"], "EK": x["K"]}), causal)
    flat = x | {"Q": 0 * x["Q"]}
    same(run("deconstruct", **flat), run("deconstruct_uniform", **x))
    small = x | {"Q": 1e-6 * x["Q"]}
    first_order = run("attention_causal", **{n: small[n] for n in "QKV"})
    np.testing.assert_allclose(run("deconstruct", **small), first_order, rtol=1e-7, atol=1e-9)


@given(SEEDS, st.integers(1, 5), st.integers(1, 5))
@few
def test_graph_networks_do_not_know_the_order_of_the_nodes(seed, T, N):
    order = np.random.default_rng(seed).permutation(N)
    x = drawn("gman_st", seed, T=T, N=N)
    mixed = x | {n: x[n][:, order] for n in ("X", "STE")}
    same(run("gman_st", **mixed), run("gman_st", **x)[:, order])
    y = drawn("gman_transform", seed, T=T, N=N)
    mixed = y | {n: y[n][:, order] for n in ("X", "EP", "EQ")}
    same(run("gman_transform", **mixed), run("gman_transform", **y)[:, order])


@given(SEEDS, LENGTHS, st.integers(1, 5))
@few
def test_what_is_read_off_a_map_adds_up(seed, N, W):
    x = qkv(seed, N)
    found = run_all("waad_fai", x, W=1)
    left = N - 1 - np.arange(N)
    np.testing.assert_allclose(found["FAI"] @ left, found["WAAD"].sum(), rtol=1e-9, atol=1e-12)
    assert found["FAI"][-1] == 0
    np.testing.assert_allclose(run("hop_profile", Q=x["Q"], K=x["K"], Ww=W).sum(), 1)


# --- gates


@given(SEEDS, LENGTHS)
@few
def test_dual_attention(seed, N):
    x = drawn("danet_pam", seed, N=N, D=5, E=4)
    same(run("danet_pam", **x, gamma=0.0), x["X"])
    plain = {n: (x["W" + n] @ x["X"]).T for n in "QKV"}
    plain["Q"] = 2 * plain["Q"]  # sqrt(E): there is no scale
    same(run("danet_pam", **x, gamma=1.0) - x["X"], run("attention", **plain).T)
    same(run("danet_cam", X=x["X"], gamma=0.0), x["X"])
    rows = {"Q": -x["X"] * math.sqrt(N), "K": x["X"], "V": x["X"]}
    same(run("danet_cam", X=x["X"], gamma=1.0) - x["X"], run("attention", **rows))


@given(SEEDS, st.integers(1, 2), st.integers(1, 2))
@few
def test_a_kernel_that_is_a_spike_returns_the_value(seed, S, J):
    x = drawn("contmix", seed, S=S, J=J)
    taps = (2 * J + 1) ** 2
    spike = np.where(np.arange(taps) == taps // 2, 1e6, 0.0)
    np.testing.assert_allclose(run("contmix", **x | {"RB": spike}, S=S), x["V"])


@given(SEEDS)
@few
def test_gates_with_zero_weights_are_half_open(seed):
    closed = {
        "attention_gate": (("PSI",), "X", 0.5, {"bpsi": 0.0}),
        "cbam": (("W2", "WS"), "X", 0.25, {}),
        "csa": (("W2", "WT"), "FT", 1.0, {}),
        "ela": (("GA", "BE"), "X", 0.25, {"groups": 3}),
        "ninformer": (("WP",), "X", 1.0, {}),
    }
    for name, (zeroed, kept, share, params) in closed.items():
        x = drawn(name, seed)
        x |= {n: np.zeros_like(x[n]) for n in zeroed}
        same(run(name, **x, **params), share * x[kept])
