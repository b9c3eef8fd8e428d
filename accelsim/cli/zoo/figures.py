"""What the listing's runs do on a design: simulated, kept as a table, read back."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from accelsim.cascade import Cascade
from accelsim.cli.zoo.model import Run
from accelsim.errors import AccelsimError, SpecError
from accelsim.job import Job
from accelsim.mapping import Workload
from accelsim.result import Report

BAR = " | "


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One run on one design; with ``refused`` the other figures are empty.

    ``utilization`` has the share of lane-cycles of each array, as ``PE2D=0.990843 PE1D=0.999999``;
    ``traffic_bytes`` is what crosses the buses of all memories, both ways; ``assumed`` are the sentences of
    the simulation about what depends on data and what an array lacks, with a bar between them.
    """

    cascade: str
    workload: str
    design: str
    tokens: int
    cycles: int = 0
    seconds: str = ""
    utilization: str = ""
    traffic_bytes: int = 0
    bottleneck: str = ""
    mapping: str = ""
    assumed: str = ""
    refused: str = ""

    @property
    def selections(self) -> list[str]:
        """What was assumed of choices that depend on data."""
        return [said for said in self.assumed.split(BAR) if "not computed" in said]

    @property
    def shares(self) -> dict[str, float]:
        """Utilization by array."""
        pairs = (part.partition("=") for part in self.utilization.split())
        return {name: float(share) for name, _, share in pairs}


HEADS = [field.name for field in fields(Figures)]


def simulated(run: Run, design: str, tokens: int) -> Figures:
    """Return the figures of a run, or why it cannot be simulated, in one line."""
    none = Figures(cascade=run.cascade, workload=run.workload, design=design, tokens=tokens)
    try:
        report = _report(run, design, tokens)
    except SpecError as error:
        return replace(none, refused="; ".join(fault.message for fault in error.faults))
    except AccelsimError as error:
        return replace(none, refused=" ".join(str(error).split()))
    arrays = [unit.name for unit in report.activity.units if unit.kind == "array"]
    moved = report.to_dict()["traffic_bytes"].values()
    return replace(
        none,
        cycles=report.cycles,
        seconds=f"{report.seconds:.9f}",
        utilization=" ".join(f"{name}={report.utilization[name]:.6f}" for name in arrays),
        traffic_bytes=round(sum(part["read"] + part["write"] for part in moved)),
        bottleneck=report.circuit.kind,
        assumed=BAR.join(
            dict.fromkeys(said for stage in report.stages for said in stage.activity.assumptions)
        ),
        mapping=" ".join(dict.fromkeys(stage.activity.mapping for stage in report.stages)),
    )


def _report(run: Run, design: str, tokens: int) -> Report:
    workload = Workload.load(run.workload, tokens)
    if not run.cascade:
        return Job.of(design).report(workload)
    cascade = Cascade.load(run.cascade)
    stage = workload.stage_of(cascade)
    job = Job.of(cascade=cascade, arch=design)
    return Report.of(job.run(stage).activity)


def all_simulated(
    runs: Iterable[Run],
    design: str,
    tokens: int,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[Run, Figures]:
    found = {}
    for run in runs:
        progress(str(run))
        found[run] = simulated(run, design, tokens)
    return found


def to_csv(found: Mapping[Run, Figures]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(figures) for figures in found.values())
    return out.getvalue()


def from_csv(path: Path) -> dict[Run, Figures]:
    """Read what ``to_csv`` wrote; SpecError for a file that is something else."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            found = [_figures(row) for row in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SpecError(f"{path} must be a table of figures: {error}") from None
    return {Run(cascade=f.cascade, workload=f.workload): f for f in found}


def _figures(row: Mapping[str, str]) -> Figures:
    return Figures(
        cascade=row["cascade"],
        workload=row["workload"],
        design=row["design"],
        tokens=int(row["tokens"]),
        cycles=int(row["cycles"]),
        seconds=row["seconds"],
        utilization=row["utilization"],
        traffic_bytes=int(row["traffic_bytes"]),
        bottleneck=row["bottleneck"],
        mapping=row["mapping"],
        assumed=row["assumed"],
        refused=row["refused"],
    )
