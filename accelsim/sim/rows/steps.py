"""Steps: the iterations of the program, one query each, with the quantities that a pipeline asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from accelsim.arch import Architecture
from accelsim.rows import Rows
from accelsim.rows.pipeline import PipelineSpec
from accelsim.rows.row import Row
from accelsim.specs.expr import Expression

Number = int | float | Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One query of a row. ``kind`` numbers the distinct sets of quantities: equal ones are equal tasks."""

    row: int
    query: int
    kind: int


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The steps of rows on an architecture, and the quantities of each kind.

    ``layer_ends[i]`` is the last step of the layer before that of step i (-1: none).
    """

    rows: Rows
    steps: tuple[Step, ...]
    symbols: tuple[dict[str, Number], ...]
    layer_ends: tuple[int, ...]

    @classmethod
    def of(cls, rows: Rows, arch: Architecture, spec: PipelineSpec) -> Steps:
        machine = arch.symbols()
        steps: list[Step] = []
        kinds: dict[tuple[int, ...], int] = {}
        symbols: list[dict[str, Number]] = []
        ends: list[int] = []
        before = -1
        for first, last in rows.groups():
            begin = len(steps)
            for number in range(first, last):
                row = rows.rows[number]
                for query in range(row.queries):
                    again = query < row.requantized
                    if rows.again:
                        again = bool(rows.again[number][query])
                    key = _quantities(row, query, spec.unquantized_bits, again=again)
                    kind = kinds.setdefault(tuple(key.values()), len(kinds))
                    if kind == len(symbols):
                        symbols.append({**machine, **key})
                    steps.append(Step(row=number, query=query, kind=kind))
            ends += [before] * (len(steps) - begin)
            before = len(steps) - 1
        return cls(rows=rows, steps=tuple(steps), symbols=tuple(symbols), layer_ends=tuple(ends))

    def __len__(self) -> int:
        return len(self.steps)

    def row(self, step: int) -> Row:
        return self.rows.rows[self.steps[step].row]

    def whole(self, expression: Expression) -> list[int]:
        """Return a quantity, rounded up, of each kind."""
        return [math.ceil(value) for value in self._values(expression)]

    def exact(self, expression: Expression) -> list[Fraction]:
        return [Fraction(value) for value in self._values(expression)]

    def _values(self, expression: Expression) -> list[Number]:
        """Values by kind; what names no more than one quantity is worked out once."""
        if not expression.names:
            return [expression.evaluate({})] * len(self.symbols)
        if expression.text in self.symbols[0]:
            return [each[expression.text] for each in self.symbols]
        return [expression.evaluate(each) for each in self.symbols]

    @cached_property
    def kinds(self) -> list[int]:
        return [step.kind for step in self.steps]

    def of_steps(self, by_kind: list[int]) -> list[int]:
        return [by_kind[kind] for kind in self.kinds]


def _quantities(row: Row, query: int, unquantized: int, *, again: bool) -> dict[str, int]:
    """The row's quantities under the names of ``rows.pipeline.ROW_NAMES``."""
    return {
        "keys": row.keys,
        "values": row.values,
        "tokens": row.tokens,
        "features": row.features,
        "queries": row.queries,
        "key_bits": row.key_bits or unquantized,
        "value_bits": row.value_bits or unquantized,
        "query_bits": row.query_bits or unquantized,
        "extra_bits": row.extra_bits,
        "requantized": int(again),
        "accumulates": int(row.accumulates),
        "selects": row.selects,
        "first": int(query == 0),
        "last": int(query == row.queries - 1),
        "unquantized_bits": unquantized,
    }


__all__ = ["Step", "Steps"]
