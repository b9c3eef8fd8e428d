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
    for small, large in zip(found.few.buffers, found.many.buffers, strict=True):
        for use in (small, large):
            assert use.peak_bytes <= use.charged_bytes <= use.capacity_bytes
        # Rows at most, never their square; how many copies are there at once is a matter of time.
        assert large.peak_bytes <= MANY // FEW * small.charged_bytes + 4096
    if constant_state(found) and name not in WHOLE_ROWS and not _is_constant(found):
        longer = pair(name, arch, MANY, MANY * MANY // FEW)  # where tiles have their full width
        assert _is_constant(longer), longer.grown
    _live_is_somewhere(found)


def _is_constant(found: Pair) -> bool:
    both = zip(found.few.buffers, found.many.buffers, strict=True)
    return all(large.peak_bytes <= 1.02 * small.peak_bytes + 4096 for small, large in both)


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
        reads = [r for e in found.cascade.equations for r in e.reads if r.tensor == tensor]
        # Who picks its rows may leave some out.
        times = 1.5 if any(r.gathered_axes for r in reads) else 1.96
        assert found.moved(tensor) >= times * points[equation.id] / whole, tensor
