"""Conditions as half planes, held to their meaning at every point of a box."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.cascade import Cascade
from accelsim.cascade.linear import half_planes

SIDES = ["x", "y", "3", "x//3", "y//2", "(x+y)//4", "(x-2)//3", "2*x-y", "y+1"]
OPERATORS = ["<", "<=", ">", ">=", "=="]


def condition(text: str):
    one = Cascade.parse(f"in T[7,6]\nout Y[7,6]\nY[x,y] = T[x,y] where {text}")
    return one.equations[0].where


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("left", SIDES)
@given(right=st.sampled_from(SIDES))
def test_half_planes_are_the_condition(left: str, operator: str, right: str) -> None:
    text = f"{left} {operator} {right}"
    planes = half_planes(condition(text), {})
    if "//" in left and "//" in right:
        assert planes is None
        return
    assert planes is not None
    for x, y in product(range(7), range(6)):
        point = {"x": x, "y": y}
        assert all(p.at(point) >= 0 for p in planes) == eval(text, {}, point), (text, point)


def test_what_is_no_conjunction_of_half_planes() -> None:
    for text in ("x % 2 < y", "x < y or y < 2", "x * y < 3", "x // y < 2", "x != y"):
        assert half_planes(condition(text), {}) is None
