"""What the elements of both arrays share: a MAC, its formats, and the exponentials that go round it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from accelsim.engines.engine import Engine, parameter
from accelsim.engines.exponential_steps import ExponentialSteps, latency, occupancy
from accelsim.engines.number import BF16, FP32, Float
from accelsim.engines.number_sum import Adder
from accelsim.engines.parameters import Parametric
from accelsim.errors import SpecError


def bits(count: int) -> int:
    """Return the bits of a number of so many."""
    return max(1, (count - 1).bit_length())


def powers_of_two(engine: Parametric, *names: str) -> None:
    """Raise the engine's fault if one of these parameters is no power of two."""
    for name in names:
        value = getattr(engine, name)
        if value & (value - 1):
            raise engine.fault(f"{name} must be a power of two, not {value}")


def holds_a_place(engine: Parametric, tag: int, rings: int) -> None:
    """Raise the engine's fault if a tag has not the bits of a place in a ring."""
    if tag < bits(rings):
        raise engine.fault(f"tag must be at least the {bits(rings)} bits of a place, not {tag}")


@dataclass(frozen=True, kw_only=True)
class Element(Engine):
    """A rigid pipeline around a MAC, an instruction a cycle; or several of them side by side."""

    operand: Float = parameter(BF16, "format of factors, exponentials and results")
    accumulator: Float = parameter(FP32, "format of sums and scores")
    stages: int = parameter(3, "cycles from operands to sum", low=1, high=16)

    def check(self) -> None:
        try:
            self.steps  # noqa: B018 - the formats must go together
        except SpecError as refused:
            raise self.fault(refused.faults[0].message) from None

    @cached_property
    def steps(self) -> ExponentialSteps:
        return ExponentialSteps(self.operand, self.accumulator)

    @cached_property
    def adder(self) -> Adder:
        """What adds the products of a column, and leaves their sum unrounded."""
        return Adder(self.operand, self.accumulator)

    @property
    def interval(self) -> int:
        return 1

    def exponentials(self, count: int) -> tuple[int, int]:
        """Return for how long so many interleaved exponentials issue, and when the awaited is a factor."""
        return occupancy(self.stages, count), latency(self.stages, count)

    @property
    def actions(self) -> Mapping[str, int]:
        return {"mac": 1}

    @property
    def attributes(self) -> Mapping[str, int]:
        return {"width_bits": self.operand.width}

    def shared(self, other: type[Engine]) -> dict[str, Any]:
        """Return the parameters of another engine that this one has too."""
        return {each.name: getattr(self, each.name) for each in fields(other)}
