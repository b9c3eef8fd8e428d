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
    """The error for heads that wait for ever, as (task, instance, producer, instance) each.

    It names those that wait for one another in a circle; the others wait for them.
    """
    circle = _circle(phase, blocked)
    lines = []
    for task, instance, producer, need in circle:
        resource = phase.resources[phase.queues[phase.tasks[task].queue].resource]
        lines.append(
            f"{instance_name(phase, task, instance)} on {resource}"
            f" waits for {instance_name(phase, producer, need)}"
        )
    others = len(blocked) - len(circle)
    rest = f" ({others} more wait for these)" if others else ""
    return DeadlockError(f"phase {phase.name} deadlocks: " + "; ".join(lines) + rest)


def _circle(
    phase: Phase, blocked: Sequence[tuple[int, int, int, int]]
) -> list[tuple[int, int, int, int]]:
    """Follow each blocked queue to the queue that it waits for until one comes again."""
    heads = {phase.tasks[entry[0]].queue: entry for entry in blocked}
    seen: list[int] = []
    queue = next(iter(heads), None)
    while queue is not None and queue in heads and queue not in seen:
        seen.append(queue)
        queue = phase.tasks[heads[queue][2]].queue
    if queue not in seen:  # somebody waits for an instance that nobody runs
        return list(blocked)
    assert queue is not None
    return sorted(heads[q] for q in seen[seen.index(queue) :])
