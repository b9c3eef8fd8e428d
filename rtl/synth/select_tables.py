"""Writes the cost tables of the top-k engines: python -m accelsim.rtl.synth.select_tables LIBERTY...

An engine is mapped at a few sizes; area and energies are straight lines near them in the rows that
it can hold (its memories are registers, as in the RTL) and in the depth of a queue. The table says how
near, and from where to where; what goes beyond is reported by those who use it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.back import rtlil

from accelsim.engines import Offer, Stimulus, engine
from accelsim.engines.select import Select
from accelsim.engines.select_model import SelectModel
from accelsim.engines.stimulus import Levels
from accelsim.errors import AccelsimError, SpecError
from accelsim.rtl.block import block
from accelsim.rtl.synth.library import Library
from accelsim.rtl.synth.mapped import Mapped, Recipe, synthesize, tool
from accelsim.rtl.synth.measure import Rig
from accelsim.rtl.synth.table import LIMITS, document, dont_use, known, short
from accelsim.rtl.synth.timing import timing
from accelsim.specs import Expression

RUNS = 8
"""Independent runs side by side."""
REQUESTS = 6
CYCLES = 240
"""At most, of each run."""

RECIPE = Recipe(booth=False, fast=False)

LANES, WIDTH = 16, 12
# Rows that the engine holds, depth of its queue if it has one.
SIZES = ((2, 8), (4, 8), (8, 8))
QUEUE_SIZES = (*SIZES, (8, 32))
BEYOND = ((16, 8),)
"""Sizes that are not in the lines: the table says what these make of them."""


@dataclass(frozen=True)
class Point:
    """An engine at one size; energies in pJ, of a cycle of the clock, a row through, a search cycle."""

    rows: int
    depth: int
    cells: int
    period_ps: float
    checked: int
    figures: Mapping[str, float]


def select(name: str) -> Select:
    """Return a top-k engine with the lanes and the width that are measured."""
    found = engine(name)
    if not isinstance(found, Select):
        raise SpecError(f"engine must be a top-k engine, not {name!r}")
    return replace(found, lanes=LANES, width=WIDTH)


def measured(found: Select, library: Library, rows: int, depth: int) -> Point:
    """Map an engine and price what it does. AccelsimError if the netlist and the model part."""
    sized = found.sized(rows * found.lanes, depth)
    text = rtlil.convert(block(sized), name=sized.name)
    mapped: Mapped = synthesize(
        text,
        sized.name,
        library,
        RECIPE,
        period_ps=1000.0,
        dont_use=dont_use(library),
    )
    timed = timing(mapped, library)
    rig = Rig(sized, mapped, library, timed)
    n = rows * found.lanes
    still = Stimulus(offers={}, cycles=8)
    idle, _ = rig.use([list(sized.levels(still)) for _ in range(RUNS)], "result")
    clock = idle.total_fj / idle.cycles
    through, moved = _energy(sized, rig, n, 0)
    row = (through - clock * moved["cycles"]) / moved["rows"]
    whole, did = _energy(sized, rig, n, min(depth, n // 2))
    search = (whole - clock * did["cycles"] - row * did["rows"]) / did["search"]
    figures = {
        "area_um2": mapped.area_um2,
        "leakage_mw": idle.leakage_pw * 1e-9,
        "clock": clock / 1000,
        "row": row / 1000,
        "search": search / 1000,
    }
    return Point(rows, depth, mapped.cell_count, timed.period_ps, rig.checked, figures)


def _energy(found: Select, rig: Rig, n: int, k: int) -> tuple[float, Mapping[str, int]]:
    """Return the energy (fJ) of the second half of some runs of requests, and what they did in it."""
    runs, phases = [], []
    for seed in range(RUNS):
        draw = random.Random(seed)
        lists = [[draw.randrange(2**found.width) for _ in range(n)] for _ in range(REQUESTS)]
        length = min(sum(found.cycles(values, k) + 1 for values in lists), CYCLES)
        levels, own = zip(*_watched(found, lists, k, length), strict=True)
        runs.append(list(levels))
        phases.append(list(own))
    length = min(map(len, runs))
    runs = [run[:length] for run in runs]
    used, rows = rig.use(runs, "i")
    seen = [phase for own in phases for phase in own[length // 2 + 1 : length]]
    waits = seen.count("fill") - rows  # rows wait where the queue inserts
    return used.total_fj, {
        "cycles": used.cycles,
        "rows": rows,
        "search": seen.count("select") + waits,
    }


def _watched(
    found: Select, lists: Sequence[list[int]], k: int, length: int
) -> Iterator[tuple[Levels, str]]:
    """Yield what is on the ports and the phase, by cycle; requests follow each other at once."""
    rows = [
        found.row(values[at : at + found.lanes])
        for values in lists
        for at in range(0, len(values), found.lanes)
    ]
    heads = [found.port("request").pack(n=len(values), k=k) for values in lists]
    stimulus = Stimulus(
        offers={"request": [Offer(head) for head in heads], "i": [Offer(row) for row in rows]},
        cycles=length,
    )
    model = SelectModel(found)
    levels = found.levels(stimulus, model)
    for _ in range(length):
        phase = model.phase
        yield next(levels), phase


def fitted(points: Sequence[Point], figure: str) -> tuple[str, float]:
    """Return the line of least squares of relative errors as a formula, and the greatest of them."""
    names = ["rows", "depth"] if len({p.depth for p in points}) > 1 else ["rows"]
    table = np.array([[1.0, *(getattr(p, name) for name in names)] for p in points])
    wanted = np.array([p.figures[figure] for p in points])
    found = np.linalg.lstsq(table / wanted[:, None], np.ones(len(wanted)), rcond=None)[0]
    away = float(np.max(np.abs(table @ found - wanted) / np.abs(wanted)))
    text = short(float(found[0]))
    for name, slope in zip(names, found[1:], strict=True):
        text += f" {'-' if slope < 0 else '+'} {short(abs(float(slope)))} * {name}"
    return text, away


def _said(point: Point) -> str:
    area = short(point.figures["area_um2"])
    return (
        f"{point.cells} cells, {area} um^2, {point.period_ps:.0f} ps; {point.checked} outputs of the"
        " netlist equal to the model's"
    )


def _missed(points: Sequence[Point], far: Point) -> str:
    """Say by how much the lines miss a point that is not in them."""
    size = {"rows": far.rows, "depth": far.depth}
    errors = [
        f"{figure} {float(Expression.parse(fitted(points, figure)[0]).evaluate(size)) / value - 1:+.1%}"
        for figure, value in far.figures.items()
    ]
    return f"not in the lines, which miss it by {', '.join(errors)}"


def rows_of(found: Select, points: Sequence[Point], corner: str) -> tuple[list[Any], list[Any]]:
    """Return the rows of energy and of area of an engine."""
    where = {"lanes": found.lanes, "width_bits": found.width}
    queue = len({p.depth for p in points}) > 1
    spans = {"rows": [p.rows for p in points]} | (
        {"depth": [p.depth for p in points]} if queue else {}
    )
    measured = {name: [min(span), max(span)] for name, span in spans.items()}
    sizes = ", ".join(f"{p.rows}" + (f" (depth {p.depth})" if queue else "") for p in points)
    made = f"{corner}: {found.name} mapped for {sizes} rows of {found.lanes}"
    energies = [
        {
            "part": found.name,
            "where": where,
            "action": action,
            "energy_pj": line,
            "measured": measured,
            "source": f"{made}, within {away:.1%} of each; gate-level toggles on random values",
        }
        for action in ("clock", "row", "search")
        for line, away in [fitted(points, action)]
    ]
    area, area_away = fitted(points, "area_um2")
    areas = [
        {
            "part": found.name,
            "where": where,
            "area_um2": area,
            "measured": measured,
            "source": f"{made}, within {area_away:.1%} of each; critical path"
            f" {max(p.period_ps for p in points):.0f} ps",
            "leakage_mw": fitted(points, "leakage_mw")[0],
            "leakage_source": f"{corner}: leakage of the cells in the states that were met",
        }
    ]
    return energies, areas


ASSUMPTIONS = (
    *LIMITS,
    "memories are registers, as in the RTL; a clock cycle costs what is said under the action clock, "
    "as nothing is gated",
)


Sizer = Callable[[str, int, int], Point]


def write(library: Library, names: Sequence[str], point: Sizer) -> tuple[str, str]:
    """Return name and text of a library's table; ``point`` measures an engine at a size."""
    corner = f"{library.name} at {library.voltage:g} V"
    energies: list[Any] = []
    areas: list[Any] = []
    provenance = {"tool": tool(), "clock_period_ps": "1000"}
    for n, file in enumerate(library.files):
        provenance[f"liberty_{n}"] = f"{file.path.name}: {file.name}, sha256 {file.sha256}"
    provenance |= {
        "dont_use": " ".join(dont_use(library)),
        "recipe": str(RECIPE),
        "stimulus": f"{RUNS} runs of at most {CYCLES} cycles and {REQUESTS} requests of random values, "
        f"seeds 0 to {RUNS - 1}, second half; none kept, then as many as the depth",
    }
    for name in names:
        found = select(name)
        sizes = QUEUE_SIZES if "depth" in found.parameters else SIZES
        points = [point(name, rows, depth) for rows, depth in sizes]
        own_rows, own_areas = rows_of(found, points, corner)
        energies += own_rows
        areas += own_areas
        for each in points:
            provenance[f"{name}_{each.rows}_{each.depth}"] = _said(each)
        for rows, depth in BEYOND:
            far = point(name, rows, depth)
            provenance[f"beyond_{name}_{rows}_{depth}"] = f"{_said(far)}; {_missed(points, far)}"
    title = "topk_" + {"asap7sc7p5t": "asap7"}.get(library.name.split("_")[0], library.name)
    head = {
        "name": title,
        "source": f"accelsim's RTL, mapped by {tool()} onto {corner}",
        "node": str(known(library).get("node", library.name)),
        "leakage": "known only of what was synthesized",
    }
    return title, document(
        head, energies, areas, ASSUMPTIONS, provenance, writer="synth.select_tables"
    )


ENGINES = ("quick_select", "radix_select", "batcher", "insertion_queue")


def main(arguments: Sequence[str]) -> int:
    from accelsim.specs import find

    try:
        library = Library([Path(each) for each in arguments])
        name, text = write(library, ENGINES, lambda *at: measured(select(at[0]), library, *at[1:]))
    except AccelsimError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    out = find.folder("arch_specs") / "costs" / f"{name}.yaml"
    out.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
