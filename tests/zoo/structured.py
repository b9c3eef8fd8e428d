"""Attention with a shape: windows of an image, agents, chunks, graphs; and what is read off it."""

from __future__ import annotations

import math

import numpy as np

from tests.zoo.parts import Array, mean, normalised, relu, sigmoid, softmax
from tests.zoo.softmax import attend, attention


def halo2d(Q: Array, K: Array, V: Array, b: int, h: int) -> Array:
    """A pixel attends to its block and h pixels around the block."""
    high, wide = Q.shape[:2]
    out = np.zeros(V.shape)
    for y in range(high):
        for x in range(wide):
            y0, x0 = y // b * b, x // b * b
            rows = slice(max(y0 - h, 0), y0 + b + h)
            columns = slice(max(x0 - h, 0), x0 + b + h)
            keys = K[rows, columns].reshape(-1, K.shape[2])
            values = V[rows, columns].reshape(-1, V.shape[2])
            out[y, x] = attend(Q[y, x], keys, values, range(len(keys)))
    return out


def agent(Q: Array, K: Array, V: Array, BA: Array, BQ: Array, n: int) -> Array:
    """Pooled queries collect the values, the queries collect from them."""
    share, scale = len(Q) // n, 1 / math.sqrt(Q.shape[1])
    agents = np.array([Q[a * share : (a + 1) * share].mean(axis=0) for a in range(n)])
    held = [softmax(agents[a] @ K.T * scale + BA[a]) @ V for a in range(n)]
    weights = [softmax(Q[p] @ agents.T * scale + BQ[p]) for p in range(len(Q))]
    return np.array([mean(row, held, V.shape[1]) for row in weights])


def _smoothed(rows: Array, gates: Array) -> Array:
    """Return the state after the last row of a gated mean that starts at zero."""
    state = np.zeros(rows.shape[1])
    for i in range(len(rows)):
        state += np.prod(gates[i + 1 :], axis=0) * (1 - gates[i]) * rows[i]
    return state


def rat(Q: Array, K: Array, V: Array, GT: Array, Z: Array, L: int) -> Array:
    """Softmax over the ends of whole chunks and the token's place in its own."""
    out = np.zeros(V.shape)
    for n, query in enumerate(Q):
        own = n // L * L
        parts = [slice(c, c + L) for c in range(0, own, L)] + [slice(own, n + 1)]
        keys = np.array([_smoothed(K[part], GT[part]) for part in parts])
        values = np.array([_smoothed(V[part], GT[part]) for part in parts])
        out[n] = Z[n] * attend(query, keys, values, range(len(parts)))
    return out


def _convolved(X: Array, taps: Array) -> Array:
    """Causal, channel by channel; the last tap falls on the token itself."""
    padded = np.concatenate([np.zeros((taps.shape[1] - 1, X.shape[1])), X])
    return np.array([np.sum(padded[n : n + taps.shape[1]] * taps.T, axis=0) for n in range(len(X))])


def rcmha(
    Q: Array, K: Array, V: Array, CQ: Array, CK: Array, CV: Array, R: Array, BU: Array, BV: Array
) -> Array:
    """Convolved projections and the relative score of Transformer-XL."""
    queries, keys, values = _convolved(Q, CQ), _convolved(K, CK), _convolved(V, CV)
    out = []
    for p, query in enumerate(queries):
        scores = [(query + BU) @ keys[m] + (query + BV) @ R[p - m] for m in range(p + 1)]
        out.append(softmax(np.array(scores) / math.sqrt(Q.shape[1])) @ values[: p + 1])
    return np.array(out)


def collapsed(X: Array, W: Array, WVO: Array, d: int) -> Array:
    return np.array([softmax(x @ W @ X.T / math.sqrt(d)) @ X @ WVO for x in X])


def symmetric(X: Array, Z: Array) -> Array:
    return attention(X @ Z, X @ Z, X)


