"""The cells of a library, from one or more liberty files, in one set of units.

Times in ps, capacitances in fF, energies in fJ (a liberty's unit of energy is that of capacitance
times voltage squared), leakage in pW, areas in um^2.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from accelsim.errors import SpecError
from accelsim.rtl.synth.liberty import Group, LibraryFile

_PREFIX = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18}
_AMOUNT = re.compile(r"([\d.eE+-]+)\s*([munpfa]?)([A-Za-z]+)")


@dataclass(frozen=True)
class Table:
    """Values over (slew in ps, load in fF); linear between the points and beyond the ends."""

    slews: tuple[float, ...]
    loads: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def at(self, slew: float, load: float = 0.0) -> float:
        n, x = _place(self.slews, slew)
        m, y = _place(self.loads, load)
        rows = self.values[n : n + 2] if len(self.slews) > 1 else self.values
        lines = [row[m] + (row[m + 1] - row[m]) * y if len(row) > 1 else row[0] for row in rows]
        return lines[0] + (lines[1] - lines[0]) * x if len(lines) > 1 else lines[0]


def _place(axis: Sequence[float], value: float) -> tuple[int, float]:
    if len(axis) < 2:
        return 0, 0.0
    n = min(max(bisect_right(axis, value) - 1, 0), len(axis) - 2)
    return n, (value - axis[n]) / (axis[n + 1] - axis[n])


@dataclass(frozen=True)
class Arc:
    """Delay and slew from a pin to an output, for each edge of the output."""

    related: str
    sense: str  # positive_unate, negative_unate or non_unate
    edge: bool  # from a clock's rising edge
    delay: dict[str, Table]  # by "rise" and "fall"
    slew: dict[str, Table]


@dataclass(frozen=True)
class Setup:
    """Time before the clock's edge; tables over (slew of the data pin, slew of the clock)."""

    before: dict[str, Table]


@dataclass(frozen=True)
class Power:
    """Energy inside the cell for each edge of its pin, in fJ; ``when`` as liberty has it."""

    related: str | None
    when: str
    energy: dict[str, Table]


@dataclass(frozen=True)
class Pin:
    """A pin: an input has a capacitance, an output a function and arcs."""

    name: str
    output: bool
    capacitance_ff: float
    function: str
    clock: bool
    arcs: tuple[Arc, ...]
    setup: tuple[Setup, ...]
    power: tuple[Power, ...]


@dataclass(frozen=True)
class State:
    """A flip-flop's inside: the names of its value and inverse, and what it takes at a rising edge."""

    value: str
    inverse: str
    next_state: str
    clock: str


@dataclass(frozen=True)
class Cell:
    name: str
    area_um2: float
    pins: dict[str, Pin]
    state: State | None
    leakage_pw: tuple[tuple[str, float], ...]
    """By state (``when``); an empty one is the rest."""

    @property
    def inputs(self) -> list[Pin]:
        return [pin for pin in self.pins.values() if not pin.output]

    @property
    def outputs(self) -> list[Pin]:
        return [pin for pin in self.pins.values() if pin.output]


class Library:
    """Cells by name from liberty files that go together (as ASAP7's five do)."""

    def __init__(self, paths: Sequence[Path]) -> None:
        if not paths:
            raise SpecError("--liberty must be given at least once")
        self.files = [LibraryFile(path) for path in paths]
        voltages = {file.header.number("nom_voltage") for file in self.files}
        if len(voltages) != 1 or None in voltages:
            raise SpecError("liberty files that are used together must state one nom_voltage")
        self.voltage = float(next(iter(voltages)) or 0)
        self._cells: dict[str, Cell] = {}
        self._home = {name: file for file in self.files for name in file.cells}

    def cell(self, name: str) -> Cell:
        if name not in self._cells:
            file = self._home.get(name)
            if file is None:
                raise SpecError(f"no liberty file has the cell {name!r}")
            self._cells[name] = _Reader(file).cell(file.cell(name))
        return self._cells[name]

    @property
    def name(self) -> str:
        """What the names of the files' libraries have in common."""
        first, *others = (file.name for file in self.files)
        same = next(
            (
                n
                for n, letters in enumerate(zip(first, *others, strict=False))
                if len(set(letters)) > 1
            ),
            len(first),
        )
        return first[:same].rstrip("_") or first

    @cached_property
    def buffer(self) -> Cell:
        """The smallest buffer: it drives the inputs, and is the load of the outputs."""
        found: list[Cell] = []
        for name in self._home:
            if "buf" in name.lower():
                cell = self.cell(name)
                if len(cell.inputs) == len(cell.outputs) == 1 and cell.state is None:
                    pin = cell.outputs[0]
                    if pin.function.strip("() ") == cell.inputs[0].name:
                        found.append(cell)
        if not found:
            raise SpecError(f"library {self.name} must have a buffer")
        return min(found, key=lambda cell: (cell.area_um2, cell.name))


