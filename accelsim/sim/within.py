"""Periods inside one slot: where a body is long, what repeats is found among its items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accelsim.sim.plan import row_major
from accelsim.sim.program import Guard
from accelsim.sim.state import Snapshot, Step, make_step
from accelsim.sim.stepper import BLOCKED, Stepper
from accelsim.sim.verify import FOREVER

PATIENCE = 24  # ticks that a state is compared with those after it, at first
PATIENCE_MOST = 512
Ints = NDArray[np.int64]


@dataclass(slots=True)
class _Listed:
    """The items of a queue, as columns; the waits are padded to the most that a task has."""

    task: Ints
    k: Ints
    kind: Ints
    producer: list[Ints]  # by wait; the number of tasks: no such wait


class Within:
    """Periods inside the slots in which the queues are: items go on, k rises, digits stay.

    The state now is compared with one that was kept (the anchor). Slots and digits are the same in
    all of such a step, so that only ``k`` decides what an item is; each item of the step and of its
    repeats is compared with the one a period later.
    """

    def __init__(self, stepper: Stepper) -> None:
        self.stepper = stepper
        self.first: Snapshot | None = None
        self.age = 0
        self.patience = PATIENCE
        self.rows = row_major(stepper.phase)
        self.listed: dict[int, _Listed] = {}
        self.placed: dict[int, tuple[int, NDArray[np.bool_], list[Ints]]] = {}

    def due(self) -> bool:
        """Whether now is worth a look: much as at the anchor, or it is too old."""
        a, stepper = self.first, self.stepper
        self.age += 1
        if a is None or self.age > self.patience:
            self.patience = min(2 * self.patience, PATIENCE_MOST)
            return True
        if stepper.status != a.status or stepper.wait != a.wait or stepper.slot != a.slot:
            return False
        if len(stepper.events) != len(a.events):
            return False
        by = stepper.now - a.now
        if any(
            free > a.now and new != free + by
            for free, new in zip(a.free, stepper.free, strict=True)
        ):
            return False
        moved = False
        for x, y, body in zip(a.item, stepper.item, stepper.bodies, strict=True):
            if x != y:
                moved = True
                if body[x][0] != body[y][0]:
                    return False
        return moved

    def anchor(self, snap: Snapshot) -> None:
        self.first, self.age = snap, 0

    def drop(self) -> None:
        self.first, self.age, self.patience = None, 0, PATIENCE

    def step(self, snap: Snapshot) -> Step | None:
        """The step from the anchor, if nothing that is relative has changed."""
        a = self.first
        if a is None or snap.slot != a.slot or snap.rest != a.rest or snap.item == a.item:
            return None
        return make_step(a, snap, self.stepper.peak[:])

    def repeats(self, step: Step) -> int:
        """How often the step may follow itself at once."""
        a, b, stepper = step.a, step.b, self.stepper
        moved = [y - x for x, y in zip(a.reached, b.reached, strict=True)]
        n = FOREVER
        for q, status in enumerate(a.status):
            if a.item[q] == b.item[q] and status == BLOCKED:
                # Held all the time by what is out of reach.
                task, _, _, needs, _ = stepper.head[q]
                need = needs[b.wait[q]]
                producer = stepper.waits[task][b.wait[q]][0]
                if moved[producer]:
                    n = min(n, (need - b.reached[producer]) // moved[producer])
        for q, (x, y) in enumerate(zip(a.item, b.item, strict=True)):
            if n <= 0:
                return 0
            if x != y:
                n = min(n, self._alike(q, step, moved, n))
        return 0 if n == FOREVER else max(n, 0)

    def _alike(self, q: int, step: Step, moved: list[int], most: int) -> int:
        """How often, at most ``most`` times, the items of a queue are those of the step again."""
        a, b = step.a, step.b
        x, y = a.item[q], b.item[q]
        by = y - x
        if by < 0:
            return 0
        end = min(len(self.stepper.bodies[q]), y + by * most + 1)
        # A short look first: most steps that are no period fail at once.
        for stop in (min(end, y + by + 1), end):
            fits = self._pairs(q, step, moved, x, stop, by)
            if not fits.all():
                stop = x + int(fits.argmin())
                return max(0, (stop - 1 - y + by) // by)
        return max(0, (stop - by - 1 - y + by) // by)

    def _pairs(
        self, q: int, step: Step, moved: list[int], start: int, stop: int, by: int
    ) -> NDArray[np.bool_]:
        """Whether items from ``start`` are those ``by`` later, as long as these are before ``stop``."""
        a = step.a
        listed = self.listed.get(q)
        if listed is None:
            listed = self.listed[q] = self._list(q)
        one, two = slice(start, stop - by), slice(start + by, stop)
        task = listed.task[one]
        shifts = np.array([*moved, 0], dtype=np.int64)
        over = np.array(
            [*(max(0, r - w) for r, w in zip(a.reached, a.window, strict=True)), FOREVER]
        )
        active, needs = self._placed(q, a.slot[q])
        fits: NDArray[np.bool_] = active[one] == active[two]
        fits &= task == listed.task[two]
        fits &= listed.kind[one] == listed.kind[two]
        fits &= listed.k[two] - listed.k[one] == shifts[task]
        for need, producer in zip(needs, listed.producer, strict=True):
            n, m, to = need[one], need[two], producer[one]
            fits &= ((m - n == shifts[to]) & (n >= 0)) | (np.maximum(n, m) < over[to])
        return fits

    def _placed(self, q: int, slot: int) -> tuple[NDArray[np.bool_], list[Ints]]:
        """What the items of a queue are in a slot: active or not, and the needs (far below 0: none)."""
        known = self.placed.get(q)
        if known is not None and known[0] == slot:
            return known[1], known[2]
        stepper, listed = self.stepper, self.listed[q]
        active = np.zeros(len(listed.task), dtype=np.bool_)
        needs = [np.full(len(listed.task), -FOREVER // 2) for _ in listed.producer]
        for task in stepper.used[q]:
            iteration = slot - stepper.shift[task]
            if not 0 <= iteration < stepper.total:
                continue
            spec = stepper.phase.tasks[task]
            loops = zip(self.rows, stepper.phase.loops, strict=True)
            digits = [iteration // row % loop.count for row, loop in loops]
            mine = np.flatnonzero(listed.task == task)
            mine = mine[self._holds(spec.guard, digits, listed.k[mine])]
            active[mine] = True
            for need, wait in zip(needs, spec.waits, strict=False):
                at = mine[self._holds(wait.guard, digits, listed.k[mine])]
                base = wait.offset + sum(s * d for s, d in zip(wait.strides, digits, strict=True))
                need[at] = base + (np.array(wait.inner)[listed.k[at]] if wait.inner else 0)
        self.placed[q] = (slot, active, needs)
        return active, needs

    def _holds(self, guard: Guard, digits: list[int], k: Ints) -> NDArray[np.bool_]:
        """Where a guard holds, by k."""
        loops = self.stepper.phase.loops
        right = all(digits[n] == 0 for n in guard.first) and all(
            digits[n] == loops[n].count - 1 for n in guard.last
        )
        holds: NDArray[np.bool_] = np.full(len(k), right, dtype=np.bool_)
        for p in guard.half_planes:
            value = p.constant + sum(c * d for c, d in zip(p.coefficients, digits, strict=True))
            inner = np.array(p.inner, dtype=np.int64)[k] if p.inner else np.zeros_like(k)
            holds &= value + inner >= 0
        return holds

    def _list(self, q: int) -> _Listed:
        tasks = self.stepper.phase.tasks
        body = self.stepper.bodies[q]
        used = self.stepper.used[q]
        producer = []
        for w in range(max(len(tasks[t].waits) for t in used)):
            waits = {t: tasks[t].waits[w : w + 1] for t in used}
            to = {t: wait[0].producer if wait else len(tasks) for t, wait in waits.items()}
            producer.append(_ints(to[t] for t, _ in body))
        return _Listed(
            task=_ints(t for t, _ in body),
            k=_ints(k for _, k in body),
            kind=_ints(tasks[t].inner_class[k] if tasks[t].inner_class else 0 for t, k in body),
            producer=producer,
        )


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, dtype=np.int64)
