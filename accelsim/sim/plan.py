"""What one item of a queue is, compiled from its task: active or not, its class and its needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from accelsim.sim.program import Guard, Phase, Task

Plan = Callable[[int, int], tuple[int, tuple[int, ...], tuple[int, ...]] | None]
"""(iteration, k) -> None if inactive, else (class, needed instance by wait (negative: met), lag by wait)."""


def row_major(phase: Phase) -> tuple[int, ...]:
    """The number of iterations between two values of each digit."""
    return tuple(prod(x.count for x in phase.loops[n + 1 :]) for n in range(len(phase.loops)))


def check(phase: Phase) -> None:
    """Refuse what the kernels do not give a meaning to."""
    iterations = phase.iterations
    listed: list[list[int]] = [[] for _ in phase.tasks]
    for queue, spec in enumerate(phase.queues):
        for t, k in spec.body:
            if phase.tasks[t].queue == queue:
                listed[t].append(k)
    for task, items in zip(phase.tasks, listed, strict=True):
        if items != [0] and items != sorted(set(items) & set(range(task.inner))):
            raise ValueError(
                f"{task.name}: its queue must list k of 0 .. {task.inner - 1} in order"
            )
        if not task.durations or any(d < 1 for d in task.durations) or task.shift < 0:
            raise ValueError(f"{task.name}: durations are at least 1 tick, shifts at least 0")
        if any(w.lag + (min(w.lags) if w.lags else 0) < 0 for w in task.waits):
            raise ValueError(f"{task.name}: a lag is negative")
        tables = [task.kinds, *(t for wait in task.waits for t in (wait.needs, wait.lags))]
        if any(table and len(table) != iterations for table in tables):
            raise ValueError(f"{task.name}: a table must have an entry for each iteration")
    for queue, spec in enumerate(phase.queues):
        if any(phase.tasks[t].queue != queue for t, _ in spec.body):
            raise ValueError(f"{spec.name}: lists a task of another queue")


def linear(coefficients: Sequence[int], constant: int, rows: Sequence[int]) -> str:
    """Source text of ``sum(coefficients * digits) + constant``, in i where it is linear in i."""
    text = "" if constant == 0 else f" + {constant}"
    scale = coefficients[-1] if len(coefficients) else 0
    if scale and all(c == scale * row for c, row in zip(coefficients, rows, strict=True)):
        return f"{scale}*i{text}"
    terms = [f"{c}*d{n}" for n, c in enumerate(coefficients) if c]
    return " + ".join(terms or ["0"]) + text


def condition(guard: Guard, phase: Phase, names: dict[str, object], label: str) -> str:
    """Source text of a guard; empty if it always holds."""
    rows = row_major(phase)
    parts = [f"d{n} == 0" for n in guard.first]
    parts += [f"d{n} == {phase.loops[n].count - 1}" for n in guard.last]
    for n, plane in enumerate(guard.half_planes):
        text = linear(plane.coefficients, plane.constant, rows)
        if plane.inner:
            names[f"{label}_{n}"] = plane.inner
            text += f" + {label}_{n}[k]"
        parts.append(f"{text} >= 0")
    return " and ".join(parts)


def compile_plan(phase: Phase, task: Task) -> Plan:
    """A function of (iteration, k), written out as Python source and compiled: no loops inside."""
    rows = row_major(phase)
    names: dict[str, object] = {}
    lines = []
    guard = condition(task.guard, phase, names, "g")
    if guard:
        lines.append(f"    if not ({guard}): return None")
    kind = " + ".join(
        f"{2**j} * (d{n} == {phase.loops[n].count - 1})" if n >= 0 else f"{2**j} * (d{~n} == 0)"
        for j, n in enumerate(task.ragged)
    )
    if task.inner_class:
        names["kinds"] = task.inner_class
        kind = (kind + " + " if kind else "") + f"{2 ** len(task.ragged)} * kinds[k]"
    if task.kinds:
        names["table"] = task.kinds
        lines.append("    if table[i] < 0: return None")
        size = 2 ** len(task.ragged) * task.inner_classes
        kind = (kind + " + " if kind else "") + f"{size} * table[i]"
    names["lags"] = tuple(wait.lag for wait in task.waits)
    lags = "lags"
    if any(wait.lags for wait in task.waits):
        names |= {f"l{w}": wait.lags for w, wait in enumerate(task.waits) if wait.lags}
        parts = [
            f"{wait.lag} + l{w}[i]" if wait.lags else f"{wait.lag}"
            for w, wait in enumerate(task.waits)
        ]
        lags = f"({', '.join([*parts, ''])})"
    needs = []
    for w, wait in enumerate(task.waits):
        need = linear(wait.strides, wait.offset, rows)
        if wait.inner:
            names[f"n{w}"] = wait.inner
            need += f" + n{w}[k]"
        if wait.needs:
            names[f"t{w}"] = wait.needs
            need += f" + t{w}[i]"
        guard = condition(wait.guard, phase, names, f"w{w}")
        needs.append(f"({need}) if {guard} else -1" if guard else need)
    found = f"({', '.join([*needs, ''])})" if needs else "()"
    body = "\n".join([*lines, f"    return {kind or '0'}, {found}, {lags}"])
    digits = [
        f"    d{n} = i"
        + (f" // {rows[n]}" if rows[n] > 1 else "")
        + (f" % {loop.count}" if n else "")
        for n, loop in enumerate(phase.loops)
        if f"d{n}" in body
    ]
    source = "\n".join(["def plan(i, k):", *digits, body])
    # Two to three times as fast as closures over lists of terms, and it is what both kernels spend
    # most of their time on. The text is our own, built from integers only.
    exec(source, names)
    return names["plan"]  # type: ignore[return-value]
