"""Queue of quick-select: takes ragged rows, keeps them packed, and is read again by row."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from accelsim.engines.rows import count_bits
from accelsim.rtl.packing import Packing
from accelsim.rtl.rows import packed, squeeze


class QuickRing(wiring.Component):
    """A ring of full rows and a short last one in a register.

    ``start`` ends a pass: what was written since the last start can then be read (rows from 0,
    by ``row``) while the next pass writes behind it. It never overtakes: as long as the ring is
    the source, no more rows are written than have been read. ``rest`` and ``occupied`` are the
    short row, ``full`` the number of full ones, all of the pass that writes.
    """

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        lanes, width = engine.lanes, engine.width
        values = data.ArrayLayout(width, lanes)
        super().__init__(
            {
                "start": In(1),
                "valid": In(1),
                "values": In(values),
                "keep": In(lanes),
                "dropped": In(data.ArrayLayout(count_bits(lanes), lanes)),
                "row": In(range(engine.rows + 1)),
                "read": Out(values),
                "rest": Out(values),
                "occupied": Out(range(max(2, lanes))),
                "full": Out(range(engine.rows + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        number, depth = self.engine.lanes, self.engine.rows
        m.submodules.memory = memory = Memory(
            shape=number * self.engine.width, depth=depth, init=[]
        )
        write, read = memory.write_port(), memory.read_port(domain="comb")
        position, base, read_base = (
            Signal(range(depth), name=name) for name in ("position", "base", "read_base")
        )
        # In the cycle of the start the pivot is read from what is about to become readable.
        wanted = Mux(self.start, base, read_base) + self.row
        m.d.comb += [
            read.addr.eq(Mux(wanted >= depth, wanted - depth, wanted)),
            Value.cast(self.read).eq(read.data),
        ]
        row = squeeze(m, list(self.values), list(self.keep), list(self.dropped), "closed")
        rest = [self.rest[n] for n in range(number - 1)]
        packing = Packing(m, row, sum(self.keep), rest=rest, occupied=self.occupied)
        fills = Signal()
        m.d.comb += [
            fills.eq(self.valid & packing.full),
            write.addr.eq(position),
            write.data.eq(packed(packing.both[:number])),
            write.en.eq(fills),
        ]
        with m.If(fills):
            m.d.sync += [
                position.eq(Mux(position == depth - 1, 0, position + 1)),
                self.full.eq(self.full + 1),
            ]
        with m.If(self.valid):
            packing.keep(m)
        with m.If(self.start):
            m.d.sync += [
                read_base.eq(base),
                base.eq(position),
                self.full.eq(0),
                self.occupied.eq(0),
                Cat(rest).eq(0),
            ]
        return m
