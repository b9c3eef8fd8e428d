"""A design that runs rows: reads it, simulates rows on it, reports."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelsim.arch import Architecture
from accelsim.energy.account import area, energy
from accelsim.energy.components import attributes
from accelsim.energy.tables import CostTable
from accelsim.errors import SpecError
from accelsim.mapping import Design
from accelsim.result.report import Circuit, Report
from accelsim.result.report import Stage as Reported
from accelsim.rows import Rows
from accelsim.rows.pipeline import Pipeline
from accelsim.sim import jump, reference
from accelsim.sim.activity import Activity
from accelsim.sim.program import Outcome
from accelsim.sim.rows import Drafted, lower_rows
from accelsim.sim.rows.lower import SEED
from accelsim.sim.rows.measure import measure_rows, trace_figures


@dataclass(frozen=True, kw_only=True)
class RowRun:
    """Rows simulated, with the program behind them."""

    drafted: Drafted
    outcome: Outcome
    activity: Activity


@dataclass(frozen=True, kw_only=True)
class RowJob:
    """A design whose pipeline runs rows, with its architecture read."""

    name: str
    arch: Architecture
    pipeline: Pipeline
    costs: str
    schedule: str = ""  # that is meant if no rows are given

    @classmethod
    def of(
        cls,
        design: str | Design,
        *,
        pipeline: str | None = None,
        arch_set: Table[str, Any] | None = None,
    ) -> RowJob:
        """Read a design; SpecError if it is one of loop nests, or faulty."""
        known = Design.load(design) if isinstance(design, str) else design
        if not known.spec.pipeline:
            raise SpecError(f"{known.name} must be a design with a pipeline to run rows")
        machine = Architecture.load(known.spec.arch, arch_set)
        name = pipeline or known.pipeline
        return cls(
            name=known.name,
            arch=machine,
            pipeline=Pipeline.load(name, machine),
            costs=known.spec.costs or machine.spec.costs,
            schedule=known.spec.rows,
        )

    def lower(self, rows: Rows, seed: int = SEED) -> Drafted:
        """Return the program of rows."""
        return lower_rows(self.arch, self.pipeline, rows, seed)

    def run(self, rows: Rows, *, full: bool = False, seed: int = SEED) -> RowRun:
        """Simulate rows; ``full`` with the reference kernel."""
        drafted = self.lower(rows, seed)
        outcome = (reference.run if full else jump.run)(drafted.program)
        return RowRun(
            drafted=drafted,
            outcome=outcome,
            activity=measure_rows(drafted, outcome, self.name),
        )

    def report(
        self, rows: Rows, *, full: bool = False, explain: bool = False, seed: int = SEED
    ) -> Report:
        """Return the report of rows; its section ``trace`` has their totals and what bounds them."""
        run = self.run(rows, full=full, seed=seed)
        table = CostTable.load(self.costs)
        parts = attributes(self.arch.spec)
        circuit = None
        if explain:
            from accelsim.sim.rows.explain import critical

            found = critical(run.drafted)
            circuit = Circuit(kind=found.kind, steps=found.steps)
        stage = Reported(
            name="rows",
            activity=run.activity,
            energy=energy(run.activity, table, parts),
            circuit=circuit,
        )
        return Report(
            stages=(stage,),
            area=area(parts, table),
            workload=dict(run.activity.ranks),
            trace=trace_figures(run.drafted, run.outcome),
        )


def simulate_rows(
    design: str | Design,
    *,
    rows: Rows | None = None,
    trace_csv: str | Path | None = None,
    tensors: str | Path | None = None,
    schedule: str | None = None,
    pipeline: str | None = None,
    arch_set: Table[str, Any] | None = None,
    full: bool = False,
    explain: bool = False,
) -> Report:
    """Return the report of rows on a design that runs them, such as spatten.

    Rows are given as they are, or come from a trace (CSV of the SpAtten authors), from the values of Q, K
    and V (``tensors``, pruned by ``schedule`` if there is one), or are drawn from a ``schedule`` (by default
    the design's own). ``arch_set`` replaces fields of the architecture (``{"TOPK.engine": "radix_select"}``).
    SpecError: faulty input; InfeasibleError: it cannot run.
    """
    job = RowJob.of(design, pipeline=pipeline, arch_set=arch_set)
    if rows is None:
        if trace_csv is None and tensors is None and schedule is None:
            schedule = job.schedule or None
        rows = rows_of(trace_csv=trace_csv, tensors=tensors, schedule=schedule)
    return job.report(rows, full=full, explain=explain)


def rows_of(
    *,
    trace_csv: str | Path | None = None,
    tensors: str | Path | None = None,
    schedule: str | None = None,
    seed: int | None = None,
) -> Rows:
    """Return rows: of a trace, of values (by a schedule, else all is kept), or drawn from a schedule."""
    if trace_csv is not None and (tensors is not None or schedule is not None):
        raise SpecError("--trace-csv must stand alone: a trace says what is kept")
    if trace_csv is not None:
        from accelsim.rows.trace_csv import read_trace

        return read_trace(trace_csv)
    from accelsim.rows.schedule import Schedule

    plan = None if schedule is None else Schedule.load(schedule)
    if tensors is not None:
        from accelsim.rows.tensors import Tensors, tensor_rows

        return tensor_rows(Tensors.load(tensors), plan).rows
    if plan is None:
        raise SpecError("rows must come from a trace, from tensors, or from a schedule")
    from accelsim.rows.drawn import drawn_rows

    return drawn_rows(plan, seed)


__all__ = ["RowJob", "RowRun", "rows_of", "simulate_rows"]
