"""Tasks whose iterations are a union (a window or some tokens for all): a task for each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from accelsim.cascade.lattice import UncountableError
from accelsim.cascade.linear import Linear
from accelsim.cascade.pointset import Box, Piece
from accelsim.sim.lower.draft import Draft
from accelsim.sim.lower.nest import Nest, Plane, Site

Planes = tuple[Plane, ...]


def apart(nest: Nest, parts: Sequence[Sequence[Plane]]) -> tuple[Planes, ...]:
    """Return parts of the iterations that do not meet, for parts that may; none if one is all of them."""
    if not parts:
        return ()
    box = Box({level.name: level.count for level in nest.levels})
    pieces = (
        box.tidied(Piece(planes=tuple(Linear(coefs=p.coefs, const=p.const) for p in part)))
        for part in parts
    )
    try:
        found = box.apart(piece for piece in pieces if piece is not None)
        found = tuple(p for p in found if box.count((p,), sorted(p.names)) or not p.planes)
    except UncountableError:
        return ()
    planes = [tuple(Plane(coefs=p.coefs, const=p.const) for p in piece.planes) for piece in found]
    return () if () in planes else tuple(planes)


def split(drafts: Sequence[Draft]) -> list[Draft]:
    """Return tasks with a task for each part in place of those that have several.

    Who waits for such a task waits for all parts: those that do not run then are passed over.
    """
    copies: dict[Draft, list[Draft]] = {}
    for draft in drafts:
        site = draft.site
        copies[draft] = [
            replace(
                draft,
                name=f"{draft.name}{f' part {number}' * (number > 1)}",
                site=Site(nest=site.nest, at=site.at, planes=(*site.planes, *part)),
            )
            for number, part in enumerate(site.parts, start=1)
        ] or [draft]
    for mine in copies.values():
        for draft in mine:
            draft.waits = [
                wait if producer is wait.producer else replace(wait, producer=producer)
                for wait in draft.waits
                for producer in copies[wait.producer]
            ]
    return [draft for mine in copies.values() for draft in mine]
