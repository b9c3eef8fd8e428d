"""``accelsim reproduce``: published figures beside simulated ones, and the way to the physical design."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from accelsim.cli.output import progress, writable, write
from accelsim.cli.study import Study
from accelsim.cli.ways import Itemised, itemise, studies_of
from accelsim.errors import SpecError
from accelsim.job import Job
from accelsim.job.rows import RowJob, rows_of
from accelsim.mapping import Workload
from accelsim.result import Published, Verdicts
from accelsim.result.published import Compared, Point, published_file
from accelsim.result.ratios import Ratios, is_ratios
from accelsim.result.text import table
from accelsim.specs import read
from accelsim.units import format_count


def reproduce_command(source: str, *, physical: bool, as_json: bool, out: Path | None) -> int:
    """Print the tables; return 1 if a figure is out of its tolerance."""
    file = published_file(source)
    if is_ratios(read(file)):
        if physical:
            raise SpecError(f"--physical must be left out: {source} is compared by ratios")
        return _ratios(Ratios.load(file), as_json=as_json, out=out)
    published = Published.load(source)
    studies = studies_of(published.file.name) if physical else []
    others = physical_of(published, studies)
    if out is not None:
        writable(out)
    with progress(sum(len(_runs(each)) for each in (published, *others))) as step:
        verdicts = published.compare(simulated(published, step))
        built = [other.compare(simulated(other, step)) for other in others]
    with progress() as step:
        ways = [way for study in studies for way in itemise(study, step)]
    found = verdicts.to_dict()
    if physical:
        found["physical"] = [row for each in built for row in each.to_dict()["rows"]]
        found["itemised"] = [way.to_dict() for way in ways]
    data = json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    text = "\n\n".join([str(verdicts), *map(differences, built), *map(str, ways)])
    if out is not None:
        write(out / f"{published.file.name}.json", data)
        write(out / f"{published.file.name}.txt", f"{text}\n")
        write(out / f"{published.file.name}.md", markdown(verdicts, built, ways))
    print(data if as_json else text, end="" if as_json else "\n")
    return 0 if verdicts.ok else 1


def _ratios(ratios: Ratios, *, as_json: bool, out: Path | None) -> int:
    """Print published ratios beside ours; return 1 if one is out and nothing explains it."""
    if out is not None:
        writable(out)
    runs = {}
    with progress(len(ratios.file.runs)) as step:
        for name, spec in ratios.file.runs.items():
            step(name)
            job = RowJob.of(spec.design, pipeline=spec.mapping or None, arch_set=spec.set or None)
            runs[name] = job.report(rows_of(schedule=spec.schedule)).to_dict()
    verdicts = ratios.compare(runs)
    if out is not None:
        name = ratios.file.name
        write(out / f"{name}.json", verdicts.to_json())
        write(out / f"{name}.txt", f"{verdicts}\n")
        write(out / f"{name}.md", verdicts.markdown())
    print(verdicts.to_json() if as_json else verdicts, end="" if as_json else "\n")
    return 0 if verdicts.ok else 1


def physical_of(published: Published, studies: Iterable[Study]) -> list[Published]:
    """Return the same figures for the designs at the end of each way, None of them a verdict."""
    found = []
    for study in studies:
        ends = {way.start: way.end for way in study.spec.ways}
        if not set(published.file.designs.values()) <= set(ends):
            continue
        names = {theirs: ends[ours] for theirs, ours in published.file.designs.items()}
        file = published.file.model_copy(update={"designs": names})
        figures = {replace(p, design=ends[p.design]): v for p, v in published.figures.items()}
        found.append(replace(published, file=file, figures=figures))
    return found


def simulated(published: Published, step: Callable[[str], None]) -> dict[Point, dict[str, float]]:
    """Run every point that the figures and the means need; a layer's run has its attention in it."""
    jobs: dict[str, Job] = {}
    found: dict[Point, dict[str, float]] = {}
    for (design, workload, length), scopes in _runs(published).items():
        step(f"{design} {workload} {format_count(length)}")
        job = jobs.get(design) or jobs.setdefault(design, Job.of(design))
        load = Workload.load(workload, length)
        report = job.report(load, scope="layer" if "layer" in scopes else "attention")
        for scope in scopes:
            inside = {s.name for s in load.stages if scope in ("layer", s.scope)}
            stages = tuple(stage for stage in report.stages if stage.name in inside)
            point = Point(design=design, workload=workload, length=length, scope=scope)
            found[point] = published.values(replace(report, stages=stages))
    return found


def _runs(published: Published) -> dict[tuple[str, str, int], list[str]]:
    found: dict[tuple[str, str, int], list[str]] = {}
    for point in published.points:
        found.setdefault((point.design, point.workload, point.length), []).append(point.scope)
    return found


def differences(verdicts: Verdicts) -> str:
    """Return published beside physical: a difference is no error, its items are told below."""
    grid = [
        [name, f"{row.published:.6g}", value, error] for name, value, error, row in _cells(verdicts)
    ]
    heads = ["figure", "published", "physical", "difference"]
    return "physical designs beside the published figures\n" + table(heads, grid)


def _cells(verdicts: Verdicts) -> Iterator[tuple[str, str, str, Compared]]:
    for row in verdicts.rows:
        name = row.name if row.column in row.name else f"{row.name}: {row.column}"
        value = "-" if row.simulated is None else f"{row.simulated:.6g}"
        error = "-" if row.error is None else f"{row.error:+.3%}"
        yield name, value, error, row


def markdown(verdicts: Verdicts, built: Iterable[Verdicts], ways: Iterable[Itemised]) -> str:
    """Return the tables as Markdown, with the explanations below."""
    notes = list(dict.fromkeys(row.explanation for row in verdicts.rows if row.explanation))
    lines = [
        "| figure | published | simulated | error | tolerance | verdict | note |",
        "|---|--:|--:|--:|--:|---|--:|",
    ]
    for name, value, error, row in _cells(verdicts):
        note = str(notes.index(row.explanation) + 1) if row.explanation else ""
        cells = [name, f"{row.published:.6g}", value, error, f"{row.tolerance:.2%}", row.verdict]
        lines.append(f"| {' | '.join([*cells, note])} |")
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, start=1))]
    for each in built:
        lines += ["", "## Physical designs beside the published figures", ""]
        lines += ["| figure | published | physical | difference |", "|---|--:|--:|--:|"]
        for name, value, error, row in _cells(each):
            lines.append(f"| {name} | {row.published:.6g} | {value} | {error} |")
    for number, way in enumerate(ways):
        lines += ["", *(["## The difference, itemised", ""] if not number else []), way.markdown()]
    return "\n".join(lines) + "\n"
