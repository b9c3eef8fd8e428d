"""Turns the run of rows into the exact counts of reports, and says what bounds them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from accelsim.arch import Channels, Fetcher, Pipeline, Roofline, Select
from accelsim.replay.exact import present
from accelsim.rows.totals import Totals, by_layer, totals
from accelsim.sim.activity import Action, Activity, BufferUse, Transfer, UnitActivity
from accelsim.sim.program import Outcome
from accelsim.sim.rows.draft import Drafted, TaskTimes, exact_sum


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Cycles that a run of rows cannot be under, by unit: the time it is at work, and the memory's rate."""

    by_unit: dict[str, int]

    @property
    def binding(self) -> str:
        return max(self.by_unit, key=lambda name: self.by_unit[name], default="nothing")


def bounds_of(drafted: Drafted) -> Bounds:
    """Return the work of each unit; of a memory, all its bursts spread evenly at its rate."""
    found: dict[str, int] = {}
    for times in drafted.tasks:
        work = sum(n for n, on in zip(times.duration, times.active, strict=True) if on)
        found[times.spec.unit] = found.get(times.spec.unit, 0) + work
    for name, (memory, bursts) in _bursts(drafted).items():
        cycles = bursts * memory.burst_time * drafted.arch.spec.clock / memory.count
        found[name] = math.ceil(cycles)
    return Bounds(by_unit=found)


def row_bounds(drafted: Drafted) -> list[str]:
    """Return, for each step, the unit that works longest on it: what bounds a stream of such rows."""
    units = list(dict.fromkeys(times.spec.unit for times in drafted.tasks))
    found = []
    for n in range(len(drafted.steps)):
        work = dict.fromkeys(units, 0)
        for times in drafted.tasks:
            if times.active[n]:
                work[times.spec.unit] += times.duration[n]
        found.append(max(units, key=lambda unit: work[unit]))
    return found


def measure_rows(drafted: Drafted, outcome: Outcome, design: str) -> Activity:
    """Return what a run did."""
    done = outcome.phases[0]
    phase = drafted.program.phases[0]
    arch = drafted.arch
    busy: dict[str, dict[str, int]] = {}
    lanes: dict[str, dict[str, int]] = {}
    for times, ticks in zip(drafted.tasks, done.busy, strict=True):
        unit, task = times.spec.unit, times.spec.task
        busy.setdefault(unit, {})[task] = ticks
        lanes.setdefault(unit, {})[task] = _active_sum(times)
    stalls: dict[str, dict[str, int]] = {}
    for queue, causes in zip(phase.queues, done.stalls, strict=True):
        stalls.setdefault(phase.resources[queue.resource], {}).update(causes)
    units = []
    for name in phase.resources:
        part = arch.spec.components[name]
        spent = sum(busy[name].values()) + sum(stalls[name].values())
        is_array = isinstance(part, Pipeline)
        units.append(
            UnitActivity(
                name=name,
                kind="array" if is_array else "fetcher" if isinstance(part, Fetcher) else "select",
                lanes=part.lanes if isinstance(part, Pipeline) else 1,
                busy_ticks=busy[name],
                stall_ticks=present(stalls[name]),
                idle_ticks=outcome.ticks - spent,
                lane_ticks=lanes[name] if is_array else {},
            )
        )
    transfers = tuple(_transfers(drafted))
    bounds = bounds_of(drafted)
    memories = _bursts(drafted)
    arrays = [u.name for u in units if u.kind != "fetcher"]
    compute = max((bounds.by_unit[name] for name in arrays), default=0)
    memory = max((bounds.by_unit[name] for name in memories), default=0)
    actions = Counter[tuple[str, str, str, str, str]]()
    for component, part_name, action, task, tensor, count in _actions(drafted):
        actions[component, part_name, action, task, tensor] += count  # type: ignore[assignment]
    return Activity(
        design=design,
        cascade=drafted.steps.rows.name,
        arch=arch.name,
        mapping=drafted.pipeline.name,
        ranks={"rows": len(drafted.steps.rows), "queries": len(drafted.steps)},
        word_bytes=arch.spec.word,
        clock_hz=Fraction(arch.spec.clock),
        ticks=outcome.ticks,
        ticks_per_cycle=1,
        units=tuple(units),
        transfers=transfers,
        actions=tuple(
            Action(component=c, part=p, action=a, einsum=e, tensor=t, count=Fraction(n))
            for (c, p, a, e, t), n in sorted(actions.items())
            if n
        ),
        buffers=tuple(
            BufferUse(
                name=name,
                capacity_bytes=buffer.size,
                charged_bytes=buffer.size,
                peak_bytes=done.buffer_peak.get(name, 0),
                by_tensor={
                    pool.name: most
                    for pool, most in zip(phase.pools, done.pool_peak, strict=True)
                    if pool.buffer == name
                },
                integral=done.buffer_integral.get(name, 0),
            )
            for name, buffer in arch.buffers.items()
        ),
        ops=_ops(drafted),
        compute_cycles=Fraction(compute),
        memory_cycles=Fraction(memory),
        bottleneck=bounds.binding,
        assumptions=tuple(_assumptions(drafted)),
    )


