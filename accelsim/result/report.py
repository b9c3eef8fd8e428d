"""The report of one run: how long, who was busy, what moved, what it costs, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from accelsim.energy.account import Area, Energy
from accelsim.result.combine import added, combined
from accelsim.result.text import html_of, text_of
from accelsim.sim.activity import Activity, UnitActivity

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """The critical circuit of the steady state: its steps in words, and its length per iteration."""

    kind: str
    steps: tuple[str, ...] = ()
    cycles_per_iteration: Fraction | None = None


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One simulated stage with what it costs; energy is None if no table was given."""

    name: str
    activity: Activity
    energy: Energy | None = None
    circuit: Circuit | None = None


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run of one or more stages, one after another, did. Times are whole cycles.

    ``workload`` replaces the ranks of the stages in the output; ``assumptions`` are added to theirs.
    """

    stages: tuple[Stage, ...]
    area: Area | None = None
    workload: dict[str, int] | None = None
    assumptions: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.stages:
            raise ValueError("stages must be one or more, not none")

    @classmethod
    def of(
        cls,
        activity: Activity,
        energy: Energy | None = None,
        area: Area | None = None,
        circuit: Circuit | None = None,
    ) -> Report:
        """Return the report of a single stage."""
        stage = Stage(name=activity.cascade, activity=activity, energy=energy, circuit=circuit)
        return cls(stages=(stage,), area=area)

    @cached_property
    def activity(self) -> Activity:
        """All stages as one, up to a whole cycle each."""
        return combined([stage.activity for stage in self.stages])

    @cached_property
    def energy(self) -> Energy | None:
        known = [stage.energy for stage in self.stages if stage.energy is not None]
        return Energy.combined(known) if len(known) == len(self.stages) else None

    @property
    def circuit(self) -> Circuit:
        """The critical circuit of the longest stage."""
        longest = max(
            self.stages, key=lambda s: Fraction(s.activity.ticks, s.activity.ticks_per_cycle)
        )
        return longest.circuit or Circuit(kind=longest.activity.bottleneck)

    @property
    def cycles(self) -> int:
        return self.activity.ticks // self.activity.ticks_per_cycle

    @property
    def seconds(self) -> float:
        return float(self.cycles / self.activity.clock_hz)

    @property
    def utilization(self) -> dict[str, float]:
        """By unit: the share of lane-cycles that do an operation; of buses and ports, of cycles."""
        return {
            unit.name: float(_work(unit) / self.activity.ticks) if self.activity.ticks else 0.0
            for unit in self.activity.units
        }

    def to_dict(self) -> dict[str, Any]:
        """Return every figure under the keys of the JSON output; units are in the keys."""
        result = self._figures()
        if len(self.stages) > 1:
            result["stages"] = [
                {"name": stage.name, **Report(stages=(stage,), area=self.area)._figures()}
                for stage in self.stages
            ]
        return result

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per unit: cycles by Einsum, by cause of stall, idle, and utilization."""
        import pandas as pd

        figures = self.to_dict()
        rows = {}
        for unit in self.activity.units:
            name = unit.name
            rows[name] = {
                "kind": unit.kind,
                "lanes": unit.lanes,
                "utilization": figures["utilization"][name],
                "busy_cycles": sum(figures["busy_cycles"][name].values()),
                **{f"stall_{k}_cycles": n for k, n in figures["stall_cycles"][name].items()},
                "idle_cycles": figures["idle_cycles"][name],
            }
        frame = pd.DataFrame.from_dict(rows, orient="index")
        frame.index.name = "unit"
        return frame

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw what each array did, Einsum by Einsum; return the axes."""
        from accelsim.plot import activity

        return activity(self, ax=ax)

    def __str__(self) -> str:
        return text_of(self.to_dict())

    def _repr_html_(self) -> str:
        return html_of(self.to_dict())

    def _figures(self) -> dict[str, Any]:
        act = self.activity
        per_cycle = act.ticks_per_cycle
        return {
            "design": act.design,
            "cascade": act.cascade,
            "arch": act.arch,
            "mapping": act.mapping,
            "workload": dict(self.workload or act.ranks),
            "cycles": self.cycles,
            "seconds": self.seconds,
            "clock_hz": plain(act.clock_hz),
            "utilization": self.utilization,
            "busy_cycles": {u.name: _cycles(u.busy_ticks, per_cycle) for u in act.units},
            "stall_cycles": {u.name: _cycles(u.stall_ticks, per_cycle) for u in act.units},
            "idle_cycles": {u.name: plain(Fraction(u.idle_ticks, per_cycle)) for u in act.units},
            "ticks_per_cycle": per_cycle,
            "traffic_bytes": self._traffic(),
            "buffers": {
                b.name: {
                    "peak_bytes": b.peak_bytes,
                    "capacity_bytes": b.capacity_bytes,
                    "by_tensor": dict(b.by_tensor),
                }
                for b in act.buffers
            },
            "ops": dict(act.ops),
            "energy_pj": self._energy(),
            "area_um2": self._area(),
            "bottleneck": {
                "kind": self.circuit.kind,
                "circuit": list(self.circuit.steps),
                "cycles_per_iteration": None
                if self.circuit.cycles_per_iteration is None
                else plain(self.circuit.cycles_per_iteration),
            },
            "roofline": {
                "compute_cycles": plain(act.compute_cycles),
                "memory_cycles": plain(act.memory_cycles),
            },
            "assumptions": self._assumptions(),
        }

    def _traffic(self) -> dict[str, Any]:
        memories = dict.fromkeys(
            [u.name for u in self.activity.units if u.kind == "dram"]
            + [t.memory for t in self.activity.transfers]
        )
        result: dict[str, Any] = {}
        for memory in memories:
            own = [t for t in self.activity.transfers if t.memory == memory]
            by_direction = added(
                [
                    {"read": Fraction(0), "write": Fraction(0)},
                    *({t.direction: t.bytes} for t in own),
                ]
            )
            by_tensor = added({t.tensor: t.bytes} for t in own)
            result[memory] = {
                **{k: plain(n) for k, n in by_direction.items()},
                "by_tensor": {k: plain(n) for k, n in by_tensor.items()},
            }
        return result

    def _energy(self) -> dict[str, Any] | None:
        if self.energy is None:
            return None
        leakage = self.energy.leakage_pj
        return {
            "total": float(self.energy.total_pj),
            "by_component": {k: float(n) for k, n in self.energy.by_component.items()},
            "by_einsum": {k: float(n) for k, n in self.energy.by_einsum.items()},
            "leakage": None if leakage is None else float(leakage),
        }

    def _area(self) -> dict[str, Any] | None:
        if self.area is None:
            return None
        return {
            "total": float(self.area.total_um2),
            "by_component": {k: float(n) for k, n in self.area.by_component.items()},
        }

    def _assumptions(self) -> list[str]:
        texts = [*self.activity.assumptions, *self.assumptions]
        if self.energy is None:
            texts.append("energy not counted: no cost table was given for every stage")
        else:
            texts += self.energy.assumptions
            texts += [
                f"energy left out of the total: {name}, {float(pj):.4g} pJ"
                for name, pj in self.energy.left_out.items()
            ]
        if self.area is None:
            texts.append("area not counted: the parts of the machine were not given")
        return list(dict.fromkeys(texts))


def plain(value: Fraction) -> int | float:
    """Return a whole number as int, any other as float."""
    return value.numerator if value.denominator == 1 else float(value)


def _cycles(ticks: dict[str, int], per_cycle: int) -> dict[str, int | float]:
    return {name: plain(Fraction(count, per_cycle)) for name, count in ticks.items()}


def _work(unit: UnitActivity) -> Fraction:
    """Return ticks in which the unit, as a share of its lanes, does an operation."""
    if unit.kind == "array":
        return Fraction(sum(unit.lane_ticks.values()), unit.lanes)
    return Fraction(sum(unit.busy_ticks.values()))
