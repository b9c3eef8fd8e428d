"""Components placed as instances of one module each, so that an array's Verilog has one element's text."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, Module, ResetSignal, Value
from amaranth.lib import wiring


def place(m: Module, name: str, component: Any, module: str = "") -> None:
    """Add a component as a submodule; or its interface, as an instance of a module written elsewhere."""
    if not module:
        m.submodules[name] = component
        return
    ports: dict[str, Any] = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
    # The interface stands outside of the instance: what goes into the component comes out of here.
    for path, member, signal in component.signature.flatten(component):
        if isinstance(Value.cast(signal), Const):
            continue  # of a stream that is always valid or ready
        way = "i" if member.flow == wiring.In else "o"
        ports[f"{way}_{'__'.join(map(str, path))}"] = Value.cast(signal)
    m.submodules[name] = Instance(module, **ports)
