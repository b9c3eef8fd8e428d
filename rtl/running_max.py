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
        rings = data.ArrayLayout(x.width, engine.rings)
        local, old, new = (
            Signal(rings, name=f"{name}_maxima", reset_less=True)
            for name in ("local", "old", "new")
        )
        given = self.maximum.payload
        rounded = once(m, number.convert(engine.accumulator, x), {"a": given.value}, "result")
        with m.If(self.maximum.valid):
            m.d.sync += local[self._place(given.tag)].eq(rounded)
        m.submodules.running = memory = Memory(shape=x.width, depth=engine.tiles, init=[])
        write = memory.write_port()
        read = memory.read_port(transparent_for=(write,))
        before, place = Signal(x.width, name="maximum_before"), self._place(which["tag"])
        m.d.comb += before.eq(Mux(which["fresh"], x.negate(x.infinity), read.data))
        greater = once(m, number.maximum(x), {"a": before, "b": local[place]}, "result")
        m.d.comb += [
            read.addr.eq(came.tile),
            read.en.eq(1),
            write.addr.eq(which["tile"]),
            write.data.eq(greater),
            write.en.eq(update),
        ]
        climbing = Signal(self.climb.payload.shape(), name="climbing", reset_less=True)
        m.d.sync += self.climb.valid.eq(update)
        with m.If(update):
            m.d.sync += [old[place].eq(before), new[place].eq(greater)]
            m.d.sync += [climbing.value.eq(greater), climbing.tag.eq(which["tag"])]
        m.d.comb += [
            self.climb.payload.eq(climbing),
            self.pair.valid.eq(rescale),
            self.pair.payload.old.eq(old[place]),
            self.pair.payload.new.eq(new[place]),
        ]
        return m

    def _place(self, tag: Any) -> Any:
        return tag[: ceil_log2(self.engine.rings)] if self.engine.rings > 1 else 0
