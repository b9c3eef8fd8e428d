"""Several designs at several lengths beside a baseline: speed-up, energy, utilization, traffic."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from accelsim.errors import SpecError, nearest
from accelsim.result.report import Report
from accelsim.result.text import table
from accelsim.units import format_count, format_duration, format_energy, format_size

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One report of a comparison: which design at which point."""

    design: str
    length: int
    report: Report
    workload: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One design at one point; the ratios are None where the baseline has no figure there."""

    design: str
    workload: str
    length: int
    cycles: int
    seconds: float
    speedup: float | None  # baseline's time over this one's
    energy_pj: float | None
    energy_ratio: float | None  # this one's energy over the baseline's
    utilization: dict[str, float]
    traffic_bytes: dict[str, float]
    peak_bytes: dict[str, int]
    bottleneck: str

    def flat(self) -> dict[str, Any]:
        """Return the row with one column for each unit, memory and buffer."""
        plain = {
            "design": self.design,
            "workload": self.workload,
            "length": self.length,
            "cycles": self.cycles,
            "seconds": self.seconds,
            "speedup": self.speedup,
            "energy_pj": self.energy_pj,
            "energy_ratio": self.energy_ratio,
        }
        return {
            **plain,
            **{f"utilization_{name}": value for name, value in self.utilization.items()},
            **{f"traffic_{name}_bytes": value for name, value in self.traffic_bytes.items()},
            **{f"peak_{name}_bytes": value for name, value in self.peak_bytes.items()},
            "bottleneck": self.bottleneck,
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Reports of several designs, each row against the baseline design at the same point."""

    entries: tuple[Entry, ...]
    baseline: str

    def __post_init__(self) -> None:
        designs = self.designs
        if self.baseline not in designs:
            hint = nearest(self.baseline, designs)
            raise SpecError(f"baseline must be one of the designs, not {self.baseline!r}{hint}")
        seen: set[tuple[str, str, int]] = set()
        for entry in self.entries:
            key = (entry.design, entry.workload, entry.length)
            if key in seen:
                raise ValueError(f"entries must be of different points, not twice {key}")
            seen.add(key)

    @property
    def designs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(entry.design for entry in self.entries))

    @property
    def workloads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(entry.workload for entry in self.entries))

    @property
    def lengths(self) -> tuple[int, ...]:
        return tuple(sorted({entry.length for entry in self.entries}))

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        base = {(e.workload, e.length): e for e in self.entries if e.design == self.baseline}
        return tuple(_row(e, base.get((e.workload, e.length))) for e in self.entries)

    def entry(self, design: str, length: int, workload: str = "") -> Entry | None:
        for entry in self.entries:
            if (entry.design, entry.length, entry.workload) == (design, length, workload):
                return entry
        return None

    def to_dict(self) -> dict[str, Any]:
        return {"baseline": self.baseline, "rows": [row.flat() for row in self.rows]}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    def to_frame(self) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame([row.flat() for row in self.rows])

    def to_csv(self) -> str:
        rows = [row.flat() for row in self.rows]
        heads = _heads(rows)
        out = io.StringIO()
        writer = csv.DictWriter(out, heads, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows(rows)
        return out.getvalue()

    def __str__(self) -> str:
        grid = self._grid()
        return f"against {self.baseline}\n" + table(grid[0], grid[1:])

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(index=False))

    def _grid(self) -> list[list[str]]:
        units = _names(row.utilization for row in self.rows)
        memories = _names(row.traffic_bytes for row in self.rows)
        buffers = _names(row.peak_bytes for row in self.rows)
        heads = ["design", "workload", "length", "time", "speed-up", "energy", "ratio"]
        heads += [f"util {name}" for name in units]
        heads += [f"{name} bytes" for name in memories]
        heads += [f"{name} peak" for name in buffers]
        grid = [[*heads, "bottleneck"]]
        for row in self.rows:
            grid.append(
                [
                    row.design,
                    row.workload or "-",
                    format_count(row.length),
                    format_duration(row.seconds),
                    _times(row.speedup),
                    "-" if row.energy_pj is None else format_energy(row.energy_pj),
                    _times(row.energy_ratio),
                    *(_percent(row.utilization.get(name)) for name in units),
                    *(_size(row.traffic_bytes.get(name)) for name in memories),
                    *(_size(row.peak_bytes.get(name)) for name in buffers),
                    row.bottleneck,
                ]
            )
        return grid


def _row(entry: Entry, base: Entry | None) -> Row:
    report = entry.report
    figures = report.to_dict()
    energy = None if report.energy is None else report.energy.total_pj
    base_energy = None
    if base is not None and base.report.energy is not None:
        base_energy = base.report.energy.total_pj
    return Row(
        design=entry.design,
        workload=entry.workload,
        length=entry.length,
        cycles=report.cycles,
        seconds=report.seconds,
        speedup=base.report.seconds / report.seconds if base and report.seconds else None,
        energy_pj=None if energy is None else float(energy),
        energy_ratio=float(energy / base_energy) if energy is not None and base_energy else None,
        utilization={
            u.name: report.utilization[u.name] for u in report.activity.units if u.kind == "array"
        },
        traffic_bytes={
            name: moved["read"] + moved["write"] for name, moved in figures["traffic_bytes"].items()
        },
        peak_bytes={use.name: use.peak_bytes for use in report.activity.buffers},
        bottleneck=figures["bottleneck"]["kind"],
    )


def _heads(rows: list[dict[str, Any]]) -> list[str]:
    heads = _names(rows)
    # Units that only some designs have would otherwise come after the last column.
    return [*(head for head in heads if head != "bottleneck"), "bottleneck"]


def _names(tables: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(name for table in tables for name in table))


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _size(value: float | None) -> str:
    return "-" if value is None else format_size(value)
