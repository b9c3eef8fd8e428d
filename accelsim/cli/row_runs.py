"""``accelsim run`` and ``accelsim explain`` of a design that runs rows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from accelsim.cli import flags
from accelsim.cli.output import whole, writable
from accelsim.errors import SpecError
from accelsim.job.rows import RowJob, rows_of
from accelsim.mapping import Design
from accelsim.rows import Rows


@dataclass(frozen=True, kw_only=True)
class RowRequest:
    """Rows and what they run on, with every name resolved."""

    job: RowJob
    rows: Rows
    full: bool

    @classmethod
    def of(
        cls,
        what: Sequence[str],
        *,
        trace_csv: Path | None,
        tensors: Path | None,
        schedule: str | None,
        arch_set: Sequence[str] | None,
        mapping: str | None,
        full: bool,
        others: Mapping[str, object],
    ) -> RowRequest | None:
        """Return the request, or None for a design of loop nests (or a cascade on an architecture)."""
        design = Design.load(what[0]) if len(what) == 1 else None
        if design is None or not design.spec.pipeline:
            given = {"--trace-csv": trace_csv, "--tensors": tensors, "--schedule": schedule}
            for flag, wanted in given.items():
                if wanted is not None:
                    raise SpecError(
                        f"{flag} must come with a design that runs rows, such as spatten"
                    )
            return None
        for flag, value in others.items():
            if value:
                raise SpecError(f"{flag} must be left out: {design.name} runs rows")
        job = RowJob.of(design, pipeline=mapping, arch_set=flags.fields(arch_set or ()))
        if trace_csv is None and tensors is None and schedule is None:
            schedule = job.schedule or None
        if trace_csv is None and tensors is None and schedule is None:
            raise SpecError(f"{design.name} must be given --trace-csv, --tensors or --schedule")
        rows = rows_of(trace_csv=trace_csv, tensors=tensors, schedule=schedule)
        return cls(job=job, rows=rows, full=full)


def run_rows(
    request: RowRequest, *, as_json: bool, trace: Path | None, window: str | None, out: Path | None
) -> None:
    from accelsim.cli.running import timeline, write_report

    cycles = timeline(trace, window)
    if out is not None:
        writable(out)
    report = request.job.report(request.rows, full=request.full)
    if out is not None:
        write_report(report, out)
    if trace is not None:
        from accelsim.sim.rows.draft import subject
        from accelsim.sim.trace import write_trace

        drafted = request.job.lower(request.rows)
        with whole(trace) as draft:
            write_trace(subject(drafted), draft, cycles)
    print(report.to_json() if as_json else report, end="" if as_json else "\n")


def explain_rows(request: RowRequest, *, as_json: bool) -> None:
    """Print the critical path, by task and by layer, and the bounds by unit."""
    from accelsim.sim.rows.explain import critical
    from accelsim.sim.rows.measure import bounds_of

    run = request.job.run(request.rows, full=request.full)
    found, bounds = critical(run.drafted), bounds_of(run.drafted)
    cycles = run.outcome.ticks
    if as_json:
        data = {
            "design": request.job.name,
            "cycles": cycles,
            "bottleneck": {"kind": found.kind, "circuit": list(found.steps)},
            "critical_cycles": {
                "by_unit": found.by_unit,
                "by_layer": [{"layer": n, **each} for n, each in found.by_layer.items()],
            },
            "bounds": bounds.by_unit,
            "binding": bounds.binding,
        }
        print(json.dumps(data, indent=2, ensure_ascii=False))
        return
    print(f"{request.job.name}: {cycles:,} cycles\n\nbottleneck: {found.kind}")
    print("critical path, by task:" if found.whole else "critical path of the first rows, by task:")
    print("\n".join(f"  {step}" for step in found.steps))
    print("\nby layer:")
    for layer, each in found.by_layer.items():
        total = sum(each.values())
        shares = ", ".join(f"{unit} {n / total:.1%}" for unit, n in each.items())
        print(f"  {layer}: {total:,} cycles, {shares}")
    print("\nno run can be under:")
    for unit, least in bounds.by_unit.items():
        binds = ", binding" if unit == bounds.binding else ""
        print(f"  {unit} {least:,} cycles, {least / cycles:.1%} of the time{binds}")


__all__ = ["RowRequest", "explain_rows", "run_rows"]
