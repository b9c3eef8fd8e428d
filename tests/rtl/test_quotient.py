"""The schedule of exp on a MAC of any depth, and the quotient against rationals."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.engines.exponential_steps import awaited, latency, occupancy, offsets
from accelsim.engines.number import FP16, Float
from accelsim.engines.quotient import quotient


@pytest.mark.parametrize("stages", [1, 2, 3, 5])
def test_every_step_issues_when_the_result_before_it_is_there(stages: int) -> None:
    at = offsets(stages)
    assert [b - a for a, b in pairwise(at)] == [stages] * 6
    assert occupancy(stages) == at[-1] + 1
    assert occupancy(stages, stages) == 7 * stages  # as many as there are stages leave no gap
    assert latency(stages) == at[-1] + stages + 1  # through the MAC, and rounded


@pytest.mark.parametrize("stages", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 6, 7])
def test_interleaved_exponentials_take_turns(stages: int, count: int) -> None:
    """A step a cycle at most; whoever reads the results in turn finds each of them there."""
    at = [offsets(stages, place) for place in range(count)]
    issued = sorted(cycle for steps in at for cycle in steps)
    assert len(set(issued)) == 7 * count
    assert issued[-1] + 1 == occupancy(stages, count)
    assert all([b - a for a, b in pairwise(steps)] == [stages] * 6 for steps in at)
    begun = [steps[0] for steps in at]
    assert all(b - a <= 7 * stages - stages + 1 for a, b in pairwise(begun))
    ready = [steps[-1] + stages + 1 for steps in at]
    assert ready[awaited(stages, count)] == latency(stages, count)
    assert all(there <= latency(stages, count) + place for place, there in enumerate(ready))


@given(st.integers(0, (1 << 16) - 1), st.integers(0, (1 << 16) - 1))
def test_the_quotient_is_rounded_once(a: int, b: int) -> None:
    small = Float(4, 3)
    found = quotient(a, b, FP16, small)
    if any(FP16.is_nan(n) or FP16.is_infinite(n) or FP16.is_zero(n) for n in (a, b)):
        return
    exact = Fraction(FP16.value(a)) / Fraction(FP16.value(b))
    assert small.is_zero(found) or found == small.of(exact)
    assert small.of(exact) & ~small.sign_bit == found & ~small.sign_bit
