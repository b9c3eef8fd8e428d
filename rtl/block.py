"""What all blocks share: a component whose members are the ports of its engine's model."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from amaranth.hdl import Const, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from accelsim.engines import Engine, Port


def payload_shape(port: Port) -> Any:
    """Return the shape of a port's payload: unsigned, or a struct if it has several fields."""
    if len(port.fields) == 1:
        return port.width
    return data.StructLayout(dict(port.fields))


def signature(port: Port) -> stream.Signature:
    return stream.Signature(
        payload_shape(port), always_ready=port.always_ready, always_valid=port.always_valid
    )


def interface(engine: Engine) -> wiring.Signature:
    """Return the signature of an engine's block."""
    return wiring.Signature(
        {
            port.name: (In if port.direction == "in" else Out)(signature(port))
            for port in engine.ports
        }
    )


class Block(wiring.Component):
    """Base of every block: takes the engine, has a stream member per port."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        super().__init__(interface(engine))


def pins_of(component: Any) -> list[tuple[str, Value, None]]:
    """Return (name, signal, None) of every signal at a component's boundary, for Amaranth's back ends.

    A stream that is always valid or always ready has constants there, which are none.
    """
    found = ((path, Value.cast(value)) for path, _, value in component.signature.flatten(component))
    return [("__".join(map(str, path)), value, None) for path, value in found if not _fixed(value)]


def _fixed(value: Value) -> bool:
    return isinstance(value, Const)


def block(engine: Engine) -> Block:
    """Return the twin of a model: the class of the same name in the module of the same name."""
    module = import_module(f"{__package__}.{engine.name}")
    found: Block = getattr(module, type(engine).__name__)(engine)
    return found
