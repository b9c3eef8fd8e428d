"""The engines by name; a row per engine, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from accelsim.engines.engine import Engine
from accelsim.engines.machine import Machine
from accelsim.errors import SpecError, nearest

# Name of the engine and of its module, here and in accelsim.rtl: name of the class in both.
CLASSES: Mapping[str, str] = {
    "arithmetic": "Arithmetic",
    "array1d": "Array1D",
    "array2d": "Array2D",
    "batcher": "Batcher",
    "buffer": "Buffer",
    "column": "Column",
    "divide": "Divide",
    "exponential": "Exponential",
    "fifo": "Fifo",
    "insertion_queue": "InsertionQueue",
    "mac": "Mac",
    "pe1d": "PE1D",
    "pe2d": "PE2D",
    "pruned_attention": "PrunedAttention",
    "quick_select": "QuickSelect",
    "radix_select": "RadixSelect",
    "realigner": "Realigner",
    "running_max": "RunningMax",
    "zero_eliminator": "ZeroEliminator",
}
NAMES = tuple(sorted(CLASSES))


# Whole machines: parameters and a twin like an engine's, but sequenced by a program of the simulator.
MACHINE_CLASSES: Mapping[str, str] = {"fusemax": "FuseMax"}
MACHINES = tuple(sorted(MACHINE_CLASSES))


def machine_class(name: str) -> type[Machine]:
    """Return a machine's dataclass; SpecError names the nearest."""
    if name not in MACHINE_CLASSES:
        raise SpecError(f"unknown machine {name!r}{nearest(name, MACHINE_CLASSES)}")
    found: type[Machine] = getattr(import_module(f"{__package__}.{name}"), MACHINE_CLASSES[name])
    return found


def model_class(name: str) -> type[Engine]:
    """Return an engine's dataclass; SpecError names the nearest."""
    if name in MACHINE_CLASSES:
        raise SpecError(f"{name} is a whole machine: take one of its engines")
    if name not in CLASSES:
        raise SpecError(f"unknown engine {name!r}{nearest(name, {**CLASSES, **MACHINE_CLASSES})}")
    found: type[Engine] = getattr(import_module(f"{__package__}.{name}"), CLASSES[name])
    return found


def engine(name: str, settings: Mapping[str, str] | None = None) -> Engine:
    """Return an engine with its parameters set by text; SpecError lists what is wrong."""
    return model_class(name).of(settings or {})
