"""Maps a block onto a library with Yosys and ABC: the cells, and how they are wired."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from accelsim.errors import AccelsimError
from accelsim.rtl.synth.library import Cell, Library

Net = int | str
"""A number, or "0" or "1"."""

# Yosys ends its process on an error: what counts is the word at the end.
_SCRIPT = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for command in sys.argv[1:]:
    ys.run_pass(command, design)
print("accelsim: mapped")
"""


@dataclass(frozen=True)
class Recipe:
    """How Yosys multiplies, and how ABC maps: ``small`` as Yosys has it, ``fast`` restructured."""

    booth: bool
    fast: bool

    def __str__(self) -> str:
        return (
            f"{'fast' if self.fast else 'small'}, {'Booth' if self.booth else 'plain'} multipliers"
        )


# Depth is cut by regrouping cones of logic twice, then cells are sized for four fifths of the
# period, as ABC sees no clock-to-output delay and no setup.
_FAST = (
    "strash;dch;&get,-n;&st;&if,-g,-K,6;&synch2;&dch,-f;&nf;&put;"
    "&get,-n;&st;&if,-g,-K,6;&dch;&nf;&put;"
    "buffer,-c,-N,8;topo;upsize,-D,{tight};dnsize,-D,{loose};stime,-p"
)


@dataclass(frozen=True)
class Instance:
    """A cell in its place: the net on each pin."""

    name: str
    cell: Cell
    nets: dict[str, Net]


@dataclass(frozen=True)
class Mapped:
    """A flat netlist of library cells; ports have their nets, least significant first."""

    instances: tuple[Instance, ...]
    ports: dict[str, tuple[Net, ...]]
    inputs: tuple[str, ...]
    initial: dict[int, int]
    """What a net of a register holds at the start, where the block says so."""
    recipe: Recipe

    @cached_property
    def area_um2(self) -> float:
        return sum(instance.cell.area_um2 for instance in self.instances)

    @property
    def cell_count(self) -> int:
        return len(self.instances)

    @property
    def flop_count(self) -> int:
        return sum(instance.cell.state is not None for instance in self.instances)

    @property
    def kinds(self) -> Counter[str]:
        return Counter(instance.cell.name for instance in self.instances)

    @cached_property
    def load_ff(self) -> dict[Net, float]:
        """Capacitance of the pins on each net; no wire."""
        found: dict[Net, float] = {}
        for instance in self.instances:
            for pin in instance.cell.inputs:
                net = instance.nets[pin.name]
                found[net] = found.get(net, 0.0) + pin.capacitance_ff
        return found


def synthesize(
    text: str,
    top: str,
    library: Library,
    recipe: Recipe,
    *,
    period_ps: float,
    dont_use: Sequence[str] = (),
) -> Mapped:
    """Map RTLIL ``text`` by one recipe.

    Raises AccelsimError if the extra ``synth`` is missing or Yosys refuses.
    """
    tool()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "top.il").write_text(text)
        buffer = library.buffer
        (folder / "abc.constr").write_text(
            f"set_driving_cell {buffer.name}\nset_load {4 * buffer.inputs[0].capacitance_ff:.4f}\n"
        )
        libraries = []
        for n, file in enumerate(library.files):
            plain = folder / f"{n}.lib"
            plain.write_text(file.for_mapping)
            libraries.append(f"-liberty {plain}")
        unused = " ".join(f"-dont_use {each}" for each in dont_use)
        flops = f"{' '.join(libraries)} {unused}"
        script = _FAST.format(tight=round(0.8 * period_ps), loose=round(0.9 * period_ps))
        sized = f"-script +{script}" if recipe.fast else f"-D {round(period_ps)}"
        commands = [
            f"read_rtlil {folder / 'top.il'}",
            f"synth {'-booth ' if recipe.booth else ''}-flatten -top {top}",
            f"dfflibmap {flops}",
            f"abc {flops} -constr {folder / 'abc.constr'} {sized}",
            "setundef -zero",
            "opt_clean -purge",
            f"write_json {folder / 'top.json'}",
        ]
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, *commands],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
        )
        if done.returncode or "accelsim: mapped" not in done.stdout:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise AccelsimError(f"Yosys could not map {top}: {' '.join(reason)}")
        module = json.loads((folder / "top.json").read_text())["modules"][top]
    return _read(module, library, recipe)


def tool() -> str:
    """Return the name and version of what maps."""
    try:
        return f"pyosys {version('pyosys')}"
    except PackageNotFoundError:
        raise AccelsimError(
            "synthesis needs the extra 'synth': pip install 'accelsim[synth]'"
        ) from None


def _read(module: dict[str, Any], library: Library, recipe: Recipe) -> Mapped:
    instances = []
    for name, cell in module["cells"].items():
        if cell["type"].startswith("$"):
            if cell["type"] == "$scopeinfo":
                continue
            raise AccelsimError(f"no cell of the library does what {cell['type']} does")
        nets = {pin: _net(bits[0]) for pin, bits in cell["connections"].items() if bits}
        instances.append(Instance(name, library.cell(cell["type"]), nets))
    initial: dict[int, int] = {}
    for net in module["netnames"].values():
        init = net["attributes"].get("init", "")
        for bit, value in zip(net["bits"], reversed(init), strict=False):
            if isinstance(bit, int) and value in "01":
                initial[bit] = int(value)
    ports = module["ports"]
    return Mapped(
        instances=tuple(instances),
        ports={name: tuple(_net(bit) for bit in port["bits"]) for name, port in ports.items()},
        inputs=tuple(name for name, port in ports.items() if port["direction"] == "input"),
        initial=initial,
        recipe=recipe,
    )


def _net(bit: int | str) -> Net:
    return bit if isinstance(bit, int) else ("1" if bit == "1" else "0")
