"""Zero eliminator: prefix sum, register, logarithmic shift, register."""

from __future__ import annotations

from amaranth.hdl import Module, Signal

from accelsim.rtl.block import Block
from accelsim.rtl.rows import lanes, prefix, squeeze


class ZeroEliminator(Block):
    """Twin of :class:`accelsim.engines.zero_eliminator.ZeroEliminator`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        number, width = self.engine.lanes, self.engine.width
        keep = Signal(number)
        values = [Signal(width, name=f"value_{n}") for n in range(number)]
        sums = prefix(m, [~self.i.payload.keep[n] for n in range(number)], "before")
        dropped = [Signal(len(sums[-1]), name=f"dropped_{n}") for n in range(number)]
        held = Signal()  # the register after the prefix sum holds a row
        free, moves = Signal(), Signal()
        m.d.comb += [
            free.eq(~self.o.valid | self.o.ready),
            moves.eq(~held | free),
            self.i.ready.eq(moves),
        ]
        with m.If(moves):
            m.d.sync += held.eq(self.i.valid)
            m.d.sync += keep.eq(self.i.payload.keep)
            for n, value in enumerate(lanes(self.i.payload, number)):
                m.d.sync += [values[n].eq(value), dropped[n].eq(sums[n])]
        with m.If(free):
            m.d.sync += self.o.valid.eq(held)
            closed = squeeze(m, values, list(keep), dropped, "closed")
            m.d.sync += self.o.payload.count.eq(sum(keep))
            for target, value in zip(lanes(self.o.payload, number), closed, strict=True):
                m.d.sync += target.eq(value)
        return m
