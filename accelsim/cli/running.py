"""``accelsim run`` and ``accelsim explain``: one design on one workload."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from accelsim.api import Job, Report
from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.cli import flags
from accelsim.cli.output import whole, writable, writable_file, write
from accelsim.errors import SpecError, nearest
from accelsim.mapping import Mapping, Stage, Workload
from accelsim.specs import names
from accelsim.specs.find import path as find_path


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to run, with every name resolved."""

    job: Job
    workload: Workload
    scope: str
    full: bool

    @classmethod
    def of(
        cls,
        what: Sequence[str],
        workload: str,
        seq: str | None,
        set_: Sequence[str] | None,
        arch_set: Sequence[str] | None,
        scope: str,
        mapping: str | None,
        *,
        full: bool,
    ) -> Request:
        chosen = flags.scope(scope)
        length = None if seq is None else flags.length(seq)
        load = Workload.load(workload, length, flags.ranks(set_ or ()))
        job = _job(what, mapping, flags.fields(arch_set or ()))
        return cls(job=job, workload=load, scope=chosen, full=full)

    @property
    def stages(self) -> list[Stage]:
        stages = self.workload.stages
        return [s for s in stages if self.scope == "layer" or s.scope == self.scope]

    def report(self, *, explain: bool = False) -> Report:
        return self.job.report(self.workload, scope=self.scope, full=self.full, explain=explain)


def run_command(
    request: Request, *, as_json: bool, trace: Path | None, window: str | None, out: Path | None
) -> None:
    cycles = flags.window(window)
    if window is not None and trace is None:
        raise SpecError("--window must come with --trace FILE")
    if out is not None:
        writable(out)
    if trace is not None:
        if not trace.name.endswith(".json.gz"):
            raise SpecError(f"--trace must end in .json.gz, not {trace.name!r}")
        writable_file(trace)
    report = request.report()
    if out is not None:
        _write_report(report, out)
    if trace is not None:
        from accelsim.sim.trace import write_trace

        stage = request.stages[_longest(report)]
        lowered = request.job.run(stage, full=request.full).lowered
        with whole(trace) as draft:
            write_trace(lowered, draft, cycles)
    print(report.to_json() if as_json else report, end="" if as_json else "\n")


def explain_command(request: Request, *, as_json: bool) -> None:
    from accelsim.sim.waits import stalls_in_words

    report = request.report(explain=True)
    figures = report.to_dict()
    stage = request.stages[_longest(report)]
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


def _job(what: Sequence[str], mapping: str | None, arch_set: dict[str, object]) -> Job:
    if len(what) == 1:
        return Job.of(what[0], mapping=mapping, arch_set=arch_set)
    if len(what) != 2:
        raise SpecError(
            f"run must have a design, or a cascade and an architecture, not {len(what)} names"
        )
    cascade, arch = what
    Cascade.load(cascade)
    known = [mapping] if mapping else mappings_of(cascade, arch)
    job = Job.of(cascade=cascade, arch=arch, mapping=known[0], arch_set=arch_set)
    return replace(job, mappings=lambda _: [Mapping.load(name) for name in known])


def mappings_of(cascade: str, arch: str) -> list[str]:
    """Return the mappings of a cascade on an architecture: files beside it, or shipped for its name."""
    machine = Architecture.load(arch)
    name = Path(cascade).stem
    folder = find_path("arch", arch).parent
    beside = sorted(str(f) for f in folder.glob("*.yaml") if f.name.split(".")[0] == name)
    own = [n for n in names("mapping") if n.split(".")[0] == f"{machine.spec.mappings}/{name}"]
    if beside or own:
        return beside or own
    has = {f.name.split(".")[0] for f in folder.glob("*.yaml")} - {"arch", "design"}
    raise SpecError(
        f"{arch} must have a mapping of {name}: no {name}.yaml beside its arch.yaml{nearest(name, has)}"
    )


def _longest(report: Report) -> int:
    shares = [s.activity.ticks / s.activity.ticks_per_cycle for s in report.stages]
    return shares.index(max(shares))


def _write_report(report: Report, folder: Path) -> None:
    from accelsim import plot

    write(folder / "report.json", report.to_json())
    write(folder / "report.txt", f"{report}\n")
    write(folder / "units.csv", report.to_frame().to_csv())
    for name, axes in (("activity", plot.activity(report)), ("energy", plot.energy(report))):
        for ending in ("png", "svg"):
            with whole(folder / f"{name}.{ending}") as draft:
                plot.save(axes, draft)
