"""The calls of the package: simulate a design on a workload, compare designs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as Table
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.explore import Exploration, Results, Session, Workers, first_point, open_store
from accelsim.job import ATTENTION, Call, Job, Run
from accelsim.job.given import AUTO
from accelsim.job.rows import simulate_rows
from accelsim.mapping import Design, Mapping, Selection, Workload
from accelsim.result.compare import Comparison, Entry
from accelsim.result.report import Report

if TYPE_CHECKING:
    from accelsim.explore.mapper import Found

LENGTHS = tuple(1 << n for n in range(10, 21, 2))


def simulate(
    design: str | Design | None = None,
    *,
    cascade: str | Cascade | None = None,
    arch: str | Architecture | None = None,
    mapping: str | Mapping | None = None,
    workload: str | None = None,
    seq: int | None = None,
    scope: str = "attention",
    ranks: Table[str, int] | None = None,
    arch_set: Table[str, Any] | None = None,
    selection: str | Selection = "uniform",
    full: bool = False,
    explain: bool = False,
) -> Report:
    """Return the report of a design (or of a cascade on an architecture) on a workload.

    A cascade on an architecture runs with the mappings shipped for the two, else (or with ``mapping``
    "auto") with the best of those made for it; ``workload`` is by default one that names the cascade,
    else bert. ``seq`` tokens; ``ranks`` replaces ranks of the workload, ``arch_set`` fields of the
    architecture (``{"PE2D.rows": 128}``). ``selection`` is what is supposed of data that select: uniform,
    all, none or a file (see ``accelsim.mapping.selection``). ``full`` runs the reference kernel;
    ``explain`` adds the critical circuit.
    SpecError: faulty input; InfeasibleError: it cannot run.
    """
    job = Job.of(design, cascade=cascade, arch=arch, mapping=mapping, arch_set=arch_set)
    known = selection if isinstance(selection, Selection) else Selection.load(selection)
    job = replace(job, selection=known)
    load = job.load(workload, seq, ranks)
    report = job.report(load, scope=scope, full=full, explain=explain)
    call = Call.naming(
        design=design, cascade=cascade, arch=arch, mapping=mapping, workload=workload, seq=seq,
        scope=scope, ranks=ranks, arch_set=arch_set, selection=selection,
    )  # fmt: skip
    if call is not None:
        report = replace(report, request=call.to_dict())
    return report


def find_mapping(
    *,
    cascade: str | Cascade,
    arch: str | Architecture,
    workload: str | None = None,
    seq: int | None = None,
    ranks: Table[str, int] | None = None,
    arch_set: Table[str, Any] | None = None,
    objective: str = "cycles",
    effort: str = "normal",
) -> Found:
    """Return the best mapping found for a cascade on an architecture, with a bound that none can beat.

    ``objective``: cycles, energy, edp or pareto; ``effort``: quick, normal or thorough, counted in steps
    of simulation: the same call gives the same answer. ``found.best.mapping`` can be given to
    ``simulate``. SpecError: faulty input; InfeasibleError: no mapping runs.
    """
    from accelsim.explore.mapper import find_mapping as find

    job = Job.of(cascade=cascade, arch=arch, mapping=AUTO, arch_set=arch_set)
    stage = next(s for s in job.stages(job.load(workload, seq, ranks), ATTENTION))
    return find(job.problem(stage), objective=objective, effort=effort)


def compare(
    designs: Iterable[str],
    *,
    workload: str = "bert",
    seqs: Iterable[int] = LENGTHS,
    baseline: str | None = None,
    scope: str = "attention",
    arch_set: Table[str, Any] | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Return designs side by side over lengths, speed-up and energy against the baseline (the first)."""
    names = list(designs)
    entries: list[Entry] = []
    lengths = list(seqs)
    for name in names:
        job = Job.of(name, arch_set=arch_set)
        for seq in lengths:
            progress(f"{name} at {seq}")
            report = job.report(Workload.load(workload, seq), scope=scope)
            entries.append(Entry(design=name, length=seq, report=report, workload=workload))
    return Comparison(entries=tuple(entries), baseline=baseline or names[0])


def sweep(
    study: str | Table[str, Any] | None = None,
    *,
    jobs: int = 1,
    store: str | Path | None = None,
    cluster: str | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
    **entries: Any,
) -> Results:
    """Return the results of a study: a name, a file, or what would stand in one.

    ``sweep(design="fusemax", vary={"seq": ["1K", "4K"]})``: ``entries`` are the keys of a study's file;
    beside a ``study`` they replace its own. Points that ``store`` (a file or postgresql://...) has are
    not simulated again; without one nothing is kept. ``jobs`` worker processes, or those of a dask
    ``cluster``; the results do not depend on them. ``progress`` hears of points known and points in all.
    SpecError: faulty input; StoreError: the store cannot be used.
    """
    exploration = Exploration.of(entries if study is None else study)
    if study is not None and entries:
        document = exploration.document
        exploration = Exploration.from_document(
            replace(document, data={**document.data, **entries})
        )
    first_point(exploration)
    with nullcontext() if store is None else open_store(store) as kept:
        session = Session(
            exploration=exploration,
            store=kept,
            workers=Workers(jobs=jobs, cluster=cluster),
            progress=progress,
        )
        return session.results()


__all__ = [
    "LENGTHS",
    "Job",
    "Report",
    "Results",
    "Run",
    "compare",
    "find_mapping",
    "simulate",
    "simulate_rows",
    "sweep",
]
