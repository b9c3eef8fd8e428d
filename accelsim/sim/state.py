"""Snapshots of a stepper, their keys (all that is relative), and moving a stepper by a step."""

from __future__ import annotations

from dataclasses import dataclass, field

from accelsim.sim.stepper import BLOCKED, DONE, OFFERED, Event, Stepper

Key = tuple[object, ...]


@dataclass(slots=True)
class Snapshot:
    """A state between two ticks; absolute, but for ``window`` and ``key``."""

    now: int
    slot: list[int]
    item: list[int]
    wait: list[int]
    ready: list[int]
    status: list[int]
    reached: list[int]
    times: list[list[tuple[int, int, int]]]  # offset to reached, start and end relative to now
    events: list[Event]
    offers: list[list[tuple[int, int, int]]]
    free: list[int]
    counters: list[int]
    level: list[int]
    integral: list[int]
    window: list[int]  # how far below ``reached`` an instance may still have a future
    key: Key = ()
    rest: Key = ()  # the key but for the items
    lookup: dict[int, Key] = field(default_factory=dict)  # by level


@dataclass(slots=True)
class Step:
    """What happens from one snapshot to a later one; ``peak`` is absolute, as seen at ``a``."""

    a: Snapshot
    b: Snapshot
    peak: list[int]
    anchored: list[bool]  # queues whose place relative to the reference queue matters
    cost: int = 0  # ticks walked to find it
    suspect: int = 0  # the queue that kept it last from being taken at another place


def snapshot(stepper: Stepper) -> Snapshot:
    """Take the state after everything at ``now``."""
    stepper.sync()
    now = stepper.now
    all_times = []
    window = []
    for task, times in enumerate(stepper.times):
        if times:
            reached = stepper.reached[task]
            by_start, by_end = stepper.lag_start[task], stepper.lag_end[task]
            kept = [
                (n - reached, start - now, end - now)
                for n, (start, end) in times.items()
                if (by_end >= 0 and end + by_end > now)
                or (by_start >= 0 and start + by_start > now)
            ]
            all_times.append(kept)
            window.append(-kept[0][0] if kept else 0)
        else:
            all_times.append([])
            window.append(0)
    snap = Snapshot(
        now=now,
        slot=stepper.slot[:],
        item=stepper.item[:],
        wait=stepper.wait[:],
        ready=stepper.ready[:],
        status=stepper.status[:],
        reached=stepper.reached[:],
        times=all_times,
        events=sorted(stepper.events),
        offers=[offers[:] for offers in stepper.offers],
        free=stepper.free[:],
        counters=stepper.counters[:],
        level=stepper.level[:],
        integral=stepper.integral[:],
        window=window,
    )
    snap.rest = (
        tuple(snap.wait),
        tuple(snap.status),
        tuple(
            [
                # A timed or blocked head is held at least until now: what was before is over.
                ready - now if status == OFFERED or ready > now else 0
                for ready, status in zip(snap.ready, snap.status, strict=True)
            ]
        ),
        tuple([free - now if free > now else 0 for free in snap.free]),
        tuple([(time - now, kind, n, gives) for time, kind, n, gives in snap.events]),
        tuple([tuple(kept) for kept in all_times]),
    )
    items = tuple([-1 if s == DONE else i for i, s in zip(snap.item, snap.status, strict=True)])
    snap.key = (items, *snap.rest)
    return snap


def make_step(a: Snapshot, b: Snapshot, peak: list[int]) -> Step:
    """The step between two snapshots.

    Anchored are the queues that moved, and those that were offered to a bus and not served: whom
    they lose against may depend on their slots.
    """
    anchored = [
        a.slot[q] != b.slot[q] or a.item[q] != b.item[q] or b.status[q] == OFFERED
        for q in range(len(a.slot))
    ]
    return Step(a=a, b=b, peak=peak, anchored=anchored)


