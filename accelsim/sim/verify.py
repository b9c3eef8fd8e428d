"""When a step may be taken at another place of the nest: the conditions, checked exactly.

A step moves its anchored queues and leaves the others. Taken ``shift`` slots further on it goes the
same way if every item it looks at has the same *signature* there (the guards and classes as far as
its digits decide them), and if every wait it looks at finds the same: a need at the same distance
from what the producer has reached, or one that is long over, or one that stays out of reach.
Prefixes ``X = iteration // row`` stand for all iterations under them, with bounds for what the inner
levels add.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd

from accelsim.sim.plan import linear, row_major
from accelsim.sim.program import Guard
from accelsim.sim.state import Snapshot, Step
from accelsim.sim.stepper import DONE, Stepper

SPAN = 64  # longest run of prefixes in a step that is worth checking
FOREVER = 1 << 62
OFF: tuple[tuple[object, ...], tuple[int | None, ...]] = (("off",), ())
Info = tuple[tuple[object, ...], tuple[int | None, ...]]
# Coefficients, constant, the least and most that inner levels add, and what all they add is a multiple of.
Plane = tuple[tuple[int, ...], int, int, int, int]


def _bounds(
    coefficients: tuple[int, ...], counts: list[int], level: int, inner: tuple[int, ...]
) -> tuple[int, int]:
    low = min(inner, default=0)
    high = max(inner, default=0)
    for c, count in zip(coefficients[level + 1 :], counts[level + 1 :], strict=True):
        low += min(0, c * (count - 1))
        high += max(0, c * (count - 1))
    return low, high


def _grain(
    coefficients: tuple[int, ...], counts: list[int], level: int, inner: tuple[int, ...]
) -> int:
    """What every sum from inside is a multiple of: values with one quotient by it hold for the same."""
    pairs = zip(coefficients[level + 1 :], counts[level + 1 :], strict=True)
    return gcd(*(c for c, count in pairs if count > 1), *inner) or 1


class Verifier:
    """The checks for one phase; signatures are kept."""

    def __init__(self, stepper: Stepper, ref: int) -> None:
        self.stepper = stepper
        self.phase = stepper.phase
        self.ref = ref
        self.rows = row_major(self.phase)
        self.counts = [loop.count for loop in self.phase.loops]
        self.tops = [stepper.total // row for row in self.rows]
        levels, tasks = range(len(self.rows)), self.phase.tasks
        self.cache: list[list[dict[int, Info]]] = [[{} for _ in tasks] for _ in levels]
        # (level, task) -> per wait the least and most that inner levels add to the need.
        self.reach = [
            [[_bounds(w.strides, self.counts, n, w.inner) for w in t.waits] for t in tasks]
            for n in levels
        ]
        self.guards = [
            [[self._guard(g, n) for g in (t.guard, *(w.guard for w in t.waits))] for t in tasks]
            for n in levels
        ]
        self.infos = [[self._compile(n, t) for t in range(len(tasks))] for n in levels]

    def _guard(self, guard: Guard, level: int) -> tuple[list[int], list[int], list[Plane]]:
        return (
            [n for n in guard.first if n <= level],
            [n for n in guard.last if n <= level],
            [
                (
                    p.coefficients,
                    p.constant,
                    *_bounds(p.coefficients, self.counts, level, p.inner),
                    _grain(p.coefficients, self.counts, level, p.inner),
                )
                for p in guard.half_planes
            ],
        )

    def digits(self, level: int, prefix: int) -> list[int]:
        digits = []
        for n in range(level, -1, -1):
            prefix, digit = divmod(prefix, self.counts[n])
            digits.append(digit)
        return digits[::-1]

    def info(self, level: int, task: int, prefix: int) -> Info:
        """(signature, needs at inner digits and k of 0 by wait; None: guarded off)."""
        cache = self.cache[level][task]
        found = cache.get(prefix)
        if found is None:
            found = cache[prefix] = self.infos[level][task](prefix)
        return found

    def _compile(self, level: int, task: int) -> Callable[[int], Info]:
        """``info`` of one level and task, written out as Python source."""
        spec, counts = self.phase.tasks[task], self.counts
        rows = [row // self.rows[level] for row in self.rows[: level + 1]]
        lines = [f"    if not 0 <= i < {self.tops[level]}: return OFF"]
        sign, needs = [], []
        for w, (first, last, planes) in enumerate(self.guards[level][task]):
            tests = [f"d{n} == 0" for n in first] + [f"d{n} == {counts[n] - 1}" for n in last]
            for m, (coefficients, constant, low, high, grain) in enumerate(planes):
                value = linear(coefficients[: level + 1], constant, rows)
                lines.append(f"    v{w}_{m} = {value}")
                tests.append(f"v{w}_{m} + {high} >= 0")
                held, lost = f"v{w}_{m} + {low} >= 0", f"v{w}_{m} + {high} < 0"
                sign.append(f"None if {held} else 'never' if {lost} else v{w}_{m} // {grain}")
            test = " and ".join(tests)
            if w == 0:
                lines.extend([f"    if not ({test}): return OFF"] if test else [])
                continue
            wait = spec.waits[w - 1]
            need = linear(wait.strides[: level + 1], wait.offset, rows)
            needs.append(f"({need}) if {test} else None" if test else need)
            sign.extend([test] if test else [])
        sign += [f"d{n} == {counts[n] - 1}" for n in spec.ragged if 0 <= n <= level]
        sign += [f"d{~n} == 0" for n in spec.ragged if n < 0 and ~n <= level]
        signs, listed = ("".join(f"{part}, " for part in parts) for parts in (sign, needs))
        body = "\n".join([*lines, f"    return ({signs}), ({listed})"])
        digits = [
            f"    d{n} = i // {rows[n]} % {counts[n]}" for n in range(level + 1) if f"d{n}" in body
        ]
        names: dict[str, object] = {"OFF": OFF}
        exec("\n".join(["def info(i):", *digits, body]), names)  # our own text
        return names["info"]  # type: ignore[return-value]

    def start_signature(self, level: int, snap: Snapshot) -> tuple[object, ...]:
        """The signatures where the queues are: part of the key of the memo of a level."""
        row, stepper = self.rows[level], self.stepper
        return tuple(
            [
                ()
                if snap.status[queue] == DONE
                else self.info(level, task, (snap.slot[queue] - stepper.shift[task]) // row)[0]
                for task, queue in enumerate(stepper.owner)
            ]
        )

    def span(self, level: int, a: Snapshot, b: Snapshot) -> int:
        """The longest run of prefixes that a queue looks at in a step."""
        row = self.rows[level]
        return max(y // row - x // row for x, y in zip(a.slot, b.slot, strict=True))

    def fits(self, level: int, step: Step, at: Snapshot) -> bool:
        """Whether a step goes the same way from another state with the same key."""
        a, stepper, row = step.a, self.stepper, self.rows[level]
        shift = at.slot[self.ref] - a.slot[self.ref]
        if shift % row:
            return False
        moved = [
            shift * inner if step.anchored[q] else at.reached[t] - a.reached[t]
            for t, (inner, q) in enumerate(zip(stepper.inner, stepper.owner, strict=True))
        ]
        suspect = step.suspect
        if not self._fits(level, step, at, suspect, moved):
            return False
        for q in range(len(a.slot)):
            if q != suspect and not self._fits(level, step, at, q, moved):
                step.suspect = q  # it is likely to be the one the next time too
                return False
        return True

    def _fits(self, level: int, step: Step, at: Snapshot, q: int, moved: list[int]) -> bool:
        """Whether a queue finds in all of a step what it found then."""
        a, b, stepper, row = step.a, step.b, self.stepper, self.rows[level]
        if not step.anchored[q]:
            return a.status[q] == DONE or self._parked(q, step, at, moved)
        shift = at.slot[self.ref] - a.slot[self.ref]
        if at.slot[q] != a.slot[q] + shift or b.slot[q] + shift >= stepper.slots:
            return False
        by = shift // row
        for task in stepper.used[q]:
            first = (a.slot[q] - stepper.shift[task]) // row
            last = (b.slot[q] - stepper.shift[task]) // row
            reach = self.reach[level][task]
            waits = stepper.waits[task]
            for x in range(first, last + 1):
                mine, theirs = self.info(level, task, x), self.info(level, task, x + by)
                if mine[0] != theirs[0]:
                    return False
                for w, (n, m) in enumerate(zip(mine[1], theirs[1], strict=True)):
                    if n is not None and m is not None:
                        p = waits[w][0]
                        if not self._alike(p, n, m, reach[w], step, at, moved[p]):
                            return False
        return True

    def _parked(self, q: int, step: Step, at: Snapshot, moved: list[int]) -> bool:
        stepper, a = self.stepper, step.a
        task, k = stepper.bodies[q][a.item[q]]
        mine = stepper.plans[task](a.slot[q] - stepper.shift[task], k)
        theirs = stepper.plans[task](at.slot[q] - stepper.shift[task], k)
        if mine is None or theirs is None:
            return False
        for w in range(a.wait[q], len(mine[1])):
            n, m = mine[1][w], theirs[1][w]
            p = stepper.waits[task][w][0]
            if not self._alike(p, n, m, (0, 0), step, at, moved[p]):
                return False
        return True

    def _alike(
        self, p: int, n: int, m: int, inside: tuple[int, int], step: Step, at: Snapshot, moved: int
    ) -> bool:
        """Whether needs from ``n`` in the step and from ``m`` here always find the same."""
        a, b = step.a, step.b
        low, high = inside
        if m - n == moved and (  # at one distance, and not met for being negative in one place
            min(n, m) + low >= 0 or max(n, m) + high < 0 or n + high < a.reached[p]
        ):
            return True
        if n + high < max(0, a.reached[p] - a.window[p]):  # long over
            return m + high < max(0, at.reached[p] - a.window[p])
        end = b.reached[p] - a.reached[p] + at.reached[p]  # out of reach
        return n + low >= max(0, b.reached[p]) and m + low >= max(0, end)

    def repeats(self, level: int, step: Step) -> int:
        """How often a step whose end state has the key of its start may follow itself at once."""
        a, b, stepper, row = step.a, step.b, self.stepper, self.rows[level]
        stride = b.slot[self.ref] - a.slot[self.ref]
        by, odd = divmod(stride, row)
        if odd or by <= 0 or self.span(level, a, b) > SPAN:
            return 0
        n = FOREVER
        for q, anchored in enumerate(step.anchored):
            if not anchored:
                if a.status[q] == DONE:
                    continue
                task, k = stepper.bodies[q][b.item[q]]
                plan = stepper.plans[task](b.slot[q] - stepper.shift[task], k)
                if plan is None:
                    return 0
                for w in range(a.wait[q], len(plan[1])):
                    p = stepper.waits[task][w][0]
                    n = min(n, self._drift(p, plan[1][w], (0, 0), 0, step, stride))
                continue
            if b.slot[q] - a.slot[q] != stride or a.item[q] != b.item[q]:
                return 0
            n = min(n, (stepper.slots - 1 - b.slot[q]) // stride)
            for task in stepper.used[q]:
                first = (a.slot[q] - stepper.shift[task]) // row
                last = (b.slot[q] - stepper.shift[task]) // row
                for x in range(first, last + 1):
                    n = min(n, self._steady(level, task, x, by, step, stride))
                    if n <= 0:
                        return 0
        return n

    def _steady(self, level: int, task: int, x: int, by: int, step: Step, stride: int) -> int:
        """How often a prefix may move on by ``by`` with nothing changing."""
        if x < 0:
            return (-1 - x) // by
        if x >= self.tops[level]:
            return FOREVER
        spec = self.phase.tasks[task]
        digits = self.digits(level, x)
        last = self.counts[level] - 1
        n = (last - digits[level]) // by
        guard = self.guards[level][task]
        n = min(n, self._steady_guard(guard[0], level, digits, by))
        if n <= 0 or self.info(level, task, x) is OFF:
            return n
        if level in spec.ragged:
            n = min(n, 0 if digits[level] == last else (last - 1 - digits[level]) // by)
        if ~level in spec.ragged and digits[level] == 0:
            n = 0
        needs = self.info(level, task, x)[1]
        for w, wait in enumerate(spec.waits):
            n = min(n, self._steady_guard(guard[w + 1], level, digits, by))
            need = needs[w]
            if need is not None and n > 0:
                drift = wait.strides[level] * by
                inside = self.reach[level][task][w]
                n = min(n, self._drift(wait.producer, need, inside, drift, step, stride))
        return n

    def _steady_guard(
        self,
        guard: tuple[list[int], list[int], list[Plane]],
        level: int,
        digits: list[int],
        by: int,
    ) -> int:
        first, last, planes = guard
        end = self.counts[level] - 1
        if any(digits[m] for m in first if m < level):
            return FOREVER
        if any(digits[m] != self.counts[m] - 1 for m in last if m < level):
            return FOREVER
        n = FOREVER
        if level in first:
            if digits[level]:
                return FOREVER  # stays behind the first
            n = 0
        if level in last:
            n = min(n, 0 if digits[level] == end else (end - 1 - digits[level]) // by)
        for coefficients, constant, low, high, grain in planes:
            step = coefficients[level] * by
            value = constant + sum(c * d for c, d in zip(coefficients, digits, strict=False))
            if step == 0 or (step > 0 and value + low >= 0) or (step < 0 and value + high < 0):
                continue
            if value + low >= 0:
                n = min(n, (value + low) // -step)
            elif value + high < 0:
                n = min(n, (-1 - value - high) // step)
            else:
                rest = value % grain
                n = min(n, (grain - 1 - rest) // step if step > 0 else rest // -step)
        return n

    def _drift(
        self, p: int, need: int, inside: tuple[int, int], drift: int, step: Step, stride: int
    ) -> int:
        """How often a need may move by ``drift`` while its producer moves by a stride (or not)."""
        a, b = step.a, step.b
        moves = step.anchored[self.stepper.owner[p]]
        gap = drift - (stride * self.stepper.inner[p] if moves else 0)
        low, high = need + inside[0], need + inside[1]
        if gap == 0 and (drift == 0 or low >= 0 or high < a.reached[p]):
            return FOREVER  # always at one distance
        best = 0
        slack = a.reached[p] - a.window[p] - high
        if slack > 0:  # long over
            best = FOREVER if gap <= 0 else (slack - 1) // gap
        if high < 0:  # met for being negative
            best = max(best, FOREVER if drift <= 0 else (-1 - high) // drift)
        if low >= max(0, b.reached[p]) and drift >= 0:  # out of reach
            best = max(best, FOREVER if gap >= 0 else (low - b.reached[p]) // -gap)
        return best
