"""Linear attention and recurrences in the quadratic form: each output from all earlier inputs."""

from __future__ import annotations

import math

import numpy as np

from tests.zoo.parts import Array, positive, sigmoid, silu


def _pairs(N: int) -> list[tuple[int, int]]:
    return [(n, m) for n in range(N) for m in range(n + 1)]


def linear_attention(Q: Array, K: Array, V: Array) -> Array:
    weights = np.tril(positive(Q) @ positive(K).T)
    return weights @ V / weights.sum(axis=1, keepdims=True)


def decayed(Q: Array, K: Array, V: Array, rate: float) -> Array:
    out = np.zeros((len(Q), V.shape[1]))
    for n, m in _pairs(len(Q)):
        out[n] += rate ** (n - m) * (Q[n] @ K[m]) * V[m]
    return out


def linear_decay(Q: Array, K: Array, V: Array, LAM: Array, **_tiles: int) -> Array:
    return np.array([decayed(Q[h], K[h], V[h], LAM[h]) for h in range(len(Q))])


def tnl(Q: Array, K: Array, V: Array, U: Array, LAM: Array, eps: float) -> Array:
    """TransNormer: silu before, root-mean-square norm over all heads and a sigmoid gate after."""
    heads = linear_decay(silu(Q), silu(K), silu(V), LAM)
    tokens = np.array([heads[:, n].reshape(-1) for n in range(Q.shape[1])])
    rms = np.sqrt(np.mean(tokens**2, axis=1, keepdims=True))
    return tokens / (rms + eps) * sigmoid(U)


def lrpe_decay(Q: Array, K: Array, V: Array, TH: Array, lam: float) -> Array:
    out = np.zeros((len(Q), V.shape[1]))
    for n, m in _pairs(len(Q)):
        out[n] += lam ** (n - m) * np.sum(Q[n] * K[m] * np.cos(TH * (n - m))) * V[m]
    return out


def gla(Q: Array, K: Array, V: Array, GT: Array) -> Array:
    out = np.zeros((len(Q), V.shape[1]))
    for n, m in _pairs(len(Q)):
        kept = np.prod(GT[m + 1 : n + 1], axis=0)
        out[n] += np.sum(Q[n] * kept * K[m]) * V[m]
    return out


def ssd(X: Array, LA: Array, B: Array, C: Array, **_tiles: int) -> Array:
    out = np.zeros_like(X)
    for n, m in _pairs(len(X)):
        out[n] += math.exp(sum(LA[m + 1 : n + 1])) * (C[n] @ B[m]) * X[m]
    return out


def s6(X: Array, DT: Array, A: Array, B: Array, C: Array, DS: Array) -> Array:
    out = DS * X
    for n, m in _pairs(len(X)):
        for d in range(X.shape[1]):
            kept = np.exp(A[d] * sum(DT[m + 1 : n + 1, d]))
            out[n, d] += np.sum(C[n] * kept * B[m]) * DT[m, d] * X[m, d]
    return out


def dsf(U: Array, LAM: Array, B: Array, C: Array, DD: Array) -> Array:
    out = np.array([DD[n] @ U[n] for n in range(len(U))])
    for n, m in _pairs(len(U)):
        out[n] += C[n] @ (np.prod(LAM[m + 1 : n + 1], axis=0) * (B[m] @ U[m]))
    return out
