"""Memories that learn while they read: gradient steps on weight matrices, token by token."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tests.zoo.parts import Array, silu, softmax

_TINY = 1e-30


def gradient(loss: Callable[[Sequence[Array]], Array], weights: Sequence[Array]) -> list[Array]:
    """Return the derivative of an analytic loss, exact to rounding, by steps off the real axis."""
    found = []
    for which, weight in enumerate(weights):
        slope = np.zeros(weight.shape)
        for place in np.ndindex(weight.shape):
            moved = [w.astype(complex) for w in weights]
            moved[which][place] += 1j * _TINY
            slope[place] = np.imag(loss(moved)) / _TINY
        found.append(slope)
    return found


def deltanet(Q: Array, K: Array, V: Array, BETA: Array, ALPHA: Array) -> Array:
    """Forget, take out what the key holds, put the new value in its place."""
    E = K.shape[1]
    S = np.zeros((V.shape[1], E))
    out = []
    for n in range(len(Q)):
        erase = np.eye(E) - BETA[n] * np.outer(K[n], K[n])
        S = ALPHA[n] * S @ erase + BETA[n] * np.outer(V[n], K[n])
        out.append(S @ Q[n])
    return np.array(out)


def titans(
    Q: Array, K: Array, V: Array, ALPHA: Array, ETA: Array, THETA: Array, c: float, chunk: int
) -> Array:
    """Momentum and decay on the squared error; errors are those of the first state of a chunk."""
    M = np.zeros((V.shape[1], K.shape[1]))
    speed = np.zeros_like(M)
    out = []
    for n in range(len(Q)):
        if n % chunk == 0:
            frozen = M
        slope = c * np.outer(frozen @ K[n] - V[n], K[n])
        speed = ETA[n] * speed - THETA[n] * slope
        M = (1 - ALPHA[n]) * M + speed
        out.append(M @ Q[n])
    return np.array(out)


def titans_mlp(
    Q: Array, K: Array, V: Array, ALPHA: Array, ETA: Array, THETA: Array, W1: Array, W2: Array,
    c: float,
) -> Array:  # fmt: skip
    """The memory is a layer of silu between two matrices; its gradient is taken numerically."""
    weights = [W1, W2]
    speeds = [np.zeros_like(W1), np.zeros_like(W2)]
    out = []
    for n in range(len(Q)):

        def loss(at: Sequence[Array], key: Array = K[n], value: Array = V[n]) -> Array:
            error = at[1] @ silu(at[0] @ key) - value
            return c / 2 * (error @ error)

        slopes = gradient(loss, weights)
        speeds = [ETA[n] * s - THETA[n] * g for s, g in zip(speeds, slopes, strict=True)]
        weights = [(1 - ALPHA[n]) * w + s for w, s in zip(weights, speeds, strict=True)]
        out.append(weights[1] @ silu(weights[0] @ Q[n]))
    return np.array(out)


def moneta(
    Q: Array, K: Array, V: Array, ALPHA: Array, ETA: Array, M0: Array, p: float, q: float
) -> Array:
    """The error in the p-norm, the memory kept in the q-norm."""

    def kept(A: Array) -> Array:
        return A / np.linalg.norm(A.reshape(-1), q) ** (q - 2)

    A = M0
    W = kept(A)
    out = []
    for n in range(len(Q)):
        error = W @ K[n] - V[n]
        slope = np.outer(p * np.sign(error) * np.abs(error) ** (p - 1), K[n])
        A = ALPHA[n] * A - ETA[n] * slope
        W = kept(A)
        out.append(W @ Q[n])
    return np.array(out)


def yaad(
    Q: Array, K: Array, V: Array, ALPHA: Array, ETA: Array, M0: Array, DELTA: Array, mode: str
) -> Array:
    """Huber: the square of a small error, the length of a large one."""
    W = M0
    out = []
    for n in range(len(Q)):
        pull = W @ K[n] - V[n]
        length = np.linalg.norm(pull)
        if length > DELTA[n]:
            pull = DELTA[n] * (pull / length if mode == "norm" else np.sign(pull))
        W = ALPHA[n] * W - ETA[n] * np.outer(pull, K[n])
        out.append(W @ Q[n])
    return np.array(out)


def memora(Q: Array, K: Array, V: Array, ALPHA: Array, ETA: Array, M0: Array, c: float) -> Array:
    """The rows of the memory are distributions, and steps are taken on their logarithms."""
    W = M0
    out = []
    for n in range(len(Q)):
        slope = 2 * np.outer(W @ K[n] - V[n], K[n])
        logits = ALPHA[n] * np.log(W) - ETA[n] * slope
        W = c * np.array([softmax(row) for row in logits])
        out.append(W @ Q[n])
    return np.array(out)
