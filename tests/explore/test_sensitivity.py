"""Shares of the variance against closed forms."""

import math

import pytest

from tests.explore.made_up import results_of

VARY = {"seq": [1, 2, 3, 4], "workload.E": [1, 2, 3], "workload.D": [1, 2]}


def shares(formula, objective="cycles", vary=VARY, **more):
    data = {"vary": vary, "objectives": {objective: "min"}, **more}
    found, _ = results_of(data, lambda s: {"cycles": formula(s["seq"], s["workload.E"])})
    return {effect.parameter: effect for effect in found.sensitivity}


def variance(values):
    mean = sum(values) / len(values)
    return sum((v - mean) ** 2 for v in values) / len(values)


def test_of_a_product_the_logarithms_share_the_variance():
    found = shares(lambda p, e: p**2 * e)
    own = {"seq": variance([2 * math.log(p) for p in (1, 2, 3, 4)]),
           "workload.E": variance([math.log(e) for e in (1, 2, 3)]), "workload.D": 0.0}  # fmt: skip
    for name, effect in found.items():
        share = own[name] / sum(own.values())
        assert effect.alone == pytest.approx(share)
        assert effect.total == pytest.approx(share)
    assert found["seq"].factor == pytest.approx(16)
    assert (found["seq"].low, found["seq"].high) == (1, 4)
    assert found["workload.D"].factor == pytest.approx(1)
    assert list(found) == ["seq", "workload.E", "workload.D"]


def test_what_two_do_together_counts_in_the_total_of_both():
    found = shares(lambda p, e: (p % 2) * (e % 2), vary={"seq": [1, 2], "workload.E": [1, 2]})
    # Var = 3/16; E[y | p odd] = 1/2, else 0: Var of the means = 1/16; the interaction has the third 1/16.
    for effect in found.values():
        assert effect.alone == pytest.approx(1 / 3)
        assert effect.total == pytest.approx(2 / 3)
        assert effect.factor is None  # zero is no ratio


def test_a_constant_objective_and_points_that_cannot_be_compared():
    assert {e.alone for e in shares(lambda p, e: 7).values()} == {0.0}
    found = shares(lambda p, e: p, where=["seq == workload.E", "workload.D == 1"])
    assert found["seq"].total is None
    assert found["seq"].alone == pytest.approx(1)
