"""How many different rows lists name that data choose."""

from __future__ import annotations

import math


def expected_rows(size: int, each: int, lists: int) -> float:
    """Return the expected number of different rows: a list misses a row with probability 1 - each/size.

    By linearity of expectation size * (1 - (1 - each/size) ** lists), for independent lists.
    """
    if each >= size:
        return float(size)
    return -size * math.expm1(lists * math.log1p(-each / size))
