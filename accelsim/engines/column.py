"""A column of the 2D array: elements one above another, and the sum or maximum that goes down them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

from accelsim.engines.engine import Engine, Model, Operands, Operation, Port, parameter
from accelsim.engines.pe2d import PE2D, WideElement


@dataclass(frozen=True, kw_only=True)
class Column(WideElement):
    """A column of ``rows`` elements that reduces: its sum or maximum drains at the foot.

    Row r gets its instruction with a word from the left at ``i_r``, ``hop`` cycles after the row above it;
    a word from ``north`` goes down with the instructions, and so does the sum (SLD, SLNV) or maximum
    (LM) of what the rows have: it starts as -0 plus nothing, or -inf, and leaves at ``sum`` or ``maximum``
    as the last row has it, ``hop`` (``rows`` - 1) + ``stages`` cycles after the first row's instruction. A
    result a cycle goes down so. ``top`` and ``foot`` are the instructions in the last stage of the first and
    of the last element.
    """

    name: ClassVar[str] = "column"

    rows: int = parameter(2, "elements", low=1, high=256)
    hop: int = parameter(1, "cycles from row to row", low=1, high=8)

    @property
    def part(self) -> Engine:
        return self.element

    @cached_property
    def element(self) -> PE2D:
        return PE2D(**self.shared(PE2D))

    @property
    def drain(self) -> int:
        """Cycles from the first row's instruction to the column's result."""
        return self.hop * (self.rows - 1) + self.stages

    @property
    def ports(self) -> tuple[Port, ...]:
        element, x = self.element, self.operand.width
        carried = (*self.control, ("west", x))
        rigid = {"always_ready": True}
        down = [element.port(name) for name in ("sum", "maximum")]
        told = element.port("adding").fields
        return (
            *(Port(f"i_{r}", "in", carried, **rigid) for r in range(self.rows)),
            Port("north", "in", (("north", x),), always_valid=True, **rigid),
            *(Port(f"o_{r}", "out", carried, **rigid) for r in range(self.rows)),
            *(Port(name, "out", told, **rigid) for name in ("top", "foot")),
            *down,
        )

    @property
    def latency(self) -> int:
        return self.drain

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        passed = {(f"i_{r}", f"o_{r}"): 1 for r in range(self.rows)}
        down = {
            (f"i_{r}", name): self.drain - self.hop * r
            for r in range(self.rows)
            for name in ("sum", "maximum")
        }
        told = {("i_0", "top"): self.stages - 1, (f"i_{self.rows - 1}", "foot"): self.stages - 1}
        return passed | told | down

    @property
    def operations(self) -> tuple[Operation, ...]:
        """A sum down the column."""
        return (Operation("add", "column", "compute", "sum"),)

    def operands(self, operation: str, kind: str, seed: int, count: int) -> Operands:
        """Drive every element as one is priced, each row ``hop`` cycles after the one above."""
        given = [
            self.element.operands(operation, kind, seed * self.rows + r, count)["i"]
            for r in range(self.rows)
        ]
        width = self.port("i_0").width
        mask, nothing = (1 << width) - 1, 0
        late = [[nothing] * (self.hop * r) + list(row) for r, row in enumerate(given)]
        found = {f"i_{r}": [each & mask for each in row] for r, row in enumerate(late)}
        return found | {"north": [each >> width for each in given[0]]}

    def model(self) -> ColumnModel:
        return ColumnModel(self)


class _Down(NamedTuple):
    """What stands between two elements: a word from the north, the sum and the maximum above."""

    north: int
    sum_: int
    maximum: int


class ColumnModel(Model):
    """The elements' models, from the top down: what one shows in a cycle is what the next one takes."""

    def __init__(self, engine: Column) -> None:
        self._engine = engine
        element, y = engine.element, engine.accumulator
        zero = engine.adder.bits(engine.adder.held(0))
        self._width = engine.port("i_0").width
        self._above = element.port("above")
        self._first = _Down(0, zero, y.negate(y.infinity))
        self._elements = [element.model() for _ in range(engine.rows)]
        self._still = _Down(0, zero, 0)
        self.clear()

    def reset(self) -> None:
        """Pass a cycle of reset: nothing between the elements is left, their sums and scores are."""
        self.step(dict.fromkeys(port.name for port in self._engine.inputs), {})
        self.clear()

    def clear(self) -> None:
        rows = range(self._engine.rows)
        self._norths = [0 for _ in rows]  # as each element last passed one on
        self._ways = [deque([self._still] * (self._engine.hop - 1)) for _ in rows]
        for element in self._elements:
            element.clear()

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        gives: dict[str, int] = {}
        above = self._first._replace(north=offered["north"] or 0)
        last = len(self._elements) - 1
        for r, element in enumerate(self._elements):
            given = offered[f"i_{r}"]
            value = None if given is None else given | above.north << self._width
            came = self._above.pack(sum=above.sum_, maximum=above.maximum)
            sum_, maximum = element.standing
            _, shown = element.step({"i": value, "above": came}, ready)
            if "o" in shown:
                gives[f"o_{r}"] = shown["o"] & ((1 << self._width) - 1)
                self._norths[r] = shown["o"] >> self._width
            for name, at in (("top", 0), ("foot", last)):
                if r == at and "adding" in shown:
                    gives[name] = shown["adding"]
            way = self._ways[r]
            way.append(_Down(self._norths[r], sum_, maximum))
            above = way.popleft()
        gives |= {name: shown[name] for name in ("sum", "maximum") if name in shown}
        inputs = {"north", *(f"i_{r}" for r in range(self._engine.rows))}
        return frozenset(inputs), gives
