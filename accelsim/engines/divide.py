"""A divider: digits of the quotient by repeated subtraction, pipelined."""

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
from accelsim.engines.pipeline import Pipeline, Rigid
from accelsim.engines.quotient import quotient


@dataclass(frozen=True, kw_only=True)
class Divide(Pipeline):
    """a / b, rounded to nearest even once: digit recurrence, ``digits`` bits a cycle, pipelined.

    Chosen over Newton's iteration on the MAC: it is exact by construction (any rounding is decided
    by whether the remainder is zero), its few digits for a narrow result cost less than the
    iterations' passes, and the MAC stays free. The quotient has ``to.mantissa`` + 4 digits; one
    cycle before them brings the operands' leading ones to the top, and one after them rounds.
    The reciprocal is 1 / b. Stalled by its consumer, the whole pipeline stands still.
    """

    name: ClassVar[str] = "divide"

    form: Float = parameter(FP32, "format of a and b")
    to: Float = parameter(BF16, "format of the quotient")
    digits: int = parameter(3, "bits of the quotient a cycle", low=1, high=64)

    @property
    def ports(self) -> tuple[Port, ...]:
        fields = (("a", self.form.width), ("b", self.form.width))
        return (Port("i", "in", fields), stream("o", "out", self.to.width))

    @property
    def rows(self) -> int:
        """Subtractions: a digit each, one before the point, two more than the mantissa rounds to."""
        return self.to.mantissa + 4

    @property
    def latency(self) -> int:
        return 2 - (-self.rows // self.digits)

    @property
    def attributes(self) -> Mapping[str, int]:
        return {"width_bits": self.to.width}

    @property
    def operations(self) -> tuple[Operation, ...]:
        return (Operation("div", "div", "compute", "i"),)

    def operands(self, operation: str, kind: str, seed: int, count: int) -> Operands:
        """Divide a row's weighted values by its sum of exponentials, as AV does."""
        if kind == "random":
            return super().operands(operation, kind, seed, count)
        pack, of = self.port("i").pack, self.form.of
        pairs = islice(without_end(Attention.quotients, seed), count)
        return {"i": [pack(a=of(Fraction(a)), b=of(Fraction(b))) for a, b in pairs]}

    def model(self) -> Model:
        return Rigid(self.latency, self.result)

    def result(self, operands: int) -> int:
        """Return the bits of the quotient of a payload of the port ``i``."""
        given = self.port("i").unpack(operands)
        return quotient(given["a"], given["b"], self.form, self.to)
