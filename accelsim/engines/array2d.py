"""The R x C array with its edges: operand banks, skew, the running maxima that climb back."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import ClassVar

from accelsim.engines.column import Column
from accelsim.engines.element import bits, holds_a_place, powers_of_two
from accelsim.engines.engine import Engine, Model, Port, parameter
from accelsim.engines.pe2d import Op, WideElement


class Tensor(IntEnum):
    """What a bank holds."""

    Q = 0
    K = 1
    V = 2


def power_of_two(least: int) -> int:
    """Return the least power of two that is not less."""
    return 1 << max(0, least - 1).bit_length()


@dataclass(frozen=True, kw_only=True)
class Array2D(WideElement):
    """``rows`` x ``cols`` elements, and at their edges the operands that wait for an instruction.

    An instruction comes at ``issue`` in every cycle (it may be none), enters the first element a cycle
    later, goes right a column a cycle and down a row every ``hop`` cycles. The banks of a row (K, V) and
    of a column (Q) are read as it passes them, so that it meets its operands in every element: word
    ``element`` of the tile in ``row_slot`` or ``col_slot``. Of a tile of fewer ``rows`` those below have no
    key. ``fill`` writes ``words`` words of one row or column. Column c's sums and maxima leave at ``sum_c``
    and ``maximum_c``; a running maximum comes back at ``climb_c``, is at the top of its column ``climb``
    cycles later, and waits there under its tag for the first step of an exponential. ``climbed`` shows those
    of the first column as they arrive; ``corner`` and ``bottom`` the instructions in the last stage of
    the first column's first and last element.
    """

    name: ClassVar[str] = "array2d"

    rows: int = parameter(2, "rows: keys of a tile", low=1, high=256)
    cols: int = parameter(2, "columns: queries of a tile", low=1, high=256)
    hop: int = parameter(1, "cycles from row to row", low=1, high=8)
    climb: int = parameter(2, "cycles of a running maximum up a column", low=1, high=1024)
    head: int = parameter(4, "elements of a query and a key (E)", low=1, high=256)
    value: int = parameter(4, "elements of a value (F)", low=1, high=256)
    words: int = parameter(1, "words written at a time", low=1, high=64)
    query_slots: int = parameter(2, "query tiles in the banks", low=1, high=256)
    key_slots: int = parameter(2, "key tiles in the banks", low=1, high=16)
    value_slots: int = parameter(2, "value tiles in the banks", low=1, high=16)
    rings: int = parameter(4, "maxima that wait in a column, a power of two", low=1, high=64)

    def check(self) -> None:
        powers_of_two(self, "words", "rings")
        for name in ("head", "value"):
            if getattr(self, name) % self.words:
                raise self.fault(
                    f"words must divide {name}, {getattr(self, name)}, not be {self.words}"
                )
        holds_a_place(self, self.tag, self.rings)
        super().check()

    @property
    def part(self) -> Engine:
        return self.column

    @cached_property
    def column(self) -> Column:
        return Column(**self.shared(Column))

    @cached_property
    def slots(self) -> Mapping[Tensor, int]:
        """Tiles that a bank has room for."""
        kept = (self.query_slots, self.key_slots, self.value_slots)
        return {tensor: power_of_two(least) for tensor, least in zip(Tensor, kept, strict=True)}

    @cached_property
    def sizes(self) -> Mapping[Tensor, int]:
        """Words of a tile in the bank of a row or column."""
        return {Tensor.Q: self.head, Tensor.K: self.head, Tensor.V: self.value}

    @property
    def issue(self) -> tuple[tuple[str, int], ...]:
        """Fields of an instruction as it is issued: with what its operands are read by."""
        return (
            *(field for field in self.control if field[0] != "on"),
            ("element", bits(max(self.head, self.value))),
            ("row_slot", bits(max(self.key_slots, self.value_slots))),
            ("col_slot", bits(self.query_slots)),
            ("rows", self.rows.bit_length()),
        )

    @property
    def fill(self) -> tuple[tuple[str, int], ...]:
        """Fields that say where words belong."""
        return (
            ("tensor", 2),
            ("slot", bits(max(self.query_slots, self.key_slots, self.value_slots))),
            ("lane", bits(max(self.rows, self.cols))),
            ("group", bits(max(self.head, self.value) // self.words)),
        )

    @property
    def ports(self) -> tuple[Port, ...]:
        column, x = self.column, self.operand.width
        rigid = {"always_ready": True}
        told, tag = column.port("top").fields, ("tag", self.tag)
        feet = [column.port(name) for name in ("sum", "maximum")]
        return (
            Port("issue", "in", self.issue, always_valid=True, **rigid),
            Port("fill", "in", (*self.fill, ("words", x * self.words)), **rigid),
            *(Port(f"climb_{c}", "in", (("value", x), tag), **rigid) for c in range(self.cols)),
            *(Port(name, "out", told, **rigid) for name in ("corner", "bottom")),
            Port("climbed", "out", (tag,), **rigid),
            *(replace(p, name=f"{p.name}_{c}") for p in feet for c in range(self.cols)),
        )

    @property
    def latency(self) -> int:
        """Cycles from an instruction to what leaves the last column."""
        return self.cols + self.column.drain

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        drain = self.column.drain
        found = {("issue", "corner"): self.stages, ("issue", "bottom"): drain}
        found["climb_0", "climbed"] = self.climb - 1
        for c in range(self.cols):
            for name in ("sum", "maximum"):
                found["issue", f"{name}_{c}"] = drain + 1 + c
        return found

    def payload(self, port: str, bits: int) -> int:
        """An instruction reads words that a tile has, and words are written where there is room."""
        if port not in ("issue", "fill"):
            return bits
        fields = self.port(port).unpack(bits)
        if port == "issue":
            fields["element"] %= self.head if fields["op"] == Op.SCORE else self.value
            fields["rows"] %= self.rows + 1
        elif fields["tensor"] < len(Tensor):
            tensor = Tensor(fields["tensor"])
            fields["slot"] %= self.slots[tensor]
            fields["group"] %= self.sizes[tensor] // self.words
        return self.port(port).pack(**fields)

    def model(self) -> Model:
        return _Model(self)


class _Bank:
    """Words of one row or column; what is read is there a cycle later, as it was before a write."""

    def __init__(self, width: int, words: int, slots: int, size: int) -> None:
        self._width, self._words, self._size = width, words, size
        self._held = [0] * slots * size
        self.word = 0

    def write(self, slot: int, group: int, words: int) -> None:
        place = slot * self._size + group * self._words
        for n in range(self._words):
            self._held[place + n] = words >> (n * self._width) & ((1 << self._width) - 1)

    def read(self, slot: int, element: int) -> None:
        """Read a word for the next cycle; one that no tile has is not used."""
        place = slot * self._size + element
        self.word = self._held[place] if element < self._size and place < len(self._held) else 0


class _Model:
    def __init__(self, engine: Array2D) -> None:
        self._engine = engine
        x = engine.operand
        self._columns = [engine.column.model() for _ in range(engine.cols)]
        self._banks = {
            tensor: [
                _Bank(x.width, engine.words, engine.slots[tensor], engine.sizes[tensor])
                for _ in range(engine.cols if tensor == Tensor.Q else engine.rows)
            ]
            for tensor in Tensor
        }
        self._tops = [[0] * engine.rings for _ in range(engine.cols)]
        self._clear()

    def reset(self) -> None:
        """Pass a cycle of reset: no instruction and no maximum is on its way; what waits stays."""
        self.step(dict.fromkeys(port.name for port in self._engine.inputs), {})
        for column in self._columns:
            column.clear()
        self._clear()

    def _clear(self) -> None:
        engine = self._engine
        steps = max(engine.hop * (engine.rows - 1), engine.cols - 1)
        nothing = dict.fromkeys([name for name, _ in engine.issue], 0)
        self._issued = deque([nothing] * (steps + 1))  # of this cycle first
        self._ops = [nothing] * engine.rows  # what enters each row in this cycle
        self._ways: list[deque[int | None]] = [
            deque([None] * (engine.climb - 1)) for _ in range(engine.cols)
        ]
        self._norths: list[int | None] = [None] * engine.cols  # maxima, where one goes down

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        engine = self._engine
        gives: dict[str, int] = {}
        passed: Mapping[str, int | None] = {
            f"o_{r}": self._instruction(r) for r in range(engine.rows)
        }
        for c, column in enumerate(self._columns):
            came = {f"i_{r}": passed.get(f"o_{r}") for r in range(engine.rows)}
            maximum, word = self._norths[c], self._banks[Tensor.Q][c].word
            north = word if maximum is None else maximum
            _, passed = column.step({**came, "north": north}, ready)
            gives |= {f"{n}_{c}": passed[n] for n in ("sum", "maximum") if n in passed}
            if not c:
                names = {"top": "corner", "foot": "bottom"}
                gives |= {new: passed[old] for old, new in names.items() if old in passed}
        self._issued.pop()
        self._issued.appendleft(engine.port("issue").unpack(offered["issue"] or 0))
        self._rows()
        for c in range(engine.cols):
            tag = self._column(c, offered[f"climb_{c}"])
            if tag is not None and not c:
                gives["climbed"] = tag
        self._fill(offered["fill"])
        return frozenset(port.name for port in engine.inputs), gives

    def _instruction(self, r: int) -> int | None:
        """Return what enters a row: the instruction of the cycle before, with the word read for it."""
        fields = self._ops[r]
        if fields["op"] == Op.IDLE:
            return None
        tensor = Tensor.K if fields["op"] == Op.SCORE else Tensor.V
        control = {name: fields[name] for name, _ in self._engine.control if name != "on"}
        on, west = int(fields["rows"] > r), self._banks[tensor][r].word
        return self._engine.column.port("i_0").pack(**control, on=on, west=west)

    def _rows(self) -> None:
        """At each row's edge, read for the instruction that passes."""
        for r in range(self._engine.rows):
            fields = self._ops[r] = self._issued[self._engine.hop * r]
            for tensor in (Tensor.K, Tensor.V):
                slot = fields["row_slot"] % self._engine.slots[tensor]
                self._banks[tensor][r].read(slot, fields["element"])

    def _column(self, c: int, climb: int | None) -> int | None:
        """At a column's top, read for the instruction that passes; return the tag of what arrives."""
        engine, fields = self._engine, self._issued[c]
        self._banks[Tensor.Q][c].read(fields["col_slot"], fields["element"])
        top = self._tops[c]
        is_step = fields["op"] == Op.STEP_0
        self._norths[c] = top[fields["tag"] % engine.rings] if is_step else None
        way = self._ways[c]
        way.append(climb)
        if (arrived := way.popleft()) is None:
            return None
        came = engine.port("climb_0").unpack(arrived)
        top[came["tag"] % engine.rings] = came["value"]
        return came["tag"]

    def _fill(self, value: int | None) -> None:
        if value is None:
            return
        fields = self._engine.port("fill").unpack(value)
        if fields["tensor"] >= len(Tensor):
            return
        banks = self._banks[Tensor(fields["tensor"])]
        if fields["lane"] < len(banks):
            banks[fields["lane"]].write(fields["slot"], fields["group"], fields["words"])
