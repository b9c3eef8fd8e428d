"""The results of a lane until they are stored: written one by one, read a beat at a time."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from accelsim.engines.element import bits
from accelsim.engines.pe1d import PE1D
from accelsim.rtl.block import signature


class Outputs(wiring.Component):
    """``output`` are the ``words`` words at ``group`` of ``store_tile``, in the same cycle."""

    def __init__(self, lane: PE1D, words: int) -> None:
        self.lane, self.words = lane, words
        self.groups = lane.value // words
        super().__init__(
            {
                "quotient": In(signature(lane.port("quotient"))),
                "store_tile": In(bits(lane.tiles)),
                "group": In(bits(self.groups)),
                "output": Out(lane.operand.width * words),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words, groups = self.words, self.groups
        shape = data.ArrayLayout(self.lane.operand.width, words)
        m.submodules.memory = memory = Memory(shape=shape, depth=self.lane.tiles * groups, init=[])
        write, read = memory.write_port(granularity=1), memory.read_port(domain="comb")
        came = self.quotient.payload
        low = ceil_log2(words)
        place = came.element[:low] if low else 0
        m.d.comb += [
            write.addr.eq(came.tile * groups + (came.element >> low)),
            [write.data[n].eq(came.value) for n in range(words)],
            [write.en[n].eq(self.quotient.valid & (place == n)) for n in range(words)],
            read.addr.eq(self.store_tile * groups + self.group),
            self.output.eq(read.data),
        ]
        return m
