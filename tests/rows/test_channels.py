"""Times of memory channels: against a word-by-word walk, and against hand figures."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.arch import Architecture, Channels, Fetcher
from accelsim.sim.rows.channels import ChannelTimes

QUIET = {"HBM.efficiency": 1.0, "HBM.activate_time": "0 ns", "HBM.bank_time": "0 ns"}


def times(**overrides: object) -> ChannelTimes:
    arch = Architecture.load(
        "spatten", {k.replace("__", "."): v for k, v in overrides.items()} | QUIET
    )
    unit = arch.spec.components["FETCH"]
    assert isinstance(unit, Fetcher)
    return ChannelTimes(arch, unit)


def walked(channels: ChannelTimes, places: list[int], size_bits: int) -> tuple[int, int]:
    """(cycle after the last words are issued, cycle at which the last word is there), word by word.

    A queue per channel that serves a word in ``burst`` cycles; a row of words is issued in a cycle in
    which every channel concerned has at most ``addresses`` words with those of the row.
    """
    memory, fetcher = channels.memory, channels.fetcher
    burst = int(memory.burst_time * 10**9)
    each = -(-size_bits // (8 * memory.burst))
    words = [place * each + t for place in places for t in range(each)]
    rows = [words[n : n + fetcher.lanes] for n in range(0, len(words), fetcher.lanes)]
    left = [0] * memory.count  # ticks of work in each channel's queue
    now = last = 0
    for row in rows:
        mine = [0] * memory.count
        for word in row:
            mine[word % memory.count] += 1
        while any(n and left[c] > burst * (fetcher.addresses - n) for c, n in enumerate(mine)):
            left = [max(0, n - 1) for n in left]
            now += 1
        left = [n + burst * m for n, m in zip(left, mine, strict=True)]
        last = max([last, *(now + n for n, m in zip(left, mine, strict=True) if m)])
        left = [max(0, n - 1) for n in left]
        now += 1
    return now, last


@settings(max_examples=30, deadline=None)
@given(
    places=st.sets(st.integers(0, 600), min_size=1, max_size=120),
    bits=st.sampled_from([4, 6, 8, 12]),
    burst=st.sampled_from([1, 2, 5]),
    addresses=st.sampled_from([8, 16, 40]),
)
def test_against_a_walk_word_by_word(
    places: set[int], bits: int, burst: int, addresses: int
) -> None:
    channels = times(
        HBM__burst_time=f"{burst} ns", FETCH__addresses=addresses, FETCH__lanes=8, HBM__count=4
    )
    found = channels.scattered([np.array(sorted(places))], 64 * bits)[0]
    issued, last = walked(channels, sorted(places), 64 * bits)
    fair = -(-found.bursts * burst // 4)
    assert found.occupied == max(issued, fair)
    assert found.finished == max(last, found.occupied)


def test_contiguous_keys_by_hand() -> None:
    """992 keys of 8 bits are 1984 bursts over 16 channels: 124 cycles, no channel more than another."""
    found = times().contiguous(992, 512)
    assert (found.occupied, found.finished, found.bursts, found.busiest) == (124, 124, 1984, 124)
    twice = times(HBM__burst_time="2 ns").contiguous(992, 512)
    assert (twice.occupied, twice.finished) == (248, 248)


def test_refresh_and_pages() -> None:
    arch = Architecture.load("spatten", {"HBM.efficiency": 0.5})
    unit = arch.spec.components["FETCH"]
    assert isinstance(unit, Fetcher)
    assert ChannelTimes(arch, unit).contiguous(992, 512).occupied == 248
    # A vector in a page of its own, all in one channel: a page's activation a burst.
    far = {"HBM.page": "32 B", "HBM.activate_time": "4 ns", "HBM.efficiency": 1.0}
    slow = ChannelTimes(Architecture.load("spatten", far), unit)
    found = slow.scattered([np.arange(0, 160, 16)], 256)[0]
    assert (found.bursts, found.busiest, found.pages, found.finished) == (10, 10, 10, 40)
    spread = slow.scattered([np.arange(160)], 256)[
        0
    ]  # ten pages of each channel: all take their turn
    assert (spread.pages, spread.occupied) == (160, 40)


def test_peak_rate() -> None:
    memory = Architecture.load("spatten").spec.components["HBM"]
    assert isinstance(memory, Channels)
    assert memory.bandwidth == Fraction(512 * 10**9)


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(0, 60), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_several_at_once_are_each_alone(sizes: list[int], seed: int) -> None:
    draw = np.random.default_rng(seed)
    places = [np.sort(draw.permutation(500)[:n]) for n in sizes]
    channels = times()
    together = channels.scattered(places, 384)
    assert together == [channels.scattered([place], 384)[0] for place in places]


@pytest.mark.parametrize("bits", [4, 6, 8, 12, 32])
def test_never_faster_than_the_rate(bits: int) -> None:
    channels = times()
    for count in (1, 7, 100, 1000):
        found = channels.contiguous(count, 64 * bits)
        assert found.occupied * channels.memory.count >= found.bursts
