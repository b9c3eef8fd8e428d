"""Which points are tried, in which order: all, some at random, or by search; the same for a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from accelsim.errors import Fault, SpecError
from accelsim.explore.exploration import Exploration
from accelsim.explore.point import Point
from accelsim.explore.space import MOST

if TYPE_CHECKING:
    from accelsim.explore.table import Row

Told = Callable[[Point], "Row"]  # what became of a point of an earlier batch


def batches(exploration: Exploration, told: Told) -> Iterator[list[Point]]:
    """Yield the points to know, a batch at a time; ``told`` gives the rows of earlier batches."""
    match exploration.spec.sampler:
        case "grid":
            yield grid(exploration)
        case "random":
            yield drawn(exploration)
        case _:
            from accelsim.explore.search import asked

            yield from asked(exploration, told)


def sample(exploration: Exploration) -> list[Point]:
    """Return the points of a study; of a search, which is yet to come, some at random."""
    return grid(exploration) if exploration.spec.sampler == "grid" else drawn(exploration)


def grid(exploration: Exploration) -> list[Point]:
    """Return every point of the space."""
    space = exploration.space
    if space.combinations > MOST:
        raise SpecError(
            exploration.document.fault(
                ("vary",),
                f"vary must have at most {MOST:,} combinations for a grid, not"
                f" {space.combinations:,}; a sampler (random, nsga2, tpe) takes some of them",
            )
        )
    points = list(space.points())
    if not points:
        raise SpecError(empty(exploration))
    return points


def drawn(exploration: Exploration) -> list[Point]:
    """Return as many different points as asked for, each as likely as another."""
    wanted = exploration.spec.points
    assert wanted is not None  # the study's own check
    space = exploration.space
    source = random.Random(exploration.spec.seed)
    if space.combinations <= max(10_000, 20 * wanted):
        every = grid(exploration)
        return source.sample(every, min(wanted, len(every)))
    found: dict[tuple[int, ...], Point] = {}
    for _ in range(200 * wanted):
        point = space.point([source.randrange(len(axis.levels)) for axis in space.axes])
        if point is not None:
            found.setdefault(point.place, point)
        if len(found) == wanted:
            break
    if not found:
        raise SpecError(empty(exploration))
    return list(found.values())


def empty(exploration: Exploration) -> list[Fault]:
    """Say why a space has no points: which condition holds nowhere, else that all together never do."""
    space, document = exploration.space, exploration.document
    count = f"{space.combinations:,} combinations"
    for number, condition in enumerate(space.where):
        if not any(True for _ in space.alone(number)):
            message = f"where: {condition} holds for none of the {count}: the space is empty"
            return [document.fault(("where", number), message)]
    message = f"where: the conditions hold together for none of the {count}: the space is empty"
    return [document.fault(("where",), message, key=True)]
