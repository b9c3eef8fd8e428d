"""The file of a source's published figures, as it stands: columns, names, tolerances, means, gaps."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from accelsim.errors import nearest
from accelsim.specs import Spec
from accelsim.units import parse_count


def _length(text: str) -> str:
    parse_count(text)
    return text


Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Share = Annotated[float, Field(ge=0)]
Length = Annotated[str, AfterValidator(_length)]


class Column(Spec):
    """A column of the CSV; ``report`` are the keys of our report whose sum it is."""

    unit: str
    report: Annotated[list[str], Field(min_length=1)]


class _Selected(Spec):
    """An entry for columns, designs, workloads (ours) and lengths; an empty list is all."""

    columns: list[str]
    designs: list[str] = []
    workloads: list[str] = []
    lengths: list[Length] = []


class Tolerance(_Selected):
    """How far a figure may be off, as a share of the published one. Of several, the last holds."""

    within: Share


class Gap(_Selected):
    """What explains a known difference."""

    text: Text


class Mean(Spec):
    """A mean over workloads and lengths: of a column, or of its ratio to that of design ``over``.

    ``speedup`` turns the ratio round: the other design's figure over this one's.
    """

    name: Text
    column: str
    design: str
    over: str | None = None
    speedup: bool = False
    geometric: bool = False
    scope: str = "attention"
    workloads: list[str] = []
    lengths: list[Length] = []
    value: float
    within: Share
    explanation: str = ""


class PublishedFile(Spec):
    """The file ``arch_specs/published/NAME.yaml``; ``designs`` and ``workloads`` map to our names."""

    name: Text
    source: Text
    table: str
    columns: dict[str, Column]
    designs: dict[str, str]
    workloads: dict[str, str]
    lengths: list[Length]
    tolerances: list[Tolerance]
    means: list[Mean] = []
    gaps: list[Gap] = []

    @model_validator(mode="after")
    def _names_are_known(self) -> PublishedFile:
        for entry in [*self.tolerances, *self.gaps]:
            for column in entry.columns:
                _known("column", column, self.columns)
            for design in entry.designs:
                _known("design", design, self.designs)
        for mean in self.means:
            _known("column", mean.column, self.columns)
            _known("design", mean.design, self.designs)
            _known("design", mean.over or mean.design, self.designs)
        return self


def _known(what: str, name: str, names: dict[str, str] | dict[str, Column]) -> None:
    if name not in names:
        raise ValueError(f"unknown {what} {name!r}{nearest(name, names)}")
