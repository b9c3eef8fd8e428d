"""Published figures beside simulated ones: error, tolerance, verdict and what explains a gap."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from accelsim.errors import Fault, SpecError, nearest
from accelsim.result.report import Report
from accelsim.result.table import Gap, Mean, PublishedFile, Tolerance
from accelsim.result.text import table
from accelsim.specs import Document, find, read, validate
from accelsim.units import format_count, parse_count

Verdict = Literal["within", "out", "missing"]


@dataclass(frozen=True, kw_only=True)
class Point:
    """Which run a figure is of; ``design`` and ``workload`` are our names."""

    design: str
    workload: str
    length: int
    scope: str = "attention"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One figure, published and simulated; ``simulated`` is None if a run that it needs is missing."""

    name: str
    column: str
    published: float
    simulated: float | None
    tolerance: float
    explanation: str = ""

    @property
    def error(self) -> float | None:
        """Simulated over published, less one."""
        if self.simulated is None:
            return None
        return self.simulated / self.published - 1 if self.published else self.simulated

    @property
    def verdict(self) -> Verdict:
        if self.error is None:
            return "missing"
        # NaN compares false, and so is out.
        return "within" if abs(self.error) <= self.tolerance else "out"


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """All figures of a source; ``ok`` if each one is within its tolerance and none is missing."""

    source: str
    rows: tuple[Compared, ...]

    @property
    def ok(self) -> bool:
        return all(row.verdict == "within" for row in self.rows)

    @property
    def failures(self) -> tuple[Compared, ...]:
        return tuple(row for row in self.rows if row.verdict != "within")

    def to_dict(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "ok": self.ok,
            "rows": [
                {
                    "name": row.name,
                    "column": row.column,
                    "published": row.published,
                    "simulated": row.simulated,
                    "error": row.error,
                    "tolerance": row.tolerance,
                    "verdict": row.verdict,
                    "explanation": row.explanation,
                }
                for row in self.rows
            ],
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    def __str__(self) -> str:
        notes = list(dict.fromkeys(row.explanation for row in self.rows if row.explanation))
        heads = ["figure", "published", "simulated", "error", "tolerance", "verdict", "note"]
        grid = [
            [
                f"{row.name}: {row.column}" if row.column not in row.name else row.name,
                f"{row.published:.6g}",
                "-" if row.simulated is None else f"{row.simulated:.6g}",
                "-" if row.error is None else f"{row.error:+.3%}",
                f"{row.tolerance:.3%}",
                row.verdict,
                f"[{notes.index(row.explanation) + 1}]" if row.explanation else "",
            ]
            for row in self.rows
        ]
        failed = len(self.failures)
        end = f"{len(self.rows) - failed} of {len(self.rows)} figures within their tolerance"
        told = [f"[{i}] {note}" for i, note in enumerate(notes, start=1)]
        return "\n".join([self.source, "", table(heads, grid), "", *told, end])


@dataclass(frozen=True, kw_only=True)
class Published:
    """A source's figures, and what of them is compared how closely: all of it data."""

    file: PublishedFile
    document: Document
    figures: dict[Point, dict[str, float]]

    @classmethod
    def load(cls, name: str | Path) -> Published:
        """Read ``arch_specs/published/NAME.yaml`` (or a path) and the CSV that it names."""
        path = published_file(name)
        document = read(path)
        file = validate(document, PublishedFile)
        return cls(file=file, document=document, figures=_read(path.parent / file.table, file))

    @property
    def points(self) -> tuple[Point, ...]:
        """Every run that the figures and the means need, in order."""
        wanted = dict.fromkeys(self.figures)
        for mean in self.file.means:
            for point in self._points(mean):
                wanted[point] = None
                if mean.over is not None:
                    wanted[self._over(mean, point)] = None
        return tuple(wanted)

    def values(self, report: Report) -> dict[str, float]:
        """Return the compared columns of a report, as far as it has them."""
        found = {name: _pick(report.to_dict(), c.report) for name, c in self.file.columns.items()}
        return {name: value for name, value in found.items() if value is not None}

    def compare(self, simulated: Mapping[Point, Mapping[str, float]]) -> Verdicts:
        """Compare ``{point: {column: value}}`` (see :meth:`values`) with every figure and mean."""
        rows = [
            Compared(
                name=f"{point.design} {point.workload} {format_count(point.length)}",
                column=column,
                published=value,
                simulated=simulated.get(point, {}).get(column),
                tolerance=self._tolerance(column, point),
                explanation=self._explanation(column, point),
            )
            for point, figures in self.figures.items()
            for column, value in figures.items()
        ]
        rows += [self._mean(mean, simulated) for mean in self.file.means]
        return Verdicts(source=self.file.source, rows=tuple(rows))

    def _mean(self, mean: Mean, simulated: Mapping[Point, Mapping[str, float]]) -> Compared:
        ratios: list[float | None] = []
        for point in self._points(mean):
            own = simulated.get(point, {}).get(mean.column)
            if mean.over is not None and own is not None:
                other = simulated.get(self._over(mean, point), {}).get(mean.column)
                own = None if other is None else _ratio(own, other, speedup=mean.speedup)
            ratios.append(own)
        known = [ratio for ratio in ratios if ratio is not None]
        complete = bool(known) and len(known) == len(ratios)
        return Compared(
            name=mean.name,
            column=mean.column,
            published=mean.value,
            simulated=_average(known, geometric=mean.geometric) if complete else None,
            tolerance=mean.within,
            explanation=mean.explanation,
        )

    def _points(self, mean: Mean) -> list[Point]:
        return [
            Point(
                design=self.file.designs[mean.design],
                workload=workload,
                length=parse_count(length),
                scope=mean.scope,
            )
            for workload in mean.workloads or self.file.workloads.values()
            for length in mean.lengths or self.file.lengths
        ]

    def _over(self, mean: Mean, point: Point) -> Point:
        over = self.file.designs[mean.over or mean.design]
        return Point(design=over, workload=point.workload, length=point.length, scope=point.scope)

    def _tolerance(self, column: str, point: Point) -> float:
        """Return the last entry that matches: exceptions stand after the rule."""
        found = [t.within for t in self.file.tolerances if self._covers(t, column, point)]
        if not found:
            message = f"tolerances must have an entry for {column} of {point.design}"
            raise SpecError(self.document.fault(("tolerances",), message))
        return found[-1]

    def _explanation(self, column: str, point: Point) -> str:
        return " ".join(gap.text for gap in self.file.gaps if self._covers(gap, column, point))

    def _covers(self, entry: Tolerance | Gap, column: str, point: Point) -> bool:
        return (
            column in entry.columns
            and (not entry.designs or point.design in self._ours(entry.designs))
            and (not entry.workloads or point.workload in entry.workloads)
            and (not entry.lengths or point.length in map(parse_count, entry.lengths))
        )

    def _ours(self, designs: Iterable[str]) -> set[str]:
        return {self.file.designs[design] for design in designs}


def published_file(name: str | Path) -> Path:
    """Return the file of published figures by its name, or a path; SpecError names the nearest."""
    folder = find.folder("arch_specs") / "published"
    path = Path(name)
    if path.suffix != ".yaml":
        path = folder / f"{name}.yaml"
        if not path.is_file():
            known = sorted(file.stem for file in folder.glob("*.yaml"))
            raise SpecError(f"unknown published figures {str(name)!r}{nearest(str(name), known)}")
    return path


def _read(path: Path, file: PublishedFile) -> dict[Point, dict[str, float]]:
    result: dict[Point, dict[str, float]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for line, row in enumerate(csv.DictReader(stream), start=2):
                try:
                    point = Point(
                        design=file.designs[row["design"]],
                        workload=file.workloads[row["model"]],
                        length=parse_count(row["length"]),
                    )
                    result[point] = {name: float(row[name]) for name in file.columns}
                except (KeyError, ValueError, TypeError) as error:
                    message = f"row must have known names and numbers: {error}"
                    raise SpecError(Fault(message=message, file=str(path), line=line)) from None
    except OSError as error:
        raise SpecError(Fault(message=f"cannot be read: {error}", file=str(path))) from None
    return result


def _pick(figures: Mapping[str, Any], paths: Iterable[str]) -> float | None:
    """Return the sum of the values at dotted paths, or None if one is not there."""
    total = 0.0
    for path in paths:
        value: Any = figures
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if not isinstance(value, int | float):
            return None
        total += value
    return total


def _ratio(own: float, other: float, *, speedup: bool) -> float:
    top, bottom = (other, own) if speedup else (own, other)
    return top / bottom if bottom else math.nan


def _average(values: list[float], *, geometric: bool) -> float:
    if geometric:
        return math.exp(math.fsum(map(math.log, values)) / len(values))
    return math.fsum(values) / len(values)
