"""The page: a template with its style and scripts put in, and the data as JSON."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from accelsim.report.column import column_of
from accelsim.report.drawing import drawing_of
from accelsim.report.point import Point, columns_of
from accelsim.report.words import sentences

SCRIPTS = (
    "dom.js",
    "format.js",
    "state.js",
    "scatter.js",
    "table.js",
    "bars.js",
    "timeline.js",
    "details.js",
    "main.js",
)


def html_page(
    points: Sequence[Point],
    *,
    title: str = "accelsim report",
    notes: Sequence[str] = (),
    objectives: Mapping[str, str] | None = None,
) -> str:
    """Return a page that shows the points, whole in itself: it asks the network for nothing.

    ``notes`` are shown at the end; ``objectives`` maps columns to "less" or "more": the axes of the plot.
    The same points give the same text.
    """
    if not points:
        raise ValueError("points must be one or more, not none")
    names = columns_of(points)
    goals = objectives or {}
    data = {
        "title": title,
        "columns": [
            column_of(name, [p.row.get(name) for p in points], goals.get(name)) for name in names
        ],
        "points": [_point(point, names) for point in points],
        "notes": list(notes),
        "objectives": [{"key": name, "goal": goal} for name, goal in goals.items()],
    }
    parts = {
        "title": html.escape(title),
        "style": _text("style.css"),
        "script": "\n".join(_text(name) for name in SCRIPTS),
        "data": embedded(data),
    }
    page = _text("page.html")
    # One pass from left to right, so that no part is searched for places itself.
    pieces = page.split("@@")
    return "".join(parts[p] if n % 2 else p for n, p in enumerate(pieces))


def embedded(data: Any) -> str:
    """Return data as JSON that may stand inside a script element: no ``<`` is left in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    escaped = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
    escaped |= {"\u2028": "\\u2028", "\u2029": "\\u2029"}  # ends of lines to older scripts
    for character, code in escaped.items():
        text = text.replace(character, code)
    return text


def _point(point: Point, names: Sequence[str]) -> dict[str, Any]:
    detail = point.detail
    found: dict[str, Any] = {
        "name": point.name,
        "group": point.group,
        "row": [point.row.get(name) for name in names],
        "reason": point.reason,
        "detail": None,
    }
    if detail is not None:
        found["detail"] = {
            "figures": detail.figures,
            "words": sentences(detail),
            "views": [drawing_of(view) for view in detail.views],
            "texts": [{"title": k, "text": v} for k, v in detail.texts.items()],
        }
    return found


def _text(name: str) -> str:
    return files("accelsim.report").joinpath("page").joinpath(name).read_text(encoding="utf-8")
