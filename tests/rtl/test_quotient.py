"""The schedule of exp on a MAC of any depth, and the quotient against rationals."""

from __future__ import annotations

from fractions import Fraction

import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator
from hypothesis import given
from hypothesis import strategies as st

from accelsim.engines.exponential_steps import latency, occupancy, offsets
from accelsim.engines.number import FP16, Float
from accelsim.engines.quotient import quotient
from accelsim.rtl import number
from accelsim.rtl.quotient import quotient as division


@pytest.mark.parametrize("stages", [1, 2, 3, 5])
def test_no_step_issues_before_its_operands_are_there(stages: int) -> None:
    """A factor is needed at issue, an addend in the last stage, a result is there after it."""
    at = offsets(stages)
    assert occupancy(stages) == at[-1] + 1
    assert latency(stages) == at[-1] + stages
    for factor_of, step in ((0, 1), (1, 2), (1, 3), (3, 4), (4, 5), (5, 6)):
        assert at[step] >= at[factor_of] + stages
    for addend_of, step in ((0, 2), (2, 3)):
        assert at[step] + stages - 1 >= at[addend_of] + stages
    if stages == 1:
        assert at == tuple(range(7))


@given(st.integers(0, (1 << 16) - 1), st.integers(0, (1 << 16) - 1))
def test_the_quotient_is_rounded_once(a: int, b: int) -> None:
    small = Float(4, 3)
    found = quotient(a, b, FP16, small)
    if any(FP16.is_nan(n) or FP16.is_infinite(n) or FP16.is_zero(n) for n in (a, b)):
        return
    exact = Fraction(FP16.value(a)) / Fraction(FP16.value(b))
    assert small.is_zero(found) or found == small.of(exact)
    assert small.of(exact) & ~small.sign_bit == found & ~small.sign_bit


def test_the_divider_is_the_quotient() -> None:
    """Every pair of a small format, with and without subnormals."""
    for form, to in ((Float(3, 2), Float(3, 2)), (Float(3, 1, False), Float(4, 1, False))):
        m, a, b = Module(), Signal(form.width), Signal(form.width)
        steps = division(form, to)
        result = number.pipeline(m, steps, {"a": a, "b": b}, [0] * len(steps))["result"]
        pairs = [(x, y) for x in range(1 << form.width) for y in range(1 << form.width)]
        found = []

        async def drive(ctx, a=a, b=b, result=result, pairs=pairs, found=found):  # type: ignore[no-untyped-def]
            for x, y in pairs:
                ctx.set(a, x)
                ctx.set(b, y)
                found.append(ctx.get(result))

        sim = Simulator(m)
        sim.add_testbench(drive)
        sim.run()
        assert found == [quotient(x, y, form, to) for x, y in pairs]
