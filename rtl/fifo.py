"""Stream FIFO: a ring of words in registers, read and write pointer, a count."""

from __future__ import annotations

from amaranth.hdl import Array, Module, Mux, Signal

from accelsim.engines.fifo import Fifo as FifoModel
from accelsim.rtl.block import Block


class Fifo(Block):
    """Twin of :class:`accelsim.engines.fifo.Fifo`. First word falls through; latency 1 cycle.

    The words are registers, which a reset need not clear: the count says which of them mean
    something.
    """

    def __init__(self, engine: FifoModel) -> None:
        super().__init__(engine)
        depth = engine.depth
        self.words = [Signal(engine.width, name=f"word_{n}", reset_less=True) for n in range(depth)]
        self.count = Signal(range(depth + 1))
        self.read = Signal(range(depth))
        self.write = Signal(range(depth))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = self.engine.depth
        take = self.i.valid & self.i.ready
        give = self.o.valid & self.o.ready
        m.d.comb += [
            self.i.ready.eq(self.count != depth),
            self.o.valid.eq(self.count != 0),
            self.o.payload.eq(Array(self.words)[self.read]),
        ]
        for n, word in enumerate(self.words):
            with m.If(take & (self.write == n)):
                m.d.sync += word.eq(self.i.payload)
        with m.If(take):
            m.d.sync += _step(self.write, depth)
        with m.If(give):
            m.d.sync += _step(self.read, depth)
        with m.If(take & ~give):
            m.d.sync += self.count.eq(self.count + 1)
        with m.Elif(give & ~take):
            m.d.sync += self.count.eq(self.count - 1)
        return m


def _step(pointer: Signal, depth: int) -> object:
    """Move a pointer round the ring, whatever its length."""
    return pointer.eq(Mux(pointer == depth - 1, 0, pointer + 1))
