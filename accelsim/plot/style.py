"""What all pictures share: colours, axes without pyplot, legends outside, files without a date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
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
_MARGIN = 0.1  # inches around a picture
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

_STYLE: dict[str, Any] = {
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


_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@cache
def _plain_formatter() -> type[Any]:
    from matplotlib.ticker import LogFormatterSciNotation

    class Plain(LogFormatterSciNotation):
        """Powers in plain text: setting formulas takes longer than all the rest of a picture."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            text = super().__call__(x, pos).replace(r"$\mathdefault{", "").removesuffix("}$")
            text = text.replace(r"\times", "×")
            return re.sub(r"\^\{(-?\d+)\}", lambda m: m[1].translate(_SUPERSCRIPT), text)

    return Plain


def log_scale(ax: Axes, which: str = "xy") -> None:
    """Make the x or y axis or both logarithmic."""
    for name in which:
        getattr(ax, f"set_{name}scale")("log")
        axis = getattr(ax, f"{name}axis")
        axis.set_major_formatter(_plain_formatter()())
        axis.set_minor_formatter(_plain_formatter()())
        axis.set_tick_params(which="minor", labelsize=_STYLE["font.size"] - 2)


def legend(ax: Axes, handles: Sequence[Any] | None = None, title: str | None = None) -> None:
    """Put the legend to the right of the axes, where it hides nothing."""
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "frameon": False}
    if handles is None:
        ax.legend(title=title, **place)
    else:
        ax.legend(handles=list(handles), title=title, **place)


def save(ax: Axes, path: str | Path, *more: str | Path) -> Path:
    """Write the axes' figure as PNG or SVG, by each name's ending; equal figures, equal bytes.

    The figure is laid out once for all of the files. Gives the first one.
    """
    targets = [Path(each) for each in (path, *more)]
    metadata: dict[str, Any] = {".png": {"Software": None}, ".svg": {"Date": None}}
    for target in targets:
        if target.suffix not in metadata:
            raise ValueError(f"picture must be .png or .svg, not {target.name!r}")
    from matplotlib import rc_context

    with rc_context(_style()):
        figure: Any = ax.get_figure(root=True)
        engine = figure.get_layout_engine()
        figure.draw_without_rendering()
        box = figure.get_tightbbox().padded(_MARGIN)
        figure.set_layout_engine("none")
        for target in targets:
            figure.savefig(target, dpi=150, bbox_inches=box, metadata=metadata[target.suffix])
        figure.set_layout_engine(engine)
    return targets[0]


def _style() -> Any:
    # A new dict of Any: the stubs list the names of the settings one by one.
    return dict(_STYLE)
