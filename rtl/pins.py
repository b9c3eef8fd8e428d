"""The signals of an engine's streams as they stand in its Verilog, and the levels on them."""

from __future__ import annotations

from accelsim.engines import Engine
from accelsim.engines.stimulus import Levels


def signals(engine: Engine) -> list[tuple[str, int, bool]]:
    """Return (name, bits, into the block) of every signal, in the order of the ports."""
    found = []
    for port in engine.ports:
        inward = port.direction == "in"
        found.append((f"{port.name}__payload", port.width, inward))
        if not port.always_valid:
            found.append((f"{port.name}__valid", 1, inward))
        if not port.always_ready:
            found.append((f"{port.name}__ready", 1, not inward))
    return found


def input_pins(engine: Engine, levels: Levels) -> list[int]:
    """Return the level of each signal into the block; a payload that is not offered is 0."""
    found = {}
    for port in engine.ports:
        value = levels.offered.get(port.name)
        found[f"{port.name}__payload"] = value or 0
        found[f"{port.name}__valid"] = int(value is not None)
        found[f"{port.name}__ready"] = int(levels.ready.get(port.name, False))
    return [found[name] for name, _, inward in signals(engine) if inward]


def output_pins(engine: Engine, levels: Levels) -> list[int]:
    """Return the level of each signal out of the block, as far as it counts.

    A payload without its valid, and readiness for a port that offers nothing, are 0: a block may
    show anything there.
    """
    found = {}
    for port in engine.ports:
        found[f"{port.name}__payload"] = levels.gives.get(port.name, 0)
        found[f"{port.name}__valid"] = int(port.name in levels.gives)
        found[f"{port.name}__ready"] = int(
            port.name in levels.takes and levels.offered.get(port.name) is not None
        )
    return [found[name] for name, _, inward in signals(engine) if not inward]
