"""The stated distribution of what data select: which points a condition leaves, which rows are gathered.

A simulation knows no data. ``uniform``: a value that is compared is as likely above as below; a gather's
lists are drawn independently, each of different rows, every row as likely as another. ``all``: every
condition holds, and lists meet in no row as long as there are others. ``none``: no condition holds, and
every list names the same rows. A file gives shares by Einsum and says by its ``default`` what holds for
the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from pydantic import Field

from accelsim.cascade import Cascade
from accelsim.cascade.lists import expected_rows
from accelsim.errors import Fault, SpecError, nearest
from accelsim.replay.exact import apply
from accelsim.specs import Spec, read, validate

Kind = Literal["uniform", "all", "none"]
KINDS: tuple[Kind, ...] = ("uniform", "all", "none")


class SelectionSpec(Spec):
    """A selection as a file: ``live`` is the share of an Einsum's points for which its conditions hold."""

    name: str
    source: str
    default: Kind = "uniform"
    live: dict[str, float] = Field(default={})


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What a run supposes of data."""

    kind: Kind = "uniform"
    live: dict[str, Fraction] = field(default_factory=dict)
    name: str = "uniform"

    @classmethod
    def load(cls, name_or_path: str) -> Selection:
        """Return uniform, all, none or a file's selection."""
        known: dict[str, Kind] = {kind: kind for kind in KINDS}
        if name_or_path in known:
            return cls(kind=known[name_or_path], name=name_or_path)
        if "/" not in name_or_path and not name_or_path.endswith((".yaml", ".yml")):
            raise SpecError(
                f"--selection must be {', '.join(KINDS)} or a file, not {name_or_path!r}"
                f"{nearest(name_or_path, KINDS)}"
            )
        document = read(name_or_path)
        spec = validate(document, SelectionSpec)
        faults: list[Fault] = []
        for einsum, share in spec.live.items():
            if not 0 <= share <= 1:
                message = f"live of {einsum} must be a share from 0 to 1, not {share:g}"
                faults.append(document.fault(("live", einsum), message))
        if faults:
            raise SpecError(faults)
        live = {einsum: Fraction(str(share)) for einsum, share in spec.live.items()}
        return cls(kind=spec.default, live=live, name=spec.name)

    def of(self, cascade: Cascade) -> Selection:
        """Return the selection for a cascade that it must name Einsums of."""
        known = [equation.id for equation in cascade.equations]
        for name in self.live:
            if name not in known:
                raise SpecError(
                    f"selection {self.name}: live must name Einsums of {cascade.name}, not {name!r}"
                    f"{nearest(name, known)}"
                )
        return self

    @property
    def unknown(self) -> Fraction:
        """The share of points for which a condition holds of which nothing is known."""
        return {"uniform": Fraction(1, 2), "all": Fraction(1), "none": Fraction(0)}[self.kind]

    def rows(self, size: int, each: int, lists: int) -> int:
        """Return how many of ``size`` rows ``lists`` lists of ``each`` different rows name, rounded up."""
        named: int = apply(_rows, self.kind, size, each, lists)
        return named


def _rows(kind: Kind, size: int, each: int, lists: int) -> int:
    each = min(each, size)
    if kind == "none" or lists <= 1:
        return each if lists else 0
    if kind == "all":
        return min(size, each * lists)
    return math.ceil(round(expected_rows(size, each, lists), 6))


UNIFORM = Selection()


def expected_live(share: Fraction, points: int) -> Fraction:
    """Return the probability that some of ``points`` independent conditions of a share holds."""
    live: Fraction = apply(_live, share, points)
    return live


def _live(share: Fraction, points: int) -> Fraction:
    if share in (0, 1) or points <= 1:
        return share if points else Fraction(0)
    missed = math.exp(points * math.log1p(-float(share)))
    return Fraction(round((1.0 - missed) * 2**24), 2**24)  # a number whose sums stay small
