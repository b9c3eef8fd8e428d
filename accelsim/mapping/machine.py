"""The machine in RTL behind an architecture, with the numbers that a mapping gives it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Table
from math import prod
from typing import Any, get_type_hints

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.engines import machine_class
from accelsim.engines.machine import Machine
from accelsim.errors import SpecError
from accelsim.mapping.model import Block, MappingSpec
from accelsim.specs.expr import Expression


def machine_of(
    arch: Architecture,
    cascade: Cascade,
    spec: MappingSpec,
    block: Block,
    symbols: Table[str, Any],
    fault: Callable[[str], None],
) -> Machine | None:
    """Return the machine that runs a block, None if the architecture has none for the cascade.

    ``symbols`` are those of the architecture and all sizes; added are the mapping's depths, its stages (in
    iterations of the innermost loop), and how many iterations of its loops an Einsum takes at once.
    """
    engine = arch.spec.engine
    if engine is None:
        return None
    served = [engine.cascade] if isinstance(engine.cascade, str) else engine.cascade
    if cascade.name not in served:
        return None
    known = dict(symbols)
    for bind in block.bind:
        known[f"stage.{bind.einsum}"] = iterations(bind.stage, block.loops, symbols)
        taken = [loop for loop in block.loops if loop in bind.time]
        known[f"taken.{bind.einsum}"] = prod(symbols[loop.upper()] for loop in taken)
    tensors = {e.tensor for e in cascade.equations} | {t.name for t in cascade.inputs}
    depth = {**dict.fromkeys(tensors, 1), **spec.depth, **block.depth}
    known |= {f"depth.{tensor}": copies for tensor, copies in depth.items()}
    made = machine_class(engine.name)
    hints = get_type_hints(made)
    values: dict[str, Any] = {}
    try:
        for name, given in engine.set.items():
            kind = hints[name]
            if kind is int and isinstance(given, str):
                values[name] = _whole(name, given, known)
            else:
                values |= made.read({name: given}) if isinstance(given, str) else {name: given}
        return made(**values)
    except SpecError as error:
        for each in error.faults:
            fault(f"engine: {each.message}")
    except (ValueError, ArithmeticError) as error:
        fault(f"engine: {error}")
    return None


def iterations(stage: int | Table[str, int], loops: Sequence[str], symbols: Table[str, Any]) -> int:
    """Return a stage in iterations of the innermost loop; what is wrong with it is said elsewhere."""
    if isinstance(stage, int):
        return stage
    inside = {loop: loops[place + 1 :] for place, loop in enumerate(loops)}
    return sum(
        n * prod(int(symbols[other.upper()]) for other in inside.get(loop, ()))
        for loop, n in stage.items()
    )


def _whole(name: str, text: str, symbols: Table[str, Any]) -> int:
    try:
        number = Expression.parse(text).evaluate(dict(symbols))
    except (ValueError, ArithmeticError) as error:
        raise ValueError(f"{name}: {error}") from None
    if number != int(number):
        raise ValueError(f"{name} must be a whole number, not {number} ({text})")
    return int(number)
