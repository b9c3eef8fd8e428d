"""Attention over space and channels, and gates that multiply a feature map."""

from __future__ import annotations

import math

import numpy as np

from tests.zoo.parts import Array, relu, sigmoid, softmax
from tests.zoo.softmax import attend


def danet_pam(X: Array, WQ: Array, WK: Array, WV: Array, gamma: float) -> Array:
    """Positions attend to positions, without a scale."""
    q, k, v = ((W @ X).T for W in (WQ, WK, WV))
    seen = np.array([attend(row, k, v, range(len(k)), scale=1) for row in q])
    return gamma * seen.T + X


def danet_cam(X: Array, gamma: float) -> Array:
    """Channels attend to the channels that are least like them."""
    alike = X @ X.T
    return gamma * np.array([softmax(-row) @ X for row in alike]) + X


def attention_gate(
    X: Array, G: Array, WX: Array, WG: Array, PSI: Array, BA: Array, bpsi: float
) -> Array:
    out = []
    for x, g in zip(X, G, strict=True):
        out.append(x * sigmoid(PSI @ relu(WX @ x + WG @ g + BA) + bpsi))
    return np.array(out)


def _same(row: Array, taps: Array) -> Array:
    """Return a 1-D convolution (as in networks: no flip) of the same length."""
    half = len(taps) // 2
    out = np.zeros(len(row))
    for y in range(len(row)):
        for j, tap in enumerate(taps):
            if 0 <= y + j - half < len(row):
                out[y] += tap * row[y + j - half]
    return out


def ela(X: Array, WC: Array, GA: Array, BE: Array, groups: int, eps: float) -> Array:
    """Strip means, a shared convolution, a group norm and a sigmoid for each of the two axes."""

    def gate(strips: Array) -> Array:
        rows = np.array([_same(strip, WC[c]) for c, strip in enumerate(strips)])
        parts = []
        for part in np.split(rows, groups):
            parts.append((part - part.mean()) / np.sqrt(part.var() + eps))
        return sigmoid(np.concatenate(parts) * GA[:, None] + BE[:, None])

    return X * gate(X.mean(axis=2))[:, :, None] * gate(X.mean(axis=1))[:, None, :]


def contmix(Q: Array, KM: Array, V: Array, WP: Array, RB: Array, S: int) -> Array:
    """Likeness to pooled centres makes a kernel for every pixel; outside the image is zero."""
    high, wide = Q.shape[:2]
    cell_y, cell_x = high // S, wide // S
    centres = []
    for v in range(S):
        for u in range(S):
            cell = KM[v * cell_y : (v + 1) * cell_y, u * cell_x : (u + 1) * cell_x]
            centres.append(cell.mean(axis=(0, 1)))
    side = math.isqrt(len(WP))
    half = side // 2
    out = np.zeros(V.shape)
    for y in range(high):
        for x in range(wide):
            likeness = np.array(centres) @ Q[y, x] / math.sqrt(Q.shape[2])
            kernel = softmax(WP @ likeness + RB).reshape(side, side)
            for i in range(side):
                for j in range(side):
                    v, u = y + i - half, x + j - half
                    if 0 <= v < high and 0 <= u < wide:
                        out[y, x] += kernel[i, j] * V[v, u]
    return out


def csa(R: Array, FT: Array, W1: Array, W2: Array, WT: Array) -> Array:
    """Class features gate the channels and the steps of the encoded ones."""
    channels = sigmoid(W2 @ relu(W1 @ R.mean(axis=0)))
    steps = sigmoid(sum(_same(R[:, c], WT[c]) for c in range(R.shape[1])))
    return FT * channels[None, :] + FT * steps[:, None]


def cbam(X: Array, W1: Array, W2: Array, WS: Array) -> Array:
    """A gate for the channels from mean and maximum, then one for the pixels."""
    ends = [X.mean(axis=(1, 2)), X.max(axis=(1, 2))]
    X = X * sigmoid(sum(W2 @ relu(W1 @ end) for end in ends))[:, None, None]
    maps = np.stack([X.mean(axis=0), X.max(axis=0)])
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1)))
    gate = np.zeros(X.shape[1:])
    for y, x in np.ndindex(gate.shape):
        gate[y, x] = np.sum(WS * padded[:, y : y + 3, x : x + 3])
    return X * sigmoid(gate)
