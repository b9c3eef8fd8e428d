"""exp(a - b) on a MAC: seven operations that go round its pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import ClassVar

from accelsim.engines.attention_values import Attention, without_end
from accelsim.engines.engine import (
    Model,
    Operands,
    Operation,
    Port,
    parameter,
    stream,
)
from accelsim.engines.exponential_steps import STEPS, ExponentialSteps
from accelsim.engines.number import BF16, FP32, Float
from accelsim.engines.pipeline import Pipeline
from accelsim.errors import SpecError


@dataclass(frozen=True, kw_only=True)
class Exponential(Pipeline):
    """exp(a - b) as a subtraction and six multiply-adds, one after another on one MAC.

    Each operation needs the one before, so an exponential issues one every ``stages`` cycles, and
    its result leaves with the last: 7 x stages after its operands. Between them others may go, up
    to ``interleaved`` at a time: g of them issue in 6 x stages + g cycles, and as many as there are
    stages keep the MAC busy in every cycle. One that is on its way goes before one that waits.
    Stalled by its consumer, the whole pipeline stands still.
    """

    name: ClassVar[str] = "exponential"

    form: Float = parameter(BF16, "format of b, of the factors and of the result")
    accumulator: Float = parameter(FP32, "format of a and of the sums")
    stages: int = parameter(3, "cycles from operands to sum of the MAC", low=1, high=16)
    interleaved: int = parameter(1, "exponentials at a time, at most one a stage", low=1, high=16)

    def check(self) -> None:
        if self.interleaved > self.stages:
            raise self.fault(
                f"interleaved must be at most the {self.stages} stages, not {self.interleaved}"
            )
        try:
            self.steps  # noqa: B018 - the formats must go together
        except SpecError as refused:
            raise self.fault(refused.faults[0].message) from None

    @property
    def steps(self) -> ExponentialSteps:
        return ExponentialSteps(self.form, self.accumulator)

    @property
    def ports(self) -> tuple[Port, ...]:
        fields = (("a", self.accumulator.width), ("b", self.form.width))
        return (Port("i", "in", fields), stream("o", "out", self.form.width))

    @property
    def latency(self) -> int:
        return STEPS * self.stages

    @property
    def interval(self) -> int:
        """Cycles from one exponential to the next on average, rounded up."""
        return -(-self.slots(self.interleaved) // self.interleaved)

    def slots(self, count: int) -> int:
        """Cycles from the first issue of so many interleaved exponentials to after the last."""
        return (STEPS - 1) * self.stages + count

    @property
    def actions(self) -> Mapping[str, int]:
        return {"add": 1, "mac": STEPS - 1}

    @property
    def attributes(self) -> Mapping[str, int]:
        return {"width_bits": self.form.width}

    @property
    def operations(self) -> tuple[Operation, ...]:
        return (Operation("exp", "exp", "compute", "o"),)

    def operands(self, operation: str, kind: str, seed: int, count: int) -> Operands:
        """Take scores and the running maxima that they are held against, as SLN does."""
        if kind == "random":
            return super().operands(operation, kind, seed, count)
        pack = self.port("i").pack
        pairs = islice(without_end(Attention.differences, seed), count)
        of, wide = self.form.of, self.accumulator.of
        return {"i": [pack(a=wide(Fraction(a)), b=of(Fraction(b))) for a, b in pairs]}

    def model(self) -> Model:
        return _Model(self)


class _Model:
    """What is in the pipeline, by stage: (step, result of the whole exponential)."""

    def __init__(self, engine: Exponential) -> None:
        self._engine = engine
        self._steps = engine.steps
        self._port = engine.port("i")
        self._stages: list[tuple[int, int] | None] = [None] * engine.stages
        self._begun = 0  # exponentials that have operations to issue

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        back = self._stages[-1]
        done = back is not None and back[0] == STEPS - 1
        gives = {"o": back[1]} if back and done else {}
        if done and not ready["o"]:
            return frozenset(), gives
        again = back if back and not done else None
        takes = not again and self._begun < self._engine.interleaved
        issued = None
        if again:
            issued = (again[0] + 1, again[1])
            self._begun -= issued[0] == STEPS - 1
        elif takes and offered["i"] is not None:
            operands = self._port.unpack(offered["i"])
            issued = (0, self._steps.of_difference(operands["a"], operands["b"]))
            self._begun += 1
        self._stages = [issued, *self._stages[:-1]]
        return frozenset({"i"} if takes else ()), gives
