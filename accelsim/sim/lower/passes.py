"""Whether two Einsums run in the same pass: then one may take what the other has just made."""

from __future__ import annotations

from functools import lru_cache

from accelsim.cascade import Cascade
from accelsim.cascade.model import Block
from accelsim.cascade.passes import ranks, statuses


def same_pass(cascade: Cascade, one: str, other: str) -> bool:
    """Return whether two Einsums run in the same pass over every rank."""
    levels = _levels(_Identity(cascade.block))
    return levels[one] == levels[other]


class _Identity:
    """A block as a key of the cache: by identity, its expressions are large."""

    def __init__(self, block: Block) -> None:
        self.block = block

    def __hash__(self) -> int:
        return id(self.block)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.block is self.block


@lru_cache(maxsize=64)
def _levels(key: _Identity) -> dict[str, tuple[int | None, ...]]:
    equations = key.block.equations
    columns = [statuses(equations, rank) for rank in ranks(key.block).values()]
    return {
        equation.id: tuple(column[n].level if column else None for column in columns)
        for n, equation in enumerate(equations)
    }
