"""Pictures of top-k engines: cycles by distribution, and time against area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from accelsim.plot.style import MARKERS, axes, colors, legend, log_scale
from accelsim.result.selects import SelectComparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def select_cycles(comparison: SelectComparison, ax: Axes | None = None) -> Axes:
    """Draw mean cycles as bars, the worst as a line above, by engine and distribution.

    The first (n, k) of the comparison is drawn.
    """
    ax = axes(ax)
    n, k = comparison.rows[0].n, comparison.rows[0].k
    rows = [row for row in comparison.rows if (row.n, row.k) == (n, k)]
    names = list(dict.fromkeys(row.engine for row in rows))
    scores = list(dict.fromkeys(row.scores for row in rows))
    shades = colors(names)
    width = 0.8 / len(names)
    for i, name in enumerate(names):
        own = [row for row in rows if row.engine == name]
        places = [scores.index(row.scores) + (i - (len(names) - 1) / 2) * width for row in own]
        ax.bar(places, [row.cycles_mean for row in own], width, color=shades[name], label=name)
        for place, row in zip(places, own, strict=True):
            ax.plot([place, place], [row.cycles_mean, row.cycles_worst], color="black", linewidth=1)
    ax.set_xticks(range(len(scores)), scores)
    ax.set_ylabel(f"cycles of a request, n = {n}, k = {k}; line: the worst")
    legend(ax, title="engine")
    return ax


def select_area(comparison: SelectComparison, ax: Axes | None = None) -> Axes:
    """Draw mean cycles against area: a colour per engine, a marker per distribution."""
    ax = axes(ax)
    shades = colors(row.engine for row in comparison.rows)
    scores = list(dict.fromkeys(row.scores for row in comparison.rows))
    seen: set[str] = set()
    for row in comparison.rows:
        if row.area_um2 is None:
            continue
        ax.plot(
            [row.area_um2],
            [row.cycles_mean],
            color=shades[row.engine],
            marker=MARKERS[scores.index(row.scores) % len(MARKERS)],
            linestyle="none",
            label=None if row.engine in seen else row.engine,
        )
        seen.add(row.engine)
    log_scale(ax, "x")
    ax.set_xlabel("area (um^2)")
    ax.set_ylabel("cycles of a request, mean")
    legend(ax, title="engine")
    return ax
