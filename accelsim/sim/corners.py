"""Whether a run does the same at all corners of the places where it may be taken again.

Every condition has to hold *by itself* at all corners: a guard is off everywhere for one and the same
reason, a need is met everywhere for one and the same reason; see ``stretch``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.sim.gaps import Gap, Gaps, Run
from accelsim.sim.stepper import DONE, OFFERED
from accelsim.sim.verify import FOREVER, Plane, Verifier

MOST = 2048  # prefixes of a task that are looked at in a run
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
FAR = FOREVER // 2


@dataclass(frozen=True, kw_only=True)
class Corner:
    """A place on the lines: ``j`` drifts and ``i`` strides from where a run was seen."""

    j: int
    i: int = 0


class Place:
    """One run at all corners: columns are corners, the first where it was seen."""

    def __init__(
        self,
        verifier: Verifier,
        level: int,
        gaps: Gaps,
        run: Run,
        begin: Ints,
        end: Ints,
        at: Sequence[Corner],
    ) -> None:
        self.verifier, self.level, self.gaps, self.run = verifier, level, gaps, run
        self.begin, self.end = begin, end
        self.js, self.places = np.array([c.j for c in at]), np.array([c.i for c in at])
        one = next((n for n, c in enumerate(at) if (c.j, c.i) == (0, 1)), 0)
        self.strided = slice(one, one + 1)  # the corner that is one stride away
        self.stepper, self.row, self.top = verifier.stepper, gaps.row, verifier.tops[level]

    def gap(self, queue: int) -> Gap | None:
        """The gap of a queue, if there is one."""
        return self.gaps.of(self.run, queue)

    def task_fits(self, task: int) -> bool:
        """Whether a task does the same at all corners of all that its queue looks at."""
        queue = self.stepper.owner[task]
        where = self._prefixes(task, queue)
        if where is None:
            return False
        inside = (where >= 0) & (where < self.top)
        is_in = inside.all(axis=1)
        out = (where < 0).all(axis=1) | (where >= self.top).all(axis=1)
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

    def gap_fits(self, queue: int, gap: Gap) -> bool:
        """Whether a queue has nothing to do in its gap at any corner, for one reason before and after."""
        row, count = self.row, self.gaps.count
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
                if empty.any() or where.min() < 0 or where.max() >= self.top:
                    return False
                guard = self.verifier.guards[self.level][task][0]
                off, _ = self._holds(guard, self._digits(where))
                if not off.all():
                    return False
        return True

    def _prefixes(self, task: int, queue: int) -> Ints | None:
        """Return the prefixes that a task's queue looks at, by corner; None if they make no sense."""
        row, shift = self.row, self.stepper.shift[task]
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


__all__ = ["Corner", "Place"]
