"""Puts Einsums into groups: each as early as its inputs allow, as many together as is legal."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from accelsim.cascade.model import Equation
from accelsim.errors import InfeasibleError
from accelsim.mapping.auto.dependence import knots
from accelsim.mapping.auto.group import Group, conflict, group_of, is_nested
from accelsim.mapping.auto.shape import Case


def grouped(case: Case) -> list[Group]:
    """Return the groups in the order in which they run.

    A value that is complete only after a loop ends is used in a later group, or the loop's rank stays
    whole in the tile, where that takes at most the style's ``room`` of the buffer.
    """
    room = case.style.room
    groups: list[Group] = []
    home: dict[str, int] = {}  # tensor -> the last group that makes it
    for knot in knots(case.cascade):
        earliest = max((home.get(r.tensor, 0) for e in knot for r in e.reads), default=0)
        place, group = len(groups), None
        for number in range(earliest, len(groups)) if case.style.fuse else ():
            one = groups[number]
            group = _legal((*one.equations, *knot), one.whole, case, room)
            alone = _legal(knot, frozenset(), case, room)
            if group is not None and is_nested(group) and _suits(group, [one, alone], case):
                place = number
                break
            group = None
        if group is None:
            group = _legal(knot, frozenset(), case, room) or _legal(
                knot, frozenset(), case, Fraction(1)
            )
        if group is None:
            names = ", ".join(e.id for e in knot)
            raise InfeasibleError(
                f"no nest of loops can run {names} of {case.cascade.name}: they need one another whole,"
                f" which does not fit {case.buffer}"
            )
        groups[place : place + 1] = [group]
        for equation in knot:
            home[equation.tensor] = max(home.get(equation.tensor, 0), place)
    return groups


def _suits(group: Group, before: Sequence[Group | None], case: Case) -> bool:
    """Whether to go together is worth it: no Einsum loses the use of the array by a rank kept whole.

    Apart, all or none of a group steps along an iterative rank.
    """
    for one in before:
        for equation in one.equations if one else ():
            assert one is not None
            had = one.lanes(equation, case, group.iterative)
            if 2 * group.lanes(equation, case, group.iterative) < had:
                return False
    if not case.style.apart:
        return True
    return all(e.iterative or not group.iterative & set(e.coords) for e in group.equations)


def _legal(
    equations: Sequence[Equation], whole: frozenset[str], case: Case, room: Fraction
) -> Group | None:
    """Return the group of some Einsums, with as many ranks whole as it takes, or None."""
    group = group_of(equations, whole, case)
    while True:
        found = conflict(group, case)
        if found is None:
            return group
        if found in group.iterative or found in group.whole:
            return None
        group = group_of(equations, group.whole | {found}, case)
        if group.bytes(case) > room * case.room:
            return None
