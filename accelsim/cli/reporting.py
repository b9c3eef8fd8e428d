"""``accelsim report``: results and designs as one HTML page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from accelsim.cli import flags
from accelsim.cli.output import progress, writable_file, write
from accelsim.errors import InfeasibleError, SpecError
from accelsim.job import Call
from accelsim.report import Point, html_page
from accelsim.report.load import Entry, load
from accelsim.report.rerun import plain_point, rerun_point

MOST_NAMED = 6  # designs in a title
KEPT = 200  # points whose breakdown is on the page, if the file has it


def report_command(
    results: Sequence[str],
    *,
    workload: str | None,
    seq: str | None,
    set_: Sequence[str],
    arch_set: Sequence[str],
    scope: str,
    title: str | None,
    details: int,
    out: Path,
) -> None:
    asked = Call(
        workload=workload,
        scope=flags.scope(scope),
        ranks=flags.ranks(set_),
        arch_set=flags.fields(arch_set),
    )
    lengths: list[int | None] = list(flags.lengths(seq) or ()) or [None]
    if out.suffix.lower() not in {".html", ".htm"}:
        raise SpecError(f"-o must end in .html, not {out.name!r}")
    writable_file(out)
    entries: list[Entry] = []
    objectives: dict[str, str] = {}
    for name in results:
        if _is_file(name):
            found = load(Path(name))
            entries += found.entries
            objectives |= found.objectives
        else:
            calls = [replace(asked, design=name, seq=length) for length in lengths]
            for call in calls:
                call.load(call.job())  # faults of the names, before anything is run
            entries += [Entry(row={}, call=call) for call in calls]
    points, notes = _points(entries, details)
    page = html_page(points, title=title or _title(points), notes=notes, objectives=objectives)
    write(out, page)
    for note in notes:
        print(f"accelsim: {note}", file=sys.stderr)
    print(f"{out}: {len(points)} point{'s' if len(points) > 1 else ''}, {len(page) // 1024} KiB")


def _is_file(name: str) -> bool:
    return Path(name).suffix.lower() == ".json" or "/" in name or Path(name).is_file()


def _points(entries: Sequence[Entry], details: int) -> tuple[list[Point], list[str]]:
    """Return a point for each entry; the most telling are simulated again, at most ``details``."""
    telling = _telling(entries)
    chosen = {n for n in telling if entries[n].call is not None}
    chosen = set([n for n in telling if n in chosen][:details])
    chosen |= {n for n, entry in enumerate(entries) if not entry.row}
    kept = set(telling[:KEPT])
    points, notes = [], []
    with progress(len(chosen)) as step:
        for number, entry in enumerate(entries):
            if number not in chosen or entry.call is None:
                points.append(plain_point(entry, detailed=number in kept))
                continue
            step(entry.call.command())
            point, note = _again(entry, entry.call)
            points.append(point)
            notes += [note] if note else []
    return points, notes


def _again(entry: Entry, call: Call) -> tuple[Point, str]:
    """Return the point of an entry simulated again, and what is to be said of it."""
    try:
        point = rerun_point(call, entry.row, entry.name)
    except (SpecError, InfeasibleError) as error:
        if not entry.row:
            raise
        plain = plain_point(entry)
        return plain, f"{plain.name} is shown without a timeline: {error}"
    was, now = entry.row.get("cycles"), point.detail and point.detail.figures["cycles"]
    if was not in (None, now):
        plain = plain_point(entry)
        return plain, (
            f"{plain.name} is shown without a timeline: the file has {was:,} cycles, simulated again it"
            f" takes {now:,}"
        )
    return point, ""


def _telling(entries: Sequence[Entry]) -> list[int]:
    """Return the entries that run, the most telling first: fronts, runs, the longest lengths."""
    able = [n for n, entry in enumerate(entries) if not entry.reason]

    def key(number: int) -> tuple[bool, bool, int, int]:
        entry = entries[number]
        length = entry.row.get("length")
        long = -length if isinstance(length, int) else 0
        return (not entry.best, entry.figures is None, long, number)

    return sorted(able, key=key)


def _title(points: Sequence[Point]) -> str:
    """Return the designs, and what they run if that is one workload."""
    designs = list(dict.fromkeys(point.group for point in points))
    if len(points) == 1:
        return points[0].name
    loads = list(dict.fromkeys(str(point.row.get("workload") or "") for point in points))
    on = f" on {loads[0]}" if len(loads) == 1 and loads[0] else ""
    if len(designs) == 1:
        return f"{len(points)} points of {designs[0]}{on}"
    if len(designs) > MOST_NAMED:
        return f"{len(designs)} designs{on}"
    return f"{', '.join(designs[:-1])} and {designs[-1]}{on}"
