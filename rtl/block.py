"""What all blocks share: a component whose members are the ports of its engine's model."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, Module, ResetSignal, Value
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


class Composite(Block):
    """Base of the blocks that have many of one part (``engine.part``).

    With ``within``, the name of the design whose text it goes into, the parts are instances of a module
    that is written there once (:func:`modules`); without, each is built in.
    """

    def __init__(self, engine: Any, within: str = "") -> None:
        self.within = within
        super().__init__(engine)

    def place(self, m: Module, name: str) -> Any:
        """Add one of the parts; return it, or its interface if it is an instance."""
        part: Engine = self.engine.part
        if not self.within:
            m.submodules[name] = component = block(part)
            return component
        outside = interface(part).create()
        ports: dict[str, Any] = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
        for path, member, value in outside.signature.flatten(outside):
            if _fixed(signal := Value.cast(value)):
                continue
            # The interface stands outside of the instance: what goes into the part comes out of here.
            way = "i" if member.flow == In else "o"
            ports[f"{way}_{'__'.join(map(str, path))}"] = signal
        m.submodules[name] = Instance(module_name(self.within, part), **ports)
        return outside


def module_name(within: str, part: Engine) -> str:
    return f"{within}_{part.name}"


def modules(engine: Engine, name: str, within: str) -> Iterator[tuple[Block, Engine, str]]:
    """Yield (block, engine, module) of an engine and, before it, of the parts that it places."""
    if engine.part is not None:
        yield from modules(engine.part, module_name(within, engine.part), within)
    yield block(engine, within), engine, name


def connect(m: Module, to: Any, of: Any) -> None:
    """Hand a rigid stream on."""
    m.d.comb += [to.valid.eq(of.valid), to.payload.eq(of.payload)]


def pins_of(component: Any) -> list[tuple[str, Value, None]]:
    """Return (name, signal, None) of every signal at a component's boundary, for Amaranth's back ends.

    A stream that is always valid or always ready has constants there, which are none.
    """
    found = ((path, Value.cast(value)) for path, _, value in component.signature.flatten(component))
    return [("__".join(map(str, path)), value, None) for path, value in found if not _fixed(value)]


def _fixed(value: Value) -> bool:
    return isinstance(value, Const)


def block(engine: Engine, within: str = "") -> Block:
    """Return the twin of a model: the class of the same name in the module of the same name."""
    module = import_module(f"{__package__}.{engine.name}")
    twin = getattr(module, type(engine).__name__)
    found: Block = twin(engine, within) if engine.part is not None else twin(engine)
    return found
