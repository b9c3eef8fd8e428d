"""The listing as data: which cascades and workloads stand for which entry, and that none is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from accelsim.cascade import Cascade
from accelsim.errors import Fault, SpecError, nearest
from accelsim.mapping import Stage, Workload
from accelsim.specs import Document, Spec, find, names, read, validate

ROWS = 44
Class = Literal["A", "B", "C", "D"]
KNOWN = {
    "code": "the authors' code",
    "transcription": "a secondary text",
    "memory": "general knowledge",
    "abstract": "the abstract",
}


class Run(Spec):
    """What is simulated: a cascade at a workload's sizes, or the attention of a workload by the design."""

    cascade: str = ""
    workload: str

    def __str__(self) -> str:
        return self.cascade or f"workload {self.workload}"


class Entry(Spec):
    """A name that users expect."""

    title: str
    runs: Annotated[list[Run], Field(min_length=1)]


class Row(Spec):
    """An entry of the listing; class A algorithm, B workload, C accelerator, D neither, with the reason."""

    row: int
    title: str
    kind: Class = Field(alias="class")
    also: Class | None = None
    known: Literal["code", "transcription", "memory", "abstract"]
    place: str
    runs: list[Run] = []


class ZooSpec(Spec):
    """The file ``einsum_cascades/zoo/NAME.yaml``.

    ``forms`` are the shipped forms with the fewest passes, by cascade; ``beside`` are cascades that belong to
    no entry.
    """

    name: str
    summary: str = ""
    source: str
    rows: list[Row]
    expected: list[Entry]
    forms: dict[str, str] = {}
    beside: list[str] = []


@dataclass(frozen=True, kw_only=True)
class Zoo:
    """A listing that has been checked."""

    spec: ZooSpec

    @classmethod
    def load(cls, path: Path | None = None) -> Zoo:
        """Read the shipped listing, or another; SpecError with all that is wrong."""
        file = path or find.folder("einsum_cascades") / "zoo" / "zoo.yaml"
        document = read(file)
        spec = validate(document, ZooSpec)
        faults = list(_faults(spec, document))
        if faults:
            raise SpecError(faults)
        return cls(spec=spec)

    @property
    def runs(self) -> tuple[Run, ...]:
        """Everything to be simulated, each once, in the order of the listing."""
        groups = [row.runs for row in self.spec.rows] + [e.runs for e in self.spec.expected]
        return tuple(dict.fromkeys(run for runs in groups for run in runs))


def stages_of(run: Run, seq: int | None = None) -> tuple[Stage, ...]:
    """Return the stages of a run at a length: one for a cascade, else the attention of the workload."""
    workload = Workload.load(run.workload, seq)
    if run.cascade:
        return (workload.stage_of(Cascade.load(run.cascade)),)
    return tuple(stage for stage in workload.stages if stage.scope == "attention")


def _faults(spec: ZooSpec, document: Document) -> Iterator[Fault]:
    yield from _numbers(spec, document)
    seen = {*spec.beside}
    for number, row in enumerate(spec.rows):
        if row.kind == "D" and row.runs:
            yield document.fault(("rows", number), f"row {row.row} of class D must have no runs")
        if row.kind != "D" and not row.runs:
            yield document.fault(("rows", number), f"row {row.row} must have runs")
        if row.kind == "B" and not any(not run.cascade for run in row.runs):
            yield document.fault(("rows", number), f"row {row.row} of class B must run a workload")
    places = [(("rows", n), row.runs) for n, row in enumerate(spec.rows)]
    places += [(("expected", n), entry.runs) for n, entry in enumerate(spec.expected)]
    for place, runs in places:
        for index, run in enumerate(runs):
            try:
                seen.update(stage.cascade for stage in stages_of(run))
            except SpecError as error:
                said = "; ".join(fault.message for fault in error.faults)
                yield document.fault((*place, "runs", index), said)
    for name, form in spec.forms.items():
        seen.add(form)
        yield from _form(name, form, document)
    known = names("cascade")
    for index, name in enumerate(spec.beside):
        if name not in known:
            yield document.fault(
                ("beside", index), f"unknown cascade {name!r}{nearest(name, known)}"
            )
    for name in known:
        if name not in seen:
            yield document.fault((), f"every cascade must have a place; {name} has none")


def _numbers(spec: ZooSpec, document: Document) -> Iterator[Fault]:
    found = [row.row for row in spec.rows]
    for number, row in enumerate(found):
        if row != number + 1:
            yield document.fault(
                ("rows", number, "row"),
                f"row must be {number + 1}, as rows are in order, not {row}",
            )
            return
    if len(found) != ROWS:
        yield document.fault(("rows",), f"rows must be {ROWS}, not {len(found)}")


def _form(name: str, form: str, document: Document) -> Iterator[Fault]:
    """Check that a form takes what the cascade takes and gives what it gives."""
    try:
        one, two = Cascade.load(name), Cascade.load(form)
    except SpecError as error:
        yield document.fault(("forms", name), str(error))
        return
    inputs = {t.name for t in one.inputs} == {t.name for t in two.inputs}
    outputs = {t.name for t in one.outputs} == {t.name for t in two.outputs}
    if not (inputs and outputs):
        yield document.fault(
            ("forms", name), f"{form} must have the inputs and outputs of {name}, it has others"
        )
