"""The file of an exploration: what is varied, under which conditions, and what is sought."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from accelsim.specs import Spec
from accelsim.specs.fields import Number, Positive, Whole

Sampler = Literal["grid", "random", "nsga2", "tpe"]
SAMPLERS: tuple[Sampler, ...] = ("grid", "random", "nsga2", "tpe")


class AxisSpec(Spec):
    """Values of one parameter: a list, named choices, or a range.

    A range goes from ``from`` to ``to`` (inclusive) by ``step`` (default 1), or by factors of ``times``;
    its ends are numbers, counts (64K) or quantities (8 MiB). ``choices`` gives each value a name for
    conditions and tables. Where ``when`` does not hold, the parameter keeps the base's value and is not
    varied.
    """

    values: Annotated[list[Any], Field(min_length=1)] | None = None
    choices: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    start: float | int | str | None = Field(default=None, alias="from")
    stop: float | int | str | None = Field(default=None, alias="to")
    step: float | int | str | None = None
    times: Number | None = None
    when: str | None = None

    @model_validator(mode="after")
    def _has_one_form(self) -> AxisSpec:
        ranged = self.start is not None or self.stop is not None
        if [self.values is not None, self.choices is not None, ranged].count(True) != 1:
            raise ValueError("must have one of values, choices, or from and to")
        if ranged and (self.start is None or self.stop is None):
            raise ValueError("range must have from and to")
        if not ranged and (self.step is not None or self.times is not None):
            raise ValueError("step and times must come with from and to")
        if self.step is not None and self.times is not None:
            raise ValueError("range must have step or times, not both")
        if self.times is not None and self.times <= 1:
            raise ValueError(f"times must be above 1, not {self.times:g}")
        return self


def _axis(value: Any) -> Any:
    return {"values": value} if isinstance(value, list) else value


Axis = Annotated[AxisSpec, BeforeValidator(_axis, json_schema_input_type=AxisSpec | list[Any])]


class ExplorationSpec(Spec):
    """The file ``arch_specs/explorations/NAME.yaml``: a base, what varies on it, and what is sought.

    The base is a ``design``, or a ``cascade`` on an ``arch``. ``vary`` and ``set`` have fields as keys:
    ``arch.PE2D.rows``, ``workload.E``, ``seq``, ``cascade.M0``, ``mapping``, ``mapping.depth.Q``,
    ``design``, ...; a key of ``vary`` without a dot may also be a name of the study's own, which
    expressions in ``set`` use. ``where`` are conditions over all of these; ``constraints`` are
    conditions over figures of the report, and ``objectives`` figures to be least or most.
    """

    name: Annotated[str, Field(min_length=1)]
    summary: str = ""
    design: str | None = None
    cascade: str | None = None
    arch: str | None = None
    mapping: str | None = None
    workload: str | None = None
    seq: int | str | None = None
    scope: Literal["attention", "layer"] = "attention"
    selection: str = "uniform"
    vary: Annotated[dict[str, Axis], Field(min_length=1)]
    set: dict[str, Any] = {}
    where: list[str] = []
    constraints: list[str] = []
    objectives: Annotated[dict[str, Literal["min", "max"]], Field(min_length=1)] = {"cycles": "min"}
    reference: dict[str, Number] = {}
    """The corner that the hypervolume is measured from, by objective; by default the worst point."""
    figures: list[str] = []
    """Figures to show in tables besides the usual ones."""
    sampler: Sampler = "grid"
    points: Positive | None = None
    seed: Whole = 0
    batch: Positive = 16
    """Points that a searching sampler asks for before it hears of any: the same for all workers."""

    @model_validator(mode="after")
    def _parts_fit(self) -> ExplorationSpec:
        varied = {*self.vary, *self.set}
        if self.design is None and "design" not in varied:
            missing = [
                key
                for key in ("cascade", "arch")
                if getattr(self, key) is None and key not in varied
            ]
            if missing:
                raise ValueError("must have a design, or a cascade and an arch")
        elif self.arch is not None or "arch" in varied:
            raise ValueError(
                "must have a design, or a cascade and an arch, not a design and an arch"
            )
        if self.sampler != "grid" and self.points is None:
            raise ValueError(f"sampler {self.sampler} must have points: how many to try")
        if self.sampler == "grid" and self.points is not None:
            raise ValueError("points must come with the sampler random, nsga2 or tpe, not grid")
        return self