class _Reader:
    """Reads the cells of one file into our units."""

    def __init__(self, file: LibraryFile) -> None:
        self._header = file.header
        self._time = _unit(self._header.text("time_unit", "1ns"), "s") / 1e-12
        number, unit = (self._header.attributes.get("capacitive_load_unit") or ["1", "pf"])[:2]
        self._cap = float(number) * _PREFIX[unit[:-1].lower()] / 1e-15
        self._leak = _unit(self._header.text("leakage_power_unit", "1nW"), "W") / 1e-12
        self._templates = {
            group.arguments[0]: group
            for group in self._header.groups
            if group.kind in {"lu_table_template", "power_lut_template"} and group.arguments
        }

    def cell(self, group: Group) -> Cell:
        pins = {pin.arguments[0]: self._pin(pin) for pin in group.all("pin")}
        return Cell(
            name=group.arguments[0],
            area_um2=group.number("area", 0.0) or 0.0,
            pins=pins,
            state=_state(group),
            leakage_pw=self._leakage(group),
        )

    def _pin(self, group: Group) -> Pin:
        arcs, setups = [], []
        for timing in group.all("timing"):
            kind = timing.text("timing_type", "combinational")
            related = timing.text("related_pin")
            if kind in {"combinational", "rising_edge"} and timing.first("cell_rise"):
                delay = {edge: self._table(timing, f"cell_{edge}", self._time) for edge in _EDGES}
                slew = {
                    edge: self._table(timing, f"{edge}_transition", self._time) for edge in _EDGES
                }
                sense = timing.text("timing_sense", "non_unate")
                arcs.append(Arc(related, sense, kind == "rising_edge", delay, slew))
            elif kind == "setup_rising":
                setups.append(
                    Setup(
                        {
                            e: self._table(timing, f"{e}_constraint", self._time, True)
                            for e in _EDGES
                        }
                    )
                )
        return Pin(
            name=group.arguments[0],
            output=group.text("direction") == "output",
            capacitance_ff=(group.number("capacitance", 0.0) or 0.0) * self._cap,
            function=group.text("function"),
            clock=group.text("clock") == "true",
            arcs=tuple(arcs),
            setup=tuple(setups),
            power=tuple(self._powers(group)),
        )

    def _powers(self, group: Group) -> list[Power]:
        """Read the energy of each edge.

        Where a library gives it for the power and for the ground rail, each is the charge of that
        rail times the voltage; what goes in by one comes out by the other, so that over a closed
        cycle either is the whole: their mean is taken, not their sum.
        """
        rails: dict[tuple[str, str], list[dict[str, Table]]] = {}
        for power in group.all("internal_power"):
            energy = {edge: self._table(power, f"{edge}_power", self._cap) for edge in _EDGES}
            for related in power.text("related_pin").split() or [""]:
                rails.setdefault((related, power.text("when")), []).append(energy)
        return [
            Power(related or None, when, {edge: _mean([e[edge] for e in found]) for edge in _EDGES})
            for (related, when), found in rails.items()
        ]

    def _leakage(self, group: Group) -> tuple[tuple[str, float], ...]:
        found: dict[str, float] = {}
        for leak in group.all("leakage_power"):
            when = leak.text("when")
            found[when] = found.get(when, 0.0) + (leak.number("value", 0.0) or 0.0) * self._leak
        whole = group.number("cell_leakage_power")
        if whole is not None and "" not in found:
            found[""] = whole * self._leak
        return tuple(found.items())

    def _table(self, group: Group, kind: str, unit: float, constraint: bool = False) -> Table:
        """Read a table; a constraint's axes are (constrained slew, related slew)."""
        found = group.first(kind) or group.first("power")
        if found is None:
            return Table((0.0,), (0.0,), ((0.0,),))
        template = self._templates.get(found.arguments[0] if found.arguments else "", Group("", []))
        axes = [found.numbers(f"index_{n}") or template.numbers(f"index_{n}") for n in (1, 2)]
        values = [v * unit for v in found.numbers("values")]
        rows, columns = max(len(axes[0]), 1), max(len(axes[1]), 1)
        if found.arguments == ["scalar"] or len(values) == 1:
            return Table((0.0,), (0.0,), ((values[0],),))
        if len(values) != rows * columns:
            raise SpecError(f"a table {kind} must have {rows * columns} values, not {len(values)}")
        grid = [tuple(values[n * columns : (n + 1) * columns]) for n in range(rows)]
        by_load = self._by_load(template, constraint)
        scales = [self._cap, self._time] if by_load and not constraint else [self._time, self._cap]
        if constraint:
            scales = [self._time, self._time]
        first, second = ([v * s for v in axis] for axis, s in zip(axes, scales, strict=True))
        if by_load:
            first, second = second or [0.0], first
            grid = list(zip(*grid, strict=True))
        return Table(tuple(first), tuple(second or [0.0]), tuple(grid))

    def _by_load(self, template: Group, constraint: bool) -> bool:
        """Say whether the first axis is the one that :class:`Table` has second."""
        variable = template.text("variable_1")
        return "related" in variable if constraint else "capacitance" in variable


_EDGES = ("rise", "fall")


def _mean(tables: Sequence[Table]) -> Table:
    widest = max(tables, key=lambda t: len(t.slews) * len(t.loads))
    count = len(tables)
    return Table(
        widest.slews,
        widest.loads,
        tuple(
            tuple(sum(t.at(slew, load) for t in tables) / count for load in widest.loads)
            for slew in widest.slews
        ),
    )


def _state(group: Group) -> State | None:
    found = group.first("ff")
    if found is None:
        return None
    value, inverse = found.arguments[:2]
    return State(value, inverse, found.text("next_state"), found.text("clocked_on"))


def _unit(text: str, base: str) -> float:
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or found[3] != base:
        raise SpecError(f"a unit of liberty must be such as 1n{base}, not {text!r}")
    return float(found[1]) * _PREFIX[found[2]]
