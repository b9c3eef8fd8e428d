"""The bottleneck in words, from the figures of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accelsim.report.point import Detail, Wait

CAUSES = {
    "data": "for data",
    "slot": "for room in a buffer",
    "order": "for its turn in program order",
    "port": "for a buffer port",
}

ALWAYS = 0.95  # of the time: a unit that is busy as long is taken to work without a pause


def sentences(detail: Detail) -> list[str]:
    """Return what holds a run up, how near it is to its bounds, and what its units wait for."""
    figures = detail.figures
    found = [_paces(figures), _bound(figures), *_stalls(figures, detail.waits)]
    return [sentence for sentence in found if sentence]


def _paces(figures: Mapping[str, Any]) -> str:
    """Return the pace; of several stages, that of the longest."""
    if "stages" not in figures or not figures["cycles"]:
        return _pace(figures)
    longest = max(figures["stages"], key=lambda stage: stage["cycles"])
    share = longest["cycles"] / figures["cycles"]
    return f"The longest stage is {longest['name']}, {share:.1%} of the time. {_pace(longest)}"


def _pace(figures: Mapping[str, Any]) -> str:
    found = figures["bottleneck"]
    kind, steps = found["kind"], found["circuit"]
    length = found["cycles_per_iteration"]
    takes = (
        ""
        if length is None
        else f" One iteration of the innermost loop takes {_number(length)} cycles."
    )
    chain = " → ".join(steps)
    if kind == "latency":
        return f"A chain from unit to unit sets the pace: {chain}.{takes}"
    if kind == "slots":
        return f"Room in a buffer sets the pace: {chain}.{takes}"
    if kind in {"unit", "memory"} and steps:
        unit, _, first = steps[0].rpartition(": ")  # the circuit names its unit once, before a task
        who = unit or ("the memory's bus" if kind == "memory" else "one unit")
        tasks = ", ".join([first, *steps[1:]])
        known = unit in figures["busy_cycles"] and figures["cycles"]
        share = _busy(figures, unit) / figures["cycles"] if known else 1.0
        if share < ALWAYS:
            return f"Most of the critical path is on {who}, busy {share:.1%} of the time: {tasks}.{takes}"
        return (
            f"{who[:1].upper()}{who[1:]} works without a pause and sets the pace: {tasks}.{takes}"
        )
    if kind in figures["busy_cycles"]:
        share = _share(_busy(figures, kind), figures["cycles"])
        return f"{kind} is busy {share} of the time and sets the pace."
    return f"{kind[:1].upper()}{kind[1:]}." if kind else ""


def _bound(figures: Mapping[str, Any]) -> str:
    cycles, bound = figures["cycles"], figures["roofline"]
    if not cycles or not bound:
        return ""
    name = max(bound, key=lambda n: bound[n])
    label = "compute" if name.startswith("compute") else "memory"
    share = bound[name] / cycles
    return (
        f"The {label} bound alone would take {_number(bound[name])} cycles, {share:.1%} of the"
        f" {_number(cycles)} it takes."
    )


def _stalls(figures: Mapping[str, Any], waits: Mapping[str, Wait]) -> list[str]:
    cycles = figures["cycles"]
    found = []
    for unit, causes in figures["stall_cycles"].items():
        lost = sum(causes.values())
        if not cycles or lost < 0.02 * cycles:
            continue
        ordered = sorted(causes, key=lambda c: (-causes[c], c))
        parts = [
            f"{causes[c] / cycles:.1%} {CAUSES.get(c, c)}"
            for c in ordered
            if causes[c] >= 0.005 * cycles
        ]
        works = _share(_busy(figures, unit), cycles)
        sentence = f"{unit} works {works} of the time and waits {', '.join(parts)}"
        if unit in waits:
            task, producer, _ = waits[unit]
            sentence += f"; most of it {task} for {producer}"
        found.append(f"{sentence}.")
    return found


def _busy(figures: Mapping[str, Any], unit: str) -> float:
    return float(sum(figures["busy_cycles"][unit].values()))


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.1%}" if whole else "0%"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
