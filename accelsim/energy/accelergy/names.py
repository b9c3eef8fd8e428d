"""How components are called in Accelergy's files: dotted from the top, with counts of instances."""

from __future__ import annotations

import re
from collections.abc import Mapping

from accelsim.energy.components import PARTS
from accelsim.ops import KINDS

VERSION = 0.4
INSTANCES = re.compile(r"\[(\d+)(?:\.\.(\d+))?\]")
READABLE = (0.2, 0.3, 0.4)


def full_name(arch: str, component: str, part: str) -> str:
    """Return ``fusemax.PE2D.mac``: Accelergy knows one class a component, so each part is one."""
    return f"{arch}.{component}.{part}"


def place(name: str, parts: Mapping[str, str]) -> tuple[str | None, str]:
    """Return (component, part) of a name: as ``parts`` says of its last word, or by its last two.

    A component of None stands for all. ``chip.PE2D[0..3].mac`` is the mac of PE2D; of ``chip.GLB``
    only the part GLB is known, which ``{"GLB": "GLB buffer"}`` makes the buffer of the component GLB.
    """
    words = INSTANCES.sub("", name).split(".")
    last = words[-1]
    if last in parts:
        given = parts[last].split()
        return (given[0], " ".join(given[1:])) if len(given) > 1 else (None, given[0])
    if len(words) > 1 and (last in PARTS or last in KINDS):
        return words[-2], last
    return None, last
