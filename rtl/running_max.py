"""The running maxima of a lane, and the pairs of them before and after each update."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.utils import ceil_log2

from accelsim.rtl import number
from accelsim.rtl.block import Block
from accelsim.rtl.exponential_steps import once


class RunningMax(Block):
    """Twin of :class:`accelsim.engines.running_max.RunningMax`."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        width = engine.operand.width
        self.memory = Memory(shape=width, depth=engine.tiles, init=[])
        rings = data.ArrayLayout(width, engine.rings)
        self.local, self.old, self.new = (
            Signal(rings, name=f"{name}_maxima", reset_less=True)
            for name in ("local", "old", "new")
        )
        # What an update finds, begins with and leaves.
        self.found, self.before, self.after = (
            Signal(width, name=f"maximum_{name}") for name in ("found", "before", "after")
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        x = engine.operand
        came = self.i.payload
        update, rescale = Signal(name="update"), Signal(name="rescale")
        which = {
            name: Signal.like(came[name], name=name, reset_less=True)
            for name in ("fresh", "tile", "tag")
        }
        m.d.sync += [update.eq(self.i.valid & came.update), rescale.eq(self.i.valid & came.rescale)]
        m.d.sync += [each.eq(came[name]) for name, each in which.items()]
        given = self.maximum.payload
        rounded = once(m, number.convert(engine.accumulator, x), {"a": given.value}, "result")
        with m.If(self.maximum.valid):
            m.d.sync += self.local[self._place(given.tag)].eq(rounded)
        m.submodules.running = self.memory
        write = self.memory.write_port()
        read = self.memory.read_port(transparent_for=(write,))
        place = self._place(which["tag"])
        operands = {"a": self.before, "b": self.local[place]}
        m.d.comb += [
            self.found.eq(read.data),
            self.before.eq(Mux(which["fresh"], x.negate(x.infinity), self.found)),
            self.after.eq(once(m, number.maximum(x), operands, "result")),
            read.addr.eq(came.tile),
            read.en.eq(1),
            write.addr.eq(which["tile"]),
            write.data.eq(self.after),
            write.en.eq(update),
        ]
        climbing = Signal(self.climb.payload.shape(), name="climbing", reset_less=True)
        m.d.sync += self.climb.valid.eq(update)
        with m.If(update):
            m.d.sync += [self.old[place].eq(self.before), self.new[place].eq(self.after)]
            m.d.sync += [climbing.value.eq(self.after), climbing.tag.eq(which["tag"])]
        m.d.comb += [
            self.climb.payload.eq(climbing),
            self.pair.valid.eq(rescale),
            self.pair.payload.old.eq(self.old[place]),
            self.pair.payload.new.eq(self.new[place]),
        ]
        return m

    def _place(self, tag: Any) -> Any:
        return tag[: ceil_log2(self.engine.rings)] if self.engine.rings > 1 else 0
