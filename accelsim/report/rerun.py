"""A point with all that can be known of it: its call is run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import yaml

from accelsim.errors import SpecError
from accelsim.job import Call, Job, Run
from accelsim.job.rows import RowJob, rows_of
from accelsim.mapping import Design
from accelsim.report.load import Entry
from accelsim.report.point import Detail, Point, Value, row_of
from accelsim.result.report import Circuit
from accelsim.sim.explain import LIMIT, circuit_in, longest_phase, opening
from accelsim.sim.held import reserved
from accelsim.sim.timeline import views
from accelsim.sim.waits import steady_times
from accelsim.sim.walk import Window, work
from accelsim.units import format_count


def plain_point(entry: Entry, *, detailed: bool = True) -> Point:
    """Return the point of an entry as the file has it: without what only a simulation can say."""
    detail = None
    if entry.figures is not None and detailed:
        detail = Detail(figures=entry.figures, texts=_asked(entry.call, entry.settings))
    row = {**entry.row, **_changes(entry.call)} if not entry.name else dict(entry.row)
    return Point(
        name=entry.name or _name(row, entry.call),
        group=str(row.get("design") or row.get("cascade") or entry.name),
        row=row,
        detail=detail,
        reason=entry.reason,
    )


def rerun_point(call: Call, row: Mapping[str, Value] | None = None, name: str = "") -> Point:
    """Run a call; return its point with figures, reasons, timeline and spec.

    ``row`` is what is known of it already. The timeline is of the longest stage. SpecError:
    faulty call; InfeasibleError: it cannot run.
    """
    if call.design is not None and Design.load(call.design).spec.pipeline:
        return _rows_point(call, row, name)
    job = call.job()
    workload = call.load(job)
    runs = job.runs(workload, scope=call.scope)
    report = job.report_of(runs, workload)
    number = max(range(len(runs)), key=lambda n: _cycles(runs[n]))
    longest = runs[number]
    window = opening(longest.lowered)
    circuit = Circuit.of(circuit_in(longest.lowered, window))
    held = reserved(longest.lowered.phases[longest_phase(longest.lowered)])
    stages = list(report.stages)
    stages[number] = replace(stages[number], circuit=circuit)
    figures = replace(report, stages=tuple(stages)).to_dict()
    known: dict[str, Value] = {
        "workload": job.workload_name(call.workload),
        "length": workload.seq,
    }
    full = (
        dict(row) if row and name else {**row_of(figures), **known, **(row or {}), **_changes(call)}
    )
    detail = Detail(
        figures=figures,
        waits={t.unit: t.waits_for for t in steady_times(window) if t.waits_for},
        views=views(window, longest.lowered.program.ticks_per_cycle, held),
        texts={**_asked(call), **_specs(call, job, longest)},
    )
    return Point(name=name or _name(full, call), group=figures["design"], row=full, detail=detail)


def _rows_point(call: Call, row: Mapping[str, Value] | None, name: str) -> Point:
    """Return the point of a design that runs rows: those that its file means."""
    job = RowJob.of(call.design or "", pipeline=call.mapping, arch_set=dict(call.arch_set))
    if not job.schedule:
        raise SpecError(f"{job.name} must be run by accelsim run with its rows, and --json, first")
    rows = rows_of(schedule=job.schedule)
    figures = job.report(rows, explain=True).to_dict()
    drafted = job.run(rows).drafted
    phase = max(drafted.program.phases, key=lambda p: max(work(p), default=0))
    window = Window.of(phase, LIMIT)
    full = {**row_of(figures), **(row or {}), **_changes(call)}
    detail = Detail(
        figures=figures,
        waits={t.unit: t.waits_for for t in steady_times(window) if t.waits_for},
        views=views(window, drafted.program.ticks_per_cycle),
        texts={**_asked(call), "Architecture": job.arch.document.source},
    )
    return Point(name=name or _name(full, call), group=job.name, row=full, detail=detail)


def _cycles(run: Run) -> Fraction:
    return Fraction(run.activity.ticks, run.activity.ticks_per_cycle)


def _changes(call: Call | None) -> dict[str, Any]:
    """Return what a call changes, as columns."""
    if call is None:
        return {}
    found: dict[str, Any] = {**call.ranks, **call.arch_set}
    if call.scope != "attention":
        found["scope"] = call.scope
    return found


def _name(row: Mapping[str, Value], call: Call | None) -> str:
    """Return a name that tells a point apart: design, length, and what is changed."""
    words = [str(row.get("design", "point"))]
    length = row.get("length")
    if isinstance(length, int):
        words.append(format_count(length))
    workload = row.get("workload")
    if workload and workload != "bert":
        words.append(str(workload))
    changes = _changes(call)
    words += [str(changes.pop("scope"))] if "scope" in changes else []
    words += [f"{name}={value}" for name, value in changes.items()]
    return " ".join(words)


def _asked(call: Call | None, settings: Mapping[str, Any] | None = None) -> dict[str, str]:
    if call is None and settings:
        return {"Settings": yaml.safe_dump(dict(settings), sort_keys=False)}
    return {} if call is None else {"Command": f"{call.command()}\n", "Python": call.python()}


def _specs(call: Call, job: Job, run: Run) -> dict[str, str]:
    """Return the specs that a call stands for; a changed architecture with its changes in it."""
    arch = job.arch.document
    if call.arch_set:
        title, text = "Architecture with its changes", yaml.safe_dump(arch.data, sort_keys=False)
    else:
        title, text = "Architecture", arch.source
    return {title: text, "Mapping": run.mapping.document.source}