def trace_figures(drafted: Drafted, outcome: Outcome) -> dict[str, Any]:
    """Return the section ``trace`` of the JSON output: totals of the rows, by layer, and what bounds them.

    ``kv_bytes`` are those of the rows, ``moved_bytes`` those of whole bursts; dense figures are of all
    tokens (32 bits), executed ones are what the units did, a second pass over the keys included.
    """
    rows = drafted.steps.rows
    bound_by = row_bounds(drafted)
    every = totals(rows)
    bounds = bounds_of(drafted)
    by_unit = Counter(bound_by)
    layers: dict[int, Counter[str]] = {}
    for step, unit in zip(drafted.steps.steps, bound_by, strict=True):
        layers.setdefault(rows.rows[step.row].layer, Counter())[unit] += 1
    seconds = Fraction(outcome.ticks) / drafted.arch.spec.clock
    return {
        "source": rows.source,
        **every.to_dict(),
        "bounds": dict(bounds.by_unit),
        "binding": bounds.binding,
        "rows_bound_by": dict(by_unit.most_common()),
        "by_layer": [
            {
                "layer": layer,
                **_without_dense(each),
                "rows_bound_by": dict(layers[layer].most_common()),
            }
            for layer, each in by_layer(rows)
        ],
        "memory": {
            name: _memory(memory, bursts, seconds, drafted)
            for name, (memory, bursts) in _bursts(drafted).items()
        },
        "operations_per_second": {
            "executed": float(2 * (_executed(drafted)) / seconds) if seconds else 0.0,
            "dense_equivalent": float(2 * every.dense_macs / seconds) if seconds else 0.0,
        },
        "selection": {
            times.spec.task: _selection(times) for times in drafted.tasks if times.passes
        },
    }


def _without_dense(each: Totals) -> dict[str, Any]:
    return {key: n for key, n in each.to_dict().items() if not key.startswith("dense")}


def _executed(drafted: Drafted) -> int:
    return _ops(drafted).get("mac", 0)


def _selection(times: TaskTimes) -> dict[str, float]:
    mine = [n for n, on in enumerate(times.active) if on]
    count = len(mine) or 1
    return {
        "requests": len(mine),
        "mean_cycles": sum(times.duration[n] for n in mine) / count,
        "mean_passes": sum(times.passes[n] for n in mine) / count,
        "worst_cycles": max((times.duration[n] for n in mine), default=0),
    }


