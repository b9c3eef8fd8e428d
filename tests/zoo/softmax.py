"""Softmax attention and its near relations, one query at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tests.zoo.parts import Array, mean, softmax, top


def matmul(A: Array, B: Array) -> Array:
    return A @ B


def attend(
    query: Array, keys: Array, values: Array, live: Iterable[int], scale: float | None = None
) -> Array:
    """Return the mean of the live values for one query."""
    places = list(live)
    scale = 1 / math.sqrt(len(query)) if scale is None else scale
    weights = softmax(query @ keys[m] * scale for m in places)
    return mean(weights, values[places], values.shape[1])


def masked(Q: Array, K: Array, V: Array, lives: Callable[[int, int], Any]) -> Array:
    """Return attention with an arbitrary mask."""
    rows = [attend(Q[p], K, V, [m for m in range(len(K)) if lives(p, m)]) for p in range(len(Q))]
    return np.array(rows).reshape(len(Q), V.shape[1])


def attention(Q: Array, K: Array, V: Array, causal: int = 0, **_tiles: int) -> Array:
    """The mask is aligned at the bottom right: the last query sees every key."""
    ahead = len(K) - len(Q)
    return masked(Q, K, V, lambda p, m: not causal or m <= p + ahead)


def attention_causal(Q: Array, K: Array, V: Array, **_tiles: int) -> Array:
    return attention(Q, K, V, causal=1)


def sigmoid_attention(Q: Array, K: Array, V: Array) -> Array:
    logits = Q @ K.T / math.sqrt(Q.shape[1]) - math.log(max(len(K), 1))
    return (1 / (1 + np.exp(-logits))) @ V


def grouped(Q: Array, K: Array, V: Array, causal: int) -> Array:
    """Each of the G key heads serves H / G neighbouring query heads."""
    share = len(Q) // len(K)
    heads = range(len(Q))
    return np.array([attention(Q[h], K[h // share], V[h // share], causal) for h in heads])


def mla(C: Array, KR: Array, QN: Array, QR: Array, WUK: Array, WUV: Array, causal: int) -> Array:
    """The expanded form: every head builds its own keys and values from the latent cache."""
    heads = []
    for h in range(len(QN)):
        keys = np.concatenate([C @ WUK[h].T, KR], axis=1)
        queries = np.concatenate([QN[h], QR[h]], axis=1)
        heads.append(attention(queries, keys, C @ WUV[h].T, causal))
    return np.array(heads)


def window(Q: Array, K: Array, V: Array, W: int, sinks: int = 0) -> Array:
    """The last W tokens and the first few."""
    return masked(Q, K, V, lambda p, m: m <= p and (p - m < W or m < sinks))


def longformer(Q: Array, K: Array, V: Array, W: int, glob: int) -> Array:
    return masked(Q, K, V, lambda p, m: abs(p - m) <= W or p < glob or m < glob)


def alibi(Q: Array, K: Array, V: Array, slope: float) -> Array:
    out = np.zeros((len(Q), V.shape[1]))
    for n, query in enumerate(Q):
        weights = softmax(
            query @ K[m] / math.sqrt(len(query)) + slope * (m - n) for m in range(n + 1)
        )
        out[n] = mean(weights, V[: n + 1], V.shape[1])
    return out


def rotary(Q: Array, K: Array, V: Array, SP: Array, base: float, causal: int) -> Array:
    """Pairs of features are complex numbers, turned by an angle that grows with the position."""
    E = Q.shape[1]
    rates = base ** (-2 * np.arange(E // 2) / E)
    turns = np.exp(1j * (np.arange(len(Q))[:, None] * rates + SP))
    queries, keys = (turns * (X[:, 0::2] + 1j * X[:, 1::2]) for X in (Q, K))
    scores = np.real(queries @ keys.conj().T) / math.sqrt(E)
    out = np.zeros((len(Q), V.shape[1]))
    for n in range(len(Q)):
        end = n + 1 if causal else len(K)
        out[n] = mean(softmax(scores[n, :end]), V[:end], V.shape[1])
    return out


def quantised(row: Array, bits: int) -> Array:
    """Return the row on 2**bits even levels from its least to its greatest; halves go to even."""
    low, high = row.min(initial=np.inf), row.max(initial=-np.inf)
    if low >= high:  # all equal, or none
        return row
    step = (high - low) / (2**bits - 1)
    return low + step * np.array([round(float((x - low) / step)) for x in row])


def kv_quant(Q: Array, K: Array, V: Array, bits: int) -> Array:
    keys = np.array([quantised(channel, bits) for channel in K.T]).T
    values = np.array([quantised(token, bits) for token in V]).reshape(V.shape)
    return attention(Q, keys, values)


def paged_decode(Q: Array, KP: Array, VP: Array, TBL: Array, length: int) -> Array:
    keys = np.concatenate([KP[page] for page in TBL])[:length]
    values = np.concatenate([VP[page] for page in TBL])[:length]
    return attend(Q, keys, values, range(len(keys)))


def topk_attention(Q: Array, K: Array, V: Array, k: int) -> Array:
    return np.array([attend(q, K, V, top([q @ key for key in K], k)) for q in Q])


def _additive(ENC: Array, DEC: Array, W1: Array, W2: Array, VA: Array) -> Array:
    return np.array([[VA @ np.tanh(W1 @ enc + W2 @ dec) for enc in ENC] for dec in DEC])


def pointer_net(ENC: Array, DEC: Array, W1: Array, W2: Array, VA: Array) -> Array:
    return np.array([softmax(row) for row in _additive(ENC, DEC, W1, W2, VA)])


def additive_attention(ENC: Array, DEC: Array, W1: Array, W2: Array, VA: Array, R: Array) -> Array:
    scores = _additive(ENC, DEC, W1, W2, VA)
    return np.array([softmax(row + R) @ ENC for row in scores])


def aaren(Q: Array, K: Array, V: Array) -> Array:
    """One query against every prefix."""
    return masked(np.repeat(Q[None], len(K), axis=0), K, V, lambda n, m: m <= n)


def folded(Q: Array, K: Array, V: Array, group: int, **_tiles: int) -> Array:
    """Causal attention in which row p is head p % group of position p // group."""
    out = np.zeros((len(Q), V.shape[1]))
    for head in range(group):
        out[head::group] = attention(Q[head::group], K, V, causal=1)
    return out
