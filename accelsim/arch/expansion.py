"""Expansions: rows that say how an operation is done by others, and whether what they say is so."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from accelsim.arch.steps import Steps, meanings
from accelsim.errors import Fault, SpecError, nearest
from accelsim.ops import BINARY, FUNCTIONS, UNARY
from accelsim.specs import Document, Expression, Spec
from accelsim.specs.reader import Loc

EXACT = 1e-12  # of float64 arithmetic: what rounding may add to a row without an error of its own
WORD_BITS = 16  # of a word for which a count is tried where no machine says another
SAMPLES = 40  # points a operand at which a row's claim is checked

ARITY = {row.kind: row.arity[0] for row in (*BINARY.values(), *UNARY.values(), *FUNCTIONS.values())}
ARITY |= {"mac": 3, "top": 1}


class Expansion(Spec):
    """One way to do an operation: by ``steps``, or by ``kinds`` where hardware or an algorithm is shared.

    ``steps`` are arithmetic on the operands a, b, c (see ``accelsim.arch.steps``), evaluated when a file
    of the user is read: within ``relative`` times the value plus ``absolute`` of what the operation means,
    at points of ``domain`` (a range for each operand; whole numbers if ``whole``). ``kinds`` counts
    operations; a count may be an expression over ``word_bits``.
    """

    does: str
    steps: str = ""
    kinds: dict[str, int | str] = {}
    relative: float = Field(default=0.0, ge=0)
    absolute: float = Field(default=0.0, ge=0)
    domain: list[tuple[float, float]] = []
    whole: bool = False
    source: str

    @field_validator("does")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in ARITY:
            raise ValueError(f"must be an operation, not {kind!r}{nearest(kind, ARITY)}")
        return kind

    @field_validator("steps")
    @classmethod
    def _parsed(cls, text: str, info: ValidationInfo) -> str:
        if text and "does" in info.data:
            Steps.parse(text, ARITY[info.data["does"]])
        return text

    @field_validator("kinds")
    @classmethod
    def _counted(cls, kinds: dict[str, int | str]) -> dict[str, int | str]:
        for kind, count in kinds.items():
            if kind not in ARITY:
                raise ValueError(f"must name operations, not {kind!r}{nearest(kind, ARITY)}")
            _number(count, WORD_BITS)
        return kinds

    @field_validator("domain")
    @classmethod
    def _ranges(cls, domain: list[tuple[float, float]]) -> list[tuple[float, float]]:
        for low, high in domain:
            if not -math.inf < low <= high < math.inf:
                raise ValueError(f"must be ranges such as [-8, 8], not [{low:g}, {high:g}]")
        return domain

    @model_validator(mode="after")
    def _one_way(self) -> Expansion:
        if bool(self.steps) == bool(self.kinds):
            raise ValueError("an expansion must have either steps or kinds")
        if self.domain and len(self.domain) != ARITY[self.does]:
            raise ValueError(f"domain must have a range for each of {ARITY[self.does]} operands")
        return self

    def ops(self, word_bits: int) -> dict[str, int]:
        """Return how often each operation is done, the operations of this level only."""
        if self.steps:
            return dict(Steps.parse(self.steps, ARITY[self.does]).kinds())
        return {kind: _number(count, word_bits) for kind, count in self.kinds.items()}

    def wrong(self) -> str:
        """Return where the steps miss the operation by more than their stated error ("" if nowhere)."""
        meaning = meanings()[self.does]
        steps = Steps.parse(self.steps, ARITY[self.does])
        for point in self.points():
            operands = ", ".join(f"{value:.6g}" for value in point)
            try:
                want, got = float(meaning(*point)), steps.evaluate(point, meanings())
            except (ArithmeticError, TypeError, ValueError) as error:
                return f"steps and {self.does} must have a value at {operands}: {error}"
            if got != want and not abs(got - want) <= self.allowed(want):
                return (
                    f"steps must give {self.does}({operands}) = {want:.6g} within"
                    f" {self.allowed(want):.2g}, not {got:.6g}"
                )
        return ""

    def allowed(self, value: float) -> float:
        """Return how far from a value of the operation the steps may be."""
        return self.absolute + self.relative * abs(value) + EXACT * max(1.0, abs(value))

    def points(self, samples: int = SAMPLES) -> Iterable[tuple[float, ...]]:
        """Return points of the domain, spread unevenly so that no period of a function is met."""
        count = ARITY[self.does]
        ranges = self.domain or [(-8.0, 8.0)] * count
        each = max(3, round(samples ** (1 / count)) * (1 if count > 1 else 4))
        axes = []
        for place, (low, high) in enumerate(ranges):
            shares = [((n + 1) * math.sqrt(2 + place)) % 1.0 for n in range(each)]
            values = [low, high, *(low + (high - low) * share for share in shares)]
            if low > 0 and high / low > 100:
                values += [low * (high / low) ** share for share in shares]
            axes.append([float(math.floor(v)) if self.whole else v for v in values])
        return product(*axes)


class ExpansionFile(Spec):
    """The file ``arch_specs/expansions/NAME.yaml``."""

    name: str
    summary: str = ""
    source: str
    rows: list[Expansion]


def check_claims(
    rows: Iterable[Expansion], document: Document, loc: Loc, word_bits: int = WORD_BITS
) -> None:
    """Raise SpecError for every row whose steps do not give what it says, at its place in the file.

    So it does for a row that counts less than one operation for words of ``word_bits``.
    """
    faults: list[Fault] = []
    for number, row in enumerate(rows):
        if row.steps and (wrong := row.wrong()):
            faults.append(document.fault((*loc, number, "steps"), wrong))
        try:
            row.ops(word_bits)
        except ValueError as error:
            faults.append(document.fault((*loc, number, "kinds"), str(error)))
    if faults:
        raise SpecError(faults)


def _number(count: int | str, word_bits: int) -> int:
    value: Any = count
    if isinstance(count, str):
        value = Expression.parse(count).evaluate({"word_bits": word_bits})
    if value != int(value) or value < 1:
        raise ValueError(f"a count must be a whole number of at least 1, not {value}")
    return int(value)
