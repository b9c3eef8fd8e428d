"""What the reference kernel starts, as a list: for tests, traces and explanations."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.sim import reference
from accelsim.sim.program import Phase
from accelsim.sim.reference import Binding


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """One task instance that started, and what fixed its start (see ``reference.Binding``)."""

    task: int
    iteration: int
    k: int
    start: int
    end: int
    queue: int
    binding: Binding


def record(phase: Phase, limit: int | None = None) -> list[Start]:
    """The first ``limit`` starts of a phase (all if None), in the order of their ticks."""
    starts: list[Start] = []

    def observer(
        task: int, iteration: int, k: int, start: int, end: int, queue: int, binding: Binding
    ) -> None:
        starts.append(
            Start(
                task=task,
                iteration=iteration,
                k=k,
                start=start,
                end=end,
                queue=queue,
                binding=binding,
            )
        )

    reference.run(phase, observer, limit)
    return starts
