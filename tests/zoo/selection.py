"""Attention to a choice made from the data: clusters, blocks, tokens, heads."""

from __future__ import annotations

import math

import numpy as np

from tests.zoo.parts import Array, mean, normalised, relu, sigmoid, softmax, top
from tests.zoo.softmax import attend, attention, window


def routing(Q: Array, K: Array, V: Array, MU: Array, w: int, causal: int) -> Array:
    """Queries and keys meet inside clusters; a query in several clusters takes the average."""
    queries = np.array([normalised(row) for row in Q])
    keys = queries if causal else np.array([normalised(row) for row in K])
    total, hits = np.zeros((len(Q), V.shape[1])), np.zeros(len(Q))
    for centre in MU:
        members = top([centre @ key for key in keys], w)
        for p in top([centre @ query for query in queries], w):
            live = [m for m in members if not causal or m <= p]
            total[p] += attend(queries[p], keys, V, live)
            hits[p] += 1
    return total / np.maximum(hits, 1)[:, None]


def routing_plain(Q: Array, K: Array, V: Array, MU: Array, w: int) -> Array:
    return routing(Q, K, V, MU, w, causal=0)


def routing_causal(Q: Array, K: Array, V: Array, MU: Array, w: int) -> Array:
    return routing(Q, K, V, MU, w, causal=1)


def landmark(Q: Array, K: Array, V: Array, L: int) -> Array:
    """The last token of a block stands for it: its weight is shared out inside the block."""
    out = np.zeros((len(Q), V.shape[1]))
    for n, query in enumerate(Q):
        score = [query @ key / math.sqrt(len(query)) for key in K]
        marks = [b * L + L - 1 for b in range(n // L)]
        own = [m for m in range(n // L * L, n + 1) if m % L != L - 1]
        weights = softmax(score[m] for m in marks + own)
        for mark, weight in zip(marks, weights[: len(marks)], strict=True):
            members = range(mark - L + 1, mark)
            inside = softmax(score[m] for m in members)
            out[n] += weight * mean(inside, [V[m] for m in members], V.shape[1])
        out[n] += mean(weights[len(marks) :], [V[m] for m in own], V.shape[1])
    return out


def landmark_topk(Q: Array, KL: Array, K: Array, V: Array, KW: Array, VW: Array, k: int) -> Array:
    """Only the k best blocks take part, next to a window."""
    out = np.zeros((len(Q), V.shape[2]))
    for p, query in enumerate(Q):
        chosen = top([query @ key for key in KL], k)
        keys = [*(KL[t] for t in chosen), *KW]
        rows = [*(attend(query, K[t], V[t], range(K.shape[1])) for t in chosen), *VW]
        weights = softmax(query @ key / math.sqrt(len(query)) for key in keys)
        out[p] = mean(weights, rows, V.shape[2])
    return out


def topk_block_decode(Q: Array, K: Array, V: Array, k: int) -> Array:
    """Blocks are ranked by the largest score that any key inside their bounds could have."""
    bounds = []
    for block in K:
        box = zip(Q, block.min(axis=0), block.max(axis=0), strict=True)
        bounds.append(sum(x * (high if x > 0 else low) for x, low, high in box))
    chosen = np.array(top(bounds, k), dtype=int)
    keys = K[chosen].reshape(-1, K.shape[2])
    values = V[chosen].reshape(-1, V.shape[2])
    return attend(Q, keys, values, range(len(keys)))


def nsa(Q: Array, K: Array, V: Array, GT: Array, L: int, n: int, W: int) -> Array:
    """Three branches: block means, the n best blocks and the query's own, a window."""
    blocks = len(K) // L
    means = [
        np.array([X[b * L : b * L + L].sum(axis=0) / L for b in range(blocks)]).reshape(
            blocks, X.shape[1]
        )
        for X in (K, V)
    ]
    near = window(Q, K, V, W)
    out = np.zeros((len(Q), V.shape[1]))
    for t, query in enumerate(Q):
        whole = [b for b in range(blocks) if (b + 1) * L <= t + 1]
        out[t] += GT[t, 0] * attend(query, *means, whole)
        earlier = means[0][: t // L]
        chosen = top([query @ key for key in earlier], n)
        live = [b * L + j for b in chosen for j in range(L)] + list(range(t // L * L, t + 1))
        out[t] += GT[t, 1] * attend(query, K, V, live)
        out[t] += GT[t, 2] * near[t]
    return out


def spatten_prune(
    Q: Array, K: Array, V: Array, IT: Array, IH: Array, kt: int, kh: int, kv: int
) -> dict[str, Array]:
    """Cascade pruning: tokens and heads go by importance so far, values by probability."""
    tokens, heads = sorted(top(IT, kt)), top(IH, kh)
    O, ITN, IHN = np.zeros(V.shape), IT.copy(), IH.copy()
    for h in heads:
        for n in tokens:
            weights = softmax(Q[h, n] @ K[h, m] / math.sqrt(Q.shape[2]) for m in tokens)
            for m, weight in zip(tokens, weights, strict=True):
                ITN[m] += weight
            for place in top(weights, kv):
                O[h, n] += weights[place] * V[h, tokens[place]]
        IHN[h] += np.abs(O[h]).sum()
    return {"O": O, "ITN": ITN, "IHN": IHN}


def spatten_progquant(Q: Array, KI: Array, V: Array, lsb: int, scale: float, thr: float) -> Array:
    """High bits first; a row without a clear winner is done again with all bits."""
    high = np.floor(KI / 2**lsb) * 2**lsb
    out = []
    for query in Q:
        first = softmax(query @ key * scale / math.sqrt(len(query)) for key in high)
        if max(first, default=1) < thr:
            first = softmax(query @ key * scale / math.sqrt(len(query)) for key in KI)
        out.append(first @ V)
    return np.array(out)


def focus_tokens(X: Array, SF: Array, SC: Array, WQ: Array, WK: Array, WV: Array, k: int) -> Array:
    """The k salient tokens attend to each other; the rest stay as they are."""
    chosen = np.array(top(SF * sigmoid(SC).max(axis=1), k), dtype=int)
    few = X[chosen]
    out = X.copy()
    out[chosen] = attention(few @ WQ, few @ WK, few @ WV)
    return out


def moh(
    Q: Array, K: Array, V: Array, X: Array, WS: Array, WR: Array, WH: Array, WO: Array, k: int,
    causal: int,
) -> Array:  # fmt: skip
    """Shared heads always count, of the others the k that a token routes to."""
    shared = len(WS)
    heads = [attention(Q[h], K[h], V[h], causal) @ WO[h] for h in range(len(Q))]
    out = np.zeros(X.shape)
    for n, x in enumerate(X):
        balance = softmax(WH @ x)
        for h, gate in enumerate(softmax(WS @ x)):
            out[n] += balance[0] * gate * heads[h][n]
        routed = softmax(WR @ x)
        for r in top(routed, k):
            out[n] += balance[1] * routed[r] * heads[shared + r][n]
    return out


def sparse_gin(
    Q: Array, K: Array, V: Array, W1: Array, W2: Array, eps: float, k: int, thr: float
) -> Array:
    """A graph of the k strongest earlier tokens above a threshold, without weights."""
    out = []
    for n, query in enumerate(Q):
        weights = softmax(query @ K[m] / math.sqrt(len(query)) for m in range(n + 1))
        linked = [m for m in top(weights[:n], k) if weights[m] >= thr]
        gathered = (1 + eps) * V[n] + V[linked].sum(axis=0)
        out.append(relu(gathered @ W1) @ W2)
    return np.array(out)
