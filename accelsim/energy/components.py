"""What cost tables know a component by: its attributes, and the parts that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from accelsim.arch import (
    ArchSpec,
    Array,
    Buffer,
    Channels,
    Fetcher,
    Pipeline,
    Roofline,
    Select,
)

SLOTS = "_slots"
EACH = "_each"
PARTS = ("dram", "buffer", "register", "array", "select", "fetcher")
"""What a component may be or have besides units for operations."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """``instances`` equal parts of a component, such as the dividers of an array."""

    component: str
    part: str
    instances: int
    attributes: Mapping[str, int]


def attributes(arch: ArchSpec) -> dict[str, dict[str, int]]:
    """Return the attributes of each component.

    Buffers: ``size_bytes``, ``row_bytes``, ``ports`` if limited. Arrays: ``rows`` and ``cols`` or
    ``lanes``, ``elements``, ``depth`` (words of an element's register file), ``width_bits``, and
    ``exp_slots`` and so on: the issue slots of each operation. Pipelines: ``lanes``, ``width_bits`` and
    ``mul_each`` and so on, the operations on an element. Selection engines: ``lanes``, ``width_bits`` and
    ``engine_elements``. Fetchers: ``fetch_lanes``. Processors: ``power_mw``,
    ``clock_hz``. Memories off chip have none but ``channels``.
    """
    result: dict[str, dict[str, int]] = {}
    for name, component in arch.components.items():
        values: dict[str, int] = {}
        if isinstance(component, Buffer):
            values = {"size_bytes": component.size, "row_bytes": component.row}
            if component.ports is not None:
                values["ports"] = component.ports
        elif isinstance(component, Array):
            values = {
                **component.dimensions,
                "elements": component.elements,
                "depth": component.registers,
                "width_bits": arch.word * 8,
                **{f"{op}{SLOTS}": slots for op, slots in component.ops.items()},
            }
        elif isinstance(component, Pipeline):
            values = {
                "lanes": component.lanes,
                "width_bits": component.width,
                **{f"{op}{EACH}": count for op, count in component.ops.items()},
            }
        elif isinstance(component, Select):
            engine = component.model
            values = {
                "lanes": engine.lanes,
                "width_bits": engine.width,
                "engine_elements": engine.elements,
            }
        elif isinstance(component, Fetcher):
            values = {"fetch_lanes": component.lanes}
        elif isinstance(component, Roofline):
            values = {"power_mw": component.power_mw, "clock_hz": int(arch.clock)}
        elif isinstance(component, Channels):
            values = {"channels": component.count}
        result[name] = values
    return result


def parts(components: Mapping[str, Mapping[str, int]]) -> tuple[Part, ...]:
    """Return what the components (by their attributes) are made of.

    An array: itself (its wires and control), and for each element a register file and a unit for
    each operation. A table says with ``where: {exp_slots: "> 1"}`` that an operation needs no unit
    of its own. A pipeline: a unit for each operation of each lane (none: it costs nothing). Others are one
    part.
    """
    result: list[Part] = []
    for name, values in components.items():
        if "elements" in values:
            operations = [key.removesuffix(SLOTS) for key in values if key.endswith(SLOTS)]
            result.append(Part(component=name, part="array", instances=1, attributes=values))
            result += [
                Part(component=name, part=part, instances=values["elements"], attributes=values)
                for part in ["register", *operations]
            ]
        elif "lanes" in values and "engine_elements" not in values:
            result += [
                Part(
                    component=name,
                    part=key.removesuffix(EACH),
                    instances=values["lanes"] * count,
                    attributes=values,
                )
                for key, count in values.items()
                if key.endswith(EACH)
            ]
        else:
            marks = {
                "size_bytes": "buffer",
                "engine_elements": "select",
                "fetch_lanes": "fetcher",
                "power_mw": "roofline",
            }
            part = next((part for mark, part in marks.items() if mark in values), "dram")
            result.append(Part(component=name, part=part, instances=1, attributes=values))
    return tuple(result)
