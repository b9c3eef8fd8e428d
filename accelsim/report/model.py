"""The files that a page is made of: what a run, a comparison and a study must have to be shown."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Number = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Parts = dict[str, Number]


class _File(BaseModel):
    """Other keys are left alone: files of later versions may have more."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Moved(_File):
    read: Number
    write: Number
    by_tensor: Parts


class Use(_File):
    peak_bytes: Number
    capacity_bytes: Number
    by_tensor: Parts


class EnergyPart(_File):
    total: Number
    by_component: Parts
    by_einsum: Parts
    leakage: Number | None = None


class AreaPart(_File):
    total: Number
    by_component: Parts


class BottleneckPart(_File):
    kind: str
    circuit: list[str]
    cycles_per_iteration: Number | None


class RunFile(_File):
    """What ``accelsim run --json`` prints."""

    design: str
    cascade: str
    arch: str
    workload: dict[str, int]
    cycles: Annotated[int, Field(ge=0)]
    seconds: Number
    utilization: Parts
    busy_cycles: dict[str, Parts]
    stall_cycles: dict[str, Parts]
    idle_cycles: Parts
    traffic_bytes: dict[str, Moved]
    buffers: dict[str, Use]
    energy_pj: EnergyPart | None
    area_um2: AreaPart | None
    bottleneck: BottleneckPart
    roofline: Parts
    assumptions: list[str]
    request: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _each_unit_has_all_its_times(self) -> RunFile:
        units = self.busy_cycles.keys()
        for name, table in (("stall", self.stall_cycles), ("idle", self.idle_cycles)):
            if table.keys() != units:
                other = min(table.keys() ^ units)
                raise ValueError(
                    f"{name}_cycles must have the units of busy_cycles: {other!r} differs"
                )
        return self


class StudyPoint(_File):
    """One point of a study; ``parameters`` are what the study varies."""

    parameters: dict[str, Any]
    settings: dict[str, Any] = {}
    request: dict[str, Any] | None = None
    status: str
    reason: str | None = None
    pareto: bool = False
    figures: dict[str, Any]
    report: dict[str, Any] | None = None


class StudyFile(_File):
    """What ``accelsim explore`` writes as ``results.json``."""

    study: str
    objectives: dict[str, Literal["min", "max"]]
    points: Annotated[list[StudyPoint], Field(min_length=1)]


class ComparisonRow(_File):
    design: str
    workload: str
    length: Annotated[int, Field(gt=0)]
    cycles: Annotated[int, Field(ge=0)]


class ComparisonFile(_File):
    """What ``accelsim compare --json`` prints; ``request`` is what its rows have in common."""

    baseline: str
    rows: Annotated[list[ComparisonRow], Field(min_length=1)]
    request: dict[str, Any] = {}
