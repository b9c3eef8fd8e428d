"""``accelsim run`` and ``accelsim explain``: one design on one workload."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

from accelsim.cli import flags
from accelsim.cli.output import whole, writable, writable_file, write, write_pictures
from accelsim.errors import SpecError
from accelsim.job import ATTENTION, Call, Job
from accelsim.mapping import Mapping, Stage, Workload
from accelsim.result import Report

if TYPE_CHECKING:
    from accelsim.explore.mapper import Found


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to run, with every name resolved."""

    call: Call
    job: Job
    workload: Workload
    scope: str
    full: bool

    @classmethod
    def of(
        cls,
        what: Sequence[str],
        workload: str | None,
        seq: str | None,
        set_: Sequence[str] | None,
        arch_set: Sequence[str] | None,
        scope: str,
        mapping: str | None,
        *,
        full: bool,
        selection: str = "uniform",
    ) -> Request:
        call = Call(
            **_subject(what),
            scope=flags.scope(scope),
            seq=None if seq is None else flags.length(seq),
            mapping=mapping,
            workload=workload,
            ranks=flags.ranks(set_ or ()),
            arch_set=flags.fields(arch_set or ()),
            selection=selection,
        )
        return cls.from_call(call, full=full)

    @classmethod
    def from_call(cls, call: Call, *, full: bool = False) -> Request:
        job = call.job()
        return cls(call=call, job=job, workload=call.load(job), scope=call.scope, full=full)

    @property
    def stages(self) -> list[Stage]:
        return list(self.job.stages(self.workload, self.scope))

    def report(self, *, explain: bool = False) -> Report:
        report = self.job.report(self.workload, scope=self.scope, full=self.full, explain=explain)
        return replace(report, request=self.call.to_dict())


def run_command(
    request: Request,
    *,
    as_json: bool,
    trace: Path | None,
    window: str | None,
    out: Path | None,
    mapping_out: Path | None = None,
) -> None:
    cycles = timeline(trace, window)
    if out is not None:
        writable(out)
    if mapping_out is not None:
        writable_file(mapping_out)
    report = request.report()
    if out is not None:
        write_report(report, out)
    if mapping_out is not None:
        stage = request.stages[longest(report)]
        write(mapping_out, text_of(request.job.run(stage).mapping))
    if trace is not None:
        from accelsim.sim.trace import write_trace

        stage = request.stages[longest(report)]
        lowered = request.job.run(stage, full=request.full).lowered
        with whole(trace) as draft:
            write_trace(lowered, draft, cycles)
    print(report.to_json() if as_json else report, end="" if as_json else "\n")


def timeline(trace: Path | None, window: str | None) -> tuple[int, int] | None:
    """Check where a timeline goes; return its first and last cycle, if they are given."""
    cycles = flags.window(window)
    if window is not None and trace is None:
        raise SpecError("--window must come with --trace FILE")
    if trace is not None:
        if not trace.name.endswith(".json.gz"):
            raise SpecError(f"--trace must end in .json.gz, not {trace.name!r}")
        writable_file(trace)
    return cycles


def map_command(
    request: Request, out: Path | None, *, made: bool, objective: str, effort: str
) -> None:
    """Print (or write) the mapping that runs best; of a Pareto set each into a file of its own."""
    pareto = objective == "pareto"
    if out is not None:
        (writable if pareto else writable_file)(out)
    elif pareto:
        raise SpecError("--objective pareto must come with -o FOLDER: a mapping a file")
    stage = max(request.stages, key=lambda s: s.scope == ATTENTION)
    if not made:
        text = text_of(request.job.run(stage, full=request.full).mapping)
        print(text, end="") if out is None else write(out, text)
        return
    from accelsim.explore.mapper import find_mapping

    found = find_mapping(request.job.problem(stage), objective=objective, effort=effort)
    if pareto:
        assert out is not None
        for number, one in enumerate(found.front, start=1):
            cycles, energy = (float(figure) for figure in one.figures)
            name = f"{request.job.cascade.name}.{number}.yaml"
            write(out / name, f"# {cycles:,.0f} cycles, {energy:.4e} pJ\n{text_of(one.mapping)}")
            print(f"{name}: {cycles:,.0f} cycles, {energy:.4e} pJ")
        return
    text = _described(found)
    print(text, end="") if out is None else write(out, text)


