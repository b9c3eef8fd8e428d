"""The cost table as it stands in a file: rows of energy (ERT), rows of area (ART), what is left out."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from accelsim.errors import nearest
from accelsim.specs import Expression, Spec
from accelsim.specs.expr import Number
from accelsim.specs.fields import Formula
from accelsim.units import brief

_COMPARISON = re.compile(r"\s*(>=|<=|>|<|!=)\s*(.+)", re.DOTALL)
_COMPARE: Mapping[str, Callable[[Number, Number], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "!=": operator.ne,
}

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]


def _term(value: Any) -> Any:
    """Check one value of ``where``: a whole number, a size, or a comparison such as ``> 1``."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(f"must be a whole number, a size or '>= 2', not {brief(value)}")
    if isinstance(value, str):
        found = _COMPARISON.fullmatch(value)
        Expression.parse(found[2] if found else value).evaluate({})
    return value


Term = Annotated[int | str, BeforeValidator(_term)]


class Matched(Spec):
    """What a row is for: a part, of one component if named, whose attributes meet ``where``."""

    part: Text
    component: str | None = None
    where: dict[str, Term] = {}

    def matches(self, part: str, component: str, attributes: Mapping[str, int]) -> bool:
        return (
            self.part == part
            and self.component in {None, component}
            and all(
                name in attributes and _holds(term, attributes[name])
                for name, term in self.where.items()
            )
        )

    @property
    def names(self) -> set[str]:
        """The attributes that it reads."""
        return set(self.where)

    @property
    def specificity(self) -> tuple[int, int]:
        """The more a row says, and the more exactly, the sooner it is taken."""
        exact = sum(not _is_comparison(term) for term in self.where.values())
        named = int(self.component is not None)
        return (exact + named, len(self.where) + named)


class Sourced(Matched):
    """A row of figures with their source.

    ``measured`` has the least and the greatest value of attributes at which a formula was found: results
    say where they go beyond.
    """

    source: Text
    measured: dict[str, Annotated[list[int], Field(min_length=2, max_length=2)]] = {}

    @property
    def names(self) -> set[str]:
        return {*super().names, *self.measured}

    def beyond(self, attributes: Mapping[str, int]) -> str:
        """Say which attributes are outside of what was measured; "" if none is."""
        outside = [
            f"{name} {attributes[name]} (measured from {least} to {most})"
            for name, (least, most) in self.measured.items()
            if name in attributes and not least <= attributes[name] <= most
        ]
        return f"extrapolated for {self.part}: {', '.join(outside)}" if outside else ""


class EnergyRow(Sourced):
    """Energy of one action of a part: a number of pJ, or an expression over its attributes.

    ``assumption`` is reported by every result that uses the row.
    """

    action: Text
    energy_pj: Formula
    assumption: str = ""

    @property
    def names(self) -> set[str]:
        return {*super().names, *self.energy_pj.names}


class AreaRow(Sourced):
    """Area of one instance of a part, and its leakage, of which null means not known."""

    area_um2: Formula
    leakage_mw: Formula | None = None
    leakage_source: str = ""

    @property
    def names(self) -> set[str]:
        more = self.leakage_mw.names if self.leakage_mw else frozenset()
        return {*super().names, *self.area_um2.names, *more}

    @model_validator(mode="after")
    def _leakage_has_a_source(self) -> AreaRow:
        if self.leakage_mw is not None and not self.leakage_source.strip():
            raise ValueError("leakage_mw must have a leakage_source beside it")
        return self


class LeftOut(Matched):
    """Actions that are counted and priced, but not charged; results show them beside the total."""

    action: str | None = None
    why: Text


class CostFile(Spec):
    """The file ``arch_specs/costs/NAME.yaml``.

    ``extends`` names a table whose rows stand behind this one's. ``leakage`` says why leakage is
    not counted where a row has none. ``provenance`` is what a program that wrote the table ran on:
    tool, files with their digests, parameters, stimulus.
    """

    name: str
    source: Text
    node: str
    leakage: Text
    extends: str | None = None
    rows: list[EnergyRow] = []
    areas: list[AreaRow] = []
    left_out: list[LeftOut] = []
    assumptions: list[str] = []
    provenance: dict[str, str] = {}

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not name.strip():
            raise ValueError(f"must be a name, not {brief(name)}")
        return name


def price(formula: Expression, attributes: Mapping[str, int]) -> Number:
    """Return a row's number; ValueError names an attribute that the component lacks."""
    lacking = formula.names - set(attributes)
    if lacking:
        name = min(lacking)
        raise ValueError(f"unknown attribute {name!r}{nearest(name, attributes)}")
    return formula.evaluate(attributes)


def _is_comparison(term: int | str) -> bool:
    return isinstance(term, str) and _COMPARISON.fullmatch(term) is not None


def _holds(term: int | str, value: int) -> bool:
    if isinstance(term, int):
        return value == term
    found = _COMPARISON.fullmatch(term)
    if found is None:
        return value == Expression.parse(term).evaluate({})
    return _COMPARE[found[1]](value, Expression.parse(found[2]).evaluate({}))
