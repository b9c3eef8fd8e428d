"""The calls of the package: simulate a design on a workload, compare designs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.energy.account import area, energy
from accelsim.energy.components import attributes
from accelsim.energy.tables import CostTable
from accelsim.errors import InfeasibleError, SpecError, nearest
from accelsim.mapping import Design, Mapping, Problem, Selection, Stage, Workload, auto
from accelsim.mapping.selection import UNIFORM
from accelsim.result.compare import Comparison, Entry
from accelsim.result.report import Circuit, Report
from accelsim.result.report import Stage as Reported
from accelsim.sim import jump, reference
from accelsim.sim.activity import Activity
from accelsim.sim.lower import Lowered, lower
from accelsim.sim.measure import measure
from accelsim.specs import names, path

ATTENTION = "attention"
DEFAULT = "bert"  # the workload that is meant if nothing says another
EFFORT = 60_000  # of simulation (see sim.jump.Statistics) to choose among mappings that are made
MOST = 180_000  # for those that are tried while none has come to an end
SAME = Fraction(1, 200)  # mappings whose cycles differ by less are as fast: traffic decides
AUTO = "auto"  # the name that asks for mappings made for the problem
Choice = Callable[[Table[str, int | Fraction]], list[Mapping]]  # rank sizes -> mappings that apply
LENGTHS = tuple(1 << n for n in range(10, 21, 2))


@dataclass(frozen=True, kw_only=True)
class Run:
    """One simulated stage with the program behind it, for traces and explanations."""

    stage: Stage
    mapping: Mapping
    lowered: Lowered
    activity: Activity


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
    selection: str | Selection = UNIFORM,
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
    if isinstance(selection, str):
        selection = Selection.load(selection)
    job = replace(job, selection=selection)
    load = job.load(workload, seq, ranks)
    return job.report(load, scope=scope, full=full, explain=explain)


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
                found = _always(chosen)
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
            mappings=_given(mapping, text, machine),
            is_design=False,
            costs=machine.spec.costs,
        )

    def load(
        self, workload: str | None, seq: int | None = None, ranks: Table[str, int] | None = None
    ) -> Workload:
        """Return a workload; by default one that names the cascade, bert for a design."""
        if self.is_design:
            return Workload.load(workload or DEFAULT, seq, ranks)
        name = workload or Workload.naming(self.cascade, DEFAULT)
        return Workload.load(name, seq, ranks, self.cascade)

    def report(
        self,
        workload: Workload,
        *,
        scope: str = "attention",
        full: bool = False,
        explain: bool = False,
    ) -> Report:
        """Return the report of the attention stage, or of the whole layer, stage after stage."""
        runs = [self.run(stage, full=full) for stage in self.stages(workload, scope)]
        table = CostTable.load(self.costs)
        parts = attributes(self.arch.spec)
        reported = []
        for run in runs:
            circuit = None
            if explain:
                from accelsim.sim.explain import circuit_of

                found = circuit_of(run.lowered)
                circuit = Circuit(
                    kind=found.kind,
                    steps=found.steps,
                    cycles_per_iteration=found.cycles_per_iteration,
                )
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

    def run(self, stage: Stage, *, full: bool = False) -> Run:
        """Simulate one stage with the best of the mappings that apply to it."""
        mappings, problem = self._choices(stage)
        if mappings is None:
            made = self._made(problem)
            mappings = [made.mapping]
            if made.activity is not None and not full:
                return Run(
                    stage=stage,
                    mapping=made.mapping,
                    lowered=made.lowered,
                    activity=made.activity,
                )
        best: tuple[tuple[Any, ...], Run] | None = None
        refused: list[InfeasibleError] = []
        kernel = reference.run if full else jump.run
        for mapping in mappings:
            if mapping.fallback and best is not None:
                continue
            try:
                lowered = lower(mapping.plan(problem))
                outcome = kernel(lowered.program)
            except InfeasibleError as error:
                refused.append(error)
                continue
            activity = measure(lowered, outcome, self.name, mapping.name)
            objective = dict.fromkeys((*self.objective, "traffic_bytes"))
            key = tuple(_figure(activity, name) for name in objective)
            if best is None or key < best[0]:
                best = (
                    key,
                    Run(stage=stage, mapping=mapping, lowered=lowered, activity=activity),
                )
        if best is None:
            raise refused[0]
        return best[1]

    def _made(self, problem: Problem) -> _Made:
        """Return the best of the mappings made for a problem, as far as it pays to look for it.

        The effort of the simulations decides when to stop, not the clock: the choice is always the same.
        Where none ends within the effort the first is taken.
        """
        best: _Made | None = None
        first: _Made | None = None
        refused: list[InfeasibleError] = []
        spent = 0
        for mapping in auto.candidates(problem):
            if spent >= (EFFORT if best is not None else 2 * MOST):
                break
            if mapping.fallback if best is not None else (spent >= MOST and not mapping.fallback):
                continue
            statistics = jump.Statistics()
            limit = MOST if best is None else EFFORT - spent  # the first one may take its time
            try:
                lowered = lower(mapping.plan(problem))
                made = _Made(mapping=mapping, lowered=lowered, activity=None)
                if first is None or (mapping.fallback and not first.mapping.fallback):
                    first = made  # the most cautious ends soonest
                outcome = jump.run(lowered.program, statistics, limit)
                activity = measure(lowered, outcome, self.name, mapping.name)
                made = replace(made, activity=activity)
                _check_room(activity)
                if best is None or made.beats(best):
                    best = made
            except jump.IrregularError:
                pass
            except InfeasibleError as error:
                refused.append(error)
            spent += statistics.effort
        if best is None and first is None:
            raise refused[0]
        found = best or first
        assert found is not None
        return found

    def _choices(self, stage: Stage) -> tuple[Iterable[Mapping] | None, Problem]:
        """Return the mappings that may run a stage (None: to be made), and the stage as a problem."""
        own = stage.cascade in (ATTENTION, self.cascade.name)
        cascade = self._own(stage) if own else Cascade.load(stage.cascade)
        problem = Problem(
            cascade=cascade,
            arch=self.arch,
            ranks=stage.ranks,
            leading=stage.leading,
            shared=stage.shared,
            selection=self.selection.of(cascade) if own else replace(self.selection, live={}),
        )
        if own and self.mappings is not None:
            return self.mappings({**self.arch.symbols(), **stage.ranks}), problem
        names = [] if own else _shipped(self.arch, stage.cascade)
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


@dataclass(frozen=True, kw_only=True)
class _Made:
    """A mapping made for a problem, and its run if that came to an end."""

    mapping: Mapping
    lowered: Lowered
    activity: Activity | None

    def beats(self, other: _Made) -> bool:
        """Whether this one is faster by more than SAME, or as fast with less traffic."""
        assert self.activity is not None
        assert other.activity is not None
        mine, best = _cycles(self.activity), _cycles(other.activity)
        if abs(mine - best) > SAME * best:
            return mine < best
        moved = [_figure(a, "traffic_bytes") for a in (self.activity, other.activity)]
        return bool(moved[0] < moved[1])


def _check_room(activity: Activity) -> None:
    """Refuse a run that held more than there is: where a mask ends a row, a tile may overlap the next."""
    for use in activity.buffers:
        if use.peak_bytes > use.capacity_bytes:
            raise InfeasibleError(
                f"{activity.mapping} must hold at most the {use.capacity_bytes} bytes of {use.name}, not"
                f" {use.peak_bytes}"
            )


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


def _always(mapping: Mapping) -> Choice:
    """Return the choice that has one mapping for every size."""

    def choice(_: Table[str, int | Fraction]) -> list[Mapping]:
        return [mapping]

    return choice


def _given(mapping: str | Mapping | None, cascade: Cascade, arch: Architecture) -> Choice | None:
    """Return the mappings of a cascade on an architecture: the one given, those shipped, or None."""
    if isinstance(mapping, Mapping):
        return _always(mapping)
    if mapping == AUTO:
        return None
    names = [mapping] if mapping else _beside(cascade, arch)
    if not names:
        return None
    found = [Mapping.load(name) for name in names]
    return lambda _: found


def _beside(cascade: Cascade, arch: Architecture) -> list[str]:
    """Return the mappings of a cascade beside the file of an architecture, else those shipped for it."""
    folder = Path(arch.document.path).parent
    beside = sorted(str(f) for f in folder.glob("*.yaml") if f.name.split(".")[0] == cascade.name)
    own = {str(path("mapping", name)): name for name in _shipped(arch, cascade.name)}
    return list(own.values()) if set(beside) <= set(own) else beside


def _shipped(arch: Architecture, cascade: str) -> list[str]:
    """Return the names of the mappings of a cascade: the architecture's own, else those it shares."""
    for folder in (arch.spec.name, arch.spec.mappings):
        found = [n for n in names("mapping") if n.partition(".")[0] == f"{folder}/{cascade}"]
        if found:
            return found
    return []


def _cascade(cascade: str | Cascade) -> Cascade:
    return Cascade.load(cascade) if isinstance(cascade, str) else cascade


def _cycles(activity: Activity) -> Fraction:
    return Fraction(activity.ticks, activity.ticks_per_cycle)


def _figure(activity: Activity, name: str) -> Any:
    """Return a figure to be least: cycles (whole), traffic_bytes."""
    figures = {
        "cycles": -(-activity.ticks // activity.ticks_per_cycle),
        "traffic_bytes": sum(t.bytes for t in activity.transfers),
    }
    if name not in figures:
        raise SpecError(f"objective must be one of {', '.join(figures)}, not {name!r}")
    return figures[name]


__all__ = ["LENGTHS", "Job", "Report", "Run", "compare", "simulate"]
