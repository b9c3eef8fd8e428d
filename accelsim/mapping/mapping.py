"""A mapping file, read and checked against nothing yet: names and numbers meet in ``resolve``."""

from __future__ import annotations

import json
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from typing import Any

from accelsim.kept import Kept
from accelsim.mapping.model import MappingSpec
from accelsim.mapping.plan import Plan
from accelsim.mapping.resolve import Problem, resolve
from accelsim.specs import Document, find, read, validate

KEPT_CHANGED = 64  # of a mapping, changed in one way each


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """Who does what when, for one cascade on one architecture."""

    name: str
    spec: MappingSpec
    document: Document
    fallback: bool = False  # tried only where no mapping before it can run

    @classmethod
    def load(cls, name: str, changes: Table[str, Any] | None = None) -> Mapping:
        """Read ``arch_specs/NAME.yaml`` ("fusemax/attention_1pass") or a path.

        ``changes`` are merged into the file's top-level entries, tables entry by entry.
        """
        document = read(find.path("mapping", name))
        return cls.from_document(document, name, changes)

    @classmethod
    def from_document(
        cls, document: Document, name: str = "", changes: Table[str, Any] | None = None
    ) -> Mapping:
        if changes and isinstance(document.data, dict):
            document = _changed(document, changes)
        spec = validate(document, MappingSpec)
        return cls(name=name or document.path, spec=spec, document=document)

    def plan(self, problem: Problem) -> Plan:
        """Return the mapping with numbers; SpecError or InfeasibleError says what is wrong."""
        return replace(resolve(self.spec, self.document, problem), name=self.name)


def _changed(document: Document, changes: Table[str, Any]) -> Document:
    """Return a document with entries changed: for the same changes the same one, as for the same text."""
    made = document.kept.once(_changed, lambda: Kept(KEPT_CHANGED))
    said = json.dumps(changes, sort_keys=True, default=repr)
    return made.once(said, lambda: replace(document, data=_merged(document.data, changes)))


def _merged(base: Any, changes: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return {**base, **{key: _merged(base.get(key), value) for key, value in changes.items()}}
