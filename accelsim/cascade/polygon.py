"""Integer points of a convex polygon, exactly and in closed form: sums of floors along straight lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Line = tuple[int, int, int]
"""(a, c, k) for y <= (a*x + c) / k, k > 0."""
Plane = tuple[int, int, int]
"""(a, b, c) for a*x + b*y + c >= 0."""


def polygon(planes: Iterable[Plane], width: int, height: int) -> int:
    """Return how many 0 <= x < width, 0 <= y < height meet all of ``a*x + b*y + c >= 0``.

    >>> polygon([(1, -1, 0)], 4, 4)
    10
    """
    above: list[Line] = [(0, height - 1, 1)]
    below: list[Line] = [(0, 0, 1)]  # -y <= (a*x + c) / k
    first, last = 0, width - 1
    rows = []
    for a, b, c in planes:
        if b < 0:
            above.append((a, c, -b))
        elif b > 0:
            below.append((a, c, b))
        else:
            rows.append((a, c))
    # A column has a point only if each upper line is at or above each lower one; where they are, the
    # floors of both count exactly what is between them.
    rows += [(k * a + j * b, k * c + j * d) for a, c, j in above for b, d, k in below]
    for a, c in rows:
        if a > 0:
            first = max(first, -(c // a))
        elif a < 0:
            last = min(last, c // -a)
        elif c < 0:
            return 0
    if first > last:
        return 0
    return _least(above, first, last) + _least(below, first, last) + last - first + 1


def _least(lines: Sequence[Line], first: int, last: int) -> int:
    """Return the sum over first <= x <= last of the floor of the least of some lines."""
    total, x = 0, first
    while x <= last:
        # The lowest line here, and of those the one that falls fastest.
        a, c, k = min(lines, key=lambda line: _Order(line, x))
        until = last
        for b, d, j in lines:
            slope, gap = b * k - a * j, (a * x + c) * j - (b * x + d) * k  # gap <= 0
            if slope < 0:
                until = min(until, x + (-gap) // -slope)
        total += floors(until - x + 1, k, a, a * x + c)
        x = until + 1
    return total


class _Order:
    """Lines by their value at a place, then by their slope, compared without fractions."""

    def __init__(self, line: Line, x: int) -> None:
        a, c, k = line
        self.value, self.slope, self.by = a * x + c, a, k

    def __lt__(self, other: _Order) -> bool:
        mine, theirs = self.value * other.by, other.value * self.by
        return (mine, self.slope * other.by) < (theirs, other.slope * self.by)


def floors(count: int, divisor: int, step: int, start: int) -> int:
    """Return the sum of ``(step*i + start) // divisor`` over 0 <= i < count.

    >>> floors(4, 2, 1, -1)
    0
    """
    whole, step = divmod(step, divisor)
    more, start = divmod(start, divisor)
    total = whole * (count * (count - 1) // 2) + more * count
    while count > 0:
        total += (step // divisor) * (count * (count - 1) // 2) + (start // divisor) * count
        step, start = step % divisor, start % divisor
        top = step * count + start
        if top < divisor:
            break
        count, start = divmod(top, divisor)
        divisor, step = step, divisor
    return total
