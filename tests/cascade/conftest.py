"""Small sizes and inputs for any shipped cascade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from accelsim.cascade import Cascade

_SIZES = {
    "P": 5, "M": 12, "N": 12, "E": 4, "F": 4, "H": 4, "G": 2, "D": 6, "C": 3, "L": 4, "W": 3, "A": 3,
    "S": 3, "T": 5, "HI": 4, "WI": 6, "X": 5, "J": 3, "I": 3, "K": 7, "B": 3,
    "Z": 2, "HS": 1, "TAPS": 9, "SS": 4, "R": 3,
}  # fmt: skip
_RATES = ("LAM", "ALPHA", "BETA", "ETA", "THETA", "GT")


def sizes(cascade: Cascade, **over: int) -> dict[str, int]:
    given = {n: {**_SIZES, **over}[n] for n in cascade.shape_names}
    if "M0" in cascade.params:
        given["M0"] = over.get("M0", 5)
    return given


def inputs(cascade: Cascade, given: dict[str, Any], seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    shapes = cascade.sizes(**given).shapes
    arrays: dict[str, Any] = {}
    for tensor in cascade.inputs:
        shape = shapes[tensor.name]
        if tensor.name == "TBL":
            arrays[tensor.name] = random.permutation(given["T"])[: shape[0]]
        elif tensor.is_int:
            arrays[tensor.name] = random.integers(-120, 120, shape)
        elif tensor.name in _RATES:
            arrays[tensor.name] = random.uniform(0.2, 0.9, shape)
        elif tensor.name == "M0":
            weights = random.uniform(0.1, 1, shape)
            arrays[tensor.name] = weights / weights.sum(-1, keepdims=True)
        elif tensor.name == "DELTA":
            arrays[tensor.name] = random.uniform(0.3, 2, shape)
        else:
            arrays[tensor.name] = random.standard_normal(shape)
    return arrays


@pytest.fixture
def small() -> Callable[..., dict[str, int]]:
    return sizes


@pytest.fixture
def some_inputs() -> Callable[..., dict[str, Any]]:
    return inputs
