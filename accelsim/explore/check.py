"""Reads each value of each parameter once before anything runs: a typo costs no simulation."""

from __future__ import annotations

from dataclasses import replace

from accelsim.errors import Fault, SpecError
from accelsim.explore.build import Build
from accelsim.explore.exploration import Exploration
from accelsim.explore.fields import NAMES, entries
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
    first = _first(exploration)
    _read(exploration, first, ())
    free = replace(space, where=())
    faults: list[Fault] = []
    for number, axis in enumerate(space.axes):
        count = len(axis.levels)
        chosen = {round(i * (count - 1) / (LOOKED_AT - 1)) for i in range(LOOKED_AT)}
        for level in sorted(chosen):
            place = (*first.place[:number], level, *first.place[number + 1 :])
            loc = _loc(exploration, axis.name, level)
            try:
                point = free.point(place)
                if point is not None and point.place != first.place and point.place[number] >= 0:
                    _read(exploration, point, loc)
            except SpecError as error:
                faults += _placed(exploration, error, loc, "").faults
    if faults:
        raise SpecError(faults)
    return first


def _first(exploration: Exploration) -> Point:
    if exploration.space.combinations > MOST:
        return drawn(exploration)[0]
    try:
        found = next(exploration.space.points(), None)
    except SpecError as error:  # a name that no file has, met on the way to the conditions
        raise _placed(exploration, error, (), "") from None
    if found is None:
        raise SpecError(empty(exploration))
    return found


def _read(exploration: Exploration, point: Point, loc: Loc) -> None:
    """Read all that a point names, without running it."""
    try:
        build = Build.of(point.settings)
        if entries(point.settings, "mapping"):
            build.mappings()
    except SpecError as error:
        shown = ", ".join(f"{k} = {v}" for k, v in point.values.items())
        raise _placed(exploration, error, loc, f" (at {shown})") from None


def _placed(exploration: Exploration, error: SpecError, loc: Loc, note: str) -> SpecError:
    """Put faults of what a study names into the study, at the entry that they speak of."""
    document = exploration.document
    if all(fault.file == document.path for fault in error.faults):
        return error
    said = dict.fromkeys(_plain(fault.message) for fault in error.faults)
    return SpecError([document.fault(loc or _blamed(exploration, m), f"{m}{note}") for m in said])


def _plain(message: str) -> str:
    """Leave out the flags of other commands."""
    return message.replace("--arch-set ", "arch.", 1).replace("--set ", "workload.", 1)


def _blamed(exploration: Exploration, message: str) -> Loc:
    """Return the entry of the study that a message speaks of, else the study as a whole."""
    spec = exploration.spec
    for key in ("set", "vary"):
        for name in getattr(spec, key):
            field = name.partition(".")[2] or name
            if field in message or any(repr(part) in message for part in field.split(".")):
                return (key, name)
    for key in (*NAMES, "seq"):
        value = getattr(spec, key)
        if value is not None and (repr(value) in message or message.startswith(f"{key} ")):
            return (key,)
    for name, entry in exploration.document.data["vary"].items():
        if any(repr(value) in message for value in (entry if isinstance(entry, list) else ())):
            return ("vary", name)
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
