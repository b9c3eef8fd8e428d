"""Whether two Einsums run in the same pass: then one may take what the other has just made."""

from __future__ import annotations

from accelsim.cascade import Cascade
from accelsim.cascade.model import Block
from accelsim.cascade.passes import ranks, statuses


def same_pass(cascade: Cascade, one: str, other: str) -> bool:
    """Return whether two Einsums run in the same pass over every rank."""
    levels = cascade.kept.once(same_pass, lambda: _levels(cascade.block))
    return levels[one] == levels[other]


def _levels(block: Block) -> dict[str, tuple[int | None, ...]]:
    equations = block.equations
    columns = [statuses(equations, rank) for rank in ranks(block).values()]
    return {
        equation.id: tuple(column[n].level if column else None for column in columns)
        for n, equation in enumerate(equations)
    }
