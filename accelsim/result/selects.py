"""Top-k engines side by side: cycles, energy and area, over n, k and what the scores are like."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from accelsim.energy import CostTable
from accelsim.engines.score_lists import score_lists
from accelsim.engines.select import Select
from accelsim.engines.select_batch import Selections, select_batch
from accelsim.result.text import table


@dataclass(frozen=True, kw_only=True)
class SelectRow:
    """One engine, sized for n and k, on requests of one distribution.

    Cycles are from a request's transfer to that of its last indices, without stalls;
    ``search_cycles`` are those of them between the last row in and the way out, mean. ``passes`` and
    ``visited`` (values over n) are means over the requests, ``energy_pj`` too;
    without a cost table there is neither energy nor area.
    """

    engine: str
    n: int
    k: int
    scores: str
    cycles_mean: float
    cycles_worst: int
    search_cycles: float
    passes: float
    visited: float
    energy_pj: float | None
    area_um2: float | None


@dataclass(frozen=True, kw_only=True)
class SelectComparison:
    """Rows of several engines; ``costs`` names the table if there is one.

    ``assumptions`` are the table's, and how far it was extrapolated.
    """

    rows: tuple[SelectRow, ...]
    costs: str | None
    requests: int
    seed: int
    assumptions: tuple[str, ...]

    def __str__(self) -> str:
        head = ["engine", "n", "k", "scores", "cycles", "worst", "search", "passes", "visited"]
        head += ["energy", "area"]
        lines = [
            [
                row.engine,
                str(row.n),
                str(row.k),
                row.scores,
                f"{row.cycles_mean:.1f}",
                str(row.cycles_worst),
                f"{row.search_cycles:.1f}",
                f"{row.passes:.1f}",
                f"{row.visited:.2f} n",
                "-" if row.energy_pj is None else f"{row.energy_pj:,.0f} pJ",
                "-" if row.area_um2 is None else f"{row.area_um2:,.0f} um2",
            ]
            for row in self.rows
        ]
        notes = "".join(f"\n  - {text}" for text in self.assumptions)
        costs = f"no costs{notes}" if self.costs is None else f"costs {self.costs}:{notes}"
        return f"{table(head, lines)}\n\n{self.requests} requests each, seed {self.seed}; {costs}"

    def to_json(self) -> str:
        found = asdict(self) | {"rows": [asdict(row) for row in self.rows]}
        return json.dumps(found, indent=2) + "\n"

    def to_csv(self) -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, list(SelectRow.__dataclass_fields__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(row) for row in self.rows)
        return out.getvalue()


def compare_selects(
    engines: Sequence[Select],
    sizes: Sequence[tuple[int, int]],
    scores: Sequence[str],
    costs: CostTable | None,
    *,
    requests: int,
    seed: int,
) -> SelectComparison:
    """Answer requests of every (n, k) and distribution; each engine has just the room for them.

    All engines get the same scores. SpecError where the table lacks a row.
    """
    rows = []
    notes = [] if costs is None else list(costs.assumptions)
    sized = {(n, k): [engine.sized(n, k) for engine in engines] for n, k in sizes}
    for n, k in sizes:
        for name in scores:
            for engine in sized[n, k]:
                lists = score_lists(name, requests=requests, n=n, width=engine.width, seed=seed)
                price = None if costs is None else Price.of(engine, costs)
                notes += () if price is None else price.assumptions
                rows.append(_row(engine, select_batch(engine, lists, k), n, k, name, price))
    return SelectComparison(
        rows=tuple(rows),
        costs=None if costs is None else costs.name,
        requests=requests,
        seed=seed,
        assumptions=tuple(dict.fromkeys(notes)),
    )


@dataclass(frozen=True, kw_only=True)
class Price:
    """What an engine costs: pJ of a cycle of its clock, a row through it, a cycle of search; its area."""

    clock_pj: float
    row_pj: float
    search_pj: float
    area_um2: float
    assumptions: tuple[str, ...]

    @classmethod
    def of(cls, engine: Select, costs: CostTable) -> Price:
        """Look an engine up; SpecError where the table lacks a row."""
        clock, row, search = (
            costs.cost(engine.name, action, engine.attributes)
            for action in ("clock", "row", "search")
        )
        part = costs.part_cost(engine.name, engine.attributes)
        notes = [text for cost in (clock, row, search, part) for text in cost.assumptions]
        return cls(
            clock_pj=float(clock.pj),
            row_pj=float(row.pj),
            search_pj=float(search.pj),
            area_um2=float(part.um2),
            assumptions=tuple(dict.fromkeys(notes)),
        )


def _row(
    engine: Select, found: Selections, n: int, k: int, scores: str, price: Price | None
) -> SelectRow:
    waits = found.fill_cycles - 1 - engine.rows_of(n)
    search = found.search_cycles + waits
    energy = area = None
    if price is not None:
        each = price.clock_pj * found.cycles + price.row_pj * engine.rows_of(n)
        energy = float((each + price.search_pj * search).mean())
        area = price.area_um2
    return SelectRow(
        engine=engine.name,
        n=n,
        k=k,
        scores=scores,
        cycles_mean=float(found.cycles.mean()),
        cycles_worst=int(found.cycles.max()),
        search_cycles=float(search.mean()),
        passes=float(found.passes.mean()),
        visited=float(found.elements.mean()) / n,
        energy_pj=energy,
        area_um2=area,
    )
