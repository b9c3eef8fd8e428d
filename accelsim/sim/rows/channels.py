"""How long memory channels take over vectors at given places: bursts, pages, queues, imbalance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from accelsim.arch import Architecture, Channels, Fetcher

Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What a transfer comes to, in cycles and bursts.

    ``occupied``: until the next transfer may begin; ``finished``: from its start until the last data
    are at the channel (latency not counted); ``busiest``: bursts of the busiest channel.
    """

    occupied: int
    finished: int
    bursts: int
    busiest: int
    pages: int


class ChannelTimes:
    """Times of transfers on the channels behind a fetcher, equal ones looked up.

    Each cycle the fetcher issues a word for every lane, if every channel concerned has room for its
    words: a channel serves them in order, one burst time each, and takes ``addresses`` ahead. Pages are
    activated ahead; a transfer is there no sooner than the activations of its busiest channel take. The
    imbalance that the queues do not even out occupies the fetcher; what is left in them at the end runs on
    beside the transfer that follows, so that none is ever faster than its bytes, or its activations, at
    the rate of all channels.
    """

    def __init__(self, arch: Architecture, fetcher: Fetcher) -> None:
        memory = arch.spec.components[fetcher.memory]
        assert isinstance(memory, Channels)
        self.memory, self.fetcher = memory, fetcher
        clock = arch.spec.clock
        share = Fraction(str(memory.efficiency))
        burst = memory.burst_time * clock / share
        page = max(memory.activate_time, memory.bank_time / memory.banks) * clock / share
        # Whole numbers of 1/unit cycle: exact.
        self.unit = int(np.lcm(burst.denominator, page.denominator))
        self.burst, self.page = int(burst * self.unit), int(page * self.unit)
        self.latency = -int(-memory.latency * clock // 1) + fetcher.latency
        self._known: dict[tuple[int, ...], Fetched] = {}

    def contiguous(self, vectors: int, size_bits: int) -> Fetched:
        """Return what vectors take that follow one another in memory."""
        key = (vectors, size_bits)
        if key not in self._known:
            self._known[key] = self.scattered([np.arange(vectors)], size_bits)[0]
        return self._known[key]

    def scattered(self, places: Sequence[Integers], size_bits: int) -> list[Fetched]:
        """Return what vectors at ``places`` of a matrix take, several transfers at once.

        A vector begins at a burst and is of whole bursts.
        """
        each = -(-size_bits // (8 * self.memory.burst))
        sizes = np.array([len(place) for place in places], np.int64)
        found: list[Fetched | None] = [None] * len(places)
        for size in np.unique(sizes):
            mine = np.flatnonzero(sizes == size)
            for part in np.array_split(mine, -(-len(mine) * max(1, int(size)) // 400_000)):
                table = (
                    np.stack([places[n] for n in part]) if size else np.zeros((len(part), 0), int)
                )
                bursts = (table[:, :, None] * each + np.arange(each)).reshape(len(part), -1)
                for number, one in zip(part, self._times(bursts), strict=True):
                    found[number] = one
        return [one for one in found if one is not None]

    def _times(self, bursts: Integers) -> list[Fetched]:
        """Times of transfers [R] by their burst numbers [R, N]."""
        count, total = bursts.shape
        if not total:
            return [Fetched(occupied=0, finished=0, bursts=0, busiest=0, pages=0)] * count
        memory, channels, lanes = self.memory, self.memory.count, self.fetcher.lanes
        piece = bursts * memory.burst // memory.interleave
        channel = piece % channels
        waves = -(-total // lanes)
        wave = np.arange(total) // lanes
        flat = (np.arange(count)[:, None] * waves + wave) * channels + channel
        words = np.bincount(flat.ravel(), minlength=count * waves * channels)
        words = words.reshape(count, waves, channels)
        load = words.sum(axis=1)
        pages = self._pages(piece, channel)
        issue = np.zeros(count, np.int64)
        busy = np.zeros((count, channels), np.int64)
        for n in range(waves):
            mine = words[:, n]
            room = busy - self.burst * (self.fetcher.addresses - mine)
            held = np.where(mine > 0, room, 0).max(axis=1)
            issue = np.maximum(issue + (self.unit if n else 0), held)
            busy = np.where(mine > 0, np.maximum(busy, issue[:, None]) + self.burst * mine, busy)
        fair = np.maximum(total * self.burst, pages.sum(axis=1) * self.page)
        occupied = np.maximum(issue + self.unit, -(-fair // channels))
        alone = np.maximum(busy.max(axis=1), pages.max(axis=1) * self.page)
        finished = np.maximum(alone, occupied)
        up = self.unit
        return [
            Fetched(
                occupied=int(-(-occupied[n] // up)),
                finished=int(-(-finished[n] // up)),
                bursts=total,
                busiest=int(load[n].max()),
                pages=int(pages[n].sum()),
            )
            for n in range(count)
        ]

    def _pages(self, piece: Integers, channel: Integers) -> Integers:
        """Pages of each channel that a transfer opens: its bursts come in ascending order."""
        memory, channels = self.memory, self.memory.count
        page = piece // channels * memory.interleave // memory.page
        key = channel * (int(page.max()) + 1) + page
        found = np.zeros((len(piece), channels), np.int64)
        ordered = np.sort(key, axis=1)
        new = np.ones(ordered.shape, bool)
        new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        rows, columns = np.nonzero(new)
        np.add.at(found, (rows, ordered[rows, columns] // (int(page.max()) + 1)), 1)
        return found


__all__ = ["ChannelTimes", "Fetched"]
