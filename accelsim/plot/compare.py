"""Pictures of a comparison: speed-up, cycles, utilization, and latency against energy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from accelsim.plot.style import MARKERS, axes, colors, legend, log_scale
from accelsim.result import Comparison, Row
from accelsim.units import format_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def speedup(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """Draw a bar per design and length: the mean over workloads of the speed-up."""
    ax = axes(ax)
    shades = colors(comparison.designs)
    for i, design in enumerate(comparison.designs):
        heights = [
            _mean([r.speedup for r in _at(comparison, design, n)]) for n in comparison.lengths
        ]
        _bars(ax, heights, i, len(comparison.designs), shades[design], design)
    _length_axis(ax, comparison)
    ax.axhline(1.0, color="black", linewidth=0.8, linestyle="--", zorder=0)
    ax.set_ylabel(f"speed-up over {comparison.baseline} (times)")
    legend(ax, title="design")
    return ax


def utilization(comparison: Comparison, unit: str, ax: Axes | None = None) -> Axes:
    """Draw the utilization of one unit by length: the mean over workloads."""
    ax = axes(ax)
    shades = colors(comparison.designs)
    for i, design in enumerate(comparison.designs):
        found = [
            _mean([row.utilization.get(unit) for row in _at(comparison, design, n)])
            for n in comparison.lengths
        ]
        shares = [None if share is None else 100 * share for share in found]
        _bars(ax, shares, i, len(comparison.designs), shades[design], design)
    _length_axis(ax, comparison)
    ax.set_ylim(0, 105)
    ax.set_ylabel(f"utilization of {unit} (%)")
    legend(ax, title="design")
    return ax


def cycles(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """Draw cycles against tokens, both by powers of ten: a line per design, a marker per workload.

    A slope of 1 is linear in the tokens, one of 2 quadratic.
    """
    ax = axes(ax)
    shades = colors(comparison.designs)
    for design in comparison.designs:
        for i, workload in enumerate(comparison.workloads):
            own = sorted(
                (row.length, row.cycles)
                for row in comparison.rows
                if (row.design, row.workload) == (design, workload)
            )
            ax.plot(
                [length for length, _ in own],
                [count for _, count in own],
                color=shades[design],
                marker=MARKERS[i % len(MARKERS)],
                markersize=5,
                linewidth=1.2,
                label=None if i else design,
            )
    ax.set_xscale("log", base=2)
    log_scale(ax, "y")
    ax.set_xticks(comparison.lengths, [format_count(length) for length in comparison.lengths])
    ax.set_xlabel("sequence length (tokens)")
    ax.set_ylabel("cycles")
    ax.grid(visible=True, color="#DDDDDD", linewidth=0.5)
    ax.set_axisbelow(True)
    legend(ax, title="design")
    return ax


def latency_energy(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """Draw energy against latency: a colour per design, a marker per workload, a line over lengths."""
    from matplotlib.lines import Line2D

    ax = axes(ax, height=4.2)
    shades = colors(comparison.designs)
    marks = {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(comparison.workloads)}
    for design in comparison.designs:
        for workload in comparison.workloads:
            own = [
                row
                for row in comparison.rows
                if (row.design, row.workload) == (design, workload) and row.energy_pj is not None
            ]
            own.sort(key=lambda row: row.length)
            ax.plot(
                [row.seconds for row in own],
                [(row.energy_pj or 0.0) * 1e-12 for row in own],
                color=shades[design],
                marker=marks[workload],
                markersize=5,
                linewidth=0.9,
                alpha=0.9,
            )
    log_scale(ax)
    ax.set_xlabel("latency (s)")
    ax.set_ylabel("energy (J)")
    ax.grid(visible=True, color="#DDDDDD", linewidth=0.5)
    ax.set_axisbelow(True)
    handles = [Line2D([], [], color=shade, label=name) for name, shade in shades.items()]
    if len(marks) > 1:
        handles += [
            Line2D([], [], color="black", marker=mark, linestyle="", label=name)
            for name, mark in marks.items()
        ]
    legend(ax, handles)
    return ax


def _bars(
    ax: Axes, heights: Sequence[float | None], i: int, count: int, color: str, label: str
) -> None:
    width = 0.84 / count
    offset = (i - (count - 1) / 2) * width
    places = [n + offset for n in range(len(heights))]
    ax.bar(places, [height or 0.0 for height in heights], width, color=color, label=label)


def _length_axis(ax: Axes, comparison: Comparison) -> None:
    lengths = comparison.lengths
    ax.set_xticks(range(len(lengths)), [format_count(length) for length in lengths])
    ax.set_xlabel("sequence length (tokens)")


def _at(comparison: Comparison, design: str, length: int) -> list[Row]:
    return [row for row in comparison.rows if (row.design, row.length) == (design, length)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