def map_rewritten(
    request: Request, out: Path | None, *, made: bool, objective: str, effort: str
) -> None:
    """Write the cascade, rewritten if that runs better, and its mapping: two files of a folder."""
    from accelsim.cascade.text import cascade_yaml
    from accelsim.explore.mapper import find_rewritten

    if not made:
        raise SpecError("--rewrite must come with --mapping auto")
    if objective == "pareto":
        raise SpecError("--rewrite must come with an objective that has one best, not pareto")
    if out is None:
        raise SpecError("--rewrite must come with -o FOLDER: a cascade and its mapping")
    writable(out)
    stage = max(request.stages, key=lambda s: s.scope == ATTENTION)
    problem = request.job.problem(stage)
    cascade, found = find_rewritten(problem, objective=objective, effort=effort)
    names = [f"{cascade.name}.yaml", f"{cascade.name}.mapping.yaml"]
    write(out / names[0], cascade_yaml(cascade))
    write(out / names[1], _described(found))
    print("\n".join([*found.words(), *(f"{out / name}" for name in names)]))


def _described(found: Found) -> str:
    """Return a mapping as YAML with what is known of it ahead, as comments."""
    lines = [line for words in found.words() for line in wrap(words, 100)]
    return "".join(f"# {line}\n" for line in lines) + text_of(found.best.mapping)


def text_of(mapping: Mapping) -> str:
    """Return a mapping as the YAML file that says it."""
    return mapping.document.source


def explain_command(request: Request, *, as_json: bool) -> None:
    from accelsim.sim.waits import stalls_in_words

    report = request.report(explain=True)
    figures = report.to_dict()
    stage = request.stages[longest(report)]
    waits = stalls_in_words(request.job.run(stage).lowered)
    if as_json:
        kept = (
            "design",
            "workload",
            "cycles",
            "bottleneck",
            "stall_cycles",
            "idle_cycles",
            "roofline",
        )
        found = {key: figures[key] for key in kept} | {"waits": list(waits)}
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    circuit, bound = figures["bottleneck"], figures["roofline"]
    print(f"{figures['design']}: {figures['cycles']:,} cycles")
    print(f"\nbottleneck: {circuit['kind']}")
    for step in circuit["circuit"]:
        print(f"  {step}")
    if circuit["cycles_per_iteration"] is not None:
        print(f"  {circuit['cycles_per_iteration']:,} cycles an iteration of the innermost loop")
    print("\nwaits, in the steady state:")
    print("\n".join(f"  {line}" for line in waits))
    print("\nroofline, as shares of the time:")
    for name in ("compute", "memory"):
        cycles = bound[f"{name}_cycles"]
        share = cycles / figures["cycles"] if figures["cycles"] else 0.0
        print(f"  {name} bound {cycles:,} cycles, {share:.1%}")


def _subject(what: Sequence[str]) -> dict[str, str]:
    """Return what is run: a design, or a cascade on an architecture."""
    if len(what) == 1:
        return {"design": what[0]}
    if len(what) != 2:
        raise SpecError(
            f"run must have a design, or a cascade and an architecture, not {len(what)} names"
        )
    return {"cascade": what[0], "arch": what[1]}


def longest(report: Report) -> int:
    shares = [s.activity.ticks / s.activity.ticks_per_cycle for s in report.stages]
    return shares.index(max(shares))


def write_report(report: Report, folder: Path) -> None:
    from accelsim import plot

    write(folder / "report.json", report.to_json())
    write(folder / "report.txt", f"{report}\n")
    write(folder / "units.csv", report.to_frame().to_csv())
    write_pictures(folder, {"activity": plot.activity(report), "energy": plot.energy(report)})
