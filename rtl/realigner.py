"""Realigner: what does not fill a row waits in a register for the next."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal

from accelsim.rtl.block import Block
from accelsim.rtl.packing import Packing
from accelsim.rtl.rows import lanes, masked


class Realigner(Block):
    """Twin of :class:`accelsim.engines.realigner.Realigner`."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        number = engine.lanes
        self.rest = [Signal(engine.width, name=f"rest_{n}") for n in range(number - 1)]
        self.occupied, self.flush = Signal(range(number)), Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        number = self.engine.lanes
        given = self.i.payload
        count = Signal(range(number + 1))
        held = {"rest": self.rest, "occupied": self.occupied, "flush": self.flush}
        packing = Packing(m, masked(lanes(given, number), count), count, **held)
        free = Signal()
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            self.i.ready.eq(free & ~packing.flush),
            count.eq(Mux(given.count > number, number, given.count)),
        ]
        packing.give(m, self.o, moves=free, takes=self.i.valid & self.i.ready, ends=given.last)
        return m
