"""Which mappings are there for a cascade on an architecture: the one given, or those shipped."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Table
from fractions import Fraction
from pathlib import Path

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.mapping import Mapping
from accelsim.specs import names, path

AUTO = "auto"  # the name that asks for mappings made for the problem
Choice = Callable[[Table[str, int | Fraction]], list[Mapping]]  # rank sizes -> mappings that apply


def always(mapping: Mapping) -> Choice:
    """Return the choice that has one mapping for every size."""

    def choice(_: Table[str, int | Fraction]) -> list[Mapping]:
        return [mapping]

    return choice


def given(mapping: str | Mapping | None, cascade: Cascade, arch: Architecture) -> Choice | None:
    """Return the mappings of a cascade on an architecture: the one given, those shipped, or None."""
    if isinstance(mapping, Mapping):
        return always(mapping)
    if mapping == AUTO:
        return None
    names = [mapping] if mapping else _beside(cascade, arch)
    if not names:
        return None
    found = [Mapping.load(name) for name in names]
    return lambda _: found


def _beside(cascade: Cascade, arch: Architecture) -> list[str]:
    """Return the mappings of a cascade beside the file of an architecture, else those shipped for it."""
    folder = Path(arch.document.path).parent
    beside = sorted(str(f) for f in folder.glob("*.yaml") if f.name.split(".")[0] == cascade.name)
    own = {str(path("mapping", name)): name for name in shipped(arch, cascade.name)}
    return list(own.values()) if set(beside) <= set(own) else beside


def shipped(arch: Architecture, cascade: str) -> list[str]:
    """Return the names of the mappings of a cascade: the architecture's own, else those it shares."""
    for folder in (arch.spec.name, arch.spec.mappings):
        found = [n for n in names("mapping") if n.partition(".")[0] == f"{folder}/{cascade}"]
        if found:
            return found
    return []
