"""Realigner: what does not fill a row waits in a register for the next."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal

from accelsim.rtl.block import Block
from accelsim.rtl.rows import append, lanes, masked


class Realigner(Block):
    """Twin of :class:`accelsim.engines.realigner.Realigner`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        number, width = self.engine.lanes, self.engine.width
        rest = [Signal(width, name=f"rest_{n}") for n in range(number - 1)]
        occupied = Signal(range(number))
        flush, free = Signal(), Signal()
        given = self.i.payload
        count = Signal(range(number + 1))
        total = Signal(range(2 * number))
        both = append(m, rest, occupied, masked(lanes(given, number), count), "both")
        takes = Signal()
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            self.i.ready.eq(free & ~flush),
            takes.eq(self.i.valid & self.i.ready),
            count.eq(Mux(given.count > number, number, given.count)),
            total.eq(occupied + count),
        ]
        out = lanes(self.o.payload, number)
        with m.If(free):
            m.d.sync += self.o.valid.eq(0)
        with m.If(takes):
            full = total >= number
            m.d.sync += [
                self.o.valid.eq(full | given.last),
                self.o.payload.count.eq(Mux(full, number, total)),
                self.o.payload.last.eq(given.last & (total <= number)),
                occupied.eq(Mux(full, total - number, Mux(given.last, 0, total))),
                flush.eq(given.last & (total > number)),
            ]
            m.d.sync += [o.eq(v) for o, v in zip(out, both, strict=False)]
            for n, held in enumerate(rest):
                above = both[number + n]
                m.d.sync += held.eq(Mux(full, above, Mux(given.last, 0, both[n])))
        with m.Elif(free & flush):
            m.d.sync += [
                self.o.valid.eq(1),
                self.o.payload.count.eq(occupied),
                self.o.payload.last.eq(1),
                occupied.eq(0),
                flush.eq(0),
            ]
            m.d.sync += [o.eq(v) for o, v in zip(out, rest, strict=False)]
            m.d.sync += [o.eq(0) for o in out[number - 1 :]]
            m.d.sync += [held.eq(0) for held in rest]
        return m
