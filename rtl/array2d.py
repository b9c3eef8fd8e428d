"""The R x C array with its edges: operand banks, skew, the maxima that climb back.

An instruction enters at the top left and goes right with its row; the rows below get it ``hop`` cycles
apart. A bank of a row or column is read when the instruction passes it, so that operands and
instructions meet in every element.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from accelsim.engines.fusemax import FuseMax
from accelsim.engines.pe2d import Op
from accelsim.rtl.block import interface, signature
from accelsim.rtl.exponential_steps import STEP_0
from accelsim.rtl.pe2d import PE2D
from accelsim.rtl.placed import place


def issued(engine: FuseMax) -> data.StructLayout:
    """Return the layout of an instruction as it is issued: with what its operands are read by."""
    members = {name: bits for name, bits in engine.element.control if name != "on"}
    return data.StructLayout(
        {
            **members,
            "element": max(1, ceil_log2(max(engine.head, engine.value))),
            "row_slot": max(1, ceil_log2(max(engine.key_depth, engine.value_depth))),
            "col_slot": max(1, ceil_log2(2 * engine.query_tiles)),
            "rows": ceil_log2(engine.rows + 1),
        }
    )


def fill_layout(engine: FuseMax) -> data.StructLayout:
    """Return the layout of what comes from memory: its words, and where they belong."""
    lanes = max(engine.rows, engine.cols)
    groups = max(engine.head, engine.value) // engine.words
    slots = max(2 * engine.query_tiles, engine.key_depth, engine.value_depth)
    return data.StructLayout(
        {
            "tensor": 2,
            "slot": max(1, ceil_log2(slots)),
            "lane": max(1, ceil_log2(lanes)),
            "group": max(1, ceil_log2(groups)),
            "last": 1,
        }
    )


class Bank(wiring.Component):
    """Words of one row or column: written ``words`` at a time, read one at a time a cycle later."""

    def __init__(self, width: int, words: int, slots: int, elements: int) -> None:
        self.width, self.words, self.slots = width, words, slots
        self.groups = elements // words
        super().__init__(
            {
                "enable": In(1),
                "slot": In(max(1, ceil_log2(slots))),
                "group": In(max(1, ceil_log2(self.groups))),
                "data": In(width * words),
                "read_slot": In(max(1, ceil_log2(slots))),
                "element": In(max(1, ceil_log2(elements))),
                "word": Out(width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        shape = data.ArrayLayout(self.width, self.words)
        m.submodules.memory = memory = Memory(shape=shape, depth=self.slots * self.groups, init=[])
        write, read = memory.write_port(), memory.read_port()
        low = ceil_log2(self.words)
        place = Signal(max(1, low))
        m.d.sync += place.eq(self.element[:low] if low else 0)
        m.d.comb += [
            write.addr.eq(self.slot * self.groups + self.group),
            write.data.eq(self.data),
            write.en.eq(self.enable),
            read.addr.eq(self.read_slot * self.groups + (self.element >> low)),
            read.en.eq(1),
            self.word.eq(read.data[place] if low else read.data[0]),
        ]
        return m


QUERY, KEY, VALUE = range(3)
TENSORS = ("Q", "K", "V")


def power_of_two(least: int) -> int:
    return 1 << int(ceil_log2(max(1, least)))


def connect(m: Module, to: Any, of: Any) -> None:
    """Hand a rigid stream on."""
    m.d.comb += [to.valid.eq(of.valid), to.payload.eq(of.payload)]


class Array2D(wiring.Component):
    """The array; ``element`` names a module written elsewhere that its elements are instances of.

    ``issue`` is the instruction of this cycle; ``fill`` with ``filled`` writes operands.

    ``sum_C`` and ``maximum_C`` are what leaves column C, as its last element has it. ``maxima`` with
    ``climbs`` and ``tags`` enter the way up. ``corner`` and ``bottom`` are the instructions in the last
    stage of the first element, and of the last of the first column; ``climbed``: a maximum is at the top.
    """

    def __init__(self, engine: FuseMax, element: str = "") -> None:
        self.engine, self.element = engine, element
        self.model = engine.element
        x, cols = engine.operand, engine.cols
        adding = signature(self.model.port("adding"))
        feet = {
            f"{name}_{c}": Out(signature(self.model.port(name)))
            for name in ("sum", "maximum")
            for c in range(cols)
        }
        super().__init__(
            {
                "issue": In(issued(engine)),
                "filled": In(1),
                "fill": In(fill_layout(engine)),
                "fill_data": In(x.width * engine.words),
                "maxima": In(x.width * cols),
                "climbs": In(cols),
                "tags": In(self.model.tag * cols),
                "corner": Out(adding),
                "bottom": Out(adding),
                "climbed": Out(1),
                **feet,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        rows, cols = engine.rows, engine.cols
        elements = [[self._element() for _ in range(cols)] for _ in range(rows)]
        for r, row in enumerate(elements):
            for c, element in enumerate(row):
                place(m, f"pe_{r}_{c}", element, self.element)
        edge: Any = self.issue
        for r in range(rows):
            self._row(m, r, edge, elements[r])
            edge = self._delayed(m, edge, engine.hop if r + 1 < rows else 0, f"row_{r + 1}")
        edge = self.issue
        for c in range(cols):
            self._column(m, c, edge, [elements[r][c] for r in range(rows)])
            edge = self._delayed(m, edge, 1, f"column_{c + 1}")
        connect(m, self.corner, elements[0][0].adding)
        connect(m, self.bottom, elements[-1][0].adding)
        return m

    def _element(self) -> Any:
        return interface(self.model).create() if self.element else PE2D(self.model)

    def _delayed(self, m: Module, value: Any, cycles: int, name: str) -> Any:
        for n in range(cycles):
            later = Signal(value.shape(), name=f"{name}_{n}")
            m.d.sync += later.eq(value)
            value = later
        return value

    def _row(self, m: Module, r: int, edge: Any, elements: list[PE2D]) -> None:
        """The left edge of a row: its banks of K and V, its instruction a cycle after the read."""
        engine = self.engine
        words = {}
        sides = ((KEY, engine.key_depth, engine.head), (VALUE, engine.value_depth, engine.value))
        for tensor, depth, size in sides:
            bank = Bank(engine.operand.width, engine.words, power_of_two(depth), size)
            m.submodules[f"{TENSORS[tensor].lower()}_bank_{r}"] = bank
            self._connect(m, bank, tensor, r, edge.row_slot, edge.element)
            words[tensor] = bank.word
        first = elements[0].i
        op = Signal(data.StructLayout(dict(self.model.control)), name=f"row_instruction_{r}")
        names = [name for name, _ in self.model.control]
        m.d.sync += [op[name].eq(edge[name]) for name in names if name != "on"]
        m.d.sync += op.on.eq(edge.rows > r)
        m.d.comb += [
            first.valid.eq(op.op != Op.IDLE),
            [first.payload[name].eq(op[name]) for name in names],
            first.payload.west.eq(Mux(op.op == Op.SCORE, words[KEY], words[VALUE])),
        ]
        for left, right in pairwise(elements):
            m.d.comb += right.i.valid.eq(left.o.valid)
            m.d.comb += [
                right.i.payload[name].eq(left.o.payload[name]) for name in (*names, "west")
            ]

    def _column(self, m: Module, c: int, edge: Any, elements: list[PE2D]) -> None:
        """The top edge of a column: its bank of Q, the maxima that came up, what starts a sum."""
        engine = self.engine
        x, y = engine.operand, engine.accumulator
        bank = Bank(x.width, engine.words, power_of_two(2 * engine.query_tiles), engine.head)
        m.submodules[f"q_bank_{c}"] = bank
        self._connect(m, bank, QUERY, c, edge.col_slot, edge.element)
        bits = self.model.tag
        way: Any = Cat(
            self.climbs[c], self.tags[bits * c :][:bits], self.maxima[x.width * c :][: x.width]
        )
        way = self._delayed(m, way, engine.climb - 1, f"climb_{c}")
        ring = ceil_log2(engine.rings)
        top = Signal(data.ArrayLayout(x.width, engine.rings), name=f"maxima_{c}", reset_less=True)
        with m.If(way[0]):
            m.d.sync += top[way[1:][:ring]].eq(way[1 + bits :])
        if c == 0:
            m.d.comb += self.climbed.eq(way[0])
        maximum = Signal(x.width, name=f"maximum_{c}_at_top", reset_less=True)
        is_step = Signal(name=f"takes_maximum_{c}")
        m.d.sync += [maximum.eq(top[edge.tag[:ring]]), is_step.eq(edge.op == STEP_0)]
        first, adder = elements[0], self.model.adder
        m.d.comb += [
            first.i.payload.north.eq(Mux(is_step, maximum, bank.word)),
            first.above.payload.sum.eq(adder.bits(adder.held(0))),
            first.above.payload.maximum.eq(y.negate(y.infinity)),
        ]
        gap = engine.hop - 1
        for r, (one, other) in enumerate(pairwise(elements)):
            ways = {
                "north": (other.i.payload.north, one.o.payload.north),
                "sum": (other.above.payload.sum, one.sum.payload.value),
                "maximum": (other.above.payload.maximum, one.maximum.payload.value),
            }
            for name, (to, of) in ways.items():
                m.d.comb += to.eq(self._delayed(m, of, gap, f"{name}_{r}_{c}"))
        for name in ("sum", "maximum"):
            connect(m, getattr(self, f"{name}_{c}"), getattr(elements[-1], name))

    def _connect(
        self, m: Module, bank: Bank, tensor: int, lane: int, slot: Value, element: Value
    ) -> None:
        mine = (self.fill.tensor == tensor) & (self.fill.lane == lane)
        m.d.comb += [
            bank.enable.eq(self.filled & mine),
            bank.slot.eq(self.fill.slot),
            bank.group.eq(self.fill.group),
            bank.data.eq(self.fill_data),
            bank.read_slot.eq(slot),
            bank.element.eq(element),
        ]
