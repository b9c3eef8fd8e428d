"""The computed elements of a tensor: all of them, or those inside a window that moves along a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Vector:
    """Values and which of them exist (``mask`` None: all); ``is_own``: nothing else refers to the data."""

    data: Array
    mask: Array | None = None
    is_own: bool = False


@dataclass(kw_only=True)
class Store:
    """The elements from ``start`` on of a tensor of ``shape``; ``mask`` None: all held ones exist."""

    data: Array
    mask: Array | None = None
    start: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.shape = self.shape or self.data.shape
        self.start = self.start or (0,) * self.data.ndim

    @classmethod
    def empty(cls, box: tuple[Span, ...], shape: tuple[int, ...]) -> Store:
        """Return a store of the elements inside ``box`` of which none exists."""
        held = tuple(high - low for low, high in box)
        return cls(
            data=np.zeros(held),
            mask=np.zeros(held, bool),
            start=tuple(low for low, _ in box),
            shape=shape,
        )

    def move(self, axis: int, span: Span) -> None:
        """Hold ``span`` along an axis from now on; what is in both spans stays, the rest is absent."""
        low, high = span
        old_low, old_high = self.start[axis], self.start[axis] + self.data.shape[axis]
        kept = (max(low, old_low), min(high, old_high))
        there = tuple(low if i == axis else s for i, s in enumerate(self.start))
        source = _along(self.data.ndim, axis, kept[0] - old_low, kept[1] - old_low)
        target = _along(self.data.ndim, axis, kept[0] - low, kept[1] - low)
        mask = np.ones(self.data.shape, bool) if self.mask is None else self.mask
        data = self.data
        if old_high - old_low != high - low:
            held = tuple(high - low if i == axis else n for i, n in enumerate(data.shape))
            data, alive = np.zeros(held, data.dtype), np.zeros(held, bool)
        else:
            alive = mask
        if kept[0] < kept[1]:
            data[target], alive[target] = self.data[source], mask[source]
        alive[_along(data.ndim, axis, 0, max(kept[0] - low, 0))] = False
        alive[_along(data.ndim, axis, max(kept[1] - low, 0), high - low)] = False
        self.data, self.mask, self.start = data, alive, there

    def settle(self) -> None:
        """Forget a mask that says that all elements exist."""
        if self.mask is not None and self.mask.all():
            self.mask = None


def _along(rank: int, axis: int, low: int, high: int) -> tuple[slice, ...]:
    return tuple(slice(low, high) if i == axis else slice(None) for i in range(rank))
