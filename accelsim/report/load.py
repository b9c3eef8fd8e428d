"""Reads results from files: each gives entries, a row with what is known and the call that gives it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from accelsim.errors import SpecError
from accelsim.job import Call
from accelsim.report.model import ComparisonFile, RunFile, StudyFile
from accelsim.report.point import Figures, Value, row_of
from accelsim.specs import Document, validate
from accelsim.specs.json_file import placed, read_json
from accelsim.specs.reader import Loc
from accelsim.units import brief

NAMES = ("design", "cascade", "arch", "workload")
KINDS = "accelsim run --json, compare --json or explore"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One point of a file; ``figures`` are those of a run, if the file has them."""

    row: dict[str, Value]
    call: Call | None = None
    figures: Figures | None = None
    reason: str | None = None
    name: str = ""
    best: bool = False  # on the front of its study
    settings: Mapping[str, Any] = field(default_factory=dict)  # where no call says it all


@dataclass(frozen=True, kw_only=True)
class Found:
    """The entries of one file, and the objectives ("less" or "more" by column) if it is a study."""

    entries: tuple[Entry, ...]
    objectives: Mapping[str, str] = field(default_factory=dict)


def load(path: Path) -> Found:
    """Return what a result file has; SpecError says where it is none."""
    return found_in(read_json(path))


def of(result: Any) -> Found:
    """Return what a Report, a Comparison or Results of a study have."""
    return found_in(Document(path=f"<{type(result).__name__}>", data=result.to_dict()))


def found_in(document: Document) -> Found:
    data = document.data
    if isinstance(data, dict) and "rows" in data:
        return Found(entries=tuple(_rows(document)))
    if isinstance(data, dict) and "points" in data:
        return _study(document)
    if isinstance(data, dict) and "cycles" in data:
        return Found(entries=(_run(document),))
    if isinstance(data, list) and data:
        entries = []
        for number, one in enumerate(data):
            if not isinstance(one, dict) or "cycles" not in one:
                message = f"must be what {KINDS} prints, not {brief(one)}"
                raise SpecError(placed(document).fault((number,), message))
            entries.append(_run(document, (number,)))
        return Found(entries=tuple(entries))
    raise SpecError(placed(document).fault((), f"must be what {KINDS} prints, not {brief(data)}"))


def _valid(document: Document, model: Any, loc: Loc = ()) -> Any:
    try:
        return validate(document, model, loc=loc)
    except SpecError:
        return validate(placed(document), model, loc=loc)


def _run(document: Document, loc: Loc = ()) -> Entry:
    spec = _valid(document, RunFile, loc)
    figures = document.data
    for part in loc:
        figures = figures[part]
    call = None
    if spec.request is not None:
        call = _call(document, spec.request, (*loc, "request"))
    return Entry(row=row_of(figures), call=call, figures=figures)


def _rows(document: Document) -> Iterator[Entry]:
    spec = _valid(document, ComparisonFile)
    for number, row in enumerate(spec.rows):
        values = document.data["rows"][number]
        for name, value in values.items():
            if isinstance(value, dict | list):
                message = f"{name} must be a number or a text, not {brief(value)}"
                raise SpecError(placed(document).fault(("rows", number, name), message))
        call = None
        if row.workload:
            asked = {"design": row.design, "workload": row.workload, "seq": row.length}
            call = _call(document, {**spec.request, **asked}, ("request",))
        yield Entry(row=dict(values), call=call)


def _study(document: Document) -> Found:
    spec = _valid(document, StudyFile)
    entries = []
    for number, point in enumerate(spec.points):
        row = {_column(name): value for name, value in point.figures.items()}
        for name, value in [*point.parameters.items(), *row.items()]:
            if isinstance(value, dict | list):
                message = f"{name} must be a number or a text, not {brief(value)}"
                raise SpecError(placed(document).fault(("points", number), message))
        done = point.status == "done"
        known = {n: v for n, v in point.settings.items() if n in NAMES and isinstance(v, str)}
        if "seq" in point.settings:
            known["length"] = point.settings["seq"]
        full = {**known, **point.parameters, "status": point.status, **row}
        full["front"] = "yes" if point.pareto else ""
        loc: Loc = ("points", number, "request")
        call = _call(document, point.request, loc) if point.request is not None else None
        figures = _valid(document, RunFile, ("points", number, "report")) if point.report else None
        entries.append(
            Entry(
                row=full,
                call=call,
                figures=point.report if figures else None,
                reason=None if done else point.reason or point.status,
                name=" ".join(f"{n}={v}" for n, v in point.parameters.items()) or spec.study,
                best=point.pareto,
                settings=point.settings,
            )
        )
    goals = {"min": "less", "max": "more"}
    objectives = {_column(name): goals[way] for name, way in spec.objectives.items()}
    return Found(entries=tuple(entries), objectives=objectives)


def _column(figure: str) -> str:
    """Return a figure of a study under the name that ``compare`` has for it."""
    first, _, rest = figure.partition(".")
    if not rest:
        return figure
    if first == "buffers":
        name, _, what = rest.rpartition(".")
        return f"{what.removesuffix('_bytes')}_{name}_bytes"
    if first.endswith("_bytes"):
        return f"{first.removesuffix('_bytes')}_{rest}_bytes"
    return f"{first}_{rest}"


def _call(document: Document, request: Any, loc: Loc) -> Call:
    try:
        return Call.from_dict(request)
    except SpecError as error:
        raise SpecError(placed(document).fault(loc, error.faults[0].message)) from None
