"""``accelsim compare``: designs over lengths, as a table, as plots, as CSV and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from accelsim.api import LENGTHS
from accelsim.cli import flags
from accelsim.cli.output import progress, writable, write, write_pictures
from accelsim.cli.study import Study
from accelsim.errors import InfeasibleError, SpecError, nearest
from accelsim.job import Job
from accelsim.mapping import Workload
from accelsim.result import Comparison, Entry, Report
from accelsim.units import format_count


def compare_command(
    designs: Sequence[str],
    *,
    study: str,
    workload: str | None,
    seq: str | None,
    baseline: str | None,
    arch_set: Sequence[str],
    scope: str | None,
    as_json: bool,
    out: Path,
) -> None:
    plan = None if designs else Study.load(study)
    names = list(dict.fromkeys(designs)) or list(plan.spec.designs if plan else ())
    workloads = [workload] if workload else list(plan.spec.workloads if plan else ("bert",))
    lengths = flags.lengths(seq) or (lengths_of(plan) if plan else list(LENGTHS))
    base = baseline or (plan.spec.baseline if plan else names[0])
    if base not in names:
        raise SpecError(
            f"--baseline must be one of the designs, not {base!r}{nearest(base, names)}"
        )
    changes = flags.fields(arch_set)
    chosen = flags.scope(scope or (plan.spec.scope if plan else "attention"))
    loads = {(name, n): Workload.load(name, n) for name in workloads for n in lengths}
    jobs = [Job.of(name, arch_set=changes) for name in names]
    writable(out)
    entries: list[Entry] = []
    with progress(len(jobs) * len(loads)) as step:
        for name, job in zip(names, jobs, strict=True):
            for (load, length), sized in loads.items():
                step(f"{name} {load} {format_count(length)}")
                try:
                    report = job.report(sized, scope=chosen)
                except InfeasibleError as error:
                    where = f"{name}, {load} at {format_count(length)}"
                    raise InfeasibleError(f"{where}: {error}") from None
                entries.append(Entry(design=name, length=length, report=report, workload=load))
        step("plots")
        comparison = Comparison(entries=tuple(entries), baseline=base)
        write_comparison(comparison, out)
    print(comparison.to_json() if as_json else comparison, end="" if as_json else "\n")
    if not as_json:
        print(f"\ntables and plots: {out}")


def lengths_of(study: Study) -> list[int]:
    return [flags.length(text, "lengths") for text in study.spec.lengths]


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Write table, CSV, JSON and every plot, each file whole."""
    from accelsim import plot

    write(folder / "comparison.txt", f"{comparison}\n")
    write(folder / "comparison.csv", comparison.to_csv())
    write(folder / "comparison.json", comparison.to_json())
    shown = _longest_reports(comparison)
    pictures = {
        "speedup": plot.speedup(comparison),
        "latency_energy": plot.latency_energy(comparison),
        "activity": plot.activity(shown),
        "energy": plot.energy(shown),
        "roofline": plot.roofline(shown),
    }
    for unit in dict.fromkeys(unit for row in comparison.rows for unit in row.utilization):
        pictures[f"utilization_{unit}"] = plot.utilization(comparison, unit)
    write_pictures(folder, pictures)


def _longest_reports(comparison: Comparison) -> dict[str, Report]:
    """Return each design's report at the longest length of the first workload."""
    length, workload = comparison.lengths[-1], comparison.workloads[0]
    found = {name: comparison.entry(name, length, workload) for name in comparison.designs}
    return {name: entry.report for name, entry in found.items() if entry is not None}
