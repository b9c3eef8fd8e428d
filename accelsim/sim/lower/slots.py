"""Where a tile is loaded, which of its visits come first and last, and whom its slot waits for."""

from __future__ import annotations

from accelsim.mapping.plan import STREAM
from accelsim.replay.exact import larger
from accelsim.sim.lower.draft import Draft, DraftWait
from accelsim.sim.lower.nest import ALL, FIRST, SAME, Digit, Edge, Nest, Plane, Site, need
from accelsim.sim.lower.parts import apart


def inside(nest: Nest, loop: str) -> int:
    """Return how many levels are at or outside a hold loop."""
    return len(nest.levels) if loop == STREAM else nest.position[loop] + 1


def load_site(nest: Nest, ranks: set[str], loop: str, consumers: list[Site]) -> Site:
    """A tile is loaded when its ranks at or outside the hold loop change, in pieces inside it."""
    limit = inside(nest, loop)
    at: list[str] = []
    for place, level in enumerate(nest.levels):
        inner = nest.levels[place + 1 : limit]
        changes = any(x.name in ranks and x.count > 1 for x in inner)
        if loop == STREAM:  # once a use: where all users run but once, there
            users = {consumer.at[place] for consumer in consumers}
            at.append(users.pop() if len(users) == 1 else ALL)
            continue
        moves = level.name in ranks or (place < limit and changes)
        at.append(ALL if moves else FIRST)
    common = [p for p in consumers[0].planes if all(p in c.planes for c in consumers)]
    planes = projected(tuple(common), nest, tuple(at))
    parts: tuple[tuple[Plane, ...], ...] = ()
    if any(c.parts for c in consumers):
        each = [(*c.planes, *part) for c in consumers for part in c.parts or ((),)]
        parts = apart(nest, [projected(part, nest, tuple(at)) for part in each])
    return Site(nest=nest, at=tuple(at), planes=planes, parts=parts)


def projected(planes: tuple[Plane, ...], nest: Nest, at: tuple[str, ...]) -> tuple[Plane, ...]:
    """Return conditions that hold if they hold anywhere in the loops that the task does not walk."""
    found = []
    for plane in planes:
        coefs, const = {}, plane.const
        for level, place in zip(nest.levels, at, strict=True):
            factor = plane.coefs.get(level.name, 0)
            if place == ALL:
                coefs[level.name] = factor
            else:
                const += larger(0, factor * (level.count - 1))
        coefs = {name: k for name, k in coefs.items() if k}
        if coefs:
            found.append(Plane(coefs=coefs, const=const))
    return tuple(found)


def unranked(nest: Nest, site: Site, ranks: set[str], side: str) -> tuple[Edge, ...]:
    """Return the edges that single out the first or last of the visits to one piece."""
    return tuple(
        (level.name, side)
        for level, at in zip(nest.levels, site.at, strict=True)
        if at == ALL and level.name not in ranks
    )


def wait_for_slot(
    taker: Draft,
    users: list[Draft],
    depth: int,
    limit: int,
    begin: tuple[str, ...] | None = None,
    final: tuple[str, ...] | None = None,
) -> None:
    """Make the taker wait for the last use of the piece ``depth`` tiles before.

    A tile changes with the innermost level, at or outside the hold loop, that the taker (at the
    ``begin`` of a piece, or at its ``final`` write) walks whole; loops it does not walk run to the end.
    """
    nest = taker.site.nest
    at = begin or final or taker.site.at
    changing = [p for p in range(limit) if at[p] == ALL and nest.levels[p].count > 1]
    if not changing:
        return
    place = changing[-1]
    planes = [
        Plane(coefs={level.name: -1}, const=0)
        if begin is not None
        else Plane(coefs={level.name: 1}, const=1 - level.count)
        for level, now, own in zip(nest.levels, at, taker.site.at, strict=True)
        if now != own and level.count > 1
    ]
    guard = Site(nest=nest, at=(ALL,) * len(nest.levels), planes=tuple(planes)).guard
    for user in users:
        digits: dict[str, Digit] = {}
        for level in user.site.nest.levels:
            own = nest.position.get(level.name)
            same = own is not None and at[own] == ALL
            digits[level.name] = SAME if same else Digit(fixed=level.count - 1)
        own_place = user.site.nest.position.get(nest.levels[place].name)
        if own_place is None:
            continue
        shift = -depth * user.site.nest.weights[own_place]
        needed = need(taker.site, user.site, digits, shift=shift)
        taker.waits.append(DraftWait(producer=user, need=needed, cause="slot", guard=guard, lag=0))
