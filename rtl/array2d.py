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

from accelsim.engines.array2d import Tensor
from accelsim.engines.fusemax import FuseMax
from accelsim.engines.pe2d import Op
from accelsim.rtl.block import Composite, connect
from accelsim.rtl.delay import delayed
from accelsim.rtl.exponential_steps import STEP_0


def issued(engine: FuseMax) -> data.StructLayout:
    """Return the layout of an instruction as it is issued: with what its operands are read by."""
    return data.StructLayout(dict(engine.array.issue))


def fill_layout(engine: FuseMax) -> data.StructLayout:
    """Return the layout of what comes with words from memory: where they belong, the end of a tile."""
    return data.StructLayout({**dict(engine.array.fill), "last": 1})


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
        place: Any = 0
        if low:
            place = Signal(low, name="place")
            m.d.sync += place.eq(self.element[:low])
        # Of one slot there is no number; of one word a group no place.
        slot, read_slot = (each if self.slots > 1 else 0 for each in (self.slot, self.read_slot))
        m.d.comb += [
            write.addr.eq(slot * self.groups + self.group),
            write.data.eq(self.data),
            write.en.eq(self.enable),
            read.addr.eq(read_slot * self.groups + (self.element >> low)),
            read.en.eq(1),
            self.word.eq(read.data[place]),
        ]
        return m


class Array2D(Composite):
    """Twin of :class:`accelsim.engines.array2d.Array2D`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        columns = [self.place(m, f"column_{c}") for c in range(engine.cols)]
        edge: Any = self.issue.payload
        for r in range(engine.rows):
            self._row(
                m, r, edge, [(getattr(each, f"i_{r}"), getattr(each, f"o_{r}")) for each in columns]
            )
            edge = delayed(m, edge, engine.hop if r + 1 < engine.rows else 0, f"row_{r + 1}")
        edge = self.issue.payload
        for c, column in enumerate(columns):
            self._column(m, c, edge, column)
            edge = delayed(m, edge, 1 if c + 1 < engine.cols else 0, f"column_{c + 1}")
        connect(m, self.corner, columns[0].top)
        connect(m, self.bottom, columns[0].foot)
        return m

    def _row(self, m: Module, r: int, edge: Any, ways: list[tuple[Any, Any]]) -> None:
        """The left edge of a row: its banks of K and V, its instruction a cycle after the read.

        ``ways`` are where each column takes it and gives it on.
        """
        words = {
            tensor: self._bank(m, tensor, r, edge.row_slot, edge.element)
            for tensor in (Tensor.K, Tensor.V)
        }
        names = [name for name, _ in self.engine.control]
        op = Signal(data.StructLayout(dict(self.engine.control)), name=f"row_instruction_{r}")
        m.d.sync += [op[name].eq(edge[name]) for name in names if name != "on"]
        m.d.sync += op.on.eq(edge.rows > r)
        first = ways[0][0]
        m.d.comb += [
            first.valid.eq(op.op != Op.IDLE),
            [first.payload[name].eq(op[name]) for name in names],
            first.payload.west.eq(Mux(op.op == Op.SCORE, words[Tensor.K], words[Tensor.V])),
        ]
        for (_, left), (right, _) in pairwise(ways):
            connect(m, right, left)

    def _column(self, m: Module, c: int, edge: Any, column: Any) -> None:
        """The top edge of a column: its bank of Q, the maxima that came up; what leaves its foot."""
        engine = self.engine
        x, bits = engine.operand, engine.tag
        word = self._bank(m, Tensor.Q, c, edge.col_slot, edge.element)
        climb = getattr(self, f"climb_{c}")
        way: Any = Cat(climb.valid, climb.payload.tag, climb.payload.value)
        way = delayed(m, way, engine.climb - 1, f"climb_{c}")
        top = Signal(data.ArrayLayout(x.width, engine.rings), name=f"maxima_{c}", reset_less=True)
        with m.If(way[0]):
            m.d.sync += top[self._place(way[1 : 1 + bits])].eq(way[1 + bits :])
        if c == 0:
            m.d.comb += [self.climbed.valid.eq(way[0]), self.climbed.payload.eq(way[1 : 1 + bits])]
        maximum = Signal(x.width, name=f"maximum_{c}_at_top", reset_less=True)
        is_step = Signal(name=f"takes_maximum_{c}")
        m.d.sync += [maximum.eq(top[self._place(edge.tag)]), is_step.eq(edge.op == STEP_0)]
        m.d.comb += column.north.payload.eq(Mux(is_step, maximum, word))
        for name in ("sum", "maximum"):
            connect(m, getattr(self, f"{name}_{c}"), getattr(column, name))

    def _place(self, tag: Any) -> Any:
        return tag[: ceil_log2(self.engine.rings)] if self.engine.rings > 1 else 0

    def _bank(self, m: Module, tensor: Tensor, lane: int, slot: Value, element: Value) -> Value:
        """Add the bank of a row or column; return the word that it has read."""
        engine, fill = self.engine, self.fill
        size = engine.sizes[tensor]
        bank = Bank(engine.operand.width, engine.words, engine.slots[tensor], size)
        m.submodules[f"{tensor.name.lower()}_bank_{lane}"] = bank
        mine = (fill.payload.tensor == tensor) & (fill.payload.lane == lane)
        m.d.comb += [
            bank.enable.eq(fill.valid & mine),
            bank.slot.eq(fill.payload.slot),
            bank.group.eq(fill.payload.group),
            bank.data.eq(fill.payload.words),
            bank.read_slot.eq(slot),
            bank.element.eq(element),
        ]
        return bank.word
