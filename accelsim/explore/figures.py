"""The figures of a report by name: ``cycles``, ``energy_pj``, ``utilization.PE2D``, ``power_w``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from accelsim.errors import nearest

Figures = Mapping[str, Any]

USUAL = ("cycles", "seconds", "energy_pj", "area_um2", "power_w", "edp_js", "traffic_bytes")
"""Columns of every table."""

FAMILIES = ("utilization", "traffic_bytes", "buffers")
"""Tables of the report whose entries get a column each (traffic as read + write, peaks of buffers)."""

_NUMBERS = (int, float)
_HEADS = (
    *USUAL,
    *FAMILIES,
    "area_mm2",
    "energy_j",
    "buffer_bytes",
    "peak_bytes",
    "clock_hz",
    "ticks_per_cycle",
    "busy_cycles",
    "stall_cycles",
    "idle_cycles",
    "ops",
    "roofline",
    "bottleneck",
    "stages",
)


def figures_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return every number of a report by its dotted path, and those that follow from them.

    ``energy_pj`` and ``area_um2`` stand for their totals; ``power_w`` is energy over time, ``edp_js``
    energy times delay, ``buffer_bytes`` the capacity of all buffers, ``peak_bytes`` what they held at
    most (the sum of their peaks), ``traffic_bytes`` all that crossed a memory's boundary.
    """
    found: dict[str, Any] = {}
    for key, value in report.items():
        if key not in {"stages", "workload", "assumptions"}:
            _flatten(key, value, found)
    for number, stage in enumerate(report.get("stages", ())):
        name = stage.get("name", number)
        for key in ("cycles", "seconds"):
            found[f"stages.{name}.{key}"] = stage[key]
    for name in ("energy_pj", "area_um2"):
        if f"{name}.total" in found:
            found[name] = found[f"{name}.total"]
    seconds = found.get("seconds")
    energy = found.get("energy_pj")
    if energy is not None:
        found["energy_j"] = energy * 1e-12
        if seconds:
            found["power_w"] = energy * 1e-12 / seconds
            found["edp_js"] = energy * 1e-12 * seconds
    if "area_um2" in found:
        found["area_mm2"] = found["area_um2"] * 1e-6
    moved = report.get("traffic_bytes") or {}
    for name, way in moved.items():
        found[f"traffic_bytes.{name}"] = way["read"] + way["write"]
    found["traffic_bytes"] = sum(way["read"] + way["write"] for way in moved.values())
    buffers = report.get("buffers") or {}
    for key, field in (("buffer_bytes", "capacity_bytes"), ("peak_bytes", "peak_bytes")):
        found[key] = sum(use[field] for use in buffers.values())
    return found


def columns_of(figures: Iterable[str]) -> list[str]:
    """Return the figures of every table, in order: the usual ones, then those of units and memories."""
    names = list(figures)
    found = [name for name in USUAL if name in names]
    found += [n for n in names if n.startswith("utilization.")]
    found += [n for n in names if n.startswith("traffic_bytes.") and n.count(".") == 1]
    found += [n for n in names if n.startswith("buffers.") and n.endswith(".peak_bytes")]
    return list(dict.fromkeys(found))


def head_fault(name: str) -> str | None:
    """Return what is wrong with a figure's name that no report of any machine can have."""
    head = name.partition(".")[0]
    if head in _HEADS:
        return None
    return f"must be a figure of the report, not {name!r}{nearest(name, _HEADS)}"


def fault(name: str, figures: Figures) -> str | None:
    """Return what is wrong with a figure's name in view of a report."""
    value = figures.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None
    numbers = [k for k, v in figures.items() if isinstance(v, int | float)]
    return f"must be a figure of the report, not {name!r}{_near(name, numbers)}"


def _near(name: str, known: list[str]) -> str:
    hint = nearest(name, known)
    if "did you mean" in hint:
        return hint
    family = [k for k in known if k.startswith(f"{name.partition('.')[0]}.")]
    return f"; known: {', '.join(family[:12])}" if family else ""


def _flatten(name: str, value: Any, found: dict[str, Any]) -> None:
    if isinstance(
        value, dict
    ):  # a report is plain data: the check is made for every entry of every point
        if name == "bottleneck" and "kind" in value:
            found[name] = value["kind"]
        for key, entry in value.items():
            if isinstance(entry, dict):
                _flatten(f"{name}.{key}", entry, found)
            elif isinstance(entry, _NUMBERS) and not isinstance(entry, bool):
                found[f"{name}.{key}"] = entry
    elif isinstance(value, _NUMBERS) and not isinstance(value, bool):
        found[name] = value
