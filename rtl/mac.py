"""Multiply-accumulate: products in all stages but the last, which adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal

from accelsim.engines.number import Float
from accelsim.rtl import number_steps as steps
from accelsim.rtl.block import Block
from accelsim.rtl.number import pipeline, product, register
from accelsim.rtl.number_sum import held, settle, total


class Mac(Block):
    """Twin of :class:`accelsim.engines.mac.Mac`."""

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        stall = self.o.valid & ~self.o.ready
        operation = {name: self.i.payload[name] for name, _ in engine.port("i").fields}
        operation["valid"] = self.i.valid
        done = multiply_accumulate(
            m, operation, engine.form, engine.accumulator, engine.stages, ~stall
        )
        m.d.comb += [
            self.i.ready.eq(~stall),
            self.o.valid.eq(done["valid"] & done["last"]),
            self.o.payload.eq(done["result"]),
        ]
        return m


def multiply_accumulate(
    m: Module,
    operation: steps.Fields,
    form: Float,
    to: Float,
    stages: int,
    enable: Any,
    places: Sequence[int] = (2, 1, 0),
) -> steps.Fields:
    """Add a x b to c if ``first`` (or without it), else to the last sum; moves where ``enable`` is high.

    {"a", "b", "c", "first", "valid", ...} -> {"result", "valid", ...} after ``stages`` cycles. The
    result stays until the next that is valid. ``places`` says where registers go first: after
    unpacking (0), multiplying (1), normalising (2).
    """
    registers = [0, 0, 0, 0]
    for number in range(stages - 1):
        registers[1 + places[number % len(places)]] += 1
    names = [steps.unpack(to, "c"), *product(form, to)]
    fields = pipeline(m, names, operation, registers, enable=enable)
    return accumulate(m, fields, to, enable)


def accumulate(m: Module, fields: steps.Fields, to: Float, enable: Any) -> steps.Fields:
    """Add a product to c or the last sum, in one cycle.

    {"product", "c", "first", "valid", ...} -> {"result", "valid", ...}; c is unpacked. The sum is
    held unrounded: :mod:`accelsim.rtl.number_sum` says why.
    """
    sum_ = Signal(held(to, fields["product"].shape().exponents), name="sum", reset_less=True)
    with m.If(enable & fields["valid"]):
        m.d.sync += sum_.eq(added(m, fields, to, sum_))
    rest = {n: v for n, v in fields.items() if n not in ("product", "c", "first")}
    return register(m, rest, "last", enable) | steps.round_off("sum", to, "result")(
        m, {"sum": sum_}
    )


def added(m: Module, fields: steps.Fields, to: Float, sum_: Any) -> Any:
    """Return product + (c if ``first`` else ``sum_``), in the layout of the unrounded ``sum_``."""
    addend = Signal(sum_.shape(), name="addend")
    loaded = steps.widened(m, fields["c"], sum_.shape(), "loaded")
    m.d.comb += addend.eq(Mux(fields.get("first", 1), loaded, sum_.as_value()))
    addends = settle(to, "addend")(m, {"product": fields["product"], "addend": addend})
    return total(to, "product", "addend")(m, addends)["sum"]
