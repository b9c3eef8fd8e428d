"""Bit planes of a matrix: whole numbers with one scale, of which the high bits may be had alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Planes:
    """A matrix in ``bits`` bits of each element, and in ``extra`` more: ``high`` and ``full`` values."""

    high: Floats
    full: Floats


def planes(matrix: Floats, bits: int, extra: int = 0) -> Planes:
    """Return a matrix rounded to ``bits + extra`` bits, and what its high bits alone say.

    Whole numbers of both signs by one scale for the matrix; the low bits are cut off (shifted right
    and left), as hardware that has not read them does. 0 bits: the matrix as it is.
    """
    if not bits:
        return Planes(high=matrix, full=matrix)
    top = float(np.abs(matrix).max(initial=0.0))
    most = 2 ** (bits + extra - 1) - 1
    if top == 0 or most == 0:
        return Planes(high=np.zeros_like(matrix), full=np.zeros_like(matrix))
    scale = top / most
    whole = np.rint(matrix / scale).astype(np.int64)
    high = whole >> extra << extra
    return Planes(high=high * scale, full=whole * scale)


__all__ = ["Planes", "planes"]
