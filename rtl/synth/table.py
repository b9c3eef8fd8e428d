"""A cost table from what synthesis measured: rows with their source, and the whole provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from accelsim import __version__
from accelsim.errors import SpecError
from accelsim.rtl.synth.library import Library
from accelsim.rtl.synth.mapped import tool
from accelsim.rtl.synth.measure import OPERATIONS, RUNS, Measured, Priced

LIMITS = (
    "from synthesis, before layout: no wires, no clock tree, no clock gating",
    "gate-level energy at zero delay: no glitches",
)


def known(library: Library) -> Mapping[str, Any]:
    """Return what the package knows of a library: ``node``, ``dont_use``, ``source``."""
    text = Path(__file__).with_name("libraries.yaml").read_text(encoding="utf-8")
    for entry in yaml.safe_load(text)["libraries"]:
        if fnmatch(library.name, entry["match"]):
            found: Mapping[str, Any] = entry
            return found
    return {}


def dont_use(library: Library, more: Sequence[str] = ()) -> tuple[str, ...]:
    return (*known(library).get("dont_use", ()), *more)


@dataclass(frozen=True)
class Entry:
    """What one engine puts into a table, and under which name, if not its own.

    ``apart`` leaves out of an operation what a cycle without one costs, as clock gating would.
    """

    measured: Measured
    part: str | None = None
    where: Mapping[str, int] | None = None
    apart: bool = False
    figure: bool = False
    """Without rows of its own: what it measures is for derived rows."""

    @property
    def whole(self) -> bool:
        """An engine that is several parts is one of its own, each of its operations an action of it."""
        engine = self.measured.engine
        parts = {operation.part for operation in engine.operations}
        return self.part is None and len(parts) > 1 and engine.name not in parts

    def keys(self, part: str) -> dict[str, Any]:
        engine = self.measured.engine
        where = engine.attributes if self.where is None else self.where
        own = engine.name if self.whole else part
        return {"part": self.part or own} | ({"where": dict(where)} if where else {})

    def energy_pj(self, priced: Priced) -> float:
        standing = self.measured.idle_fj * priced.cycles / priced.operations if self.apart else 0.0
        return (priced.energy_fj - standing) / 1000


@dataclass(frozen=True)
class Extra:
    """What a table has besides measured rows: a table behind it, assumptions, derived rows."""

    extends: str | None = None
    assumptions: Sequence[str] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    areas: Sequence[Mapping[str, Any]] = ()


def table(
    name: str,
    entries: Sequence[Entry],
    library: Library,
    period_ps: float,
    extra: Extra = Extra(),
) -> str:
    """Return the text of ``arch_specs/costs/NAME.yaml``; energies are those of attention values."""
    corner = f"{library.name} at {library.voltage:g} V"
    head = {
        "name": name,
        "source": f"accelsim's RTL, mapped by {tool()} onto {corner}",
        "node": str(known(library).get("node", library.name)),
        "leakage": "known only of what was synthesized",
    }
    if extra.extends is not None:
        head["extends"] = extra.extends
    figures: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for entry in entries:
        own = _rows(entry, corner, figures)
        rows += [] if entry.figure else own
    rows += [_filled(row, figures) for row in extra.rows]
    areas = [_area(entry, corner) for entry in entries if not entry.figure]
    areas += [_filled(row, figures) for row in extra.areas]
    return document(
        head,
        rows,
        areas,
        (*LIMITS, *extra.assumptions),
        dict(_provenance(entries, library, period_ps)),
    )


def document(
    head: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    areas: Sequence[Mapping[str, Any]],
    assumptions: Sequence[str],
    provenance: Mapping[str, str],
    writer: str = "synth",
) -> str:
    """Return a table as text."""
    lines = [
        f"# Written by accelsim {__version__}, {writer}; write it again rather than edit it.",
        *(f"{key}: {_quoted(value)}" for key, value in head.items()),
        "rows:",
        *map(_line, rows),
        "areas:",
        *map(_line, areas),
        "assumptions:",
        *(f"  - {_quoted(text)}" for text in assumptions),
        "provenance:",
        *(f"  {key}: {_quoted(text)}" for key, text in provenance.items()),
    ]
    return "\n".join(lines) + "\n"


def _rows(entry: Entry, corner: str, figures: dict[str, str]) -> list[dict[str, Any]]:
    rows = []
    found = entry.measured
    for operation in found.engine.operations:
        kinds = {p.kind: p for p in found.priced if p.operation == operation}
        first, second = kinds["attention"], kinds["random"]
        energy, other = (short(entry.energy_pj(each)) for each in (first, second))
        figures[f"{{{found.engine.name}.{operation.name}}}"] = energy
        standing = short(found.idle_fj / 1000)
        clock = (
            f"without the {standing} pJ that the clock costs in any cycle, which no row charges"
            if entry.apart
            else f"registers' clock pins are {first.clock:.0%} of it"
        )
        rows.append(
            entry.keys(operation.part)
            | {
                "action": operation.name if entry.whole else operation.action,
                "energy_pj": energy,
                "source": f"{corner}: {_called(found)}, {operation.name}; gate-level toggles of "
                f"{first.operations} operations on attention values (random bits: {other} pJ); "
                f"{clock}",
            }
        )
    return rows


def _area(entry: Entry, corner: str) -> dict[str, Any]:
    found = entry.measured
    mapped = found.mapped
    return entry.keys(found.engine.operations[0].part) | {
        "area_um2": short(mapped.area_um2),
        "source": f"{corner}: {_called(found)}; {mapped.cell_count} cells, {mapped.flop_count} of "
        f"them registers; critical path {found.timing.period_ps:.0f} ps; {mapped.recipe}",
        "leakage_mw": short(found.leakage_pw * 1e-9),
        "leakage_source": f"{corner}: leakage of the cells in the states that were met",
    }


def _filled(row: Mapping[str, Any], figures: Mapping[str, str]) -> dict[str, Any]:
    """Put measured figures where a row of the recipe names them."""
    found = dict(row)
    for key in ("energy_pj", "area_um2"):
        for name, figure in figures.items():
            if isinstance(found.get(key), str):
                found[key] = found[key].replace(name, figure)
        if "{" in str(found.get(key, "")):
            raise SpecError(f"a row must name what is measured, not {found[key]!r}")
    return found


def _called(found: Measured) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in found.engine.parameters.items())
    return f"{found.engine.name} ({settings})"


def _provenance(
    entries: Sequence[Entry], library: Library, period_ps: float
) -> list[tuple[str, str]]:
    found = [("tool", tool()), ("clock_period_ps", f"{period_ps:g}")]
    for n, file in enumerate(library.files):
        found.append((f"liberty_{n}", f"{file.path.name}: {file.name}, sha256 {file.sha256}"))
    found += [
        ("dont_use", " ".join(dont_use(library))),
        ("stimulus", f"{RUNS} runs of {OPERATIONS} operations, seeds 0 to {RUNS - 1}, second half"),
        ("timing", _TIMING),
        ("energy", _ENERGY),
    ]
    for n, entry in enumerate(entries):
        each = entry.measured
        text = (
            f"{_called(each)}: {each.mapped.cell_count} cells, {short(each.mapped.area_um2)} um^2, "
            f"{each.timing.period_ps:.1f} ps, idle {short(each.idle_fj / 1000)} pJ a cycle; "
            f"{each.checked} outputs of the netlist equal to the model's"
        )
        found.append((f"engine_{n}", text))
    return found


_TIMING = (
    "static, of the library's tables; inputs at the clock's edge from its smallest buffer, outputs "
    "drive four of its inputs; setup included"
)
_ENERGY = (
    "toggles x C V^2 / 2 of the pins on each net, and the library's energy of each edge at its slew "
    "and load; leakage apart"
)


def _line(row: Mapping[str, Any]) -> str:
    parts = []
    for key, value in row.items():
        if isinstance(value, Mapping):
            inner = ", ".join(f"{name}: {_plain(each)}" for name, each in value.items())
            parts.append(f"{key}: {{{inner}}}")
        else:
            parts.append(f"{key}: {_plain(value)}")
    return "  - " + "\n    ".join(parts)


def _plain(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) and " " in value else str(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def short(value: float) -> str:
    """Write a figure as the tables have it: four digits, no exponent."""
    return format(Decimal(f"{value:.3e}").normalize(), "f")
