"""Published ratios beside ours: each is a formula over the figures of named runs, all of it data."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from accelsim.errors import SpecError, nearest
from accelsim.result.published import published_file
from accelsim.result.text import table
from accelsim.specs import Document, Spec, read, validate
from accelsim.specs.fields import Formula, Name, Number

Status = Literal["reproduced", "explained difference", "not reproducible", "out"]
STATUSES: tuple[Status, ...] = ("reproduced", "explained difference", "not reproducible", "out")


class RunSpec(Spec):
    """A design that runs rows, on the rows of a schedule; ``set`` replaces fields of its architecture."""

    design: str
    schedule: str
    mapping: str = ""
    set: dict[str, Any] = {}


class Figure(Spec):
    """One published number and ``ours``, a formula over ``RUN.KEY.KEY`` (keys of the JSON output).

    Reproduced if ours is ``within`` that share of it. A difference is explained by ``note`` as long as ours
    lies in the range ``explained``: it is the difference that was looked into. Without ``ours``, or without
    a published number that is known to be one, the note says why it is not reproducible.
    """

    name: str
    published: Number | None = None
    tag: str
    ours: Formula | None = None
    within: Annotated[float, Field(ge=0, le=1)] = 0.1
    explained: Annotated[list[Number], Field(min_length=2, max_length=2)] | None = None
    note: str = ""

    @model_validator(mode="after")
    def _says_why(self) -> Figure:
        differs = None in (self.ours, self.published) or self.explained is not None
        if differs and not self.note:
            raise ValueError("a figure that differs, or that cannot be had, must have a note")
        if self.published is None and self.explained is not None:
            raise ValueError("a figure that is explained must have a published number")
        return self


class RatiosFile(Spec):
    """The file ``arch_specs/published/NAME.yaml`` of a source that is compared by ratios."""

    name: str
    source: str
    runs: dict[Name, RunSpec]
    figures: Annotated[list[Figure], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A figure compared; ``ours`` is None where it cannot be had."""

    figure: Figure
    ours: float | None

    @property
    def error(self) -> float | None:
        """Ours over published, less one."""
        if self.ours is None or not self.figure.published:
            return None
        return self.ours / self.figure.published - 1

    @property
    def status(self) -> Status:
        figure = self.figure
        if self.ours is None or figure.published is None:
            return "not reproducible"
        if self.error is not None and abs(self.error) <= figure.within:
            return "reproduced"
        low, high = figure.explained or (1.0, 0.0)
        return "explained difference" if low <= self.ours <= high else "out"


@dataclass(frozen=True, kw_only=True)
class RatioVerdicts:
    """All figures of a source; ``ok`` if none is out."""

    source: str
    rows: tuple[Ratio, ...]

    @property
    def ok(self) -> bool:
        return all(row.status != "out" for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "ok": self.ok,
            "rows": [
                {
                    "name": row.figure.name,
                    "published": row.figure.published,
                    "tag": row.figure.tag,
                    "simulated": row.ours,
                    "error": row.error,
                    "verdict": row.status,
                    "explanation": row.figure.note,
                }
                for row in self.rows
            ],
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    @property
    def notes(self) -> list[str]:
        return list(dict.fromkeys(row.figure.note for row in self.rows if row.figure.note))

    def _grid(self) -> Iterator[list[str]]:
        for row in self.rows:
            yield [
                row.figure.name,
                "-" if row.figure.published is None else f"{row.figure.published:,g}",
                "-" if row.ours is None else f"{row.ours:,.4g}",
                "-" if row.error is None else f"{row.error:+.1%}",
                row.status,
                f"[{self.notes.index(row.figure.note) + 1}]" if row.figure.note else "",
            ]

    def __str__(self) -> str:
        heads = ["figure", "published", "simulated", "difference", "verdict", "note"]
        counts = {s: sum(r.status == s for r in self.rows) for s in STATUSES}
        end = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
        told = [f"[{i}] {note}" for i, note in enumerate(self.notes, start=1)]
        return "\n".join([self.source, "", table(heads, self._grid()), "", *told, "", end])

    def markdown(self) -> str:
        lines = [
            "| figure | published | simulated | difference | verdict | note |",
            "|---|--:|--:|--:|---|--:|",
            *(f"| {' | '.join(cells)} |" for cells in self._grid()),
            "",
            *(f"{i}. {note}" for i, note in enumerate(self.notes, start=1)),
        ]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, kw_only=True)
class Ratios:
    """A source's figures with the runs that they are compared on."""

    file: RatiosFile
    document: Document

    @classmethod
    def load(cls, name: str | Path) -> Ratios:
        """Read ``arch_specs/published/NAME.yaml`` or a path; SpecError lists every fault."""
        document = read(published_file(name))
        file = validate(document, RatiosFile)
        faults = []
        for number, figure in enumerate(file.figures):
            for symbol in sorted(figure.ours.names if figure.ours is not None else ()):
                run = symbol.split(".")[0]
                if run not in file.runs:
                    message = f"ours must begin with a run, not {run!r}{nearest(run, file.runs)}"
                    faults.append(document.fault(("figures", number, "ours"), message))
        if faults:
            raise SpecError(faults)
        return cls(file=file, document=document)

    def compare(self, runs: Mapping[str, Mapping[str, Any]]) -> RatioVerdicts:
        """Compare with the reports of the runs, by name, as their JSON output has them."""
        symbols: dict[str, Any] = {}
        for name, report in runs.items():
            symbols |= _leaves(name, report)
        rows = []
        for number, figure in enumerate(self.file.figures):
            ours = None
            if figure.ours is not None:
                unknown = sorted(figure.ours.names - set(symbols))
                if unknown:
                    message = f"ours must name figures of a run, not {unknown[0]!r}"
                    message += nearest(unknown[0], symbols)
                    raise SpecError(self.document.fault(("figures", number, "ours"), message))
                ours = float(figure.ours.evaluate(symbols))
            rows.append(Ratio(figure=figure, ours=ours))
        return RatioVerdicts(source=self.file.source, rows=tuple(rows))


def is_ratios(document: Document) -> bool:
    """Whether a file of published figures is one of ratios."""
    return isinstance(document.data, dict) and "figures" in document.data


def _leaves(prefix: str, value: Any) -> dict[str, int | float]:
    """Return the numbers of a nested mapping by dotted path."""
    if isinstance(value, Mapping):
        found: dict[str, int | float] = {}
        for key, inner in value.items():
            found |= _leaves(f"{prefix}.{key}", inner)
        return found
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {prefix: value} if is_number else {}


__all__ = ["RatioVerdicts", "Ratios", "RatiosFile", "is_ratios"]
