"""A cost table from what synthesis measured: rows with their source, and the whole provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from accelsim.rtl.synth.library import Library
from accelsim.rtl.synth.mapped import tool
from accelsim.rtl.synth.measure import OPERATIONS, RUNS, Measured

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


def table(name: str, measured: Sequence[Measured], library: Library, period_ps: float) -> str:
    """Return the text of ``arch_specs/costs/NAME.yaml``; energies are those of attention values."""
    from accelsim import __version__

    corner = f"{library.name} at {library.voltage:g} V"
    head = {
        "name": name,
        "source": f"accelsim's RTL, mapped by {tool()} onto {corner}",
        "node": str(known(library).get("node", library.name)),
        "leakage": "the library states none for these cells",
    }
    lines = [
        f"# Written by accelsim {__version__} synth; write it again rather than edit it.",
        *(f"{key}: {_quoted(value)}" for key, value in head.items()),
        "rows:",
    ]
    for each in measured:
        lines += [_line(row) for row in _rows(each, corner)]
    lines.append("areas:")
    lines += [_line(_area(each, corner)) for each in measured]
    lines.append("assumptions:")
    lines += [f"  - {_quoted(limit)}" for limit in LIMITS]
    lines.append("provenance:")
    lines += [
        f"  {key}: {_quoted(text)}" for key, text in _provenance(measured, library, period_ps)
    ]
    return "\n".join(lines) + "\n"


def _rows(found: Measured, corner: str) -> list[dict[str, Any]]:
    rows = []
    for operation in found.engine.operations:
        kinds = {p.kind: p for p in found.priced if p.operation == operation}
        first, second = kinds["attention"], kinds["random"]
        rows.append(
            _keyed(found, operation.part)
            | {
                "action": operation.action,
                "energy_pj": _short(first.energy_fj / 1000),
                "source": f"{corner}: {_called(found)}, {operation.name}; gate-level toggles of "
                f"{first.operations} operations on attention values (random bits: "
                f"{_short(second.energy_fj / 1000)} pJ); registers' clock pins {first.clock:.0%}",
            }
        )
    return rows


def _area(found: Measured, corner: str) -> dict[str, Any]:
    mapped = found.mapped
    return _keyed(found, found.engine.operations[0].part) | {
        "area_um2": _short(mapped.area_um2),
        "source": f"{corner}: {_called(found)}; {mapped.cell_count} cells, {mapped.flop_count} of "
        f"them registers; critical path {found.timing.period_ps:.0f} ps; {mapped.recipe}",
        "leakage_mw": _short(found.leakage_pw * 1e-9),
        "leakage_source": f"{corner}: leakage of the cells in the states that were met",
    }


def _keyed(found: Measured, part: str) -> dict[str, Any]:
    where = found.engine.attributes
    return {"part": part} | ({"where": dict(where)} if where else {})


def _called(found: Measured) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in found.engine.parameters.items())
    return f"{found.engine.name} ({settings})"


def _provenance(
    measured: Sequence[Measured], library: Library, period_ps: float
) -> list[tuple[str, str]]:
    found = [("tool", tool()), ("clock_period_ps", f"{period_ps:g}")]
    found += [
        (f"liberty_{n}", f"{f.path.name}: {f.name}, sha256 {f.sha256}")
        for n, f in enumerate(library.files)
    ]
    found += [
        ("dont_use", " ".join(dont_use(library))),
        ("stimulus", f"{RUNS} runs of {OPERATIONS} operations, seeds 0 to {RUNS - 1}, second half"),
        (
            "timing",
            "static, of the library's tables; inputs at the clock's edge from its smallest buffer, "
            "outputs drive four of its inputs; setup included",
        ),
        (
            "energy",
            "toggles x C V^2 / 2 of the pins on each net, and the library's energy of each edge at "
            "its slew and load; leakage apart",
        ),
    ]
    for each in measured:
        found.append(
            (
                each.engine.name,
                f"{_called(each)}: {each.mapped.cell_count} cells, {_short(each.mapped.area_um2)} "
                f"um^2, {each.timing.period_ps:.1f} ps, idle {_short(each.idle_fj / 1000)} pJ a "
                f"cycle; {each.checked} outputs of the netlist equal to the model's",
            )
        )
    return found


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


def _short(value: float) -> str:
    """Four digits, without an exponent, as the tables have them."""
    if value == 0:
        return "0"
    from decimal import Decimal

    return format(Decimal(f"{value:.3e}").normalize(), "f")
