"""Words for what a kernel has to tell."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.errors import DeadlockError
from accelsim.sim.plan import row_major
from accelsim.sim.program import Phase


def instance_name(phase: Phase, number: int, instance: int) -> str:
    """``RM[m1=0,p1=3]``, with ``#k`` where the task has inner instances."""
    task = phase.tasks[number]
    iteration, k = divmod(instance, task.inner)
    digits = [
        f"{loop.name}={iteration // row if n == 0 else iteration // row % loop.count}"
        for n, (loop, row) in enumerate(zip(phase.loops, row_major(phase), strict=True))
    ]
    inner = f"#{k}" if task.inner > 1 else ""
    return f"{task.name}[{','.join(digits)}]{inner}"


def deadlock(phase: Phase, blocked: Sequence[tuple[int, int, int, int]]) -> DeadlockError:
    """The error for heads that wait for ever, as (task, instance, producer, instance) each."""
    lines = []
    for task, instance, producer, need in blocked:
        resource = phase.resources[phase.queues[phase.tasks[task].queue].resource]
        lines.append(
            f"{instance_name(phase, task, instance)} on {resource}"
            f" waits for {instance_name(phase, producer, need)}"
        )
    return DeadlockError(f"phase {phase.name} deadlocks: " + "; ".join(lines))
