"""The figures of a run that a choice among mappings can make least."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from accelsim.errors import SpecError
from accelsim.sim.activity import Activity


def cycles(activity: Activity) -> Fraction:
    return Fraction(activity.ticks, activity.ticks_per_cycle)


def figure(activity: Activity, name: str) -> Any:
    """Return a figure to be least: cycles (whole), traffic_bytes."""
    figures = {
        "cycles": -(-activity.ticks // activity.ticks_per_cycle),
        "traffic_bytes": sum(t.bytes for t in activity.transfers),
    }
    if name not in figures:
        raise SpecError(f"objective must be one of {', '.join(figures)}, not {name!r}")
    return figures[name]
