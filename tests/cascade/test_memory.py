"""Evaluation in bounded memory: any budget gives the same numbers, and the budget is kept."""

from __future__ import annotations

import random
import tracemalloc

import numpy as np
import pytest

from accelsim import specs
from accelsim.cascade import Cascade
from accelsim.cascade.order import steps
from accelsim.cascade.plan import Loop, Planner
from tests.cascade.test_random import made

NAMES = specs.names("cascade")
SHARE = random.Random(1).sample([n for n in NAMES if n != "gman_st"], 16)


def equal_with(name, budgets, small, some_inputs, **over):
    cascade = Cascade.load(name)
    sizes = small(cascade, **over)
    data = some_inputs(cascade, sizes)
    params = {n: v for n, v in sizes.items() if n in cascade.params}
    wanted = cascade.evaluate(data, **params)
    for budget in budgets:
        for output, value in cascade.evaluate(data, memory_bytes=budget, **params).items():
            np.testing.assert_allclose(value, wanted[output], rtol=1e-9, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("name", SHARE)
def test_a_tiny_budget_gives_the_same_numbers(name, small, some_inputs):
    equal_with(name, [1], small, some_inputs)


@pytest.mark.campaign
@pytest.mark.parametrize("name", NAMES)
def test_any_budget_gives_the_same_numbers(name, small, some_inputs):
    equal_with(name, [1, 2500, 6000], small, some_inputs)
    equal_with(name, [1, 2500], small, some_inputs, N=9, P=3, M=7, M0=3, E=2, F=5)


def equal_on_random_ones(seeds):
    """Return how many of the cascades a tiny budget makes loops of."""
    cut = 0
    for seed in seeds:
        cascade, writer, data = made(random.Random(seed))
        wanted = cascade.evaluate(data)
        for name, value in cascade.evaluate(data, memory_bytes=1).items():
            scale = max(1.0, float(np.max(np.abs(wanted[name]), initial=0)))
            assert np.allclose(value, wanted[name], rtol=1e-9, atol=1e-9 * scale), cascade.text
        cut += bool(loops(planned(cascade, 1024, **writer.sizes)[0]))
    return cut


def test_a_tiny_budget_gives_the_same_numbers_on_random_ones():
    assert equal_on_random_ones(range(100)) > 10


@pytest.mark.campaign
def test_a_tiny_budget_gives_the_same_numbers_on_many():
    assert equal_on_random_ones(range(1_000, 5_000)) > 500


def loops(nodes):
    return [n for n in nodes if isinstance(n, Loop)] + [
        x for n in nodes if isinstance(n, Loop) for x in loops(n.body)
    ]


def planned(cascade, target, **sizes):
    found = cascade.sizes(**sizes)
    kept = frozenset(t.name for t in cascade.outputs)
    planner = Planner(sizes=found, target=target, outputs=kept)
    nodes = planner.plan(steps(cascade.block, found))
    return nodes, planner.peak(nodes)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("attention", {"P": 2**16, "M": 2**16, "E": 64, "F": 64}),
        ("attention_1pass", {"P": 2**16, "M": 2**16, "E": 64, "F": 64}),
        ("attention_causal", {"P": 2**16, "M": 2**16, "E": 64, "F": 64}),
        ("gqa", {"P": 2**14, "M": 2**14, "H": 32, "G": 4, "E": 128, "F": 128}),
        ("linear_decay", {"H": 32, "N": 4096, "E": 128, "F": 128}),
        ("waad_fai", {"N": 2**15, "E": 64, "F": 64}),
        ("sliding_window", {"N": 2**18, "E": 64, "F": 64}),
    ],
)
def test_plans_what_does_not_fit_as_loops(name, sizes):
    target = 2**27
    nodes, peak = planned(Cascade.load(name), target, **sizes)
    assert loops(nodes)
    assert peak <= target


def test_leaves_what_fits_whole():
    nodes, _ = planned(Cascade.load("attention"), 2**27, P=256, M=256, E=64, F=64)
    assert not loops(nodes)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("attention_1pass", {"Q": (256, 64), "K": (2**14, 64), "V": (2**14, 64)}),
        ("linear_decay", {"Q": (4, 512, 64), "K": (4, 512, 64), "V": (4, 512, 64), "LAM": (4,)}),
    ],
)
def test_holds_no_more_than_the_budget(name, shapes):
    """The scores (the states of all steps) alone would be 34 (67) MB."""
    cascade = Cascade.load(name)
    generator = np.random.default_rng(0)
    data = {n: generator.uniform(0.5, 1, s) for n, s in shapes.items()}
    budget = sum(a.nbytes for a in data.values()) + 16 * 2**20
    tracemalloc.start()
    try:
        cascade.evaluate(data, memory_bytes=budget)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak + sum(a.nbytes for a in data.values()) <= budget


def test_refuses_a_budget_of_nothing():
    from accelsim.errors import SpecError

    with pytest.raises(SpecError, match="memory_bytes must be at least 1, not 0"):
        Cascade.load("matmul").evaluate({"A": [[1.0]], "B": [[1.0]]}, memory_bytes=0)
