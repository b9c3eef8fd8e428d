"""A view of a timeline as the page takes it: short lists, times in ticks."""

from __future__ import annotations

from typing import Any

from accelsim.sim.timeline import View


def drawing_of(view: View) -> dict[str, Any]:
    """Return a view as plain lists; slices are [unit, task, begin, ticks, place in the loops, why]."""
    reasons = {why: n for n, why in enumerate(dict.fromkeys(s.why for s in view.slices))}
    return {
        "name": view.name,
        "phase": view.phase,
        "loops": list(view.loops),
        "units": list(view.units),
        "tasks": list(view.tasks),
        "first": view.first,
        "last": view.last,
        "marked": view.marked,
        "repeats": view.repeats,
        "per_cycle": view.ticks_per_cycle,
        "why": list(reasons),
        "slices": [
            [
                s.unit,
                s.task,
                s.begin - view.first,
                s.ticks,
                ".".join(map(str, s.at)),
                reasons[s.why],
            ]
            for s in view.slices
        ],
        "held": {
            buffer: {
                "tensors": list(levels[0][1]),
                "levels": [[tick - view.first, *held.values()] for tick, held in levels],
            }
            for buffer, levels in view.held.items()
            if levels
        },
    }
