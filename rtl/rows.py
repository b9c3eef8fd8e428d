"""Rows of lanes in gates: counting kept lanes, closing gaps, appending one row to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Mux, Value

from accelsim.engines.rows import count_bits


def lanes(row: Any, number: int) -> list[Value]:
    """Return the lanes of a port's payload, which is the lane itself if it has no other field."""
    if number == 1 and not hasattr(row, "lane_0"):
        return [Value.cast(row)]
    return [getattr(row, f"lane_{n}") for n in range(number)]


def prefix(bits: Sequence[Any]) -> list[Value]:
    """Return for every position how many bits before it are set, and the total at the end.

    The scan of Kogge and Stone: as many layers of adders as the number of positions has bits.
    """
    size = count_bits(len(bits))
    sums: list[Value] = [Value.cast(bit) for bit in bits]
    step = 1
    while step < len(sums):
        sums = [
            sums[n] if n < step else (sums[n] + sums[n - step])[:size] for n in range(len(sums))
        ]
        step *= 2
    return [Const(0, size), *sums]


def squeeze(values: Sequence[Any], keep: Sequence[Any], dropped: Sequence[Any]) -> list[Value]:
    """Return the kept lanes moved down by the dropped lanes before each; 0 in the rest.

    A layer of multiplexers per bit: what has that bit set moves down by its weight. No two meet,
    since kept lanes stay in order.
    """
    here = [Mux(kept, value, 0) for value, kept in zip(values, keep, strict=True)]
    move = [Mux(kept, by, 0) for by, kept in zip(dropped, keep, strict=False)]
    for layer in range((len(here) - 1).bit_length()):
        weight = 1 << layer
        moves = [by[layer] for by in move]
        here, move = (
            [_shifted(items, moves, n, weight) for n in range(len(here))] for items in (here, move)
        )
    return here


def _shifted(items: Sequence[Value], moves: Sequence[Value], n: int, weight: int) -> Value:
    """Return what is at ``n`` after those that move have moved down by ``weight``."""
    stays = Mux(moves[n], 0, items[n])
    above = n + weight
    if above >= len(items):
        return stays
    return Mux(moves[above], items[above], stays)


def append(rest: Sequence[Any], occupied: Any, row: Sequence[Any]) -> list[Value]:
    """Return ``rest`` (0 past ``occupied`` lanes) followed by ``row``, twice as many lanes but one."""
    number = len(row)
    shifted: list[Value] = [*(Value.cast(v) for v in row), *[Const(0, 1)] * (number - 1)]
    for layer in range((number - 1).bit_length()):
        weight = 1 << layer
        shifted = [
            Mux(occupied[layer], shifted[n - weight] if n >= weight else 0, shifted[n])
            for n in range(len(shifted))
        ]
    held = [*rest, *[Const(0, 1)] * (2 * number - 1 - len(rest))]
    return [a | b for a, b in zip(held, shifted, strict=True)]


def masked(values: Sequence[Any], count: Any) -> list[Value]:
    """Return lanes with 0 in those past ``count``."""
    return [Mux(count > n, value, 0) for n, value in enumerate(values)]


def packed(values: Sequence[Any]) -> Value:
    return Cat(*values)