def deconstruct(Q: Array, K: Array, V: Array, EQ: Array, EK: Array) -> Array:
    """The exponential cut after its linear term."""
    weights = np.tril(1 + Q @ K.T / math.sqrt(Q.shape[1]))
    return weights @ V / weights.sum(axis=1, keepdims=True)


def deconstruct_uniform(Q: Array, K: Array, V: Array, EQ: Array, EK: Array) -> Array:
    return np.array([V[: n + 1].mean(axis=0) for n in range(len(V))])


def deconstruct_static(Q: Array, K: Array, V: Array, EQ: Array, EK: Array) -> Array:
    return attention(EQ, EK, V, causal=1)


def gman_st(
    X: Array, STE: Array, BZ: Array, WZS: Array, WZT: Array, WSQ: Array, WSK: Array, WSV: Array,
    WTQ: Array, WTK: Array, WTV: Array,
) -> Array:  # fmt: skip
    """Attention over the nodes, attention over the past, and a gate between the two."""
    both = np.concatenate([X, STE], axis=2)
    q, k, v = (relu(both @ W) for W in (WSQ, WSK, WSV))
    space = np.array([attention(q[t], k[t], v[t]) for t in range(len(X))])
    q, k, v = (relu(both @ W) for W in (WTQ, WTK, WTV))
    nodes = range(X.shape[1])
    time = np.stack([attention(q[:, n], k[:, n], v[:, n], causal=1) for n in nodes], axis=1)
    gate = sigmoid(space @ WZS + time @ WZT + BZ)
    return X + gate * space + (1 - gate) * time


def gman_transform(X: Array, EP: Array, EQ: Array, WQ: Array, WK: Array, WV: Array) -> Array:
    """Steps to come look at steps gone by, node by node."""
    q, k, v = relu(EQ @ WQ), relu(EP @ WK), relu(X @ WV)
    nodes = range(X.shape[1])
    return np.stack([attention(q[:, n], k[:, n], v[:, n]) for n in nodes], axis=1)


def ninformer(X: Array, T1: Array, T2: Array, C1: Array, C2: Array, WP: Array) -> Array:
    """A token mixer makes the gate."""

    def norm(Y: Array) -> Array:
        return np.array([normalised(row) for row in Y])

    def gelu(Y: Array) -> Array:
        return Y * (1 + np.vectorize(math.erf)(Y / math.sqrt(2))) / 2

    first = norm(X)
    mixed = first + T2 @ gelu(T1 @ norm(first))
    mixed = mixed + gelu(norm(mixed) @ C1.T) @ C2.T
    return X + first @ WP.T * mixed


def gin_attention(Q: Array, K: Array, V: Array, W1: Array, W2: Array, eps: float) -> Array:
    return relu(((1 + eps) * V + attention(Q, K, V, causal=1)) @ W1) @ W2


def _map(Q: Array, K: Array, causal: int) -> Array:
    return attention(Q, K, np.eye(len(K)), causal)


def waad_fai(Q: Array, K: Array, V: Array, W: int) -> dict[str, Array]:
    """How far back a token looks, and how much later tokens look at it."""
    A = _map(Q, K, causal=1)
    N = len(A)
    far = [sum(A[n, m] * min(n - m, W) for m in range(n + 1)) for n in range(N)]
    seen = [np.mean(A[m + 1 :, m]) if m < N - 1 else 0.0 for m in range(N)]
    return {"WAAD": np.array(far), "FAI": np.array(seen)}


def hop_profile(Q: Array, K: Array, Ww: int) -> Array:
    """Mean attention by the larger of the row and column distances on a grid Ww wide."""
    A = _map(Q, K, causal=0)
    N = len(A)
    out = np.zeros(max(math.ceil(N / Ww), Ww))
    for p in range(N):
        for m in range(N):
            (y, x), (v, u) = divmod(p, Ww), divmod(m, Ww)
            out[max(abs(y - v), abs(x - u))] += A[p, m] / N
    return out
