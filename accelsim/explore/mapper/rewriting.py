"""Fewer passes as a part of the search: a cascade as it is written, or rewritten where that is better."""

from __future__ import annotations

from dataclasses import replace

from accelsim.cascade import Cascade
from accelsim.errors import InfeasibleError
from accelsim.explore.mapper.search import Found, find_mapping
from accelsim.mapping import Problem


def forms(problem: Problem) -> list[Cascade]:
    """Return the cascade, and if that saves a pass the same in tiles with as few passes as can be.

    The tile is the height of the first array; its size is open to the mapper.
    """
    array = next(iter(problem.arch.arrays.values()))
    rewriting = problem.cascade.rewritten(tile=array.rows or array.lanes)
    return [problem.cascade, *([rewriting.cascade] if rewriting.saves else [])]


def find_rewritten(
    problem: Problem, *, objective: str = "cycles", effort: str = "normal"
) -> tuple[Cascade, Found]:
    """Return the form of a cascade that runs best with its best mapping; see ``find_mapping``.

    The objective must have one best: members of a Pareto set would be of different cascades.
    """
    found: list[tuple[Cascade, Found]] = []
    refused: list[InfeasibleError] = []
    for cascade in forms(problem):
        try:
            one = find_mapping(
                replace(problem, cascade=cascade), objective=objective, effort=effort
            )
            found.append((cascade, one))
        except InfeasibleError as error:
            refused.append(error)
    if not found:
        raise refused[0]
    return min(found, key=lambda pair: pair[1].best.figures)


__all__ = ["find_rewritten", "forms"]
