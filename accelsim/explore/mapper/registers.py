"""Whether what stays in an array from one Einsum to the next has room in its register files."""

from __future__ import annotations

from accelsim.mapping.auto import Case, Schedule
from accelsim.mapping.auto.hold import words_per_lane
from accelsim.mapping.auto.mapper import Nested

OWN = 1  # a word of the file is the accumulator or operand of the operation under way


def fits_registers(nest: Nested, schedule: Schedule, case: Case) -> bool:
    """Return whether the results that wait in a unit's lanes for its own later Einsums fit its registers.

    In a unit that goes in order a result waits for at most ``stage of the reader - stage of the maker``
    further tiles. What a buffer holds, and running states, are not in the lanes.
    """
    unit = {item.id: item.unit for item in nest.items}
    used: dict[str, int] = {}
    for item in nest.items:
        if item.equation.iterative or item.equation.id not in unit:
            continue
        readers = [
            d.consumer.id
            for d in nest.group.dependences
            if d.producer is item.equation and not d.old and unit[d.consumer.id] == item.unit
        ]
        words = words_per_lane(item, nest.group, case)
        registers = case.arch.arrays[item.unit].registers
        if not readers or words > registers:
            continue  # the mapping holds it in a buffer
        behind = max(schedule.stage[name] for name in readers) - schedule.stage[item.id]
        used[item.unit] = used.get(item.unit, 0) + words * (max(0, behind) + 1)
    return all(
        words + OWN <= max(OWN + 1, case.arch.arrays[name].registers)
        for name, words in used.items()
    )