def apply(
    stepper: Stepper, step: Step, at: Snapshot, shift: int, ref: int, times: int
) -> list[int]:
    """Move the stepper from ``at`` by ``times`` repeats of a step, ``shift`` slots from its place.

    A step in which no queue leaves its slot is repeated from its end: items move, not slots. Gives
    the peaks held on the way.
    """
    a, b = step.a, step.b
    span = b.now - a.now
    stride = b.slot[ref] - a.slot[ref]
    total = shift + (times - 1) * stride
    more = times if at is b and a.slot == b.slot else 0
    now = stepper.now = at.now + span * times
    delta = now - b.now
    for q, anchored in enumerate(step.anchored):
        if anchored:
            stepper.slot[q] = b.slot[q] + total
            stepper.item[q] = b.item[q] + more * (b.item[q] - a.item[q])
        stepper.wait[q], stepper.status[q] = b.wait[q], b.status[q]
        stepper.ready[q] = b.ready[q] + delta if b.ready[q] >= b.now or anchored else at.ready[q]
        if b.status[q] == BLOCKED:
            stepper.ready[q] = now if b.ready[q] <= b.now else b.ready[q] + delta
    for task, inner in enumerate(stepper.inner):
        if step.anchored[stepper.owner[task]]:
            stepper.reached[task] = (
                b.reached[task] + total * inner + more * (b.reached[task] - a.reached[task])
            )
        reached = stepper.reached[task]
        stepper.times[task] = {
            reached + n: (now + start, now + end) for n, start, end in b.times[task]
        }
    stepper.events = [(time + delta, kind, n, gives) for time, kind, n, gives in b.events]
    stepper.offers = [
        [(ready + delta, stepper.slot[q], q) for ready, _, q in offers] for offers in b.offers
    ]
    for r, free in enumerate(b.free):
        stepper.free[r] = free + delta if free != a.free[r] else at.free[r]
    stepper.counters = [
        c + times * (y - x) for c, x, y in zip(at.counters, a.counters, b.counters, strict=True)
    ]
    peaks = []
    grown = []
    for p, level in enumerate(at.level):
        gain = b.level[p] - a.level[p]
        held = b.integral[p] - a.integral[p] - a.level[p] * span  # above the level at the start
        stepper.integral[p] = (
            at.integral[p]
            + times * (held + level * span)
            + gain * span * (times * (times - 1) // 2)
        )
        stepper.level[p] = level + gain * times
        stepper.since[p] = now
        grown.append(gain)
    for g, group in enumerate(stepper.groups):
        low = sum(at.level[p] for p in group)
        gain = max(sum(grown[p] for p in group), 0) * (times - 1)
        peaks.append(low + gain + step.peak[g] - sum(a.level[p] for p in group))
    stepper.reattach()
    return peaks


def move(stepper: Stepper, at: Snapshot, before: Snapshot, slots: list[int], now: int) -> None:
    """Put the stepper at ``now`` where it was at ``at``, each queue some slots further on.

    Counters and integrals are the caller's. ``before`` is an earlier state: a resource that has served
    nobody since stays free from when it was.
    """
    delta = now - at.now
    stepper.now = now
    stepper.slot = [slot + by for slot, by in zip(at.slot, slots, strict=True)]
    stepper.item, stepper.wait, stepper.status = at.item[:], at.wait[:], at.status[:]
    stepper.ready = [ready + delta for ready in at.ready]
    stepper.reached = [
        reached + slots[queue] * inner
        for reached, queue, inner in zip(at.reached, stepper.owner, stepper.inner, strict=True)
    ]
    stepper.times = [
        {reached + n: (now + start, now + end) for n, start, end in times}
        for reached, times in zip(stepper.reached, at.times, strict=True)
    ]
    stepper.events = [(time + delta, kind, n, gives) for time, kind, n, gives in at.events]
    stepper.offers = [
        [(ready + delta, stepper.slot[q], q) for ready, _, q in offers] for offers in at.offers
    ]
    stepper.free = [
        free if free == old and free <= at.now else free + delta
        for free, old in zip(at.free, before.free, strict=True)
    ]
    stepper.level = at.level[:]
    stepper.since = [now] * len(at.level)
    stepper.reattach()
