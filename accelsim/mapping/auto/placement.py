"""Which array computes an Einsum, along which of its coordinates, and how long a tile takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from accelsim.arch import Array, Lacking
from accelsim.cascade.model import Equation
from accelsim.errors import InfeasibleError
from accelsim.mapping.auto.dependence import components_of
from accelsim.mapping.auto.group import Group
from accelsim.mapping.auto.shape import Case
from accelsim.mapping.binding import unit_ops


@dataclass(frozen=True, kw_only=True)
class Placed:
    """An Einsum on a unit: dimension -> coordinate across it, and what one point takes."""

    equation: Equation
    unit: str
    space: dict[str, str]
    slots: int

    @property
    def id(self) -> str:
        return self.equation.id


def placed(group: Group, case: Case) -> list[Placed]:
    """Return where the Einsums of a group run. InfeasibleError names an operation that no unit has."""
    units: dict[str, str] = {}
    asked = dict(case.style.units)
    for knot in components_of(group.equations, group.dependences):
        wanted = [_preferred(e, group, case) for e in knot]
        if len(set(wanted)) > 1:  # a state that goes from unit to unit pays the way each time
            common = [u for u in _units(case) if all(_able(e, u, case) for e in knot)]
            if common:
                cycles = {u: sum(cycles_of(e, u, group, case) for e in knot) for u in common}
                wanted = [min(common, key=lambda u: cycles[u])] * len(knot)
        units |= {e.id: asked.get(e.id, unit) for e, unit in zip(knot, wanted, strict=True)}
    return [
        Placed(
            equation=equation,
            unit=units[equation.id],
            space=across(equation, case.arch.arrays[units[equation.id]], group),
            slots=_slots(equation, units[equation.id], case),
        )
        for equation in group.equations
    ]


def across(equation: Equation, array: Array, group: Group) -> dict[str, str]:
    """Return the coordinates across an array: those of the group first, then the longest."""
    free = [c for c in equation.coords if group.tile.get(c, 1) > 1]
    free.sort(key=lambda c: -group.tile[c])
    wishes = {"rows": group.rows, "cols": group.cols, "lanes": group.cols}
    chosen: dict[str, str] = {}
    for dimension in array.dimensions:
        wish = wishes[dimension]
        if wish in free:
            assert wish is not None
            chosen[dimension] = wish
            free.remove(wish)
    for dimension in array.dimensions:
        if dimension not in chosen and free:
            chosen[dimension] = free.pop(0)
    return {d: chosen[d] for d in array.dimensions if d in chosen}


def _units(case: Case) -> list[str]:
    return [*case.vectors, *case.grids]


def _able(equation: Equation, unit: str, case: Case) -> bool:
    return not isinstance(unit_ops(equation, case.arch, unit), Lacking)


def _slots(equation: Equation, unit: str, case: Case) -> int:
    found = unit_ops(equation, case.arch, unit)
    assert not isinstance(found, Lacking)
    able = case.arch.arrays[unit].ops
    return sum(able[kind] * count for kind, count in found.ops.items()) or 1


def cycles_of(equation: Equation, unit: str, group: Group, case: Case) -> int:
    array = case.arch.arrays[unit]
    space = across(equation, array, group)
    lanes = {c: array.dimensions[d] for d, c in space.items()}
    steps = prod(-(-group.tile.get(c, 1) // lanes.get(c, 1)) for c in equation.coords)
    return steps * _slots(equation, unit, case)


def _preferred(equation: Equation, group: Group, case: Case) -> str:
    """A grid takes what spreads over the group's rows and columns, and products; a vector the rest."""
    grids = [u for u in case.grids if _able(equation, u, case)]
    vectors = [u for u in case.vectors if _able(equation, u, case)]
    if not grids and not vectors:
        raise InfeasibleError(_lacking(equation, case))
    long = {c for c in equation.coords if group.tile.get(c, 1) > 1}
    is_product = any(kind == "mac" for kind, _ in equation.slots_ops) and len(long) > 1
    spreads = group.rows in long and group.cols in long
    if grids and (spreads or is_product or not vectors):
        return min(grids, key=lambda u: cycles_of(equation, u, group, case))
    return min(vectors or grids, key=lambda u: cycles_of(equation, u, group, case))


def _lacking(equation: Equation, case: Case) -> str:
    lacks = [
        f"{unit} cannot do {found.kind}"
        for unit in case.arch.arrays
        if isinstance(found := unit_ops(equation, case.arch, unit), Lacking)
    ]
    name = case.arch.name
    return (
        f"{equation.id} must run on an array of {name} that can do its operations:"
        f" {', '.join(lacks)}, and nothing stands in for it"
    )


def busiest(items: Sequence[Placed], group: Group, case: Case) -> int:
    """Return the cycles of a tile on the unit that is busy longest with it."""
    total: dict[str, int] = {}
    for item in items:
        cycles = cycles_of(item.equation, item.unit, group, case)
        total[item.unit] = total.get(item.unit, 0) + cycles
    return max(total.values(), default=1)
