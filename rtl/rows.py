"""Rows of lanes in gates: counting kept lanes, closing gaps, appending one row to another.

Every layer is a row of signals with names: an expression that is used twice would be built twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from accelsim.engines.rows import count_bits


def lanes(row: Any, number: int) -> list[Value]:
    """Return the lanes of a port's payload, which is the lane itself if it has no other field."""
    if number == 1 and not hasattr(row, "lane_0"):
        return [Value.cast(row)]
    return [getattr(row, f"lane_{n}") for n in range(number)]


def named(m: Module, values: Sequence[Any], name: str) -> list[Value]:
    """Return signals that have the values."""
    found: list[Value] = []
    for n, value in enumerate(values):
        cast = Value.cast(value)
        signal = Signal(len(cast), name=f"{name}_{n}")
        m.d.comb += signal.eq(cast)
        found.append(signal)
    return found


def total(m: Module, bits: Sequence[Any], name: str) -> Value:
    """Return the sum of values, as a tree of adders."""
    sums: list[Any] = [Value.cast(bit) for bit in bits]
    level = 0
    while len(sums) > 1:
        pairs = [sums[n : n + 2] for n in range(0, len(sums), 2)]
        sums = named(
            m,
            [pair[0] + pair[-1] if len(pair) > 1 else pair[0] for pair in pairs],
            f"{name}_{level}",
        )
        level += 1
    found: Value = sums[0]
    return found


def prefix(m: Module, bits: Sequence[Any], name: str) -> list[Value]:
    """Return for every position how many bits before it are set, and the total at the end.

    The scan of Kogge and Stone: as many layers of adders as the number of positions has bits.
    """
    size = count_bits(len(bits))
    sums: list[Value] = [Value.cast(bit) for bit in bits]
    step = 1
    while step < len(sums):
        added = [
            sums[n] if n < step else (sums[n] + sums[n - step])[:size] for n in range(len(sums))
        ]
        sums = named(m, added, f"{name}_by{step}")
        step *= 2
    return [Const(0, size), *sums]


def squeeze(
    m: Module, values: Sequence[Any], keep: Sequence[Any], dropped: Sequence[Any], name: str
) -> list[Value]:
    """Return the kept lanes moved down by the dropped lanes before each; 0 in the rest.

    A layer of multiplexers per bit: what has that bit set moves down by its weight. No two meet,
    since kept lanes stay in order.
    """
    here = named(m, [Mux(k, v, 0) for v, k in zip(values, keep, strict=True)], f"{name}_kept")
    move = named(m, [Mux(k, d, 0) for d, k in zip(dropped, keep, strict=False)], f"{name}_move")
    for layer in range((len(here) - 1).bit_length()):
        weight = 1 << layer
        moves = [by[layer] for by in move]
        shifted = [_shifted(here, moves, n, weight) for n in range(len(here))]
        moved = [_shifted(move, moves, n, weight) for n in range(len(here))]
        here = named(m, shifted, f"{name}_by{weight}")
        move = named(m, moved, f"{name}_move_by{weight}")
    return here


def _shifted(items: Sequence[Value], moves: Sequence[Value], n: int, weight: int) -> Value:
    """Return what is at ``n`` after those that move have moved down by ``weight``."""
    stays = Mux(moves[n], 0, items[n])
    above = n + weight
    if above >= len(items):
        return stays
    return Mux(moves[above], items[above], stays)


def append(
    m: Module, rest: Sequence[Any], occupied: Any, row: Sequence[Any], name: str
) -> list[Value]:
    """Return ``rest`` (0 past ``occupied`` lanes) followed by ``row``, twice as many lanes but one."""
    number = len(row)
    shifted: list[Value] = [*(Value.cast(v) for v in row), *[Const(0, 1)] * (number - 1)]
    for layer in range((number - 1).bit_length()):
        weight = 1 << layer
        moved = [
            Mux(occupied[layer], shifted[n - weight] if n >= weight else 0, shifted[n])
            for n in range(len(shifted))
        ]
        shifted = named(m, moved, f"{name}_up{weight}")
    held = [*rest, *[Const(0, 1)] * (2 * number - 1 - len(rest))]
    return named(m, [a | b for a, b in zip(held, shifted, strict=True)], name)


def masked(values: Sequence[Any], count: Any) -> list[Value]:
    """Return lanes with 0 in those past ``count``."""
    return [Mux(count > n, value, 0) for n, value in enumerate(values)]


def packed(values: Sequence[Any]) -> Value:
    return Cat(*values)
