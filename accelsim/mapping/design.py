"""A design: an architecture with a cascade and a mapping, or several mappings to choose from."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from accelsim.errors import Fault, SpecError
from accelsim.mapping.mapping import Mapping
from accelsim.mapping.model import Alternative, DesignSpec
from accelsim.specs import Document, find, read, validate
from accelsim.specs.expr import Expression


@dataclass(frozen=True, kw_only=True)
class Design:
    """What ``compare`` compares; ``arch``, ``cascade`` and mappings are names of specs."""

    spec: DesignSpec
    document: Document

    @classmethod
    def load(cls, name: str) -> Design:
        """Read ``arch_specs/NAME/design.yaml`` or a path; what it lacks comes from ``extends: OTHER``."""
        document = read(find.path("design", name))
        return cls(spec=validate(_extended(document), DesignSpec), document=document)

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def objective(self) -> tuple[str, ...]:
        """Figures to be least, the first one first."""
        return tuple(part.strip() for part in self.spec.objective.split(","))

    @property
    def pipeline(self) -> str:
        """The pipeline's name or file."""
        return self._path(self.spec.pipeline)

    def mappings(self, ranks: Table[str, int | Fraction]) -> list[Mapping]:
        """Return the mappings whose condition holds for the rank sizes, in the order of the file."""
        entries = self.spec.mapping
        if not entries:
            raise SpecError(
                self.document.fault(
                    ("pipeline",), f"{self.name} runs rows: it must be given them, not a workload"
                )
            )
        if isinstance(entries, str):
            return [Mapping.load(self._path(entries))]
        found: list[Mapping] = []
        faults: list[Fault] = []
        for number, entry in enumerate(entries):
            loc = ("mapping", number)
            try:
                holds = Expression.parse(entry.when).evaluate(dict(ranks))
            except (ValueError, ArithmeticError) as error:
                faults.append(self.document.fault((*loc, "when"), f"when: {error}"))
                continue
            if holds:
                mapping = Mapping.load(self._path(entry.use), _changes(entry))
                found.append(replace(mapping, fallback=entry.fallback))
        if faults:
            raise SpecError(faults)
        if not found:
            raise SpecError(
                self.document.fault(
                    ("mapping",),
                    f"mapping must have an alternative whose condition holds for {dict(ranks)}",
                )
            )
        return found

    def _path(self, name: str) -> str:
        """A bare mapping name is one of the architecture's own."""
        return name if "/" in name else f"{self.spec.arch}/{name}"


def _changes(entry: Alternative) -> dict[str, Any]:
    return {
        key: value for key, value in (("sizes", entry.sizes), ("hold", entry.hold)) if value
    } | ({"spill": entry.spill} if entry.spill is not None else {})


def _extended(document: Document) -> Document:
    seen: list[str] = []
    data = document.data
    if not isinstance(data, dict) or "extends" not in data:
        return document
    while isinstance(data, dict) and isinstance(data.get("extends"), str):
        other = data["extends"]
        if other in seen:
            raise SpecError(
                document.fault(("extends",), f"extends must not go in a circle: {other}")
            )
        seen.append(other)
        base = read(find.path("design", other)).data
        rest = {key: value for key, value in data.items() if key != "extends"}
        data = {**base, **rest} if isinstance(base, dict) else rest
    return Document(
        path=document.path,
        data=data,
        marks=document.marks,
        key_marks=document.key_marks,
        source=document.source,
    )
