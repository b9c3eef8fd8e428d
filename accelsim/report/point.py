"""The points of a page: one row of figures each, some with all that is known of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accelsim.sim.timeline import View

Figures = Mapping[str, Any]
Wait = tuple[str, str, str]  # task, what it waits for, cause
Value = str | int | float | bool | None


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What is known of a point beyond its row.

    ``figures`` are those of the JSON output of a run, ``waits`` by unit its largest wait in the steady
    state, ``texts`` titles with texts to copy (commands, YAML).
    """

    figures: Figures
    waits: Mapping[str, Wait] = field(default_factory=dict)
    views: tuple[View, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One design on one workload; ``row`` maps columns to values, names end in their units.

    ``reason`` says why it cannot run; then the row has no figures.
    """

    name: str
    group: str
    row: Mapping[str, Value]
    detail: Detail | None = None
    reason: str | None = None


def row_of(figures: Figures) -> dict[str, Value]:
    """Return the figures of a run (its JSON output) as one row, under the names of ``compare``."""
    workload = figures["workload"]
    tokens = next((workload[rank] for rank in ("M", "N", "P") if rank in workload), None)
    energy, area = figures["energy_pj"], figures["area_um2"]
    roofline, cycles = figures["roofline"], figures["cycles"]
    bound = max(roofline.values(), default=0)
    row: dict[str, Value] = {
        "design": figures["design"],
        "length": tokens,
        "seconds": figures["seconds"],
        "cycles": cycles,
        "energy_pj": energy["total"] if energy else None,
        "edp_js": energy["total"] * 1e-12 * figures["seconds"] if energy else None,
        "area_um2": area["total"] if area else None,
        "bound_share": bound / cycles if cycles else None,
    }
    arrays = [n for n in figures["utilization"] if n not in figures["traffic_bytes"]]
    for name in arrays:
        if not name.endswith(".ports"):
            row[f"utilization_{name}"] = figures["utilization"][name]
    for name, moved in figures["traffic_bytes"].items():
        row[f"traffic_{name}_bytes"] = moved["read"] + moved["write"]
    for name, use in figures["buffers"].items():
        row[f"peak_{name}_bytes"] = use["peak_bytes"]
    row["bottleneck"] = figures["bottleneck"]["kind"]
    row |= {"cascade": figures["cascade"], "arch": figures["arch"]}
    return row


def columns_of(points: Iterable[Point]) -> list[str]:
    """Return the columns of all points, in the order in which they first come; text last as given."""
    return list(dict.fromkeys(name for point in points for name in point.row))
