"""A report's figures as plain text and as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from accelsim.units import format_duration, format_energy, format_size

Figures = Mapping[str, Any]


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an aligned table: the first column to the left, the others to the right."""
    lines = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def count(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def text_of(figures: Figures) -> str:
    """Return the report in plain text, without control characters."""
    blocks = [_header(figures)]
    blocks += ["\n".join([f"{title}:", body]) for title, body in _tables(figures)]
    blocks.append(_bottleneck(figures))
    notes = figures["assumptions"]
    if notes:
        blocks.append("\n".join(["assumptions:", *(f"- {note}" for note in notes)]))
    return "\n\n".join(blocks)


def html_of(figures: Figures) -> str:
    """Return the report as HTML for a notebook."""
    parts = [f"<p><b>{html.escape(_header(figures))}</b></p>"]
    for title, body in _grids(figures):
        heads, *rows = body
        cells = "".join(f"<th>{html.escape(head)}</th>" for head in heads)
        lines = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in rows
        )
        parts.append(
            f"<table><caption>{html.escape(title)}</caption>"
            f"<thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"
        )
    parts.append(f"<p>{html.escape(_bottleneck(figures))}</p>")
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in figures["assumptions"])
    if notes:
        parts.append(f"<details><summary>assumptions</summary><ul>{notes}</ul></details>")
    return "<div>" + "\n".join(parts) + "</div>"


def _header(figures: Figures) -> str:
    ranks = " ".join(f"{rank}={n}" for rank, n in figures["workload"].items())
    return (
        f"{figures['design']}: {figures['cascade']} on {figures['arch']} ({ranks}): "
        f"{count(figures['cycles'])} cycles, {format_duration(figures['seconds'])}"
    )


def _tables(figures: Figures) -> list[tuple[str, str]]:
    return [(title, table(grid[0], grid[1:])) for title, grid in _grids(figures)]


def _grids(figures: Figures) -> list[tuple[str, list[list[str]]]]:
    grids = [("units, in cycles", _units(figures)), ("traffic", _traffic(figures))]
    if figures["buffers"]:
        grids.append(("buffers", _buffers(figures)))
    if figures["energy_pj"]:
        grids.append(("energy", _energy(figures)))
    if figures["area_um2"]:
        grids.append(("area", _area(figures)))
    if "trace" in figures:
        grids += [("trace", _trace(figures)), ("layers", _layers(figures))]
    if "stages" in figures:
        grids.append(("stages", _stages(figures)))
    return grids


def _units(figures: Figures) -> list[list[str]]:
    grid = [["unit", "busy", "stall", "idle", "utilization"]]
    for name, used in figures["utilization"].items():
        busy = sum(figures["busy_cycles"][name].values())
        stall = sum(figures["stall_cycles"][name].values())
        idle = figures["idle_cycles"][name]
        grid.append([name, count(busy), count(stall), count(idle), f"{used:.2%}"])
    return grid


def _traffic(figures: Figures) -> list[list[str]]:
    grid = [["memory", "read", "write", "by tensor"]]
    for name, moved in figures["traffic_bytes"].items():
        tensors = ", ".join(f"{t} {format_size(n)}" for t, n in moved["by_tensor"].items())
        grid.append([name, format_size(moved["read"]), format_size(moved["write"]), tensors])
    return grid


def _buffers(figures: Figures) -> list[list[str]]:
    grid = [["buffer", "peak", "capacity", "by tensor"]]
    for name, use in figures["buffers"].items():
        tensors = ", ".join(f"{t} {format_size(n)}" for t, n in use["by_tensor"].items())
        grid.append(
            [name, format_size(use["peak_bytes"]), format_size(use["capacity_bytes"]), tensors]
        )
    return grid


def _energy(figures: Figures) -> list[list[str]]:
    energy = figures["energy_pj"]
    total = energy["total"]
    grid = [["component", "energy", "share"]]
    for name, pj in energy["by_component"].items():
        grid.append([name, format_energy(pj), f"{pj / total:.1%}" if total else "-"])
    grid.append(["total", format_energy(total), "100.0%" if total else "-"])
    leakage = energy["leakage"]
    grid.append(["leakage", "not counted" if leakage is None else format_energy(leakage), ""])
    return grid


def _area(figures: Figures) -> list[list[str]]:
    area = figures["area_um2"]
    rows = [*area["by_component"].items(), ("total", area["total"])]
    return [["component", "mm2"], *([name, f"{um2 / 1e6:.4g}"] for name, um2 in rows)]


def _stages(figures: Figures) -> list[list[str]]:
    grid = [["stage", "cycles", "share", "energy"]]
    for stage in figures["stages"]:
        share = stage["cycles"] / figures["cycles"] if figures["cycles"] else 0.0
        energy = stage["energy_pj"]
        cost = format_energy(energy["total"]) if energy else "-"
        grid.append([stage["name"], count(stage["cycles"]), f"{share:.1%}", cost])
    return grid


def _trace(figures: Figures) -> list[list[str]]:
    trace = figures["trace"]
    grid = [["figure", "value"]]
    for key in ("rows", "keys", "values", "qk_macs", "pv_macs", "kv_bytes", "requantised"):
        grid.append([key, count(trace[key])])
    for unit, cycles in trace["bounds"].items():
        binds = " (binding)" if unit == trace["binding"] else ""
        grid.append([f"bound by {unit}{binds}", f"{count(cycles)} cycles"])
    for name, rate in trace["memory"].items():
        for key in ("peak", "busy", "achieved"):
            value = rate[f"{key}_bytes_per_second"] / 1e9
            grid.append([f"{name} {key}", f"{value:,.1f} GB/s"])
    for key, value in trace["operations_per_second"].items():
        grid.append([f"operations, {key.replace('_', ' ')}", f"{value / 1e9:,.1f} GOP/s"])
    return grid


def _layers(figures: Figures) -> list[list[str]]:
    grid = [["layer", "rows", "keys", "values", "K and V", "requantised", "rows bound by"]]
    for layer in figures["trace"]["by_layer"]:
        bound = ", ".join(f"{unit} {n}" for unit, n in layer["rows_bound_by"].items())
        grid.append(
            [
                str(layer["layer"]),
                *(count(layer[key]) for key in ("rows", "keys", "values")),
                format_size(layer["kv_bytes"]),
                count(layer["requantised"]),
                bound,
            ]
        )
    return grid


def _bottleneck(figures: Figures) -> str:
    found = figures["bottleneck"]
    words = f"bottleneck: {found['kind']}"
    if found["circuit"]:
        words += f": {' -> '.join(found['circuit'])}"
    if found["cycles_per_iteration"] is not None:
        words += f", {count(found['cycles_per_iteration'])} cycles an iteration"
    bound = figures["roofline"]
    return (
        f"{words}\nroofline: compute {count(bound['compute_cycles'])} cycles, "
        f"memory {count(bound['memory_cycles'])} cycles"
    )
