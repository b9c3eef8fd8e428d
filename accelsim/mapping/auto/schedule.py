"""How far each Einsum runs behind the first: a pipeline over the tiles of a nest."""

from __future__ import annotations

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, field

from accelsim.mapping.auto.dependence import components_of
from accelsim.mapping.auto.group import Group
from accelsim.mapping.auto.placement import Placed


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Program order (Einsums as listed, those left out last) and the stage of each Einsum.

    ``copies``: how many tiles of a result are there at once, where that is known.
    """

    order: tuple[str, ...] = ()
    stage: Table[str, int] = field(default_factory=dict)
    copies: Table[str, int] = field(default_factory=dict)

    def sorted(self, items: Sequence[Placed]) -> list[Placed]:
        """Return bound Einsums in program order."""
        places = {name: place for place, name in enumerate(self.order)}
        return sorted(items, key=lambda item: places.get(item.id, len(places)))


def stages(group: Group, items: Sequence[Placed], away: int, back: int) -> dict[str, int]:
    """Return the stage of each Einsum.

    An input from another unit puts it ``away`` stages later, or ``back`` where it comes back to the unit
    that the pipeline begins on. Einsums that need one another are at one stage, so that a state is never
    older than a tile.
    """
    unit = {item.id: item.unit for item in items}
    first = items[0].unit if items else ""
    found: dict[str, int] = {}
    for knot in components_of(group.equations, group.dependences):
        inside = {e.id for e in knot}
        stage = 0
        for dependence in group.dependences:
            maker, user = dependence.producer.id, dependence.consumer.id
            if user not in inside or maker in inside or maker not in found:
                continue
            step = 0
            if unit[maker] != unit[user]:
                step = back if unit[user] == first else away
            stage = max(stage, found[maker] + step)
        found |= dict.fromkeys(inside, stage)
    return found
