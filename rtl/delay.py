"""Values as they were some cycles ago."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal


def delayed(m: Module, value: Any, cycles: int, name: str, init: int = 0) -> Any:
    """Return what a value was so many cycles ago; ``init`` in the first of them."""
    start = {"init": init} if init else {}
    for n in range(cycles):
        later = Signal(value.shape(), name=f"{name}_{n}", **start)
        m.d.sync += later.eq(value)
        value = later
    return value
