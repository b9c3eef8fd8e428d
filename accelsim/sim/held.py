"""What the buffers of a phase hold over time, from what its starts take and give."""

from __future__ import annotations

from collections.abc import Mapping

from accelsim.sim.lower.compute import PhaseDraft
from accelsim.sim.observe import Start
from accelsim.sim.program import Phase
from accelsim.sim.walk import class_of

Level = tuple[int, dict[str, int]]  # from this tick on, bytes by tensor


def reserved(drafts: PhaseDraft) -> dict[str, dict[str, int]]:
    """Return by buffer the bytes of each tensor that are held throughout a phase."""
    found: dict[str, dict[str, int]] = {}
    for tensor, size in drafts.reserved.items():
        found.setdefault(drafts.holder(tensor), {})[tensor] = size
    return found


class Held:
    """Collects what starts take and give; ``reserved[buffer]`` are bytes by tensor held throughout."""

    def __init__(
        self, phase: Phase, reserved: Mapping[str, Mapping[str, int]] | None = None
    ) -> None:
        self.phase = phase
        self.reserved = reserved or {}
        self.changes: list[tuple[int, int, int]] = []  # (tick, pool, amount)

    def note(self, start: Start, begin: int, end: int) -> None:
        """Note what a start takes at ``begin`` and gives at ``end`` (ticks)."""
        task = self.phase.tasks[start.task]
        if task.takes or task.gives:
            kind = class_of(self.phase, task, start.iteration, start.k)
            for pool, amounts in task.takes:
                if amounts[kind]:
                    self.changes.append((begin, pool, amounts[kind]))
            for pool, amounts in task.gives:
                if amounts[kind]:
                    self.changes.append((end, pool, -amounts[kind]))

    def levels(self, first: int, last: int) -> dict[str, list[Level]]:
        """Return by buffer what it holds between two ticks, at every change.

        The level at ``first`` stands for all that happened before; what begins at ``last`` is left out.
        """
        pools = self.phase.pools
        level = [0] * len(pools)
        found: dict[str, dict[int, dict[str, int]]] = {}
        for tick, pool, amount in sorted(self.changes):
            level[pool] += amount
            if tick < last or (tick == last and amount < 0):
                buffer = pools[pool].buffer
                held = dict(self.reserved.get(buffer, {}))
                for p, n in zip(pools, level, strict=True):
                    if p.buffer == buffer:
                        held[p.name] = held.get(p.name, 0) + n
                found.setdefault(buffer, {})[max(first, tick)] = held
        for buffer, fixed in self.reserved.items():
            if fixed and buffer not in found:
                found[buffer] = {first: dict(fixed)}
        return {buffer: list(ticks.items()) for buffer, ticks in found.items()}


__all__ = ["Held", "Level", "reserved"]
