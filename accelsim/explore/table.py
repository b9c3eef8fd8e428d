"""The results of a study: a row per point, in an order that no worker can change."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsim.errors import SpecError
from accelsim.explore.evaluate import Status
from accelsim.explore.exploration import Exploration
from accelsim.explore.fields import request_of
from accelsim.explore.figures import columns_of
from accelsim.explore.pareto import front, hypervolume
from accelsim.explore.sensitivity import Effect, effects, text_of
from accelsim.result.text import table
from accelsim.units import format_count

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 40  # rows of a printed table


@dataclass(frozen=True, kw_only=True)
class Row:
    """One point with what it gave.

    ``status`` is done, infeasible (cannot run), refused (a field's value is not valid), failed, or
    missed (it runs, but misses a constraint); ``reason`` says why, if it is not done.
    """

    place: tuple[int, ...]
    key: str
    values: Mapping[str, Any]
    settings: Mapping[str, Any]
    status: Status | str
    reason: str
    figures: Mapping[str, Any]
    report: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Results:
    """All points of a study, in the order of its levels, with what can be asked of them."""

    exploration: Exploration
    rows: tuple[Row, ...]
    finished: bool = True

    @cached_property
    def done(self) -> tuple[Row, ...]:
        """The points that run and meet the constraints."""
        return tuple(row for row in self.rows if row.status == "done")

    @property
    def objectives(self) -> tuple[str, ...]:
        return tuple(o.name for o in self.exploration.goals.objectives)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.exploration.space.axes)

    @cached_property
    def pareto(self) -> tuple[Row, ...]:
        """The points that no other one is at least as good as in every objective and better in one."""
        return tuple(self.done[i] for i in front(self._costs))

    @cached_property
    def corner(self) -> tuple[float, ...]:
        """The corner of the hypervolume by objective: as the study says, else the worst done point's."""
        given = self.exploration.spec.reference
        found = []
        for number, objective in enumerate(self.exploration.goals.objectives):
            if objective.name in given:
                found.append(float(given[objective.name]))
            else:
                worst = max((cost[number] for cost in self._costs), default=0.0)
                found.append(objective.sign * worst)
        return tuple(found)

    @cached_property
    def hypervolume(self) -> float:
        """The volume between the front and ``corner``, as a share of the box from the ideal point to it.

        1 where one point is best in everything, 0 where none is better than the corner.
        """
        signs = [o.sign for o in self.exploration.goals.objectives]
        corner = [sign * c for sign, c in zip(signs, self.corner, strict=True)]
        costs = [self._costs[i] for i in front(self._costs)]
        if not costs:
            return 0.0
        ideal = [min(cost[i] for cost in costs) for i in range(len(corner))]
        box = 1.0
        for low, high in zip(ideal, corner, strict=True):
            box *= high - low
        return hypervolume(costs, corner) / box if box > 0 else 0.0

    @cached_property
    def sensitivity(self) -> tuple[Effect, ...]:
        """What each parameter does to each objective."""
        return tuple(effects(self))

    @cached_property
    def columns(self) -> list[str]:
        """The figures of the tables, in order."""
        names = list(dict.fromkeys(name for row in self.rows for name in row.figures))
        goals = self.exploration.goals
        asked = [*self.objectives, *goals.figures]
        asked += [name for c in goals.constraints for name in sorted(c.names)]
        return list(dict.fromkeys([*columns_of(names), *asked]))

    def flat(self) -> list[dict[str, Any]]:
        """Return a table's rows: parameters, status, whether on the front, figures, reason."""
        best = {row.place for row in self.pareto}
        columns = self.columns
        return [
            {
                **row.values,
                "status": row.status,
                "pareto": row.place in best,
                **{name: row.figures.get(name) for name in columns},
                "bottleneck": row.figures.get("bottleneck"),
                "reason": row.reason,
            }
            for row in self.rows
        ]

    def to_csv(self) -> str:
        rows = self.flat()
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """Return everything: the study, each point with its settings and its whole report, the front."""
        goals = self.exploration.goals
        best = {row.place for row in self.pareto}
        return {
            "study": self.exploration.name,
            "summary": self.exploration.spec.summary,
            "parameters": list(self.parameters),
            "objectives": {o.name: "min" if o.sign > 0 else "max" for o in goals.objectives},
            "constraints": [str(c) for c in goals.constraints],
            "finished": self.finished,
            "hypervolume": {
                "share": self.hypervolume,
                "corner": dict(zip(self.objectives, self.corner, strict=True)),
            },
            "sensitivity": [asdict(effect) for effect in self.sensitivity],
            "points": [
                {
                    "key": row.key,
                    "parameters": dict(row.values),
                    "settings": dict(row.settings),
                    "request": request_of(row.settings),
                    "status": row.status,
                    "reason": row.reason or None,
                    "pareto": row.place in best,
                    "figures": {n: row.figures[n] for n in self.columns if n in row.figures},
                    "report": row.report,
                }
                for row in self.rows
            ],
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON, a line per point."""
        data = self.to_dict()
        points = ",\n".join(json.dumps(point, ensure_ascii=False) for point in data.pop("points"))
        head = json.dumps(data, indent=1, ensure_ascii=False).removesuffix("\n}")
        return f'{head},\n "points": [\n{points}\n ]\n}}\n'

    def to_frame(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.flat())

    def to_parquet(self, path: str | Path) -> None:
        """Write the table as Parquet (extra ``parquet``); parameters of mixed kinds are texts."""
        if find_spec("pyarrow") is None:
            raise SpecError("Parquet must have pyarrow: pip install 'accelsim[parquet]'")
        frame = self.to_frame()
        for name in self.parameters:
            if len({type(v) for v in frame[name] if v is not None}) > 1:
                frame[name] = frame[name].map(lambda v: None if v is None else str(v))
        frame.to_parquet(path, engine="pyarrow", index=False)

    def __str__(self) -> str:
        counts: dict[str, int] = {}
        for row in self.rows:
            counts[row.status] = counts.get(row.status, 0) + 1
        told = ", ".join(f"{n} {status}" for status, n in sorted(counts.items()))
        head = f"{self.exploration.name}: {len(self.rows)} points ({told or 'none'})"
        if not self.pareto:
            return f"{head}\nno point runs and meets the constraints{self._reasons()}"
        wanted = ", ".join(
            f"{o.name} {'least' if o.sign > 0 else 'most'}"
            for o in self.exploration.goals.objectives
        )
        lines = [f"Pareto front: {len(self.pareto)} points ({wanted})"]
        if len(self.objectives) > 1:
            lines[0] += f", hypervolume {self.hypervolume:.4f}"
        shown = list(self.pareto[:SHOWN])
        columns = [*self.parameters, *self._shown_figures()]
        cells = [[_cell(row.values.get(c, row.figures.get(c))) for c in columns] for row in shown]
        lines.append(table(columns, cells))
        if len(self.pareto) > SHOWN:
            lines.append(f"... and {len(self.pareto) - SHOWN} more")
        if len(self.done) > 1 and len(self.parameters) > 1:
            lines += ["", "shares of the variance of each objective:", text_of(self.sensitivity)]
        return "\n".join([head, "", *lines]) + self._reasons()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))

    def _shown_figures(self) -> list[str]:
        goals = self.exploration.goals
        names = [*self.objectives, *goals.figures]
        names += [name for c in goals.constraints for name in sorted(c.names)]
        arrays = [c for c in self.columns if c.startswith("utilization.PE")]
        return list(dict.fromkeys([*names, *arrays]))

    def _reasons(self) -> str:
        """Return the reasons why points are not done, each with how often it stands."""
        found: dict[str, int] = {}
        for row in self.rows:
            if row.reason:
                reason = row.reason.partition(", not ")[0] if row.status == "missed" else row.reason
                found[reason] = found.get(reason, 0) + 1
        common = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:5]
        lines = [f"  {count} x {reason}" for reason, count in common]
        if len(found) > len(common):
            lines.append(f"  ... and {len(found) - len(common)} reasons more")
        return "\n\nnot done:\n" + "\n".join(lines) if lines else ""

    @cached_property
    def _costs(self) -> list[tuple[float, ...]]:
        """By done point its objectives, each to be least."""
        goals = self.exploration.goals
        return [
            tuple(float(o.sign * row.figures[o.name]) for o in goals.objectives)
            for row in self.done
        ]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        short = format_count(value)
        return short if len(short) <= 5 else f"{value:,}"
    return f"{value:.4g}"
