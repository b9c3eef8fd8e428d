"""Evaluation: multiply-adds per CPU second, beside NumPy alone in the same run, and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture

from accelsim.cascade import Cascade

CAMPAIGN = os.environ.get("ACCELSIM_CAMPAIGN", "0") not in {"", "0"}
LONG = pytest.mark.skipif(not CAMPAIGN, reason="long; set ACCELSIM_CAMPAIGN=1")

Array = NDArray[np.float64]
Arrays = dict[str, Array]


def cpu_seconds(run: Callable[[], object]) -> float:
    """CPU time of all threads."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


def softmax(data: Arrays) -> Array:
    scores = data["Q"] @ data["K"].T / np.sqrt(data["Q"].shape[1])
    scores = np.exp(scores - scores.max(1, keepdims=True))
    return (scores / scores.sum(1, keepdims=True)) @ data["V"]


def recurrent(data: Arrays) -> Array:
    query, key, value, decay = (data[n] for n in ("Q", "K", "V", "LAM"))
    state = np.zeros((query.shape[0], query.shape[2], value.shape[2]))
    result = np.zeros(value.shape)
    for n in range(query.shape[1]):
        state = decay[:, None, None] * state + key[:, n, :, None] * value[:, n, None, :]
        result[:, n] = (query[:, n, None] @ state)[:, 0]
    return result


CASES: dict[str, tuple[dict[str, tuple[int, ...]], int, Callable[[Arrays], Array]]] = {
    "attention_3pass": (
        {"Q": (2048, 64), "K": (2048, 64), "V": (2048, 64)},
        2 * 2048 * 2048 * 64,
        softmax,
    ),
    "linear_decay": (  # Lightning Attention: 32 heads of 128; only the updates of the state count
        {"Q": (32, 1024, 128), "K": (32, 1024, 128), "V": (32, 1024, 128), "LAM": (32,)},
        32 * 1024 * 128 * 128,
        recurrent,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_speed(benchmark: BenchmarkFixture, name: str) -> None:
    """Aim: 100 M multiply-adds per CPU second."""
    shapes, macs, plain = CASES[name]
    random = np.random.default_rng(0)
    data = {n: random.uniform(0.5, 1, s) for n, s in shapes.items()}
    cascade = Cascade.load(name)
    np.testing.assert_allclose(next(iter(cascade.evaluate(data).values())), plain(data))
    alone = cpu_seconds(lambda: plain(data))
    seconds = benchmark.pedantic(
        lambda: cpu_seconds(lambda: cascade.evaluate(data)), rounds=1, iterations=1
    )
    benchmark.extra_info["M MAC per CPU s"] = round(macs / seconds / 1e6)
    benchmark.extra_info["CPU time over NumPy alone"] = round(seconds / alone, 2)
    print(f"\n{name}: {macs / seconds / 1e6:.0f} M MAC/CPU s, {seconds / alone:.2f} of NumPy alone")


PEAK = """
import resource, sys, time
import numpy as np
from accelsim.cascade import Cascade
queries, keys = map(int, sys.argv[1:])
random = np.random.default_rng(0)
data = {n: random.standard_normal((queries if n == "Q" else keys, 64)) for n in "QKV"}
begin = time.process_time()
found = Cascade.load("attention_1pass").evaluate(data)["AV"]
seconds = time.process_time() - begin
rows = random.integers(0, queries, 4)
scores = data["Q"][rows] @ data["K"].T / 8
scores = np.exp(scores - scores.max(1, keepdims=True))
wanted = scores @ data["V"] / scores.sum(1, keepdims=True)
assert np.allclose(found[rows], wanted)
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.parametrize("queries", [2**11, pytest.param(2**16, marks=LONG)], ids=["2K", "64K"])
def test_peak_of_64k_keys(benchmark: BenchmarkFixture, queries: int) -> None:
    """One-pass attention over 64K keys in a process of its own (aim: 1000 MB for 64K queries)."""
    command = [sys.executable, "-c", PEAK, str(queries), str(2**16)]

    def alone() -> list[float]:
        root = Path(__file__).parent.parent
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
        return [float(word) for word in done.stdout.split()]

    seconds, peak = benchmark.pedantic(alone, rounds=1, iterations=1)
    assert peak < 1000
    benchmark.extra_info["CPU s"] = round(seconds, 1)
    benchmark.extra_info["peak MB"] = round(peak)
    print(f"\n{queries} queries, 65536 keys: {seconds:.1f} CPU s, peak {peak:.0f} MB")
