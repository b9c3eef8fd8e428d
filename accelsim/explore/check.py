"""Reads each value of each parameter once before anything runs: a typo costs no simulation."""

from __future__ import annotations

from dataclasses import replace

from accelsim.errors import Fault, SpecError
from accelsim.explore.build import Build
from accelsim.explore.exploration import Exploration
from accelsim.explore.point import Point
from accelsim.explore.sampler import drawn, empty
from accelsim.explore.space import MOST
from accelsim.specs.reader import Loc

LOOKED_AT = 32  # values of one axis


def first_point(exploration: Exploration) -> Point:
    """Return a point of the space once every value has been found to be readable beside the others'.

    SpecError at the value that is not, or where no point meets the conditions.
    """
    space = exploration.space
    if space.combinations > MOST:
        first = drawn(exploration)[0]
    else:
        found = next(space.points(), None)
        if found is None:
            raise SpecError(empty(exploration))
        first = found
    _read(exploration, first, ())
    free = replace(space, where=())
    faults: list[Fault] = []
    for number, axis in enumerate(space.axes):
        count = len(axis.levels)
        chosen = {round(i * (count - 1) / (LOOKED_AT - 1)) for i in range(LOOKED_AT)}
        for level in sorted(chosen):
            place = (*first.place[:number], level, *first.place[number + 1 :])
            point = free.point(place)
            if point is None or point.place == first.place or point.place[number] < 0:
                continue
            try:
                _read(exploration, point, _loc(exploration, axis.name, level))
            except SpecError as error:
                faults += error.faults
    if faults:
        raise SpecError(faults)
    return first


def _read(exploration: Exploration, point: Point, loc: Loc) -> None:
    try:
        Build.of(point.settings)
    except SpecError as error:
        said = dict.fromkeys(fault.message for fault in error.faults)
        shown = ", ".join(f"{k} = {v}" for k, v in point.values.items())
        document = exploration.document
        where = loc or _blamed(exploration, next(iter(said)))
        raise SpecError(
            [document.fault(where, f"{_plain(m)} (at {shown})") for m in said]
        ) from None


def _plain(message: str) -> str:
    """Leave out the flags of other commands."""
    return message.replace("--arch-set ", "arch.", 1).replace("--set ", "workload.", 1)


def _blamed(exploration: Exploration, message: str) -> Loc:
    """Return the entry of the study that a message speaks of, else the study as a whole."""
    spec = exploration.spec
    for key in ("vary", "set"):
        for name in getattr(spec, key):
            field = name.partition(".")[2] or name
            if field in message:
                return (key, name)
    for key in ("design", "cascade", "arch", "mapping", "workload", "selection"):
        if getattr(spec, key) is not None and repr(getattr(spec, key)) in message:
            return (key,)
    return ()


def _loc(exploration: Exploration, name: str, level: int) -> Loc:
    """Return where a value stands in the file: in a list or a table, else the axis."""
    data = exploration.document.data["vary"][name]
    if isinstance(data, list):
        return ("vary", name, level)
    if "values" in data:
        return ("vary", name, "values", level)
    if "choices" in data:
        return ("vary", name, "choices", list(data["choices"])[level])
    return ("vary", name)
