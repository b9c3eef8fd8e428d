"""Where a task may be active: the next iteration in which its guard can hold, and the last one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import replace

from accelsim.sim.plan import row_major
from accelsim.sim.program import ALWAYS, Guard, Phase, Task


class Active:
    """The iterations of a task in which its guard may hold for some k.

    Exact but for ``k``: with half planes that look at k an iteration found may yet be inactive.
    """

    def __init__(self, phase: Phase, task: Task) -> None:
        self.total = phase.iterations
        self.table = task.looked_up if task.kinds else None
        self._phase, self._guard = phase, task.guard
        self._is_free = task.guard == ALWAYS
        self._forward = _search(phase, task.guard)
        self._backward: Callable[[int], int] | None = None

    def next(self, start: int) -> int:
        """The first iteration from ``start`` (at least 0) on; the number of iterations: none."""
        while start < self.total:
            listed = start
            if self.table is not None:
                place = bisect_left(self.table, start)
                listed = self.table[place] if place < len(self.table) else self.total
            if self._is_free or listed >= self.total:
                return listed
            start = self._forward(listed)
            if self.table is None or start == listed:
                return start
        return self.total

    def last(self, stop: int) -> int:
        """The last iteration up to ``stop``; -1: none."""
        end = self.total - 1
        stop = min(stop, end)
        if self._backward is None:
            self._backward = _search(self._phase, _turned(self._phase, self._guard))
        while stop >= 0:
            listed = stop
            if self.table is not None:
                place = bisect_right(self.table, stop)
                listed = self.table[place - 1] if place else -1
            if self._is_free or listed < 0:
                return listed
            stop = end - self._backward(end - listed)
            if self.table is None or stop == listed:
                return stop
        return -1


def _turned(phase: Phase, guard: Guard) -> Guard:
    """The guard with every digit counted from its other end."""
    ends = [loop.count - 1 for loop in phase.loops]
    planes = tuple(
        replace(
            plane,
            coefficients=tuple(-c for c in plane.coefficients),
            constant=plane.constant
            + sum(c * end for c, end in zip(plane.coefficients, ends, strict=True)),
        )
        for plane in guard.half_planes
    )
    return Guard(first=guard.last, last=guard.first, half_planes=planes)


def _search(phase: Phase, guard: Guard) -> Callable[[int], int]:
    """A function of an iteration: the first from it on that is in the guard, or how many there are.

    Written out as Python source: a loop for each digit, within what the half planes leave of it if the
    digits after it do all they can, and from the digit of the start on while all before are its own.
    """
    rows, counts = row_major(phase), [loop.count for loop in phase.loops]
    levels = range(len(counts))
    low = [counts[n] - 1 if n in guard.last else 0 for n in levels]
    high = [0 if n in guard.first else counts[n] - 1 for n in levels]
    planes = [(p.coefficients, p.constant + max(p.inner, default=0)) for p in guard.half_planes]
    lines = ["def search(i):"]
    lines += [f"    s{n} = i // {rows[n]}" + (f" % {counts[n]}" if n else "") for n in levels]
    lines += [f"    v{p} = {constant}" for p, (_, constant) in enumerate(planes)]
    for n in levels:
        pad = "    " * (n + 1)
        least, most = [str(low[n])], [str(high[n])]
        least.append(f"(s{n} if t{n - 1} else 0)" if n else "s0")
        for p, (coefficients, _) in enumerate(planes):
            rest = sum(max(c * low[m], c * high[m]) for m, c in enumerate(coefficients) if m > n)
            value, step = f"{f'v{p}' if n == 0 else f'v{p}_{n - 1}'} + {rest}", coefficients[n]
            if step > 0:
                least.append(f"-(({value}) // {step})")
            elif step < 0:
                most.append(f"({value}) // {-step}")
            elif n == 0:  # further in, the digits before have been chosen so that it is not below 0
                lines.append(f"{pad}if {value} < 0: return {phase.iterations}")
        highest = most[0] if len(most) == 1 else f"min({', '.join(most)})"
        lines.append(f"{pad}for x{n} in range(max({', '.join(least)}), {highest} + 1):")
        inner = pad + "    "
        before = f"t{n - 1} and " if n else ""
        lines.append(f"{inner}t{n} = {before}x{n} == s{n}")
        for p, (coefficients, _) in enumerate(planes):
            value = f"v{p}" if n == 0 else f"v{p}_{n - 1}"
            lines.append(f"{inner}v{p}_{n} = {value} + {coefficients[n]} * x{n}")
    found = " + ".join(f"{rows[n]} * x{n}" for n in levels)
    lines += [
        f"{'    ' * (len(counts) + 1)}return {found or '0'}",
        f"    return {phase.iterations}",
    ]
    names: dict[str, object] = {}
    exec("\n".join(lines), names)  # our own text, built from integers only
    return names["search"]  # type: ignore[return-value]


__all__ = ["Active"]
