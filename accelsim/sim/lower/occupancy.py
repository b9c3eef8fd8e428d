"""From when to when a held piece counts in its buffer: from its first write to its last use."""

from __future__ import annotations

from math import prod

from accelsim.replay.exact import grouped, integer, smaller
from accelsim.sim.lower.draft import Amount, Draft
from accelsim.sim.lower.nest import ALL, FIRST, Edge, Site

Turn = tuple[Draft, Amount, tuple[Edge, ...]]  # who, how much, at which edges of its loops
Planes = list[tuple[dict[str, int], int]]


def occupy(taken: Turn, given: Turn, tensor: str, depth: int) -> int:
    """Count pieces of a tensor as held from the start of who takes them to the end of who gives them.

    Where a mask lets only one of the two run, or makes another use the last, return the bytes of the
    slots instead: they count as held throughout. That is never less than what is there, and never more
    than the ``depth`` paid for.
    """
    (taker, amount, begin), (user, back, end) = taken, given
    whole = not taker.site.parts and not user.site.parts
    if whole and _alike(_left(taker.site, begin), _left(user.site, end)):
        taker.takes.append((tensor, amount.only_at(begin)))
        user.gives.append((tensor, back.only_at(end)))
        return 0
    levels = zip(taker.site.nest.levels, taker.site.at, strict=True)
    once = {name for name, _ in begin}
    pieces = prod(x.count for x, at in levels if at == ALL and x.name not in once)
    return integer(amount.whole * smaller(depth, pieces))


def _alike(some: Planes, others: Planes) -> bool:
    """Return whether two lists, each of different entries, have the same."""
    return len(some) == len(others) and all(one in others for one in some)


def _left(site: Site, edges: tuple[Edge, ...]) -> Planes:
    """Return the conditions that are left of a site's where loops are at an edge."""
    sides = dict(edges)
    found: list[tuple[dict[str, int], int]] = []
    for plane in site.planes:
        const, low = plane.const, 0
        coefs: dict[str, int] = {}
        for level, at in zip(site.nest.levels, site.at, strict=True):
            factor = plane.coefs.get(level.name, 0)
            side = sides.get(level.name) if at == ALL else at
            if side is None:
                coefs[level.name] = factor
                low += smaller(0, factor * (level.count - 1))
            elif side != FIRST:
                const += factor * (level.count - 1)
        if low + const < 0:
            found.append(({n: k for n, k in coefs.items() if k}, const))
    return [same[0] for same in grouped(found, lambda plane: plane)]
