"""Front and hypervolume against their definitions, on whole numbers where volumes can be counted."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.explore.pareto import front, hypervolume

SIDE = 5


def points(dimensions):
    number = st.integers(0, SIDE)
    return st.lists(st.tuples(*[number] * dimensions), max_size=9)


@given(st.integers(1, 4).flatmap(points))
def test_front_holds_what_none_beats(costs):
    def beaten(one):
        return any(
            all(a <= b for a, b in zip(other, one, strict=True)) and other != one for other in costs
        )

    assert front(costs) == [i for i, one in enumerate(costs) if not beaten(one)]


@pytest.mark.parametrize("dimensions", [1, 2, 3, 4])
def test_hypervolume_is_the_number_of_cells_that_are_dominated(dimensions):
    @given(points(dimensions))
    def check(costs):
        cells = product(range(SIDE), repeat=dimensions)
        count = sum(
            any(all(a <= b for a, b in zip(cost, cell, strict=True)) for cost in costs)
            for cell in cells
        )
        assert hypervolume(costs, (SIDE,) * dimensions) == count

    check()


def test_hypervolume_agrees_with_optuna():
    module = pytest.importorskip("optuna._hypervolume")
    import numpy as np

    source = np.random.default_rng(0)
    for dimensions in (2, 3, 4):
        costs = source.random((30, dimensions))
        theirs = module.compute_hypervolume(costs, np.ones(dimensions))
        assert hypervolume(costs.tolist(), [1.0] * dimensions) == pytest.approx(theirs)
