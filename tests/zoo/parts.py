"""What the references share: softmax over a list, top-k, the point functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def softmax(scores: Iterable[float]) -> Array:
    """Return the weights of a list of scores, of which there may be none."""
    found = np.array(list(scores), dtype=float)
    if not found.size:
        return found
    powers = np.exp(found - found.max())
    return powers / powers.sum()


def mean(weights: Iterable[float], rows: Sequence[Array], width: int) -> Array:
    """Return the sum of the rows by weight: zero if there is no row."""
    total = np.zeros(width)
    for weight, row in zip(weights, rows, strict=True):
        total += weight * row
    return total


def top(scores: Sequence[float], k: int) -> list[int]:
    """Return the places of the k largest; of equals the first."""
    return sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:k]


def normalised(row: Array, eps: float = 1e-5) -> Array:
    """Layer normalisation without gain and bias."""
    away = row - np.mean(row)
    return away / np.sqrt(np.mean(away**2) + eps)


def sigmoid(x: Array | float) -> Any:
    return 1 / (1 + np.exp(-x))


def silu(x: Array) -> Array:
    return x * sigmoid(x)


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def positive(x: Array) -> Array:
    """The feature map elu + 1."""
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))
