"""A phase with fewer iterations of its outer loops: the same warm-up, period and tail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from accelsim.sim.plan import row_major
from accelsim.sim.program import Guard, Phase, Task, Wait
from accelsim.sim.walk import starts_of


def shorten(phase: Phase, budget: int) -> Phase | None:
    """Return the phase cut to at most ``budget`` starts, outermost loops first; None if it cannot be.

    They are cut to 2 and more, the last but one to 8 and the innermost not; if they must be, further.
    """
    if starts_of(phase) <= budget:
        return phase
    if phase.looks_up:
        return None
    counts = [loop.count for loop in phase.loops]
    depth = max((task.shift for task in phase.tasks), default=0)
    whole = counts[-1]
    for outer, second, least in ((2, 8, whole), (1, 8, whole), (1, 4, whole), (1, 2, 8), (1, 1, 1)):
        for level in range(len(counts)):
            floor = second if level == len(counts) - 2 else outer
            if level == len(counts) - 1:
                floor = max(least, depth + 2)
            low, high = min(floor, counts[level]), counts[level]
            while low < high:
                middle = (low + high + 1) // 2
                counts[level] = middle
                fits = starts_of(_sized(phase, counts)) <= budget
                low, high = (middle, high) if fits else (low, middle - 1)
            counts[level] = low
            if starts_of(_sized(phase, counts)) <= budget:
                return with_counts(phase, counts)
    return None


def _sized(phase: Phase, counts: Sequence[int]) -> Phase:
    loops = zip(phase.loops, counts, strict=True)
    return replace(phase, loops=tuple(replace(loop, count=n) for loop, n in loops))


def with_counts(phase: Phase, counts: Sequence[int]) -> Phase:
    """Return the phase with other loop counts: each wait is read as digits, and written anew."""
    cut = _sized(phase, counts)
    return replace(cut, tasks=tuple(_task(phase, cut, task) for task in phase.tasks))


def _task(old: Phase, new: Phase, task: Task) -> Task:
    shift = 0
    rest = task.shift
    rows = row_major(old)
    for row, wide in zip(rows, row_major(new), strict=True):
        shift += rest // row * wide
        rest %= row
    return replace(
        task,
        shift=shift,
        guard=_guard(old, new, task.guard),
        waits=tuple(_wait(old, new, wait) for wait in task.waits),
    )


def _guard(old: Phase, new: Phase, guard: Guard) -> Guard:
    """A half plane that says "the last digit" of a level goes on saying so."""
    planes = []
    for plane in guard.half_planes:
        levels = [n for n, c in enumerate(plane.coefficients) if c]
        if len(levels) == 1 and not plane.inner and plane.coefficients[levels[0]] == 1:
            (level,) = levels
            last = old.loops[level].count - 1
            if last and plane.constant == -last:
                plane = replace(plane, constant=1 - new.loops[level].count)
        planes.append(plane)
    return replace(guard, half_planes=tuple(planes))


def _wait(old: Phase, new: Phase, wait: Wait) -> Wait:
    """Levels with a stride are the consumer's digit less a distance, the others a fixed digit."""
    inner = old.tasks[wait.producer].inner
    rows = [row * inner for row in row_major(old)]
    wide = [row * inner for row in row_major(new)]
    rest, offset = divmod(wait.offset, inner)
    for level in reversed(range(len(rows))):
        count, fewer = old.loops[level].count, new.loops[level].count
        if level == 0:
            digit, rest = rest, 0
            if not wait.strides[0] and digit > 0:
                digit = min(digit, fewer - 1) if digit < count - 1 else fewer - 1
        elif wait.strides[level]:
            rest, digit = divmod(rest, count)
            if digit:
                rest, digit = rest + 1, digit - count
        else:
            rest, digit = divmod(rest, count)
            if 2 * digit >= count:
                digit += fewer - count
        offset += digit * wide[level]
    strides = tuple(
        s * after // before for s, before, after in zip(wait.strides, rows, wide, strict=True)
    )
    guard = _guard(old, new, wait.guard)
    return replace(wait, strides=strides, offset=offset, guard=guard)


def untouched(old: Phase, new: Phase) -> int:
    """Return the iterations at the beginning that are the same in both."""
    counts = [loop.count for loop in new.loops]
    cut = [n for n, loop in enumerate(old.loops) if loop.count != counts[n]]
    if not cut:
        return new.iterations
    level = max(cut)
    ahead = max((task.shift for task in old.tasks), default=0)  # these run beside it
    return max(0, (counts[level] - 1) * prod(counts[level + 1 :]) - ahead)


__all__ = ["shorten", "untouched", "with_counts"]
