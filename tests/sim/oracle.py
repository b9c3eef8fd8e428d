"""The text of ``program.py`` read literally, tick by tick: slow, short, and sharing no code."""

from __future__ import annotations

from accelsim.sim.program import Guard, Phase


def walk(
    phase: Phase, horizon: int = 1_000_000
) -> tuple[int, list[list[int]], list[dict[str, int]]] | None:
    """(ticks, instances by task and class, stalls by queue); None if it deadlocks."""
    counts = [loop.count for loop in phase.loops]
    total = phase.iterations
    users = [sum(q.resource == r for q in phase.queues) for r in range(len(phase.resources))]

    def digits(i: int) -> list[int]:
        out = []
        for count in reversed(counts):
            out.append(i % count)
            i //= count
        return out[::-1]

    def holds(guard: Guard, d: list[int], k: int) -> bool:
        return (
            all(d[n] == 0 for n in guard.first)
            and all(d[n] == counts[n] - 1 for n in guard.last)
            and all(
                sum(c * x for c, x in zip(p.coefficients, d, strict=True))
                + (p.inner[k] if p.inner else 0)
                + p.constant
                >= 0
                for p in guard.half_planes
            )
        )

    lists = []  # per queue: all its items, as (slot, task, k, iteration or None if inactive)
    for q in phase.queues:
        items = []
        for slot in range(phase.slots):
            for t, k in q.body:
                i = slot - phase.tasks[t].shift
                on = 0 <= i < total and holds(phase.tasks[t].guard, digits(i), k)
                on = on and not (phase.tasks[t].kinds and phase.tasks[t].kinds[i] < 0)
                items.append((slot, t, k, i, on))
        lists.append(items)
    at = [0] * len(lists)
    free = [0] * len(phase.resources)
    met: list[dict[tuple[int, str], tuple[int, bool]]] = [{} for _ in phase.tasks]
    last: dict[tuple[int, str], tuple[int, bool]] = {}
    instances = [[0] * len(t.durations) for t in phase.tasks]
    stalls: list[dict[str, int]] = [{} for _ in lists]
    ready: list[int | None] = [None] * len(lists)
    now = ticks = 0

    def unmet(q: int) -> str | None:
        _, t, k, i, _ = lists[q][at[q]]
        d = digits(i)
        for w in phase.tasks[t].waits:
            n = sum(s * x for s, x in zip(w.strides, d, strict=True)) + w.offset
            n += (w.inner[k] if w.inner else 0) + (w.needs[i] if w.needs else 0)
            if n < 0 or not holds(w.guard, d, k):
                continue
            time, passed = met[w.producer].get((n, w.anchor), (horizon * 2, True))
            if time + (0 if passed else w.lag + (w.lags[i] if w.lags else 0)) > now:
                return w.cause
        return None

    def at_edge(d: list[int], n: int) -> bool:
        return d[n] == counts[n] - 1 if n >= 0 else d[~n] == 0

    def start(q: int) -> None:
        nonlocal ticks
        _, t, k, i, _ = lists[q][at[q]]
        task, d = phase.tasks[t], digits(i)
        kind = sum(2**j for j, n in enumerate(task.ragged) if at_edge(d, n))
        kind += 2 ** len(task.ragged) * (task.inner_class[k] if task.inner_class else 0)
        if task.kinds:
            kind += 2 ** len(task.ragged) * (max(task.inner_class, default=0) + 1) * task.kinds[i]
        end = now + task.durations[kind]
        last[t, "start"] = met[t][i * task.inner + k, "start"] = (now, False)
        last[t, "end"] = met[t][i * task.inner + k, "end"] = (end, False)
        instances[t][kind] += 1
        free[phase.queues[q].resource] = end
        ticks = max(ticks, end)
        at[q] += 1
        ready[q] = None

    def settle() -> None:
        changed = True
        while changed:
            changed = False
            for q, items in enumerate(lists):
                while at[q] < len(items) and not items[at[q]][4]:
                    _, t, k, i, _ = items[at[q]]
                    for anchor in ("start", "end"):  # as the last active one, if there was one
                        n = i * phase.tasks[t].inner + k
                        met[t][n, anchor] = last.get((t, anchor), (now, True))
                    at[q] += 1
                    changed = True
                r = phase.queues[q].resource
                if at[q] < len(items) and users[r] == 1 and free[r] <= now and not unmet(q):
                    start(q)
                    changed = True

    lags = max((w.lag + max(w.lags, default=0) for t in phase.tasks for w in t.waits), default=0)
    while True:
        again = True
        while again:
            settle()
            again = False
            for r in range(len(free)):
                if users[r] < 2 or free[r] > now:
                    continue
                heads = []
                for q, queue in enumerate(phase.queues):
                    if queue.resource != r or at[q] == len(lists[q]) or not lists[q][at[q]][4]:
                        continue
                    if not unmet(q):
                        since = ready[q]
                        heads.append((now if since is None else since, lists[q][at[q]][0], q))
                if heads:
                    start(min(heads)[2])
                    again = True
            for q in range(len(lists)):
                if (
                    at[q] < len(lists[q])
                    and lists[q][at[q]][4]
                    and ready[q] is None
                    and not unmet(q)
                ):
                    ready[q] = now
        for q, queue in enumerate(phase.queues):  # what holds from this tick to the next
            if users[queue.resource] == 1 and at[q] < len(lists[q]) and free[queue.resource] <= now:
                cause = unmet(q)
                assert cause is not None
                stalls[q][cause] = stalls[q].get(cause, 0) + 1
        if all(a == len(items) for a, items in zip(at, lists, strict=True)):
            return ticks, instances, stalls
        if now > ticks + lags:
            return None
        now += 1
