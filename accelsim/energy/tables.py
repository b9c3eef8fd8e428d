"""Cost tables: find the row of an action or a part, and price it exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from accelsim.energy.components import Part, parts
from accelsim.energy.model import AreaRow, CostFile, LeftOut, Matched, price
from accelsim.errors import Fault, SpecError, nearest
from accelsim.kept import Kept
from accelsim.specs import Document, Expression, find, read, validate

KEPT_PRICES = 4096  # of a table: parts with their attributes

_Row = TypeVar("_Row", bound=Matched)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """A priced row; ``left_out`` says why its energy is not charged, if it is not.

    ``assumptions``: the row's own, and that it was not measured at such attributes, if it was not.
    """

    pj: Fraction
    source: str
    assumptions: tuple[str, ...] = ()
    left_out: str | None = None


@dataclass(frozen=True, kw_only=True)
class PartCost:
    """A priced area row; leakage is None where nobody knows it."""

    um2: Fraction
    leakage_mw: Fraction | None
    source: str
    leakage_source: str
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """One file of a table that extends others."""

    file: CostFile
    document: Document


@dataclass(frozen=True, kw_only=True)
class CostTable:
    """Energy and area by part; of the rows that match, the one that says most is taken."""

    layers: tuple[_Layer, ...]  # the file itself, then what it extends
    kept: Kept = field(
        default_factory=lambda: Kept(KEPT_PRICES), init=False, repr=False, compare=False
    )

    @classmethod
    def load(cls, name: str | Path) -> CostTable:
        """Read ``arch_specs/costs/NAME.yaml`` (or a path); SpecError lists every fault."""
        return cls.from_document(read(find.path("costs", name)))

    @classmethod
    def from_document(cls, document: Document) -> CostTable:
        layers: list[_Layer] = []
        seen: set[str] = set()
        while True:
            file = validate(document, CostFile)
            layers.append(_Layer(file=file, document=document))
            seen.add(file.name)
            if file.extends is None:
                key = (cls, tuple(id(layer.document) for layer in layers))
                return layers[0].document.kept.once(key, lambda: cls(layers=tuple(layers)))
            if file.extends in seen:
                message = f"extends must name another table, not {file.extends!r}"
                raise SpecError(document.fault(("extends",), message))
            document = read(find.path("costs", file.extends))

    @property
    def name(self) -> str:
        return self.layers[0].file.name

    @property
    def node(self) -> str:
        return self.layers[0].file.node

    @property
    def source(self) -> str:
        return self.layers[0].file.source

    @property
    def path(self) -> str:
        return self.layers[0].document.path

    @property
    def leakage(self) -> str:
        """Why leakage is not counted, where a row gives none."""
        return self.layers[0].file.leakage

    @property
    def assumptions(self) -> tuple[str, ...]:
        texts = [text for layer in self.layers for text in layer.file.assumptions]
        return tuple(dict.fromkeys(texts))

    def cost(
        self, part: str, action: str, attributes: Mapping[str, int], component: str = ""
    ) -> Cost:
        """Return the energy of one ``action`` of a ``part``; SpecError names the missing row."""
        key = (part, action, component, self.said_of(part, attributes))
        return self.kept.once(key, lambda: self._cost(part, action, attributes, component))

    def said_of(self, part: str, attributes: Mapping[str, int]) -> tuple[int | None, ...]:
        """Return the values of the attributes that any row of a part reads: its prices rest on no others."""
        return tuple([attributes.get(name) for name in self._read.get(part, ())])

    @cached_property
    def _read(self) -> dict[str, tuple[str, ...]]:
        """The attributes that the rows of each part read."""
        found: dict[str, set[str]] = {}
        for file in (layer.file for layer in self.layers):
            for row in (*file.rows, *file.areas, *file.left_out):
                found.setdefault(row.part, set()).update(row.names)
        return {part: tuple(sorted(names)) for part, names in found.items()}

    def _cost(self, part: str, action: str, attributes: Mapping[str, int], component: str) -> Cost:
        rows = [[r for r in layer.file.rows if r.action == action] for layer in self.layers]
        subject = f"part {part!r}, action {action!r}"
        row, level = self._most_specific(rows, part, component, attributes, subject, "rows")
        return Cost(
            pj=self._price(row.energy_pj, attributes, level, subject),
            source=row.source,
            assumptions=_said(row.assumption, row.beyond(attributes)),
            left_out=self._left_out(part, action, component, attributes),
        )

    def part_cost(self, part: str, attributes: Mapping[str, int], component: str = "") -> PartCost:
        """Return area and leakage of one instance of a ``part``."""
        key = (part, component, self.said_of(part, attributes))
        return self.kept.once(key, lambda: self._part_cost(part, attributes, component))

    def parts(
        self, components: Mapping[str, Mapping[str, int]]
    ) -> tuple[tuple[Part, PartCost], ...]:
        """Return what components (by their attributes) are made of, each with its price."""
        key = tuple((name, frozenset(values.items())) for name, values in components.items())
        return self.kept.once(
            key,
            lambda: tuple(
                (part, self.part_cost(part.part, part.attributes, part.component))
                for part in parts(components)
            ),
        )

    def _part_cost(self, part: str, attributes: Mapping[str, int], component: str) -> PartCost:
        rows: list[list[AreaRow]] = [layer.file.areas for layer in self.layers]
        subject = f"part {part!r}"
        row, level = self._most_specific(rows, part, component, attributes, subject, "areas")
        known = row.leakage_mw
        return PartCost(
            um2=self._price(row.area_um2, attributes, level, subject),
            leakage_mw=None if known is None else self._price(known, attributes, level, subject),
            source=row.source,
            leakage_source=row.leakage_source or self.leakage,
            assumptions=_said(row.beyond(attributes)),
        )

    def _left_out(
        self, part: str, action: str, component: str, attributes: Mapping[str, int]
    ) -> str | None:
        entries: Iterable[LeftOut] = (e for layer in self.layers for e in layer.file.left_out)
        for entry in entries:
            if entry.action in {None, action} and entry.matches(part, component, attributes):
                return entry.why
        return None

    def _most_specific(
        self,
        rows: Sequence[Sequence[_Row]],
        part: str,
        component: str,
        attributes: Mapping[str, int],
        subject: str,
        section: str,
    ) -> tuple[_Row, int]:
        found = [
            (row.specificity, -level, row)
            for level, layer in enumerate(rows)
            for row in layer
            if row.matches(part, component, attributes)
        ]
        if not found:
            raise self._missing(part, component, attributes, subject, section)
        best = max(key[:2] for key in found)
        rivals = [row for *key, row in found if tuple(key) == best]
        if len(rivals) > 1:
            raise self._fault(
                f"{section} must have one row that says most of {subject}"
                f"{_of(component, attributes)}, not {len(rivals)}",
                -best[1],
            )
        return rivals[0], -best[1]

    def _missing(
        self,
        part: str,
        component: str,
        attributes: Mapping[str, int],
        subject: str,
        section: str,
    ) -> SpecError:
        known: set[str] = set()
        for layer in self.layers:
            listed: Sequence[Matched] = layer.file.rows if section == "rows" else layer.file.areas
            known.update(row.part for row in listed)
        hint = "" if part in known else nearest(part, known)
        return self._fault(
            f"{section} must have a row for {subject}{_of(component, attributes)}{hint}", 0
        )

    def _price(
        self, formula: Expression, attributes: Mapping[str, int], level: int, subject: str
    ) -> Fraction:
        try:
            value = price(formula, attributes)
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise self._fault(f"{subject}: {formula}: {error}", level) from None
        # A decimal is meant as written: 17.1645 is 171645/10000, not the nearest double.
        return Fraction(str(value)) if isinstance(value, float) else Fraction(value)

    def _fault(self, message: str, level: int) -> SpecError:
        return SpecError(Fault(message=message, file=self.layers[level].document.path))


def _said(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _of(component: str, attributes: Mapping[str, int]) -> str:
    words = [component] if component else []
    words += [f"{name}={value}" for name, value in sorted(attributes.items())]
    return f" ({', '.join(words)})" if words else ""
