"""Pictures of a study: two figures against each other with the front, roofline, parallel coordinates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from accelsim.explore import Results, Row
from accelsim.explore.axis import measure
from accelsim.explore.pareto import front
from accelsim.plot.style import GREY, PALETTE, axes, legend, log_scale
from accelsim.units import format_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMES = {
    "seconds": "latency (s)",
    "cycles": "latency (cycles)",
    "energy_j": "energy (J)",
    "energy_pj": "energy (pJ)",
    "area_mm2": "area (mm²)",
    "area_um2": "area (µm²)",
    "power_w": "power (W)",
    "edp_js": "energy x delay (Js)",
    "traffic_bytes": "DRAM traffic (bytes)",
}
Place = tuple[float, float]
_LABELS = 12  # points of a front that have their parameters beside them
_LINES = 400  # of a picture with parallel coordinates, beside those of the front


def tradeoff(results: Results, x: str, y: str, ax: Axes | None = None) -> Axes:
    """Draw every done point by two figures, least is best for both; those that none beats are joined.

    Where a parameter has names for values (designs, mappings), each has its colour and its front. Few
    points of a front have their parameters beside them.
    """
    ax = axes(ax, height=4.2)
    taken: list[Place] = []
    labels: list[list[tuple[Place, Row]]] = []
    groups = _groups([r for r in results.done if _positive(r, x) and _positive(r, y)], results)
    for (name, rows), color in zip(groups.items(), PALETTE, strict=False):
        places = [(float(r.figures[x]), float(r.figures[y])) for r in rows]
        best = set(front(places))
        others = [place for i, place in enumerate(places) if i not in best]
        ends = sorted((places[i], i) for i in best)
        if others:
            ax.plot(*zip(*others, strict=True), "o", color=color, alpha=0.25, markersize=4)
        joined = list(zip(*(place for place, _ in ends), strict=True))
        ax.step(*joined, where="post", color=color, linewidth=1.0, alpha=0.6)
        ax.plot(*joined, "o", color=color, markersize=6, label=name)
        labels.append([(place, rows[i]) for place, i in ends])
    _log_axes(ax, x, y)
    for labelled in labels:
        _annotate(ax, labelled, taken)
    legend(ax)
    return ax


def _groups(rows: Sequence[Row], results: Results) -> dict[str, list[Row]]:
    """Return rows by their value of the first parameter whose values have names, else all as one."""
    for name in results.parameters:
        labels = {row.values[name] for row in rows if row.values[name] is not None}
        if 1 < len(labels) <= len(PALETTE) and all(measure(label) is None for label in labels):
            groups: dict[str, list[Row]] = {}
            for row in rows:
                groups.setdefault(str(row.values[name] or "-"), []).append(row)
            return groups
    return {"Pareto front": list(rows)} if rows else {}


def _annotate(ax: Axes, ends: Sequence[tuple[Place, Row]], taken: list[Place]) -> None:
    """Write beside the points of a front the parameters in which they differ, where there is room."""
    if not 1 < len(ends) <= _LABELS:
        return
    names = _varying([row for _, row in ends])
    for place, row in ends:
        text = _short(row, names)
        here = tuple(ax.transAxes.inverted().transform(ax.transData.transform(place)))
        width = 0.012 * len(text)  # of the axes, in 7 points
        if any(abs(here[0] - u) < width and abs(here[1] - v) < 0.035 for u, v in taken):
            continue
        taken.append(here)
        ax.annotate(text, place, textcoords="offset points", xytext=(6, 5), fontsize=7)


def utilizations(results: Results, ax: Axes | None = None) -> Axes:
    """Draw by unit the utilization of every done point against its latency."""
    ax = axes(ax, height=4.0)
    names = dict.fromkeys(
        name for row in results.done for name in row.figures if name.startswith("utilization.")
    )
    for i, name in enumerate(names):
        own = [r for r in results.done if name in r.figures and _positive(r, "seconds")]
        ax.plot(
            [r.figures["seconds"] for r in own],
            [100 * r.figures[name] for r in own],
            "o",
            color=PALETTE[i % len(PALETTE)],
            markersize=4,
            label=name.removeprefix("utilization."),
        )
    log_scale(ax, "x")
    ax.set_xlabel(_NAMES["seconds"])
    ax.set_ylim(0, 105)
    ax.set_ylabel("utilization (%)")
    _grid(ax)
    legend(ax, title="unit")
    return ax


def rooflines(results: Results, ax: Axes | None = None) -> Axes:
    """Draw each done point's time, in units of its compute bound, against its two bounds.

    To the left of 1 the arrays bound the time, to the right the memory does.
    """
    ax = axes(ax, height=4.0)
    best = {row.place for row in results.pareto}
    kinds: dict[str, list[tuple[float, float]]] = {"points": [], "Pareto front": []}
    for row in results.done:
        compute = row.figures.get("roofline.compute_cycles")
        if compute:
            ratio = row.figures["roofline.memory_cycles"] / compute
            time = row.figures["cycles"] / compute
            kinds["Pareto front" if row.place in best else "points"].append((ratio, time))
    ratios = [ratio for points in kinds.values() for ratio, _ in points if ratio > 0] or [1.0]
    low, high = min(0.1, *ratios) / 2, max(10.0, *ratios) * 2
    ax.plot([low, 1, high], [1, 1, high], color="black", linewidth=1.2, label="bound")
    for (name, points), color in zip(kinds.items(), (GREY, PALETTE[0]), strict=True):
        if points:
            ax.plot(*zip(*points, strict=True), "o", color=color, markersize=5, label=name)
    log_scale(ax)
    ax.set_xlim(low, high)
    ax.set_xlabel("memory bound / compute bound")
    ax.set_ylabel("time / compute bound")
    _grid(ax)
    legend(ax)
    return ax


def parallel(results: Results, ax: Axes | None = None) -> Axes:
    """Draw a line per done point across its parameters and objectives; those of the front in colour.

    Each axis goes from its least (or first) value at the bottom to its greatest (or last).
    """
    from matplotlib.collections import LineCollection

    names = [*results.parameters, *results.objectives]
    ax = axes(ax, width=max(5.0, 1.3 * len(names) + 1.5), height=4.2)
    scales = [_Scale.of(name, results) for name in names]
    best = {row.place for row in results.pareto}
    others = [row for row in results.done if row.place not in best]
    shown = others[:: max(1, len(others) // _LINES)]
    for rows, color, width, label in (
        (shown, GREY, 0.6, "points"),
        (results.pareto, PALETTE[0], 1.3, "Pareto front"),
    ):
        lines = [[(at, s.height(row)) for at, s in enumerate(scales)] for row in rows]
        if lines:  # all at once: drawn one by one they take most of the time of all pictures
            look: dict[str, Any] = {"color": color, "linewidth": width, "label": label}
            ax.add_collection(LineCollection(lines, alpha=0.8, **look))
    for number, scale in enumerate(scales):
        ax.axvline(number, color="black", linewidth=0.8)
        for height, end in ((0.0, scale.low), (1.0, scale.high)):
            side = -11 if height == 0 else 4
            ax.annotate(
                end,
                (number, height),
                textcoords="offset points",
                xytext=(0, side),
                ha="center",
                fontsize=7,
                bbox={"color": "white", "pad": 1.0},
            )
    ax.set_xticks(range(len(names)), names)
    ax.tick_params("x", length=0, pad=14)
    if len(names) > 3:
        ax.tick_params("x", rotation=25)
        for text in ax.get_xticklabels():
            text.set(horizontalalignment="right", rotation_mode="anchor")
    ax.set_yticks([])
    ax.set_xlim(-0.2, len(names) - 0.8)
    ax.set_ylim(-0.08, 1.08)
    ax.spines[["left", "bottom"]].set_visible(False)
    legend(ax)
    return ax


def pictures(results: Results) -> dict[str, Axes]:
    """Return every picture of a study by name; only those for which there are points."""
    if not results.done:
        return {}
    found = {"utilization": utilizations(results), "parallel": parallel(results)}
    names = results.columns
    for name, x, y in (
        ("latency_energy", "seconds", "energy_pj"),
        ("latency_area", "seconds", "area_um2"),
    ):
        if x in names and y in names:
            shown = {"energy_pj": "energy_j", "area_um2": "area_mm2"}[y]
            found[name] = tradeoff(results, x, shown)
    if any("roofline.compute_cycles" in row.figures for row in results.done):
        found["roofline"] = rooflines(results)
    goals = results.exploration.goals.objectives
    drawn = {("seconds", "energy_j"), ("seconds", "area_mm2")}
    if len(goals) == 2 and results.objectives not in drawn and all(o.sign > 0 for o in goals):
        found["front"] = tradeoff(results, goals[0].name, goals[1].name)
    return found


class _Scale:
    """Where a value stands between the bottom and the top of an axis."""

    def __init__(self, name: str, heights: Mapping[Any, float] | None, low: float, high: float):
        self._name = name
        self._heights = heights
        self._low = low
        self._high = high
        self.low = _brief(low)
        self.high = _brief(high)

    @classmethod
    def of(cls, name: str, results: Results) -> _Scale:
        values = [_value(name, row) for row in results.done]
        numbers = [v for v in values if isinstance(v, int | float)]
        if len(numbers) == len(values) and numbers:
            return cls(name, None, min(numbers), max(numbers))
        labels = list(dict.fromkeys(_value(name, row) for row in results.rows))
        last = max(1, len(labels) - 1)
        scale = cls(name, {v: i / last for i, v in enumerate(labels)}, 0, 1)
        scale.low, scale.high = _brief(labels[0]), _brief(labels[-1])
        return scale

    def height(self, row: Row) -> float:
        value = _value(self._name, row)
        if self._heights is not None:
            return self._heights[value]
        if self._high == self._low:
            return 0.5
        if self._low > 0 and self._high / self._low > 8:
            return math.log(value / self._low) / math.log(self._high / self._low)
        return float((value - self._low) / (self._high - self._low))


def _value(name: str, row: Row) -> Any:
    value = row.values[name] if name in row.values else row.figures.get(name)
    return "-" if value is None else value


def _brief(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1024:
        short = format_count(value)
        return short if len(short) <= 5 else f"{value:.3g}"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _varying(rows: Sequence[Row]) -> list[str]:
    """Return the parameters in which rows differ."""
    return [n for n in rows[0].values if len({repr(row.values[n]) for row in rows}) > 1]


def _short(row: Row, names: Sequence[str]) -> str:
    shown = [(name, _brief(row.values[name])) for name in names if row.values[name] is not None]
    return ", ".join(f"{name} {text}" for name, text in shown)


def _positive(row: Row, name: str) -> bool:
    value = row.figures.get(name)
    return isinstance(value, int | float) and value > 0


def _log_axes(ax: Axes, x: str, y: str) -> None:
    log_scale(ax)
    ax.set_xlabel(_NAMES.get(x, x))
    ax.set_ylabel(_NAMES.get(y, y))
    _grid(ax)


def _grid(ax: Axes) -> None:
    ax.grid(visible=True, color="#DDDDDD", linewidth=0.5)
    ax.set_axisbelow(True)
