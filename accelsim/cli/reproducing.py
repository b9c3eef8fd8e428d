"""``accelsim reproduce``: published figures beside simulated ones, and the way to the physical design."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from accelsim.api import Job, Report
from accelsim.cli.output import progress, writable, write
from accelsim.cli.ways import Itemised, itemise, studies_of
from accelsim.mapping import Workload
from accelsim.result import Published, Verdicts
from accelsim.result.published import Point
from accelsim.units import format_count


def reproduce_command(source: str, *, physical: bool, as_json: bool, out: Path | None) -> int:
    """Print the tables; return 1 if a figure is out of its tolerance."""
    published = Published.load(source)
    studies = studies_of(published.file.name) if physical else []
    if out is not None:
        writable(out)
    with progress(len(published.points)) as step:
        verdicts = published.compare(simulated(published, step))
    with progress() as step:
        ways = [way for study in studies for way in itemise(study, step)]
    found = verdicts.to_dict() | ({"physical": [way.to_dict() for way in ways]} if physical else {})
    data = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    text = "\n\n".join([str(verdicts), *map(str, ways)])
    if out is not None:
        write(out / f"{published.file.name}.json", data)
        write(out / f"{published.file.name}.txt", f"{text}\n")
        write(out / f"{published.file.name}.md", markdown(verdicts, ways))
    print(data if as_json else text, end="" if as_json else "\n")
    return 0 if verdicts.ok else 1


def simulated(published: Published, step: Callable[[str], None]) -> dict[Point, dict[str, float]]:
    """Run every point that the figures and the means need."""
    jobs: dict[str, Job] = {}
    found: dict[Point, dict[str, float]] = {}
    for point in published.points:
        step(f"{point.design} {point.workload} {format_count(point.length)} {point.scope}")
        job = jobs.get(point.design) or jobs.setdefault(point.design, Job.of(point.design))
        found[point] = published.values(_report(job, point))
    return found


def markdown(verdicts: Verdicts, ways: Iterable[Itemised]) -> str:
    """Return the tables as Markdown, with the explanations below."""
    notes = list(dict.fromkeys(row.explanation for row in verdicts.rows if row.explanation))
    lines = [
        "| figure | published | simulated | error | tolerance | | note |",
        "|---|--:|--:|--:|--:|---|--:|",
    ]
    for row in verdicts.rows:
        name = row.name if row.column in row.name else f"{row.name}: {row.column}"
        value = "-" if row.simulated is None else f"{row.simulated:.6g}"
        error = "-" if row.error is None else f"{row.error:+.3%}"
        note = str(notes.index(row.explanation) + 1) if row.explanation else ""
        lines.append(
            f"| {name} | {row.published:.6g} | {value} | {error} | {row.tolerance:.2%} | {row.verdict} | {note} |"
        )
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, start=1))]
    for way in ways:
        lines += ["", way.markdown()]
    return "\n".join(lines) + "\n"


def _report(job: Job, point: Point) -> Report:
    return job.report(Workload.load(point.workload, point.length), scope=point.scope)