def _memory(memory: Channels, bursts: int, seconds: Fraction, drafted: Drafted) -> dict[str, float]:
    """Rates in bytes a second: nothing lost, over the whole time, and while the fetcher is at work."""
    moved = bursts * memory.burst
    busy = sum(
        n
        for times in drafted.tasks
        if times.fetched
        for n, on in zip(times.duration, times.active, strict=True)
        if on
    )
    alone = sum(one.busiest for times in drafted.tasks for one in times.fetched)
    at_work = Fraction(busy) / drafted.arch.spec.clock
    needed = sum(sum(times.needed_bits) for times in drafted.tasks)
    return {
        "peak_bytes_per_second": float(memory.bandwidth),
        "achieved_bytes_per_second": float(moved / seconds) if seconds else 0.0,
        "busy_bytes_per_second": float(moved / at_work) if at_work else 0.0,
        "moved_bytes": moved,
        "needed_bytes": -(-needed // 8),
        "imbalance": alone * memory.count / bursts if bursts else 1.0,
    }


def _bursts(drafted: Drafted) -> dict[str, tuple[Channels, int]]:
    found: dict[str, tuple[Channels, int]] = {}
    for times in drafted.tasks:
        unit = drafted.arch.spec.components[times.spec.unit]
        if isinstance(unit, Fetcher):
            memory = drafted.arch.spec.components[unit.memory]
            assert isinstance(memory, Channels)
            before = found.get(unit.memory, (memory, 0))[1]
            found[unit.memory] = (memory, before + sum(one.bursts for one in times.fetched))
    return found


def _active_sum(times: TaskTimes) -> int:
    return sum(n for n, on in zip(times.elements, times.active, strict=True) if on)


def _transfers(drafted: Drafted) -> Iterator[Transfer]:
    found: Counter[tuple[str, str, str]] = Counter()
    for times in drafted.tasks:
        unit = drafted.arch.spec.components[times.spec.unit]
        if times.spec.moves is not None and isinstance(unit, Fetcher):
            way = "read" if times.spec.loads is not None else "write"
            found[unit.memory, way, times.spec.moves.tensor] += _active_sum(times)
    for (memory, way, tensor), moved in sorted(found.items()):
        yield Transfer(memory=memory, direction=way, tensor=tensor, bytes=Fraction(moved))


def _ops(drafted: Drafted) -> dict[str, int]:
    found: Counter[str] = Counter()
    for times in drafted.tasks:
        unit = drafted.arch.spec.components[times.spec.unit]
        if isinstance(unit, Pipeline):
            for op, each in unit.ops.items():
                found[op] += each * _active_sum(times)
        elif isinstance(unit, Select):
            found["compare"] += _active_sum(times)
        elif isinstance(unit, Roofline):
            found["mac"] += _active_sum(times)
    return dict(sorted(found.items()))


Counted = tuple[str, str, str, str, str, int | Fraction]


def _actions(drafted: Drafted) -> Iterator[Counted]:
    """Yield (component, part, action, task, tensor, count)."""
    components = drafted.arch.spec.components
    for times in drafted.tasks:
        task, unit = times.spec.task, components[times.spec.unit]
        total = _active_sum(times)
        if isinstance(unit, Pipeline):
            for op, each in unit.ops.items():
                yield times.spec.unit, op, "compute", task, task, each * total
        elif isinstance(unit, Roofline):
            spent = sum(n for n, on in zip(times.duration, times.active, strict=True) if on)
            yield times.spec.unit, "roofline", "compute", task, task, spent
        elif isinstance(unit, Select):
            yield times.spec.unit, "select", "compute", task, task, total
        elif isinstance(unit, Fetcher) and times.spec.moves is not None:
            way = "read" if times.spec.loads is not None else "write"
            yield unit.memory, "dram", way, task, times.spec.moves.tensor, total
        for action, amounts in (("read", times.spec.reads), ("write", times.spec.writes)):
            for buffer, expression in amounts.items():
                active = times.active
                if action == "write":  # what a load brings for several heads is written for each
                    active = [times.active[n] for n in _own_loads(times, drafted)]
                moved = exact_sum(drafted.steps.exact(expression), drafted.steps, active)
                rows = moved / drafted.arch.buffers[buffer].row
                yield buffer, "buffer", action, task, times.spec.task, rows


def _own_loads(times: TaskTimes, drafted: Drafted) -> list[int]:
    """The step whose load brings the data of a step: a head's own, once for all its queries."""
    steps = drafted.steps.steps
    return [n if step.query else times.serves[n] for n, step in enumerate(steps)]


def _assumptions(drafted: Drafted) -> Iterator[str]:
    yield from drafted.arch.spec.assumptions
    yield from drafted.pipeline.spec.assumptions
    yield from drafted.steps.rows.assumptions
    rows = drafted.steps.rows
    if not rows.kept_keys:
        yield f"places of kept keys and values are not known: drawn with seed {drafted.seed}"
    if not rows.weights and any(times.passes for times in drafted.tasks):
        yield f"weights are not known: selected from in random order, seed {drafted.seed}"


__all__ = ["Bounds", "bounds_of", "measure_rows", "row_bounds", "trace_figures"]
