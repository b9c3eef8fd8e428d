"""The flat counters of the jump kernels by name: what a phase did."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul

from accelsim.sim.program import Phase, PhaseOutcome


def causes_of(phase: Phase) -> list[str]:
    """The causes for which a queue may stall, in the order of the counters."""
    return sorted({wait.cause for task in phase.tasks for wait in task.waits})


def buffers_of(phase: Phase) -> list[str]:
    """The buffers of the pools, in the order of the peaks."""
    return sorted({pool.buffer for pool in phase.pools})


def named(
    phase: Phase,
    ticks: int,
    counters: Sequence[int],
    peak: Sequence[int],
    integral: Sequence[int],
) -> PhaseOutcome:
    """The outcome of a phase.

    ``counters`` are instances by task and class, then stalls by queue and cause; ``peak`` is of pools,
    then of buffers; ``integral`` is of pools.
    """
    causes, buffers, pools = causes_of(phase), buffers_of(phase), len(phase.pools)
    at = 0
    instances, stalls = [], []
    for task in phase.tasks:
        instances.append(tuple(counters[at : at + len(task.durations)]))
        at += len(task.durations)
    for _ in phase.queues:
        counts = counters[at : at + len(causes)]
        found = zip(causes, counts, strict=True) if any(counts) else ()
        stalls.append({cause: n for cause, n in found if n})
        at += len(causes)
    by_buffer = dict.fromkeys(buffers, 0)
    for pool, held in zip(phase.pools, integral, strict=True):
        by_buffer[pool.buffer] += held
    return PhaseOutcome(
        ticks=ticks,
        instances=tuple(instances),
        busy=tuple(
            [
                sum(map(mul, counts, task.durations))
                for counts, task in zip(instances, phase.tasks, strict=True)
            ]
        ),
        stalls=tuple(stalls),
        pool_peak=tuple(peak[:pools]),
        pool_integral=tuple(integral),
        buffer_peak=dict(zip(buffers, peak[pools:], strict=True)),
        buffer_integral=by_buffer,
    )


__all__ = ["buffers_of", "causes_of", "named"]
