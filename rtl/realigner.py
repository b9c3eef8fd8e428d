"""Realigner: what does not fill a row waits in a register for the next."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal

from accelsim.rtl.block import Block
from accelsim.rtl.packing import Packing
from accelsim.rtl.rows import lanes, masked


class Realigner(Block):
    """Twin of :class:`accelsim.engines.realigner.Realigner`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        number = self.engine.lanes
        given = self.i.payload
        count = Signal(range(number + 1))
        packing = Packing(m, masked(lanes(given, number), count), count)
        free = Signal()
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            self.i.ready.eq(free & ~packing.flush),
            count.eq(Mux(given.count > number, number, given.count)),
        ]
        packing.give(m, self.o, moves=free, takes=self.i.valid & self.i.ready, ends=given.last)
        return m
