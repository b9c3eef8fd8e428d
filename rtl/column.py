"""A column of the 2D array: each element's word, sum and maximum go to the one below it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from amaranth.hdl import Module, Value

from accelsim.rtl.block import Composite, connect
from accelsim.rtl.delay import delayed


class Column(Composite):
    """Twin of :class:`accelsim.engines.column.Column`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        y, adder = engine.accumulator, engine.adder
        elements = [self.place(m, f"pe_{r}") for r in range(engine.rows)]
        names = [name for name, _ in engine.port("i_0").fields]
        for r, element in enumerate(elements):
            for to, of in (
                (element.i, getattr(self, f"i_{r}")),
                (getattr(self, f"o_{r}"), element.o),
            ):
                m.d.comb += to.valid.eq(of.valid)
                m.d.comb += [to.payload[name].eq(of.payload[name]) for name in names]
        first = elements[0]
        zero = adder.bits(adder.held(0))
        m.d.comb += [
            first.i.payload.north.eq(self.north.payload),
            first.above.payload.sum.eq(zero),
            first.above.payload.maximum.eq(y.negate(y.infinity)),
        ]
        for r, (one, other) in enumerate(pairwise(elements)):
            ways: dict[str, tuple[Any, Value, int]] = {
                "north": (other.i.payload.north, one.o.payload.north, 0),
                "sum": (other.above.payload.sum, one.sum.payload.value, zero),
                "maximum": (other.above.payload.maximum, one.maximum.payload.value, 0),
            }
            for name, (to, of, init) in ways.items():
                m.d.comb += to.eq(delayed(m, of, engine.hop - 1, f"{name}_{r}", init))
        connect(m, self.top, first.adding)
        for port, name in ((self.foot, "adding"), (self.sum, "sum"), (self.maximum, "maximum")):
            connect(m, port, getattr(elements[-1], name))
        return m
