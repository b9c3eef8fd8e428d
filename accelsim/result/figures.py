"""The figures of a report under the keys of the JSON output; exact until they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from accelsim.energy.account import Area, Energy
from accelsim.replay.exact import apply, each, fraction, real, written
from accelsim.result.combine import added
from accelsim.sim.activity import Activity, UnitActivity


def time_figures(activity: Activity) -> dict[str, Any]:
    """Return cycles and what each unit did in them: busy + stall + idle = cycles, for each."""
    per_cycle = activity.ticks_per_cycle
    cycles = activity.ticks // per_cycle
    units = activity.units
    return {
        "cycles": cycles,
        "seconds": real(cycles / activity.clock_hz),
        "clock_hz": plain(activity.clock_hz),
        "utilization": utilization(activity),
        "busy_cycles": {unit.name: _cycles(unit.busy_ticks, per_cycle) for unit in units},
        "stall_cycles": {unit.name: _cycles(unit.stall_ticks, per_cycle) for unit in units},
        "idle_cycles": {unit.name: plain(fraction(unit.idle_ticks, per_cycle)) for unit in units},
        "ticks_per_cycle": per_cycle,
    }


def utilization(activity: Activity) -> dict[str, float]:
    """By unit: the share of lane-cycles that do an operation; of buses and ports, of cycles."""
    if not activity.ticks:
        return {unit.name: 0.0 for unit in activity.units}
    return {unit.name: real(_work(unit) / activity.ticks) for unit in activity.units}


def traffic_figures(activity: Activity) -> dict[str, Any]:
    """Return the bytes that crossed each memory's boundary; a memory that moved none is listed."""
    buses = [unit.name for unit in activity.units if unit.kind == "dram"]
    result: dict[str, Any] = {}
    for memory in dict.fromkeys([*buses, *(t.memory for t in activity.transfers)]):
        own = [t for t in activity.transfers if t.memory == memory]
        none = {"read": Fraction(0), "write": Fraction(0)}
        ways = added([none, *({t.direction: t.bytes} for t in own)])
        tensors = added({t.tensor: t.bytes} for t in own)
        result[memory] = {**_plain(ways), "by_tensor": _plain(tensors)}
    return result


def buffer_figures(activity: Activity) -> dict[str, Any]:
    return {
        use.name: {
            "peak_bytes": use.peak_bytes,
            "capacity_bytes": use.capacity_bytes,
            "by_tensor": dict(use.by_tensor),
        }
        for use in activity.buffers
    }


def energy_figures(energy: Energy | None) -> dict[str, Any] | None:
    """Return the energy; the total is without leakage, which is null where it is not known."""
    if energy is None:
        return None
    leakage = energy.leakage_pj
    return {
        "total": real(energy.total_pj),
        "by_component": _floats(energy.by_component),
        "by_einsum": _floats(energy.by_einsum),
        "leakage": None if leakage is None else real(leakage),
    }


def area_figures(area: Area | None) -> dict[str, Any] | None:
    if area is None:
        return None
    return {"total": real(area.total_um2), "by_component": _floats(area.by_component)}


def assumptions(
    activity: Activity, energy: Energy | None, area: Area | None, more: Iterable[str]
) -> list[str]:
    """Return what is idealised, not counted or unpaid, each once."""
    texts = [*activity.assumptions, *more]
    left_out: list[str] = []  # one for each part
    if energy is None:
        texts.append("energy not counted: no cost table was given for every stage")
    else:
        texts += energy.assumptions
        left_out += [apply(_left_out, name, pj) for name, pj in energy.left_out.items()]
    if area is None:
        left_out.append("area not counted: the parts of the machine were not given")
    return [*dict.fromkeys(texts), *left_out]


def _left_out(name: str, pj: Fraction) -> str:
    return f"energy left out of the total: {name}, {float(pj):.4g} pJ"


def plain(value: Fraction) -> int | float:
    """Return a whole number as int, any other as float."""
    return written(value)


def _plain(values: Mapping[str, Fraction]) -> dict[str, int | float]:
    return {name: plain(value) for name, value in values.items()}


def _floats(values: Mapping[str, Fraction]) -> dict[str, float]:
    return {name: real(value) for name, value in values.items()}


def _cycles(ticks: Mapping[str, int], per_cycle: int) -> dict[str, int | float]:
    return each(ticks, lambda count: plain(fraction(count, per_cycle)))


def _work(unit: UnitActivity) -> Fraction:
    """Return ticks in which the unit, as a share of its lanes, does an operation."""
    if unit.kind == "array":
        return fraction(sum(unit.lane_ticks.values()), unit.lanes)
    return fraction(sum(unit.busy_ticks.values()))
