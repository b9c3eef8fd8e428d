"""When runs may be taken again along straight lines: rows under a mask, each longer than the last.

``verify`` asks whether a step goes the same way at one other place. Here it is asked for all places
``j * drift + i * stride`` with 0 <= j <= J and 0 <= i <= t + j * kappa at once. Digits, guards and needs
are linear in (j, i), and each condition below cuts a half plane; what holds at the corners of that
trapezoid holds inside. So every condition has to hold *by itself* at all corners: a guard is off
everywhere for one and the same reason, a need is met everywhere for one and the same reason.

A queue may begin a run at the end of one row and end it at the beginning of the next. The two ends then
drift apart, and what lies between is a *gap* in which none of its tasks is active.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

from accelsim.sim.state import Snapshot
from accelsim.sim.stepper import DONE, OFFERED, Stepper
from accelsim.sim.verify import FOREVER, SPAN, Plane, Verifier

NEAR = 4  # items of their own at the beginning and at the end of a row
MOST = 2048  # prefixes of a task that are looked at in a run
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
FAR = FOREVER // 2


@dataclass(frozen=True, kw_only=True)
class Corner:
    """A place on the lines: ``j`` drifts and ``i`` strides from where a run was seen."""

    j: int
    i: int = 0


@dataclass(frozen=True, kw_only=True)
class Run:
    """What was seen from ``a`` to ``b``; drifts of the ends and the stride of repeats in slots, by queue."""

    a: Snapshot
    b: Snapshot
    begin: Ints
    end: Ints
    stride: Ints


@dataclass(frozen=True, kw_only=True)
class _Gap:
    """A queue has nothing to do in slots after ``last`` and before ``first``."""

    last: int
    first: int


class _NoGapError(Exception):
    """The ends of a queue drift apart, and nowhere between them is it idle."""


class Lines:
    """The checks of one level of a phase."""

    def __init__(self, verifier: Verifier, level: int) -> None:
        self.verifier, self.level = verifier, level
        self.stepper: Stepper = verifier.stepper
        self.phase = verifier.phase
        self.row = verifier.rows[level]
        self.count = verifier.counts[level]
        self.top = verifier.tops[level]
        self.gaps: dict[tuple[int, int, int], _Gap | None] = {}
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
        place = _Place(self, run, begin, end, at)
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
        except _NoGapError:
            return False

    def gap(self, run: Run, queue: int) -> _Gap | None:
        """Return the gap of a queue whose ends drift apart, or that goes a long way.

        _NoGapError if it must have one.
        """
        begin, end = run.a.slot[queue], run.b.slot[queue]
        apart = run.begin[queue] != run.end[queue]
        if not apart and end - begin <= SPAN * self.row:
            return None
        place = (queue, begin, end)
        if place not in self.gaps:
            self.gaps[place] = self._gap(queue, begin, end)
        gap = self.gaps[place]
        if gap is None and apart:
            raise _NoGapError
        return gap

    def _gap(self, queue: int, begin: int, end: int) -> _Gap | None:
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
        found = [_Gap(last=last, first=first)]
        for _ in range(NEAR):
            last = self._last(queue, found[-1].last // self.row * self.row - 1)
            found.append(_Gap(last=last, first=self._next(queue, last + 1)))
        for _ in range(NEAR):
            first = self._next(queue, (first // self.row + 1) * self.row)
            found.append(_Gap(last=self._last(queue, first - 1), first=first))
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


class _Place:
    """One run at all corners: columns are corners, the first where it was seen."""

    def __init__(
        self,
        lines: Lines,
        run: Run,
        begin: Ints,
        end: Ints,
        at: Sequence[Corner],
    ) -> None:
        self.lines, self.run, self.at = lines, run, at
        self.begin, self.end = begin, end
        self.js, self.places = np.array([c.j for c in at]), np.array([c.i for c in at])
        one = next((n for n, c in enumerate(at) if (c.j, c.i) == (0, 1)), 0)
        self.strided = slice(one, one + 1)  # the corner that is one stride away
        self.stepper, self.verifier, self.level = lines.stepper, lines.verifier, lines.level

    def gap(self, queue: int) -> _Gap | None:
        """The gap of a queue, if there is one."""
        return self.lines.gap(self.run, queue)

    def task_fits(self, task: int) -> bool:
        """Whether a task does the same at all corners of all that its queue looks at."""
        queue = self.stepper.owner[task]
        where = self._prefixes(task, queue)
        if where is None:
            return False
        inside = (where >= 0) & (where < self.lines.top)
        is_in = inside.all(axis=1)
        out = (where < 0).all(axis=1) | (where >= self.lines.top).all(axis=1)
        if not (is_in | out).all():
            return False
        where = where[is_in]
        if not len(where):
            return True
        digits = self._digits(where)
        if not self._is_linear(digits):
            return False
        spec = self.stepper.phase.tasks[task]
        guards = self.verifier.guards[self.level][task]
        off, alike = self._holds(guards[0], digits)
        for level in spec.ragged:
            edge = ~level if level < 0 else level
            if edge <= self.level:
                wanted = 0 if level < 0 else self.verifier.counts[edge] - 1
                is_at = digits[edge] == wanted
                alike &= is_at.all(axis=1) | (~is_at).all(axis=1)
        fits = off | alike
        for number, wait in enumerate(spec.waits):
            if not fits.all():
                return False
            none, alike = self._holds(guards[number + 1], digits)
            need = np.full(where.shape, wait.offset, dtype=np.int64)
            for stride, digit in zip(wait.strides, digits, strict=False):
                if stride:
                    need += stride * digit
            inside_add = self.verifier.reach[self.level][task][number]
            met = self._alike(wait.producer, need, *inside_add)
            fits &= off | none | (alike & met)
        return bool(fits.all())

    def in_order(self) -> bool:
        """Whether the queues of a bus keep the order of their slots, which decides ties."""
        stepper, run, begin, end = self.stepper, self.run, self.begin, self.end
        for resource in stepper.buses:
            spans: list[tuple[Ints, Ints]] = []
            for queue, owned in enumerate(stepper.resource):
                low, high = run.a.slot[queue], run.b.slot[queue]
                if owned != resource or run.a.status[queue] == DONE:
                    continue
                still = low == high and run.a.item[queue] == run.b.item[queue]
                if still and OFFERED not in (run.a.status[queue], run.b.status[queue]):
                    continue
                gap = self.gap(queue)
                if gap is not None:
                    spans.append((low + begin[queue], gap.last + begin[queue]))
                    spans.append((gap.first + end[queue], high + end[queue]))
                else:
                    spans.append((low + begin[queue], high + begin[queue]))
            for n, (low_n, high_n) in enumerate(spans):
                for low_m, high_m in spans[:n]:
                    together = (low_n - low_n[0] == low_m - low_m[0]).all()
                    if not (together or (high_n < low_m).all() or (high_m < low_n).all()):
                        return False
        return True

    def gap_fits(self, queue: int, gap: _Gap) -> bool:
        """Whether a queue has nothing to do in its gap at any corner, for one reason before and after."""
        row, count = self.lines.row, self.lines.count
        for task in self.stepper.used[queue]:
            shift = self.stepper.shift[task]
            low = (gap.last - shift) // row + self.begin[queue] // row
            high = (gap.first - shift) // row + self.end[queue] // row
            border = high // count * count
            parts = [(low + 1, border - 1), (border, high - 1)]
            if (low >= border).all():  # within a row
                parts = [(low + 1, high - 1)]
            elif (low // count != border // count - 1).any():
                return False
            for first, last in parts:
                empty = first > last
                if empty.all():
                    continue
                where = np.concatenate([first, last])[None, :]
                if empty.any() or where.min() < 0 or where.max() >= self.lines.top:
                    return False
                guard = self.verifier.guards[self.level][task][0]
                off, _ = self._holds(guard, self._digits(where))
                if not off.all():
                    return False
        return True

    def _prefixes(self, task: int, queue: int) -> Ints | None:
        """Return the prefixes that a task's queue looks at, by corner; None if they make no sense."""
        row, shift = self.lines.row, self.stepper.shift[task]
        begin, end = self.begin[queue], self.end[queue]
        a, b = self.run.a.slot[queue] - shift, self.run.b.slot[queue] - shift
        if (begin % row).any() or (end % row).any():
            return None
        if (self.run.b.slot[queue] + end >= self.stepper.slots).any():
            return None
        gap = self.gap(queue)
        spans = [(a // row, b // row, begin // row)]
        if gap is not None:
            last, first = (gap.last - shift) // row, (gap.first - shift) // row
            if last >= first:
                return None
            spans = [(a // row, last, begin // row), (first, b // row, end // row)]
        if sum(y - x for x, y, _ in spans) > MOST:
            return None
        return np.concatenate(
            [np.arange(x, y + 1, dtype=np.int64)[:, None] + moved for x, y, moved in spans]
        )

    def _digits(self, where: Ints) -> list[Ints]:
        digits = []
        for count in reversed(self.verifier.counts[1 : self.level + 1]):
            digits.append(where % count)
            where = where // count
        return [where, *reversed(digits)]

    def _is_linear(self, digits: list[Ints]) -> bool:
        """Whether digits go along the lines without carrying over."""
        all_digits = np.stack(digits)
        first = all_digits[:, :, :1]
        drift, stride = all_digits[:, :, 1:2] - first, all_digits[:, :, self.strided] - first
        return bool((all_digits == first + drift * self.js + stride * self.places).all())

    def _holds(
        self,
        guard: tuple[list[int], list[int], list[Plane]],
        digits: list[Ints],
    ) -> tuple[Flags, Flags]:
        """Where a guard is off everywhere for one reason; where all of it is the same everywhere."""
        first, last, planes = guard
        off = np.zeros(len(digits[0]), dtype=np.bool_)
        alike = np.ones(len(digits[0]), dtype=np.bool_)
        wanted = [(n, 0) for n in first] + [(n, self.verifier.counts[n] - 1) for n in last]
        for level, edge in wanted:
            is_at = digits[level] == edge
            off |= (~is_at).all(axis=1)
            alike &= is_at.all(axis=1)
        for coefficients, constant, low, high, grain in planes:
            value = np.full(digits[0].shape, constant, dtype=np.int64)
            for c, digit in zip(coefficients, digits, strict=False):
                if c:
                    value += c * digit
            off |= (value + high < 0).all(axis=1)
            alike &= (value + low >= 0).all(axis=1) | (value // grain == value[:, :1] // grain).all(
                axis=1
            )
        return off, alike

    def _alike(self, task: int, need: Ints, low: int, high: int) -> Flags:
        """Where needs of a producer are met everywhere in one and the same way."""
        a, b, stepper = self.run.a, self.run.b, self.stepper
        queue, inner, shift = stepper.owner[task], stepper.inner[task], stepper.shift[task]
        begin, end = self.begin[queue] * inner, self.end[queue] * inner
        least, most, moved = need + low, need + high, need - need[:, :1]
        gap = self.gap(queue)
        last = (gap.last + 1 - shift) * inner - 1 if gap else FAR
        first = (gap.first - shift) * inner if gap else FAR
        real = (least >= 0).all(axis=1)
        known = (most < a.reached[task] + begin).all(axis=1)
        found: Flags = np.all(most < 0, axis=1)  # met for being negative
        found |= (most < a.reached[task] - a.window[task] + begin).all(axis=1)  # long over
        found |= real & (least >= b.reached[task] + end).all(axis=1)  # out of reach
        # With what is before a gap, or after it; what is in the gap is passed over at one time.
        found |= (real | known) & ((moved == begin) & (most < first + end)).all(axis=1)
        if gap:
            found |= real & ((moved == end) & (least > last + begin)).all(axis=1)
            found |= real & ((least > last + begin) & (most < first + end)).all(axis=1)
        return found


__all__ = ["Corner", "Lines", "Run"]
