"""Zero eliminator: prefix sum, register, logarithmic shift, register."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal

from accelsim.engines.rows import count_bits
from accelsim.rtl.block import Block
from accelsim.rtl.rows import lanes, prefix, squeeze


class ZeroEliminator(Block):
    """Twin of :class:`accelsim.engines.zero_eliminator.ZeroEliminator`."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        number = engine.lanes
        # The register after the prefix sum.
        self.held = Signal()
        self.keep = Signal(number)
        self.values = [Signal(engine.width, name=f"value_{n}") for n in range(number)]
        self.dropped = [Signal(count_bits(number), name=f"dropped_{n}") for n in range(number)]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        number, keep, held = self.engine.lanes, self.keep, self.held
        sums = prefix(m, [~self.i.payload.keep[n] for n in range(number)], "before")
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
                m.d.sync += [self.values[n].eq(value), self.dropped[n].eq(sums[n])]
        with m.If(free):
            m.d.sync += self.o.valid.eq(held)
            closed = squeeze(m, self.values, list(keep), self.dropped, "closed")
            m.d.sync += self.o.payload.count.eq(sum(keep))
            for target, value in zip(lanes(self.o.payload, number), closed, strict=True):
                m.d.sync += target.eq(value)
        return m
