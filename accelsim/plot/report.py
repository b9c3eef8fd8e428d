"""Pictures of reports: what the arrays did, where the energy went, and the roofline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from accelsim.plot.style import GREY, MARKERS, axes, colors, hatches, legend, log_scale
from accelsim.result import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STALL = "stalled"
_IDLE = "idle"
_LONG = 12  # characters of a label that fit under a bar


def activity(report: Report | Mapping[str, Report], ax: Axes | None = None) -> Axes:
    """Draw the share of cycles that each array spent on each Einsum, stalled and idle.

    Several reports by name stand beside one another.
    """
    named = {"": report} if isinstance(report, Report) else report
    columns: dict[str, dict[str, float]] = {}
    for name, each in named.items():
        act = each.activity
        for unit in act.units:
            if unit.kind != "array" or not act.ticks:
                continue
            label = f"{name}\n{unit.name}" if name else unit.name
            shares = {einsum: 100 * n / act.ticks for einsum, n in unit.busy_ticks.items()}
            shares[_STALL] = 100 * sum(unit.stall_ticks.values()) / act.ticks
            shares[_IDLE] = 100 * unit.idle_ticks / act.ticks
            columns[label] = shares
    ax = axes(ax, width=max(4.5, 2.5 + 0.9 * len(columns)), height=4.0)
    _stacked(ax, columns, last={_STALL: GREY, _IDLE: "#EEEEEE"})
    ax.set_ylabel("share of all cycles (%)")
    ax.set_ylim(0, 100)
    return ax


def energy(
    reports: Report | Mapping[str, Report], ax: Axes | None = None, *, by: str = "component"
) -> Axes:
    """Draw energy stacked ``by`` component, part or einsum; a bar per report."""
    named = {reports.activity.design: reports} if isinstance(reports, Report) else reports
    columns: dict[str, dict[str, float]] = {}
    for name, report in named.items():
        if report.energy is None:
            continue
        choices = {
            "component": report.energy.by_component,
            "part": report.energy.by_part,
            "einsum": report.energy.by_einsum,
        }
        if by not in choices:
            raise ValueError(f"by must be one of {', '.join(choices)}, not {by!r}")
        columns[name] = {key: float(pj) * 1e-12 for key, pj in choices[by].items()}
    ax = axes(ax, width=max(4.5, 2.5 + 1.1 * len(columns)), height=4.0)
    _stacked(ax, columns, last={})
    ax.set_ylabel("energy (J)")
    ax.set_ylim(0, 1.05 * max([sum(column.values()) for column in columns.values()], default=1.0))
    return ax


def roofline(reports: Report | Mapping[str, Report], ax: Axes | None = None) -> Axes:
    """Draw each design's simulated time, in units of its compute bound, against its two bounds.

    To the left of 1 the arrays bound the time, to the right the memory does.
    """
    named = {reports.activity.design: reports} if isinstance(reports, Report) else reports
    ax = axes(ax, height=4.0)
    shades = colors(named)
    points = {
        name: (
            float(report.activity.memory_cycles / report.activity.compute_cycles),
            float(report.cycles / report.activity.compute_cycles),
        )
        for name, report in named.items()
        if report.activity.compute_cycles
    }
    ratios = [ratio for ratio, _ in points.values() if ratio > 0] or [1.0]
    low, high = min(0.1, *ratios) / 2, max(10.0, *ratios) * 2
    ax.plot([low, 1, high], [1, 1, high], color="black", linewidth=1.2, label="bound")
    for i, (name, (ratio, time)) in enumerate(points.items()):
        ax.plot(
            [max(ratio, low)],
            [time],
            MARKERS[i % len(MARKERS)],
            color=shades[name],
            markersize=7,
            label=name,
        )
    log_scale(ax)
    ax.set_xlim(low, high)
    ax.set_xlabel("memory bound / compute bound")
    ax.set_ylabel("time / compute bound")
    ax.grid(visible=True, color="#DDDDDD", linewidth=0.5)
    ax.set_axisbelow(True)
    legend(ax)
    return ax


def _stacked(ax: Axes, columns: Mapping[str, Mapping[str, float]], last: Mapping[str, str]) -> None:
    """Draw a stack per column; names in ``last`` come on top, in colours of their own."""
    names: Sequence[str] = list(dict.fromkeys(n for column in columns.values() for n in column))
    first = [name for name in names if name not in last]
    shades = {**colors(first), **last}
    patterns = hatches(first)
    bottoms = dict.fromkeys(columns, 0.0)
    for name in [*first, *(name for name in last if name in names)]:
        heights = [column.get(name, 0.0) for column in columns.values()]
        if not any(heights):
            continue
        ax.bar(
            range(len(columns)),
            heights,
            0.62,
            bottom=list(bottoms.values()),
            color=shades[name],
            hatch=patterns.get(name, ""),
            edgecolor="white",
            linewidth=0.4,
            label=name,
        )
        for label, height in zip(columns, heights, strict=True):
            bottoms[label] += height
    ax.set_xticks(range(len(columns)), list(columns))
    if max((len(line) for label in columns for line in label.split("\n")), default=0) > _LONG:
        ax.tick_params("x", rotation=35)
        for text in ax.get_xticklabels():
            text.set(horizontalalignment="right", rotation_mode="anchor")
    ax.set_xlim(-0.6, len(columns) - 0.4)
    handles, _ = ax.get_legend_handles_labels()
    legend(ax, handles[::-1])  # as they are stacked
