"""Studies: which designs stand beside which baseline, on what, and how a design comes from its twin."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from accelsim.errors import SpecError, nearest
from accelsim.specs import Document, Spec, find, read, validate


class Step(Spec):
    """One change on the way: fields of the architecture, entries of the mapping, or another design."""

    name: Annotated[str, Field(min_length=1)]
    design: str | None = None
    mapping: str | None = None
    arch_set: dict[str, Any] = {}
    mapping_set: dict[str, Any] = {}


class Way(Spec):
    """From the design ``start`` step by step to the design ``end``; each step keeps the ones before."""

    start: str
    end: str
    rest: str = "the rest of the design"
    steps: list[Step] = []


class StudySpec(Spec):
    """The file ``arch_specs/studies/NAME.yaml``."""

    name: str
    summary: str = ""
    designs: Annotated[list[str], Field(min_length=1)]
    baseline: str
    workloads: Annotated[list[str], Field(min_length=1)] = ["bert"]
    lengths: list[str] = ["1K", "4K", "16K", "64K", "256K", "1M"]
    scope: str = "attention"
    published: str | None = None
    ways: list[Way] = []

    @model_validator(mode="after")
    def _baseline_is_a_design(self) -> StudySpec:
        if self.baseline not in self.designs:
            hint = nearest(self.baseline, self.designs)
            raise ValueError(f"baseline must be one of the designs, not {self.baseline!r}{hint}")
        return self


@dataclass(frozen=True, kw_only=True)
class Study:
    spec: StudySpec
    document: Document

    @classmethod
    def load(cls, name: str) -> Study:
        """Read ``arch_specs/studies/NAME.yaml`` or a path."""
        path = Path(name)
        if path.suffix not in {".yaml", ".yml"}:
            path = shipped().get(name, path)
            if name not in shipped():
                raise SpecError(f"unknown study {name!r}{nearest(name, shipped())}")
        document = read(path)
        return cls(spec=validate(document, StudySpec), document=document)


def shipped() -> dict[str, Path]:
    folder = find.folder("arch_specs") / "studies"
    return {file.stem: file for file in sorted(folder.glob("*.yaml"))}
