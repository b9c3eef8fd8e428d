"""A design read, and what can be asked of it: runs and reports on workloads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from typing import Any

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.energy.account import area, energy
from accelsim.energy.components import attributes
from accelsim.energy.tables import CostTable
from accelsim.errors import InfeasibleError, SpecError, nearest
from accelsim.job.figured import Answers, figured
from accelsim.job.figures import figure
from accelsim.job.given import Choice, always, given, shipped
from accelsim.job.made import best_made
from accelsim.job.run import Run
from accelsim.mapping import Design, Mapping, Problem, Selection, Stage, Workload
from accelsim.mapping.selection import UNIFORM
from accelsim.result.report import Circuit, Report
from accelsim.result.report import Stage as Reported
from accelsim.sim import reference
from accelsim.sim.prepared import Prepared

ATTENTION = "attention"
DEFAULT = "bert"  # the workload that is meant if nothing says another


@dataclass(frozen=True, kw_only=True)
class Job:
    """A design with its architecture read: what a workload is run on."""

    name: str
    arch: Architecture
    cascade: Cascade
    variants: Table[str, str]
    mappings: Choice | None  # None: made for the problem
    is_design: bool = True  # else a cascade on an architecture
    objective: tuple[str, ...] = ("cycles",)
    costs: str = ""
    selection: Selection = UNIFORM

    @classmethod
    def of(
        cls,
        design: str | Design | None = None,
        *,
        cascade: str | Cascade | None = None,
        arch: str | Architecture | None = None,
        mapping: str | Mapping | None = None,
        arch_set: Table[str, Any] | None = None,
    ) -> Job:
        if design is not None:
            known = Design.load(design) if isinstance(design, str) else design
            machine = Architecture.load(known.spec.arch, arch_set)
            if mapping is not None:
                chosen = Mapping.load(mapping) if isinstance(mapping, str) else mapping
                found = always(chosen)
            else:
                found = known.mappings
            return cls(
                name=known.name,
                arch=machine,
                cascade=_cascade(cascade or known.spec.cascade),
                variants={} if cascade else {k: v.cascade for k, v in known.spec.variants.items()},
                mappings=found,
                objective=known.objective,
                costs=known.spec.costs or machine.spec.costs,
            )
        if cascade is None or arch is None:
            raise SpecError("simulate must have a design, or a cascade and an arch")
        machine = Architecture.load(arch, arch_set) if isinstance(arch, str) else arch
        text = _cascade(cascade)
        return cls(
            name=f"{text.name} on {machine.name}",
            arch=machine,
            cascade=text,
            variants={},
            mappings=given(mapping, text, machine),
            is_design=False,
            costs=machine.spec.costs,
        )

    def load(
        self, workload: str | None, seq: int | None = None, ranks: Table[str, int] | None = None
    ) -> Workload:
        """Return a workload, by default as :meth:`workload_name` says."""
        own = None if self.is_design else self.cascade
        return Workload.load(self.workload_name(workload), seq, ranks, own)

    def workload_name(self, asked: str | None) -> str:
        """Return the workload that is meant: the one asked for, one that names the cascade, or bert."""
        if asked or self.is_design:
            return asked or DEFAULT
        return Workload.naming(self.cascade, DEFAULT)

    def report(
        self,
        workload: Workload,
        *,
        scope: str = "attention",
        full: bool = False,
        explain: bool = False,
    ) -> Report:
        """Return the report of the attention stage, or of the whole layer, stage after stage."""
        return self.report_of(
            self.runs(workload, scope=scope, full=full), workload, explain=explain
        )

    def runs(
        self, workload: Workload, *, scope: str = "attention", full: bool = False
    ) -> list[Run]:
        """Simulate the attention stage, or all stages of the layer."""
        return [self.run(stage, full=full) for stage in self.stages(workload, scope)]

    def report_of(
        self, runs: Iterable[Run], workload: Workload, *, explain: bool = False
    ) -> Report:
        """Return the report of runs of this job."""
        table = CostTable.load(self.costs)
        parts = attributes(self.arch.spec)
        reported = []
        for run in runs:
            circuit = None
            if explain:
                from accelsim.sim.explain import circuit_of

                circuit = Circuit.of(circuit_of(run.lowered))
            reported.append(
                Reported(
                    name=run.stage.name,
                    activity=run.activity,
                    energy=energy(run.activity, table, parts),
                    circuit=circuit,
                )
            )
        return Report(
            stages=tuple(reported), area=area(parts, table), workload=dict(workload.ranks)
        )

    def figures(self, workload: Workload, *, scope: str = "attention") -> dict[str, Any]:
        """Return the figures of the report, as its ``to_dict`` has them."""
        return self.figures_of(self.runs(workload, scope=scope), workload)

    def figures_of(self, runs: Sequence[Run], workload: Workload) -> dict[str, Any]:
        """Return the figures of the report of runs of this job."""
        if len(runs) > 1 or runs[0].prepared is None or runs[0].outcome is None:
            return self.report_of(runs, workload).to_dict()
        (run,) = runs
        answers = Answers(
            table=CostTable.load(self.costs),
            components=attributes(self.arch.spec),
            workload=workload,
        )
        return figured(
            runs[0].prepared,
            runs[0].outcome,
            answers,
            design=self.name,
            mapping=run.mapping.name,
            stage=run.stage.name,
        )

    def run(self, stage: Stage, *, full: bool = False) -> Run:
        """Simulate one stage with the best of the mappings that apply to it."""
        mappings, problem = self.choices(stage)
        if mappings is None:
            made = best_made(problem, self.name)
            mappings = [made.mapping]
            if made.activity is not None and not full:
                return Run(design=self.name, stage=stage, mapping=made.mapping, made=made)
        mappings = tuple(mappings)
        best: tuple[tuple[Any, ...], Run] | None = None
        refused: list[InfeasibleError] = []
        for mapping in mappings:
            if mapping.fallback and best is not None:
                continue
            try:
                prepared = Prepared(mapping, problem)
                outcome = reference.run(prepared.program) if full else prepared.run()
            except InfeasibleError as error:
                refused.append(error)
                continue
            run = Run(
                design=self.name,
                stage=stage,
                mapping=mapping,
                prepared=prepared,
                outcome=outcome,
            )
            if len(mappings) == 1:
                return run
            objective = dict.fromkeys((*self.objective, "traffic_bytes"))
            key = tuple(figure(run.activity, name) for name in objective)
            if best is None or key < best[0]:
                best = (key, run)
        if best is None:
            raise refused[0]
        return best[1]

    def problem(self, stage: Stage) -> Problem:
        """Return a stage as a problem: what a mapping is for."""
        own = self._is_own(stage)
        cascade = self._own(stage) if own else Cascade.load(stage.cascade)
        return Problem(
            cascade=cascade,
            arch=self.arch,
            ranks=stage.ranks,
            leading=stage.leading,
            shared=stage.shared,
            selection=self.selection.of(cascade) if own else replace(self.selection, live={}),
        )

    def _is_own(self, stage: Stage) -> bool:
        """Whether a stage is the attention that this design runs."""
        return stage.cascade in (ATTENTION, self.cascade.name)

    def choices(self, stage: Stage) -> tuple[Iterable[Mapping] | None, Problem]:
        """Return the mappings that may run a stage (None: to be made), and the stage as a problem."""
        own, problem = self._is_own(stage), self.problem(stage)
        if own and self.mappings is not None:
            return self.mappings({**self.arch.symbols(), **stage.ranks}), problem
        names = [] if own else shipped(self.arch, stage.cascade)
        if names:
            return [Mapping.load(name) for name in names], problem
        return None, problem

    def _own(self, stage: Stage) -> Cascade:
        """Return the design's cascade for the variant of attention that the stage asks for."""
        if not stage.variant or not self.variants:
            return self.cascade
        if stage.variant not in self.variants:
            raise SpecError(
                f"{self.name} must have a variant {stage.variant!r}{nearest(stage.variant, self.variants)}"
            )
        return Cascade.load(self.variants[stage.variant])

    def stages(self, workload: Workload, scope: str) -> tuple[Stage, ...]:
        """Return what is run: the attention of a workload, as this cascade has it, or the whole layer."""
        if scope not in ("attention", "layer"):
            raise SpecError(f"--scope must be attention or layer, not {scope!r}")
        stages = tuple(s for s in workload.stages if scope == "layer" or s.scope == scope)
        if self.is_design:
            return stages
        mine = workload.stage_of(self.cascade)
        return tuple(mine if s.scope == "attention" else s for s in stages)


def _cascade(cascade: str | Cascade) -> Cascade:
    return Cascade.load(cascade) if isinstance(cascade, str) else cascade
