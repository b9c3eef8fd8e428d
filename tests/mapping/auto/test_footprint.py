"""Buffers hold what the cascade says is live: what does not grow stays, what does is rows at most."""

from __future__ import annotations

from math import prod

import pytest

from accelsim.arch import Architecture
from accelsim.cascade.live import live_points
from accelsim.specs import names
from tests.conftest import CAMPAIGN
from tests.mapping.auto.footprint import Pair, pair

FEW, MANY = 1 << 14, 1 << 16
ALL = [(n, arch) for n in names("cascade") if n != "matmul" for arch in ("fusemax", "flat")]
SHARE = [("attention_1pass", "fusemax"), ("attention_3pass", "fusemax"), ("titans", "flat")]
# One pass and a state of one size, and yet a buffer holds more: what of the mapping grows.
WHOLE_ROWS = {
    "halo2d": "a row of blocks is a tile",
    "hop_profile_1pass": "the state has a word for each distance: a larger image has more of them",
}


def constant_state(found: Pair) -> bool:
    """Whether nothing is stated to be live that grows: one pass over every rank that does."""
    passes = found.cascade.passes()
    return not found.stated and all(
        passes.get(rank, 1) == 1 for rank in passes if set(rank.split(".")) & found.growing
    )


@pytest.mark.parametrize(("name", "arch"), ALL if CAMPAIGN else SHARE)
def test_buffers_follow_the_stated_footprint(name: str, arch: str) -> None:
    found = pair(name, arch, FEW, MANY)
    peaks = []
    for small, large in zip(found.few.buffers, found.many.buffers, strict=True):
        for use in (small, large):
            assert use.peak_bytes <= use.charged_bytes <= use.capacity_bytes
        peaks.append((small.peak_bytes, large.peak_bytes))
    for small, large in peaks:  # rows at most, never their square
        assert large <= MANY // FEW * small + 4096
    if constant_state(found) and name not in WHOLE_ROWS:
        for small, large in peaks:
            assert large <= 1.02 * small + 4096, found.grown
    _live_is_somewhere(found)


def _live_is_somewhere(found: Pair) -> None:
    """What one pass leaves for a later one is in a buffer, row by row, or goes to memory and comes back."""
    points = live_points(found.cascade, found.large)
    arrays = Architecture.load(found.many.arch).arrays.values()
    registers = max(array.elements * array.registers for array in arrays)
    for equation in found.cascade.equations:
        tensor = equation.tensor
        alone = sum(e.tensor == tensor for e in found.cascade.equations) == 1
        if tensor not in found.stated or tensor in found.grown or not alone:
            continue
        if prod(found.large.shapes[tensor]) <= registers:
            continue  # all of it may stay in the array
        whole = prod(found.large.extents[c] for c in equation.coords)
        assert found.moved(tensor) >= 1.96 * points[equation.id] / whole, tensor
