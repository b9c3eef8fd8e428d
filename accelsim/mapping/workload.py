"""Workloads: how big, and the layer as a list of cascades with their rank sizes."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from accelsim.errors import Fault, SpecError, nearest
from accelsim.specs import Document, Spec, find, read, validate
from accelsim.specs.expr import Expression

Positive = Annotated[int, Field(gt=0)]


class StageSpec(Spec):
    """One cascade of a layer. ``ranks`` are sizes or expressions over the workload's ranks.

    ``leading`` are ranks that every tensor has (loops b, h, ...) unless it is in ``shared``; ``cascade``
    "attention" stands for the one that the design runs, or runs for a ``variant`` such as "causal".
    """

    cascade: str
    variant: str = ""
    ranks: dict[str, int | str]
    leading: dict[str, int | str] = {}
    shared: list[str] = []
    scope: str = "layer"


class WorkloadSpec(Spec):
    """The file ``einsum_cascades/workloads/NAME.yaml``; ``seq`` names the ranks that --seq sets."""

    name: str
    summary: str = ""
    source: str
    ranks: dict[str, Positive]
    seq: list[str] = ["P", "M"]
    default_seq: Positive = 1024
    stages: dict[str, StageSpec]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage with numbers: rank sizes of its cascade, and leading loops outer to inner."""

    name: str
    cascade: str
    variant: str
    scope: str
    ranks: Table[str, int]
    leading: Table[str, int]
    shared: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Workload:
    spec: WorkloadSpec
    ranks: Table[str, int]
    stages: tuple[Stage, ...]

    @classmethod
    def load(
        cls, name: str, seq: int | None = None, overrides: Table[str, int] | None = None
    ) -> Workload:
        """Read a workload with ``seq`` for its sequence ranks and other ranks replaced."""
        document = read(find.path("workload", name))
        spec = validate(document, WorkloadSpec)
        ranks: dict[str, int] = dict(spec.ranks)
        ranks |= dict.fromkeys(spec.seq, seq or spec.default_seq)
        known = {*ranks, "P", "M", "N"}
        for key, value in (overrides or {}).items():
            if key not in known:
                raise SpecError(f"--set {key}: must be a rank of the workload{nearest(key, known)}")
            ranks[key] = value
        return cls(spec=spec, ranks=ranks, stages=_stages(spec, ranks, document))

    def stage(self, name: str) -> Stage:
        return next(stage for stage in self.stages if stage.name == name)


def _stages(spec: WorkloadSpec, ranks: dict[str, int], document: Document) -> tuple[Stage, ...]:
    faults: list[Fault] = []

    def number(value: int | str, loc: tuple[str | int, ...]) -> int:
        try:
            found: Any = (
                value if isinstance(value, int) else Expression.parse(value).evaluate(ranks)
            )
            if found != int(found) or found < 1:
                raise ValueError(f"must be a whole number of at least 1, not {found}")
            return int(found)
        except (ValueError, ArithmeticError) as error:
            faults.append(document.fault(loc, str(error)))
            return 1

    stages = []
    for name, stage in spec.stages.items():
        loc = ("stages", name)
        stages.append(
            Stage(
                name=name,
                cascade=stage.cascade,
                variant=stage.variant,
                scope=stage.scope,
                ranks={k: number(v, (*loc, "ranks", k)) for k, v in stage.ranks.items()},
                leading={k: number(v, (*loc, "leading", k)) for k, v in stage.leading.items()},
                shared=frozenset(stage.shared),
            )
        )
    if faults:
        raise SpecError(faults)
    return tuple(stages)
