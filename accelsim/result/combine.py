"""Stages run one after another as one: times and counts added, each stage up to a whole cycle."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeVar

from accelsim.sim.activity import Activity, BufferUse, UnitActivity

_Count = TypeVar("_Count", int, Fraction)


@dataclass(frozen=True, kw_only=True)
class Roofline:
    """Lower bounds of the time, in cycles."""

    compute_cycles: Fraction
    memory_cycles: Fraction


def whole_cycles(activity: Activity) -> Activity:
    """Return the stage up to a whole cycle: what its last cycle has left is idle."""
    per_cycle = activity.ticks_per_cycle
    rest = -activity.ticks % per_cycle
    units = tuple(replace(unit, idle_ticks=unit.idle_ticks + rest) for unit in activity.units)
    return replace(activity, ticks=activity.ticks + rest, units=units)


def combined(stages: Sequence[Activity]) -> Activity:
    """Return stages that run one after another as one, in the finest of their ticks.

    A unit that a stage does not have is idle in it. Buffers keep the highest of their peaks.
    """
    if not stages:
        raise ValueError("a report must have at least one stage")
    whole = [whole_cycles(stage) for stage in stages]
    for stage in whole:
        _check_times(stage)
    if len(whole) == 1:
        return whole[0]
    per_cycle = math.lcm(*(stage.ticks_per_cycle for stage in whole))
    fine = [_rescaled(stage, per_cycle // stage.ticks_per_cycle) for stage in whole]
    first = fine[0]
    if any(stage.clock_hz != first.clock_hz for stage in fine):
        raise ValueError("stages must run at one clock")
    names = dict.fromkeys(unit.name for stage in fine for unit in stage.units)
    return replace(
        first,
        cascade=_joined(stage.cascade for stage in fine),
        mapping=_joined(stage.mapping for stage in fine),
        ranks=_common(stage.ranks for stage in fine),
        ticks=sum(stage.ticks for stage in fine),
        units=tuple(_unit(name, fine) for name in names),
        transfers=tuple(transfer for stage in fine for transfer in stage.transfers),
        actions=tuple(action for stage in fine for action in stage.actions),
        buffers=_buffers(fine),
        ops=added(stage.ops for stage in fine),
        compute_cycles=sum((stage.compute_cycles for stage in fine), Fraction(0)),
        memory_cycles=sum((stage.memory_cycles for stage in fine), Fraction(0)),
        bottleneck=max(fine, key=lambda stage: stage.ticks).bottleneck,
        assumptions=tuple(dict.fromkeys(a for stage in fine for a in stage.assumptions)),
    )


def added(tables: Iterable[Mapping[str, _Count]]) -> dict[str, _Count]:
    """Return the sum of tables, name by name."""
    result: dict[str, _Count] = {}
    for table in tables:
        for name, count in table.items():
            result[name] = result[name] + count if name in result else count
    return result


def _check_times(stage: Activity) -> None:
    for unit in stage.units:
        spent = sum(unit.busy_ticks.values()) + sum(unit.stall_ticks.values()) + unit.idle_ticks
        assert spent == stage.ticks, (
            f"{unit.name}: {spent} ticks of {stage.ticks} are accounted for"
        )


def _rescaled(stage: Activity, factor: int) -> Activity:
    units = tuple(
        replace(
            unit,
            busy_ticks={k: n * factor for k, n in unit.busy_ticks.items()},
            stall_ticks={k: n * factor for k, n in unit.stall_ticks.items()},
            idle_ticks=unit.idle_ticks * factor,
            lane_ticks={k: n * factor for k, n in unit.lane_ticks.items()},
        )
        for unit in stage.units
    )
    buffers = tuple(replace(b, integral=b.integral * factor) for b in stage.buffers)
    return replace(
        stage,
        ticks=stage.ticks * factor,
        ticks_per_cycle=stage.ticks_per_cycle * factor,
        units=units,
        buffers=buffers,
    )


def _unit(name: str, stages: Sequence[Activity]) -> UnitActivity:
    own = [unit for stage in stages for unit in stage.units if unit.name == name]
    absent = sum(stage.ticks for stage in stages if all(unit.name != name for unit in stage.units))
    return UnitActivity(
        name=name,
        kind=own[0].kind,
        lanes=own[0].lanes,
        busy_ticks=added(unit.busy_ticks for unit in own),
        stall_ticks=added(unit.stall_ticks for unit in own),
        idle_ticks=sum(unit.idle_ticks for unit in own) + absent,
        lane_ticks=added(unit.lane_ticks for unit in own),
    )


def _buffers(stages: Sequence[Activity]) -> tuple[BufferUse, ...]:
    by_name: dict[str, list[BufferUse]] = {}
    for stage in stages:
        for use in stage.buffers:
            by_name.setdefault(use.name, []).append(use)
    result = []
    for name, uses in by_name.items():
        tensors = dict.fromkeys(tensor for use in uses for tensor in use.by_tensor)
        result.append(
            BufferUse(
                name=name,
                capacity_bytes=uses[0].capacity_bytes,
                charged_bytes=max(use.charged_bytes for use in uses),
                peak_bytes=max(use.peak_bytes for use in uses),
                by_tensor={t: max(use.by_tensor.get(t, 0) for use in uses) for t in tensors},
                integral=sum(use.integral for use in uses),
            )
        )
    return tuple(result)


def _joined(names: Iterable[str]) -> str:
    return " + ".join(dict.fromkeys(names))


def _common(tables: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the ranks that no two stages give different sizes."""
    sizes: dict[str, set[int]] = {}
    for table in tables:
        for rank, size in table.items():
            sizes.setdefault(rank, set()).add(size)
    return {rank: next(iter(found)) for rank, found in sizes.items() if len(found) == 1}
