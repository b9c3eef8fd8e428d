"""The report of one run: how long, who was busy, what moved, what it costs, and why."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from accelsim.energy.account import Area, Energy
from accelsim.replay.exact import fraction
from accelsim.result.combine import combined
from accelsim.result.figures import (
    area_figures,
    assumptions,
    buffer_figures,
    energy_figures,
    plain,
    time_figures,
    traffic_figures,
    utilization,
)
from accelsim.result.text import html_of, text_of
from accelsim.sim.activity import Activity

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from accelsim.sim.explain import CriticalCircuit


@dataclass(frozen=True, kw_only=True)
class Circuit:
    """The critical circuit of the steady state: its steps in words, and its length per iteration."""

    kind: str
    steps: tuple[str, ...] = ()
    cycles_per_iteration: Fraction | None = None

    @classmethod
    def of(cls, found: CriticalCircuit) -> Circuit:
        return cls(
            kind=found.kind, steps=found.steps, cycles_per_iteration=found.cycles_per_iteration
        )


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
    ``request`` are the arguments of ``accelsim.simulate`` that give this report again, if it is known;
    ``trace`` is the section of that name, of a run of rows.
    """

    stages: tuple[Stage, ...]
    area: Area | None = None
    workload: dict[str, int] | None = None
    assumptions: tuple[str, ...] = field(default=())
    request: dict[str, Any] | None = None
    trace: dict[str, Any] | None = None

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
            self.stages, key=lambda s: fraction(s.activity.ticks, s.activity.ticks_per_cycle)
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
        return utilization(self.activity)

    def to_dict(self) -> dict[str, Any]:
        """Return every figure under the keys of the JSON output; units are in the keys."""
        result = self.figures()
        if self.request is not None:
            result["request"] = dict(self.request)
        if self.trace is not None:
            result["trace"] = self.trace
        if len(self.stages) > 1:
            result["stages"] = [
                {"name": stage.name, **Report(stages=(stage,), area=self.area).figures()}
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

    def figures(self) -> dict[str, Any]:
        """Return the figures of all stages as one."""
        act = self.activity
        circuit = self.circuit
        length = circuit.cycles_per_iteration
        return {
            "design": act.design,
            "cascade": act.cascade,
            "arch": act.arch,
            "mapping": act.mapping,
            "workload": dict(act.ranks if self.workload is None else self.workload),
            **time_figures(act),
            "traffic_bytes": traffic_figures(act),
            "buffers": buffer_figures(act),
            "ops": dict(act.ops),
            "energy_pj": energy_figures(self.energy),
            "area_um2": area_figures(self.area),
            "bottleneck": {
                "kind": circuit.kind,
                "circuit": list(circuit.steps),
                "cycles_per_iteration": None if length is None else plain(length),
            },
            "roofline": {
                "compute_cycles": plain(act.compute_cycles),
                "memory_cycles": plain(act.memory_cycles),
            },
            "assumptions": assumptions(act, self.energy, self.area, self.assumptions),
        }


def _duration(stage: Stage) -> Fraction:
    return fraction(stage.activity.ticks, stage.activity.ticks_per_cycle)
