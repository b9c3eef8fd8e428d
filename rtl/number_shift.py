"""Shifters and a leading-zero counter, of logarithmic depth."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.utils import bits_for


def named(m: Module, name: str, value: Any) -> Signal:
    """Give an expression a name, in the Verilog and the waveform, and the simulator one evaluation."""
    cast = Value.cast(value)
    found = Signal(cast.shape(), name=name)
    m.d.comb += found.eq(cast)
    return found


def leading_zeros(m: Module, value: Value, name: str) -> Signal:
    """Count the zeros above the highest one; all bits if there is none."""
    width = len(value)
    smeared = value
    for level in range(bits_for(width - 1)):
        smeared = named(m, f"{name}_smear_{level}", smeared | smeared >> (1 << level))

    def any_of_top(bits: int) -> Value:
        return smeared[width - bits] if bits <= width else Value.cast(1)

    # Bit n is set if the count is at least an odd multiple of 2^n, and below the next multiple.
    count = []
    for level in range(bits_for(width)):
        odd = range(1 << level, width + 1, 2 << level)
        terms = [~any_of_top(low) & any_of_top(low + (1 << level)) for low in odd]
        count.append(Cat(*terms).any())
    return named(m, f"{name}_zeros", Cat(*count))


def shift_left(m: Module, value: Value, amount: Value, name: str) -> Value:
    """Shift left in the width of the value; the highest bit of the amount, known first, goes first."""
    width = len(value)
    for level in reversed(range(len(amount))):
        distance = min(1 << level, width)
        moved = Cat(Const(0, distance), value[: width - distance])
        value = named(m, f"{name}_left_{level}", Mux(amount[level], moved, value))
    return value


def shift_right(m: Module, value: Value, amount: Value, name: str) -> Value:
    """Shift right by any amount; the last bit is sticky: also set if any one was shifted out."""
    width = len(value)
    whole = value
    levels = min(bits_for(width), len(amount))  # further than that, only the last bit can remain
    for level in range(levels):
        distance = min(1 << level, width)
        moved = value >> distance | value[:distance].any()
        value = named(m, f"{name}_right_{level}", Mux(amount[level], moved, value)[:width])
    if levels == len(amount):
        return value
    return named(m, f"{name}_shifted", Mux(amount[levels:].any(), whole.any(), value)[:width])
