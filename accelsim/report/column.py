"""What a column is: its title, its kind of quantity and whether less or more is better, by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# End of the name -> kind of quantity, which the page formats; the longest end that fits counts.
KINDS = {
    "_bytes": "bytes",
    "_pj": "energy",
    "_um2": "area",
    "_mm2": "area_mm2",
    "_js": "edp",
    "_hz": "frequency",
    "seconds": "time",
    "_s": "time",
    "_ns": "time_ns",
    "_w": "power",
    "_share": "share",
    "cycles": "count",
    "length": "tokens",
}
LESS = {"bytes", "energy", "area", "area_mm2", "edp", "time", "time_ns", "power"}
MORE = {"share"}
TITLES = {
    "length": "tokens",
    "seconds": "time",
    "energy_pj": "energy",
    "edp_js": "energy × delay",
    "area_um2": "area",
    "bound_share": "of roofline",
    "speedup": "speed-up",
    "energy_ratio": "energy, relative",
}


def column_of(name: str, values: Sequence[Any], goal: str | None = None) -> dict[str, Any]:
    """Return what the page needs of a column: key, title, kind and goal ("less", "more" or "")."""
    known = [value for value in values if value is not None]
    numeric = bool(known) and all(
        isinstance(v, int | float) and not isinstance(v, bool) for v in known
    )
    kind = _kind(name) if numeric else "text"
    return {
        "key": name,
        "title": _title(name, numeric),
        "kind": kind,
        "goal": _goal(name, kind) if goal is None else goal,
    }


def _goal(name: str, kind: str) -> str:
    if kind in LESS or name in {"cycles", "energy_ratio"}:
        return "less"
    return "more" if kind in MORE or name == "speedup" else ""


def _kind(name: str) -> str:
    if name.startswith("utilization_"):
        return "share"
    ends = [end for end in KINDS if name == end.removeprefix("_") or name.endswith(end)]
    return KINDS[max(ends, key=len)] if ends else "number"


def _title(name: str, numeric: bool) -> str:
    if name in TITLES:
        return TITLES[name]
    for begin, word in (("utilization_", "busy"), ("traffic_", "moved"), ("peak_", "held")):
        if name.startswith(begin):
            return f"{name.removeprefix(begin).removesuffix('_bytes')} {word}"
    if numeric:
        for end in sorted(KINDS, key=len, reverse=True):
            if end.startswith("_") and name.endswith(end):
                return name.removesuffix(end).replace("_", " ")
    return name.replace("_", " ")
