"""A study as read: its space and its goals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelsim.errors import SpecError, nearest
from accelsim.explore.base import digest
from accelsim.explore.goals import Goals
from accelsim.explore.space import Space
from accelsim.explore.study import ExplorationSpec
from accelsim.specs import Document, find, read, validate


@dataclass(frozen=True, kw_only=True)
class Exploration:
    """What to vary on what, and what is sought; ``of`` takes a name, a file or the data of one."""

    spec: ExplorationSpec
    document: Document
    space: Space
    goals: Goals

    @classmethod
    def of(cls, study: str | Path | Mapping[str, Any] | Exploration) -> Exploration:
        """Return a study; SpecError lists every fault that can be told without a run."""
        if isinstance(study, Exploration):
            return study
        if isinstance(study, Mapping):
            document = Document(path="<study>", data={"name": "sweep", **study})
        else:
            document = read(_path(str(study)))
        return cls.from_document(document)

    @classmethod
    def from_document(cls, document: Document) -> Exploration:
        spec = validate(document, ExplorationSpec)
        space = Space.of(spec, document)
        return cls(spec=spec, document=document, space=space, goals=Goals.of(spec, document))

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def digest(self) -> str:
        """What tells this study's run from that of another: its space and how it is sampled."""
        seen = {"name", "summary", "constraints", "objectives", "figures", "reference"}
        if self.spec.sampler in {"nsga2", "tpe"}:
            seen -= {"constraints", "objectives"}  # what is tried next depends on them
        return digest(self.spec.model_dump(mode="json", exclude=seen))


def shipped() -> dict[str, Path]:
    """Return the studies that come with the package, by name."""
    folder = find.folder("arch_specs") / "explorations"
    return {file.stem: file for file in sorted(folder.glob("*.yaml"))}


def _path(name: str) -> Path:
    """Return the file of a shipped study or of a path."""
    known = shipped()
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix not in {".yaml", ".yml"} and not path.is_file():
        raise SpecError(f"unknown exploration {name!r}{nearest(name, known)}")
    return path
