"""What the elements of both arrays share: instructions that pass on, what stands behind the last stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data

from accelsim.rtl.block import Block


class ElementBlock(Block):
    """Base of both: ``control`` is the layout of an instruction."""

    @property
    def control(self) -> data.StructLayout:
        return data.StructLayout(dict(self.engine.control))

    def _pass_on(self, m: Module) -> None:
        """Hand an instruction to the right, a cycle later."""
        m.d.sync += self.o.valid.eq(self.i.valid)
        with m.If(self.i.valid):
            m.d.sync += self.o.payload.eq(self.i.payload)

    def _instruction(
        self, m: Module, name: str, works: Iterable[int], idle: int
    ) -> tuple[Signal, Any]:
        """Return whether the instruction that comes does something, and its fields, ``idle`` if not."""
        valid, control = Signal(name=f"{name}_valid"), Signal(self.control, name=name)
        came = self.i.payload
        m.d.comb += [
            valid.eq(self.i.valid & is_any(came.op, works)),
            [control[field].eq(came[field]) for field, _ in self.engine.control],
            control.op.eq(Mux(valid, came.op, idle)),
        ]
        return valid, control

    def _behind(self, **more: Any) -> dict[str, Any]:
        """Return the registers behind the last stage: an instruction, the state of an exponential."""
        model = self.engine.steps
        half = 1 << model.integer_bits - 1
        shapes = {
            "control": self.control,
            "carried": model.accumulator.width,
            "whole": range(-half, half),
            "special": 3,
            **more,
        }
        found = {
            name: Signal(shape, name=f"done_{name}", reset_less=True)
            for name, shape in shapes.items()
        }
        return {"valid": Signal(name="done_valid"), **found}

    def _tell(self, m: Module, port: Any, way: Mapping[str, Any], names: Iterable[str]) -> None:
        """Show which instruction is in a stage."""
        m.d.comb += port.valid.eq(way["valid"])
        m.d.comb += [port.payload[name].eq(way["control"][name]) for name in names]


def is_any(op: Value, codes: Iterable[int]) -> Any:
    found: Any = 0
    for code in codes:
        found = found | (op == int(code))
    return found
