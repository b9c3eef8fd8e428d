"""Every loop that is legal gives the same numbers: plans are drawn at random, not chosen by cost."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from accelsim import specs
from accelsim.cascade import Cascade
from accelsim.cascade import evaluate as evaluator
from accelsim.cascade.plan import Planner, Program, _loop, _Rated, _tiles
from tests.cascade.test_random import made

NAMES = specs.names("cascade")
SIZES = [{}, {"N": 9, "P": 3, "M": 7, "M0": 3, "E": 2, "F": 5}]


@pytest.fixture
def plans(monkeypatch):
    """Plans drawn from the generator that the test sets, and how many loops they had."""
    drawn = {"from": None, "loops": Counter()}

    def best(self, steps, wide, scene, depth):
        groups = list(Program(steps, self.sizes, scene.taken).groups(scene.kept))
        rng = drawn["from"]
        if not groups or rng.random() < 0.15:
            return None
        group = rng.choice(groups)
        tile = rng.choice(list(_tiles(group.extent)))
        drawn["loops"]["tiles of 1" if tile == 1 else "tiles"] += 1
        drawn["loops"]["first set before"] += bool(group.prologue)
        drawn["loops"]["lag"] += any(w.lag for w in group.windows.values())
        drawn["loops"]["read later"] += any(w.is_read_later for w in group.windows.values())
        drawn["loops"]["inside another"] += bool(scene.level)
        score = (int(rng.random() < 0.4), 0.0)
        return _Rated(loop=_loop(group, tile, scene.kept), score=score, live=0)

    monkeypatch.setattr(Planner, "_best", best)
    return drawn


def equal_under(plans, rng, cascade, data, params, monkeypatch):
    wanted = cascade.evaluate(data, **params)
    plans["from"] = rng
    with monkeypatch.context() as patch:
        patch.setattr(evaluator, "_TARGET_BYTES", 1)
        patch.setattr(evaluator, "_LEAST_BYTES", 1)
        found = cascade.evaluate(data, **params)
    for name, value in found.items():
        scale = max(1.0, float(np.max(np.abs(wanted[name]), initial=0)))
        assert np.allclose(value, wanted[name], rtol=1e-9, atol=1e-9 * scale), cascade.text


def shipped(plans, count, seed, small, some_inputs, monkeypatch):
    rng = random.Random(seed)
    for number in range(count):
        cascade = Cascade.load(
            NAMES[number % len(NAMES)] if count > len(NAMES) else rng.choice(NAMES)
        )
        sizes = small(cascade, **rng.choice(SIZES))
        data = some_inputs(cascade, sizes)
        params = {n: v for n, v in sizes.items() if n in cascade.params}
        equal_under(plans, rng, cascade, data, params, monkeypatch)


def random_ones(plans, seeds, monkeypatch):
    for seed in seeds:
        cascade, _, data = made(random.Random(seed))
        equal_under(plans, random.Random(seed), cascade, data, {}, monkeypatch)


def test_shipped_cascades(plans, small, some_inputs, monkeypatch):
    shipped(plans, 60, 1, small, some_inputs, monkeypatch)
    assert (
        min(
            plans["loops"][k] for k in ("tiles of 1", "tiles", "first set before", "inside another")
        )
        > 4
    )


def test_random_cascades(plans, monkeypatch):
    random_ones(plans, range(75), monkeypatch)
    assert plans["loops"]["inside another"] > 10


def test_a_window_that_is_read_after_its_loop(plans, small, some_inputs, monkeypatch):
    """A slice of scores is read behind a loop over its axis that holds one tile of them."""
    cascade = Cascade.load("landmark")
    sizes = small(cascade, **SIZES[1])
    data = some_inputs(cascade, sizes)
    for seed in range(8):
        equal_under(plans, random.Random(seed), cascade, data, {}, monkeypatch)
    assert plans["loops"]["read later"]


LAGS = [
    "in A[N]\nout Y[N]\nrank n = N\nX[n] = A[n] * 2\nY[n] = X[n-2]?0 + X[n]",
    "in A[N]\nout Y[N]\nX[n] = A[n] * 2\nY[n] = X[n//3*3] + A[n]",
    "in A[N]\nout Y[N]\ninit S[0] = 1\nB[n] = S[n//4*4] * A[n]\nS[n+1] = S[n] * 0.5 + B[n]\nY[n] = S[n+1]",
    "in A[N]\nout Y[]\nX[n] = A[n] * 2\nZ[n] = X[n] + A[n]\nY[] = X[N-2] + Z[N-1]",
]


@pytest.mark.parametrize("text", LAGS)
def test_windows_that_reach_back(plans, text, monkeypatch):
    cascade = Cascade.parse(text)
    data = {"A": np.random.default_rng(0).normal(size=11)}
    for seed in range(12):
        equal_under(plans, random.Random(seed), cascade, data, {}, monkeypatch)
    assert plans["loops"]["lag"] > 2


@pytest.mark.campaign
def test_shipped_cascades_many(plans, small, some_inputs, monkeypatch):
    shipped(plans, 3_000, 2, small, some_inputs, monkeypatch)


@pytest.mark.campaign
def test_random_cascades_many(plans, monkeypatch):
    random_ones(plans, range(1_000, 5_000), monkeypatch)
