"""Energy and area of a simulated stage: every action and every part at its row's price."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import Protocol

from accelsim.energy.components import Part
from accelsim.energy.tables import Cost, PartCost
from accelsim.replay.exact import apply, fraction
from accelsim.sim.activity import Action, Activity

_PJ_PER_MJ = Fraction(10) ** 9  # 1 mW for 1 s is 1 mJ


class Prices(Protocol):
    """What a cost table says of the machine at hand."""

    @property
    def assumptions(self) -> tuple[str, ...]: ...

    def cost(
        self, part: str, action: str, attributes: Mapping[str, int], component: str = ""
    ) -> Cost: ...

    def parts(
        self, components: Mapping[str, Mapping[str, int]]
    ) -> tuple[tuple[Part, PartCost], ...]: ...


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One kind of action of a component for an Einsum, and what it costs in all."""

    component: str
    part: str
    action: str
    einsum: str
    tensor: str
    count: Fraction
    price: Fraction  # pJ each
    source: str
    left_out: str | None = None  # why it is not in the total

    @property
    def pj(self) -> Fraction:
        return self.count * self.price


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Energy by action, exact. The total is the sum of what is charged; leakage stands beside it."""

    charges: tuple[Charge, ...]
    leakage_pj: Fraction | None
    leakage_by_component: dict[str, Fraction]
    assumptions: tuple[str, ...] = ()

    @cached_property
    def by_action(self) -> tuple[Charge, ...]:
        """What the total is the sum of."""
        return tuple(charge for charge in self.charges if charge.left_out is None)

    @property
    def total_pj(self) -> Fraction:
        return sum(self.by_component.values(), Fraction(0))

    @cached_property
    def by_component(self) -> dict[str, Fraction]:
        return self.by(lambda charge: charge.component)

    @property
    def by_einsum(self) -> dict[str, Fraction]:
        return self.by(lambda charge: charge.einsum)

    @property
    def by_part(self) -> dict[str, Fraction]:
        """Energy by component and part, such as ``PE2D mac``."""
        return self.by(lambda charge: f"{charge.component} {charge.part}")

    @property
    def left_out(self) -> dict[str, Fraction]:
        """What would have been charged, by component and part, had the table not left it out."""
        dropped = [charge for charge in self.charges if charge.left_out is not None]
        return _spent(dropped, lambda charge: f"{charge.component} {charge.part}")

    def by(self, key: Callable[[Charge], str]) -> dict[str, Fraction]:
        return _spent(self.by_action, key)

    @classmethod
    def combined(cls, energies: Iterable[Energy]) -> Energy:
        """Return the energy of stages that run one after another."""
        stages = list(energies)
        unknown = any(stage.leakage_pj is None for stage in stages)
        leakage = _sums(
            (name, pj, 1) for s in stages for name, pj in s.leakage_by_component.items()
        )
        return cls(
            charges=tuple(charge for stage in stages for charge in stage.charges),
            leakage_pj=None if unknown else sum(leakage.values(), Fraction(0)),
            leakage_by_component=leakage,
            assumptions=tuple(dict.fromkeys(a for stage in stages for a in stage.assumptions)),
        )


@dataclass(frozen=True, kw_only=True)
class Area:
    """Area by component and part, exact."""

    by_part: dict[tuple[str, str], Fraction]
    sources: dict[tuple[str, str], str]

    @property
    def total_um2(self) -> Fraction:
        return sum(self.by_component.values(), Fraction(0))

    @property
    def by_component(self) -> dict[str, Fraction]:
        return _sums((component, um2, 1) for (component, _), um2 in self.by_part.items())


def energy(
    activity: Activity, table: Prices, attributes: Mapping[str, Mapping[str, int]]
) -> Energy:
    """Charge each action of a stage; ``attributes`` are those of each component.

    SpecError names the first action that the table has no row for.
    """
    charges: list[Charge] = []
    notes: list[str] = list(table.assumptions)
    costs: dict[tuple[str, str, str], Cost] = {}
    for act in activity.actions:
        if not act.count:
            continue
        key = (act.component, act.part, act.action)
        if key not in costs:
            own = attributes.get(act.component, {})
            costs[key] = table.cost(act.part, act.action, own, act.component)
            notes += costs[key].assumptions
        charges.append(_charge(act, costs[key]))
    for _, priced in table.parts(attributes):
        notes += priced.assumptions
    leakage, reasons = _leakage(activity, table, attributes)
    known = None if reasons else sum(leakage.values(), Fraction(0))
    dropped = {
        f"{c.component} {c.part} energy left out: {c.left_out}" for c in charges if c.left_out
    }
    # sorted: a set's order differs from run to run
    texts = [note for note in [*notes, *sorted(dropped), *reasons] if note]
    return Energy(
        charges=tuple(charges),
        leakage_pj=known,
        leakage_by_component=leakage,
        assumptions=tuple(dict.fromkeys(texts)),
    )


def area(components: Mapping[str, Mapping[str, int]], table: Prices) -> Area:
    """Return the area of components given by their attributes; SpecError names a missing row."""
    by_part: dict[tuple[str, str], Fraction] = {}
    sources: dict[tuple[str, str], str] = {}
    for part, cost in table.parts(components):
        by_part[part.component, part.part] = cost.um2 * part.instances
        sources[part.component, part.part] = cost.source
    return Area(by_part=by_part, sources=sources)


def _charge(act: Action, cost: Cost) -> Charge:
    return Charge(
        component=act.component,
        part=act.part,
        action=act.action,
        einsum=act.einsum,
        tensor=act.tensor,
        count=act.count,
        price=cost.pj,
        source=cost.source,
        left_out=cost.left_out,
    )


def _leakage(
    activity: Activity, table: Prices, components: Mapping[str, Mapping[str, int]]
) -> tuple[dict[str, Fraction], list[str]]:
    """Return pJ by component, and why any is not counted."""
    seconds = fraction(activity.ticks, activity.ticks_per_cycle) / activity.clock_hz
    leaks: list[tuple[str, Fraction, Fraction | int]] = []
    unknown: dict[str, list[str]] = {}
    if not components:
        unknown["the parts of the machine were not given"] = ["every component"]
    for part, cost in table.parts(components):
        if cost.leakage_mw is None:
            unknown.setdefault(cost.leakage_source, []).append(part.component)
        else:
            leaks.append((part.component, cost.leakage_mw * part.instances, seconds * _PJ_PER_MJ))
    reasons = [
        f"leakage of {', '.join(dict.fromkeys(names))} not counted: {why}"
        for why, names in unknown.items()
    ]
    return _sums(leaks), reasons


def _spent(charges: Iterable[Charge], key: Callable[[Charge], str]) -> dict[str, Fraction]:
    """Return the pJ of charges by a key of theirs."""
    return _sums((key(c), c.count, c.price) for c in charges)


def _sums(items: Iterable[tuple[str, Fraction, Fraction | int]]) -> dict[str, Fraction]:
    """Return by name the sums of products: of whole numbers over a denominator that all have."""
    every = [
        (name, a.numerator * b.numerator, a.denominator * b.denominator) for name, a, b in items
    ]
    over: int = apply(lcm, *(below for _, _, below in every))
    found: dict[str, int] = {}
    for name, above, below in every:
        found[name] = found.get(name, 0) + above * (over // below)
    return {name: fraction(total, over) for name, total in found.items()}
