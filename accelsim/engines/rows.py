"""Ports that carry a row of lanes, and how many of them mean something."""

from __future__ import annotations

from typing import Literal

from accelsim.engines.engine import Port

Direction = Literal["in", "out"]


def lanes_of(lanes: int, width: int) -> tuple[tuple[str, int], ...]:
    return tuple((f"lane_{n}", width) for n in range(lanes))


def count_bits(most: int) -> int:
    """Return the bits of a number from 0 to ``most``."""
    return max(1, most.bit_length())


def keep_port(name: str, direction: Direction, lanes: int, width: int) -> Port:
    """Return the port of a row with a mask of the lanes to keep."""
    return Port(name, direction, (("keep", lanes), *lanes_of(lanes, width)))


def row_port(
    name: str, direction: Direction, lanes: int, width: int, *, last: bool = False
) -> Port:
    """Return the port of a row whose first ``count`` lanes mean something; ``last`` ends a list."""
    ends = (("last", 1),) if last else ()
    return Port(name, direction, (("count", count_bits(lanes)), *ends, *lanes_of(lanes, width)))
