"""From results to a page: the most telling points are simulated again, for breakdown and timeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelsim.errors import InfeasibleError, SpecError
from accelsim.job import Call
from accelsim.report.load import Entry, Found, load, of
from accelsim.report.page import html_page
from accelsim.report.point import Point
from accelsim.report.rerun import plain_point, rerun_point

DETAILS = 12  # points that are simulated again
KEPT = 200  # points whose breakdown is on the page, if the file has it
MOST_NAMED = 6  # designs in a title


@dataclass(frozen=True, kw_only=True)
class Built:
    """A page, and what is to be said of it."""

    html: str
    points: int
    notes: tuple[str, ...]


def build(
    found: Sequence[Found],
    *,
    title: str | None = None,
    details: int = DETAILS,
    progress: Callable[[str], None] = lambda _: None,
) -> Built:
    """Return the page of what was found in results; ``progress`` is told what is simulated."""
    entries = [entry for one in found for entry in one.entries]
    objectives = {name: goal for one in found for name, goal in one.objectives.items()}
    points, notes = _points(entries, details, progress)
    page = html_page(points, title=title or _title(points), notes=notes, objectives=objectives)
    return Built(html=page, points=len(points), notes=tuple(notes))


def write_report(
    results: Any,
    path: str | Path,
    *,
    title: str | None = None,
    details: int = DETAILS,
) -> Path:
    """Write one HTML page of results and return its path.

    ``results`` is one or a list of: a Report, a Comparison, the Results of a study, or a file of one of
    these. At most ``details`` points are simulated again, for their timelines.
    """
    several = results if isinstance(results, list | tuple) else [results]
    found = [load(Path(r)) if isinstance(r, str | Path) else of(r) for r in several]
    target = Path(path)
    target.write_text(build(found, title=title, details=details).html, encoding="utf-8")
    return target


def _points(
    entries: Sequence[Entry], details: int, progress: Callable[[str], None]
) -> tuple[list[Point], list[str]]:
    """Return a point for each entry; the most telling are simulated again, at most ``details``."""
    chosen = simulated(entries, details)
    kept = set(_telling(entries)[:KEPT])
    points, notes = [], []
    for number, entry in enumerate(entries):
        if number not in chosen or entry.call is None:
            points.append(plain_point(entry, detailed=number in kept))
            continue
        progress(entry.call.command())
        point, note = _again(entry, entry.call)
        points.append(point)
        notes += [note] if note else []
    return points, notes


def simulated(entries: Sequence[Entry], details: int) -> set[int]:
    """Return the entries that are simulated again: the most telling, and all that only name a call."""
    able = [n for n in _telling(entries) if entries[n].call is not None]
    return {*able[:details], *(n for n, entry in enumerate(entries) if not entry.row)}


def _again(entry: Entry, call: Call) -> tuple[Point, str]:
    """Return the point of an entry simulated again, and what is to be said of it."""
    try:
        point = rerun_point(call, entry.row, entry.name)
    except (SpecError, InfeasibleError) as error:
        if not entry.row:
            raise
        plain = plain_point(entry)
        why = error.faults[0].message if isinstance(error, SpecError) else error
        return plain, f"{plain.name} is shown without a timeline: {why}"
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
