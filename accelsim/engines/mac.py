"""A multiply-accumulate unit: narrow products into a wide sum, rounded once a product."""

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
from accelsim.engines.number import BF16, FP32, Float
from accelsim.engines.pipeline import Pipeline


@dataclass(frozen=True, kw_only=True)
class Mac(Pipeline):
    """Multiply-accumulate: sum = a x b + (c if first else sum), one a cycle, last ones are given.

    The product is exact and the sum is rounded to nearest even once: the bits are those of a chain
    of fused multiply-adds. Multiplication takes all stages but one; the whole addition is the last
    stage, so that products into one sum follow each other every cycle however many stages there
    are, while an operation that needs the result as an operand a, b or c waits for ``stages``
    cycles. Stalled by its consumer, the whole pipeline stands still.
    """

    name: ClassVar[str] = "mac"

    form: Float = parameter(BF16, "format of the factors")
    accumulator: Float = parameter(FP32, "format of the addend and the sum")
    stages: int = parameter(3, "cycles from operands to sum", low=1, high=16)

    @property
    def ports(self) -> tuple[Port, ...]:
        factor, addend = self.form.width, self.accumulator.width
        fields = (("a", factor), ("b", factor), ("c", addend), ("first", 1), ("last", 1))
        return (Port("i", "in", fields), stream("o", "out", addend))

    @property
    def latency(self) -> int:
        return self.stages

    @property
    def attributes(self) -> Mapping[str, int]:
        return {"width_bits": self.form.width}

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What the unit does: also a sum with a factor of one, and a product without an addend."""
        return tuple(Operation(part, part, "compute", "i") for part in ("mac", "add", "mul"))

    def operands(self, operation: str, kind: str, seed: int, count: int) -> Operands:
        """Drive sums as QK and SLNV have them; an addition is by a factor of one, as SLD has it."""
        if kind == "random":
            payloads = super().operands(operation, kind, seed, count)["i"]
            fields = [self.port("i").unpack(payload) for payload in payloads]
        elif operation == "mac":
            fields = self._sums_of_products(Attention(seed), count)
        else:
            pairs = without_end(
                Attention.sums if operation == "add" else Attention.rescalings, seed
            )
            fields = [
                {"a": self._bits(x), "b": self._bits(y), "c": self._bits(y, wide=True)}
                for y, x in islice(pairs, count)
            ]
        fixed = {"add": {"b": self.form.one}, "mul": {"c": 0}}.get(operation)
        fixed = {} if fixed is None else {**fixed, "first": 1, "last": 1}
        return {"i": [self.port("i").pack(**each | fixed) for each in fields]}

    def _sums_of_products(self, head: Attention, count: int) -> list[dict[str, int]]:
        half = islice(head.products(), count // 2)
        steps = [*half, *islice(head.weighted(), count - count // 2)]
        firsts = [int(first) for _, _, first in steps]
        return [
            {"a": self._bits(a), "b": self._bits(b), "c": 0, "first": first, "last": last}
            for (a, b, _), first, last in zip(steps, firsts, [*firsts[1:], 1], strict=True)
        ]

    def _bits(self, value: float, *, wide: bool = False) -> int:
        return (self.accumulator if wide else self.form).of(Fraction(value))

    def model(self) -> Model:
        return _Model(self)


class _Model:
    def __init__(self, engine: Mac) -> None:
        self._engine = engine
        self._port = engine.port("i")
        self._stages: list[Mapping[str, int] | None] = [None] * engine.stages
        self._sum = 0  # the unit starts without one: the first operation must be a first

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        done = self._stages[-1]
        gives = {"o": self._sum} if done and done["last"] else {}
        if gives and not ready["o"]:
            return frozenset(), gives
        value = offered["i"]
        self._stages = [None if value is None else self._port.unpack(value), *self._stages[:-1]]
        if begun := self._stages[-1]:
            form, wide = self._engine.form, self._engine.accumulator
            addend = begun["c"] if begun["first"] else self._sum
            self._sum = form.fused(begun["a"], begun["b"], addend, wide)
        return frozenset({"i"}), gives
