"""The 1D array: an instruction goes from lane to lane, each has its own column."""

from __future__ import annotations

from itertools import pairwise

from amaranth.hdl import Module

from accelsim.rtl.block import Composite, connect


class Array1D(Composite):
    """Twin of :class:`accelsim.engines.array1d.Array1D`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lanes = [self.place(m, f"lane_{c}") for c in range(self.engine.lanes)]
        connect(m, lanes[0].i, self.i)
        for left, right in pairwise(lanes):
            connect(m, right.i, left.o)
        for c, lane in enumerate(lanes):
            for name in ("sum", "maximum"):
                connect(m, getattr(lane, name), getattr(self, f"{name}_{c}"))
            for name in ("climb", "quotient"):
                connect(m, getattr(self, f"{name}_{c}"), getattr(lane, name))
        for name in ("early", "adding"):
            connect(m, getattr(self, name), getattr(lanes[0], name))
        return m
