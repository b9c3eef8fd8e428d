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
    for name in results:
        if _is_file(name):
            entries += load(Path(name))
        else:
            calls = [replace(asked, design=name, seq=length) for length in lengths]
            for call in calls:
                call.load(call.job())  # faults of the names, before anything is run
            entries += [Entry(row={}, call=call) for call in calls]
    points, notes = _points(entries, details)
    page = html_page(points, title=title or _title(points), notes=notes)
    write(out, page)
    for note in notes:
        print(f"accelsim: {note}", file=sys.stderr)
    print(f"{out}: {len(points)} point{'s' if len(points) > 1 else ''}, {len(page) // 1024} KiB")


def _is_file(name: str) -> bool:
    return Path(name).suffix.lower() == ".json" or "/" in name or Path(name).is_file()


def _points(entries: Sequence[Entry], details: int) -> tuple[list[Point], list[str]]:
    """Return a point for each entry; the most telling are simulated again, at most ``details``."""
    chosen = set(_telling(entries)[:details])
    chosen |= {n for n, entry in enumerate(entries) if not entry.row}
    points, notes = [], []
    with progress(len(chosen)) as step:
        for number, entry in enumerate(entries):
            if number not in chosen or entry.call is None:
                points.append(plain_point(entry))
                continue
            step(entry.call.command())
            point, note = _again(entry, entry.call)
            points.append(point)
            notes += [note] if note else []
    return points, notes


def _again(entry: Entry, call: Call) -> tuple[Point, str]:
    """Return the point of an entry simulated again, and what is to be said of it."""
    try:
        point = rerun_point(call, entry.row)
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
    """Return the entries that can be run again: runs first, then the longest lengths."""
    able = [n for n, entry in enumerate(entries) if entry.call is not None and not entry.reason]

    def key(number: int) -> tuple[bool, int, int]:
        entry = entries[number]
        length = entry.row.get("length")
        return (entry.figures is None, -length if isinstance(length, int) else 0, number)

    return sorted(able, key=key)


def _title(points: Sequence[Point]) -> str:
    designs = list(dict.fromkeys(point.group for point in points))
    if len(points) == 1:
        return points[0].name
    if len(designs) <= 3:
        return " and ".join([", ".join(designs[:-1]), designs[-1]] if designs[1:] else designs)
    return f"{len(points)} points of {len(designs)} designs"
