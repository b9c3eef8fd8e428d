"""When runs may be taken again along straight lines: rows under a mask, each longer than the last.

``verify`` asks whether a step goes the same way at one other place. Here it is asked for all places
``j * drift + i * stride`` with 0 <= j <= J and 0 <= i <= t + j * kappa at once. Digits, guards and needs
are linear in (j, i), and each condition below cuts a half plane; what holds at the corners of that
trapezoid holds inside. So every condition has to hold *by itself* at all corners: a guard is off
everywhere for one and the same reason, a need is met everywhere for one and the same reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from math import gcd, lcm

import numpy as np

from accelsim.sim.corners import Corner, Place
from accelsim.sim.gaps import Gaps, NoGapError, Run
from accelsim.sim.stepper import DONE, Stepper
from accelsim.sim.verify import Verifier


class Lines:
    """The checks of one level of a phase."""

    def __init__(self, verifier: Verifier, level: int) -> None:
        self.verifier, self.level = verifier, level
        self.stepper: Stepper = verifier.stepper
        self.phase = verifier.phase
        self.row = verifier.rows[level]
        self.gaps = Gaps(self.stepper, self.row, verifier.counts[level])
        self.order = list(range(len(self.phase.tasks)))  # in which tasks are looked at

    @cached_property
    def is_masked(self) -> bool:
        """Whether some task runs where this level and one around it together say so."""
        return bool(self._masks)

    @cached_property
    def _masks(self) -> list[tuple[int, ...]]:
        return [
            plane.coefficients
            for task in self.phase.tasks
            for plane in task.guard.half_planes
            if plane.coefficients[self.level] and any(plane.coefficients[: self.level])
        ]

    @cached_property
    def rhythm(self) -> tuple[int, int]:
        """The level of the rows, and after how many rows all masks have moved by whole steps."""
        level = max(n for mask in self._masks for n in range(self.level) if mask[n])
        rows = 1
        for mask in self._masks:
            if mask[level]:
                rows = lcm(rows, abs(mask[self.level]) // gcd(mask[self.level], mask[level]))
        return level, rows

    def goes(self, run: Run, corners: Sequence[Corner]) -> bool:
        """Whether a run goes the same way everywhere between where it was seen and these corners."""
        at = [Corner(j=0), Corner(j=1), *corners]
        if run.stride.any():
            at.append(Corner(j=0, i=1))
        js = np.array([c.j for c in at], dtype=np.int64)
        steps = run.stride[:, None] * np.array([c.i for c in at], dtype=np.int64)
        begin = run.begin[:, None] * js + steps
        end = run.end[:, None] * js + steps
        place = Place(self.verifier, self.level, self.gaps, run, begin, end, at)
        try:
            for task in self.order:
                if run.a.status[self.stepper.owner[task]] != DONE and not place.task_fits(task):
                    self.order.remove(task)  # it is likely to be the one the next time too
                    self.order.insert(0, task)
                    return False
            return place.in_order() and all(
                place.gap_fits(queue, gap)
                for queue in range(len(self.phase.queues))
                if (gap := place.gap(queue)) is not None
            )
        except NoGapError:
            return False


__all__ = ["Corner", "Lines", "Run"]
