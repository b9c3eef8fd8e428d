"""Where a queue has nothing to do between the two ends of a run that drift apart.

A queue may begin a run at the end of one row and end it at the beginning of the next. The two ends then
drift apart, and what lies between is a *gap* in which none of its tasks is active.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.sim.state import Snapshot
from accelsim.sim.stepper import Stepper
from accelsim.sim.verify import SPAN

NEAR = 4  # items of their own at the beginning and at the end of a row
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was seen from ``a`` to ``b``; drifts of the ends and the stride of repeats in slots, by queue."""

    a: Snapshot
    b: Snapshot
    begin: Ints
    end: Ints
    stride: Ints


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A queue has nothing to do in slots after ``last`` and before ``first``."""

    last: int
    first: int


class NoGapError(Exception):
    """The ends of a queue drift apart, and nowhere between them is it idle."""


class Gaps:
    """The gaps of one level: rows of ``count`` prefixes of ``row`` slots each."""

    def __init__(self, stepper: Stepper, row: int, count: int) -> None:
        self.stepper, self.row, self.count = stepper, row, count
        self.known: dict[tuple[int, int, int], Gap | None] = {}

    def of(self, run: Run, queue: int) -> Gap | None:
        """Return the gap of a queue whose ends drift apart, or that goes a long way.

        NoGapError if it must have one.
        """
        begin, end = run.a.slot[queue], run.b.slot[queue]
        apart = run.begin[queue] != run.end[queue]
        if not apart and end - begin <= SPAN * self.row:
            return None
        place = (queue, begin, end)
        if place not in self.known:
            self.known[place] = self._gap(queue, begin, end)
        gap = self.known[place]
        if gap is None and apart:
            raise NoGapError
        return gap

    def _gap(self, queue: int, begin: int, end: int) -> Gap | None:
        """Return the longest way without an active item near where the row of a queue's end begins.

        A row may begin and end with items of their own, such as a load or what is done with its sum.
        """
        long = self.row * self.count
        borders = [(end - self.stepper.shift[t]) // long * long for t in self.stepper.used[queue]]
        shifts = [self.stepper.shift[t] for t in self.stepper.used[queue]]
        if any(b <= begin - shift for b, shift in zip(borders, shifts, strict=True)):
            return None
        first = min(self._next(queue, b + shift) for b, shift in zip(borders, shifts, strict=True))
        last = self._last(queue, first - 1)
        found = [Gap(last=last, first=first)]
        for _ in range(NEAR):
            last = self._last(queue, found[-1].last // self.row * self.row - 1)
            found.append(Gap(last=last, first=self._next(queue, last + 1)))
        for _ in range(NEAR):
            first = self._next(queue, (first // self.row + 1) * self.row)
            found.append(Gap(last=self._last(queue, first - 1), first=first))
        inside = [gap for gap in found if begin <= gap.last < gap.first <= end]
        return max(inside, key=lambda gap: gap.first - gap.last, default=None)

    def _next(self, queue: int, slot: int) -> int:
        """Return the first slot from one on in which a queue may have something to do."""
        stepper = self.stepper
        return min(
            stepper.active(t).next(max(0, slot - stepper.shift[t])) + stepper.shift[t]
            for t in stepper.used[queue]
        )

    def _last(self, queue: int, slot: int) -> int:
        """Return the last slot up to one in which a queue may have something to do."""
        stepper = self.stepper
        return max(
            stepper.active(t).last(min(stepper.total - 1, slot - stepper.shift[t]))
            + stepper.shift[t]
            for t in stepper.used[queue]
        )


__all__ = ["Gap", "Gaps", "NoGapError", "Run"]
