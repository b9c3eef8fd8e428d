"""A pipelined unit for one floating-point operation of two operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import ClassVar

from accelsim.engines.attention_values import Attention, Pairs, without_end
from accelsim.engines.engine import (
    Model,
    Operands,
    Operation,
    Port,
    parameter,
    stream,
)
from accelsim.engines.number import BF16, Float
from accelsim.engines.pipeline import Pipeline, Rigid
from accelsim.errors import nearest


@dataclass(frozen=True)
class Kind:
    """What an operation computes, its part in cost tables, and its operands in an attention."""

    compute: Callable[[Float, int, int], int]
    part: str
    pairs: Callable[[Attention], Pairs]


KINDS: Mapping[str, Kind] = {
    "add": Kind(Float.add, "add", Attention.sums),
    "maximum": Kind(Float.maximum, "max", Attention.comparisons),
    "multiply": Kind(Float.multiply, "mul", Attention.rescalings),
}


@dataclass(frozen=True, kw_only=True)
class Arithmetic(Pipeline):
    """Pipelined unit for one operation: two operands in, the rounded result out, one a cycle.

    Stalled by its consumer, the whole pipeline stands still.
    """

    name: ClassVar[str] = "arithmetic"

    operation: str = parameter("add", "add, maximum or multiply")
    form: Float = parameter(BF16, "format of operands and result")
    stages: int = parameter(2, "cycles from operands to result", low=1, high=16)

    def check(self) -> None:
        if self.operation not in KINDS:
            raise self.fault(
                f"operation must be one of {', '.join(KINDS)}, not {self.operation!r}"
                f"{nearest(self.operation, KINDS)}"
            )

    @property
    def kind(self) -> Kind:
        return KINDS[self.operation]

    @property
    def ports(self) -> tuple[Port, ...]:
        width = self.form.width
        return (Port("i", "in", (("a", width), ("b", width))), stream("o", "out", width))

    @property
    def latency(self) -> int:
        return self.stages

    @property
    def attributes(self) -> Mapping[str, int]:
        return {"width_bits": self.form.width}

    @property
    def operations(self) -> tuple[Operation, ...]:
        return (Operation(self.operation, self.kind.part, "compute", "i"),)

    def operands(self, operation: str, kind: str, seed: int, count: int) -> Operands:
        if kind == "random":
            return super().operands(operation, kind, seed, count)
        pairs = without_end(self.kind.pairs, seed)
        pack, of = self.port("i").pack, self.form.of
        return {"i": [pack(a=of(Fraction(a)), b=of(Fraction(b))) for a, b in islice(pairs, count)]}

    def model(self) -> Model:
        return Rigid(self.latency, self.result)

    def result(self, operands: int) -> int:
        """Return the bits of the result of a payload of the port ``i``."""
        given = self.port("i").unpack(operands)
        return self.kind.compute(self.form, given["a"], given["b"])
