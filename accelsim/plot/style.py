"""What all pictures share: colours, axes without pyplot, legends outside, files without a date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALETTE = (  # Okabe and Ito's colours, told apart by colour-blind readers too; Tol's beyond eight
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#332288",
    "#882255",
    "#999933",
    "#44AA99",
    "#117733",
)
GREY = "#BBBBBB"
_HATCHES = ("", "//", "xx", "..")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "svg.hashsalt": "accelsim",
    "svg.fonttype": "path",
}


def colors(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each name, in order; the same names in the same order look the same."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(dict.fromkeys(names))}


def hatches(names: Iterable[str]) -> dict[str, str]:
    """Return a hatch for each name, which tells names of one colour apart."""
    return {
        name: _HATCHES[i // len(PALETTE) % len(_HATCHES)]
        for i, name in enumerate(dict.fromkeys(names))
    }


def axes(ax: Axes | None, width: float = 7.0, height: float = 3.6) -> Axes:
    """Return ``ax``, or axes of a figure of their own (in inches), which no window shows."""
    if ax is not None:
        return ax
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(_style()):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        made = figure.add_subplot()
    made.spines[["top", "right"]].set_visible(False)
    return made


def legend(ax: Axes, handles: Sequence[Any] | None = None, title: str | None = None) -> None:
    """Put the legend to the right of the axes, where it hides nothing."""
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "frameon": False}
    if handles is None:
        ax.legend(title=title, **place)
    else:
        ax.legend(handles=list(handles), title=title, **place)


def save(ax: Axes, path: str | Path) -> Path:
    """Write the axes' figure as PNG or SVG, by the name's ending; equal figures, equal bytes."""
    target = Path(path)
    kind = target.suffix.removeprefix(".")
    metadata: dict[str, Any] = {"png": {"Software": None}, "svg": {"Date": None}}
    if kind not in metadata:
        raise ValueError(f"picture must be .png or .svg, not {target.name!r}")
    from matplotlib import rc_context

    with rc_context(_style()):
        figure: Any = ax.get_figure(root=True)
        figure.savefig(target, dpi=150, bbox_inches="tight", metadata=metadata[kind])
    return target


def _style() -> Any:
    # A new dict of Any: the stubs list the names of the settings one by one.
    return dict(_STYLE)
