"""What is remembered of one loop level: the states seen, the steps between them, and when to look."""

from __future__ import annotations

from accelsim.sim.state import Key, Snapshot, Step
from accelsim.sim.trail import Trail
from accelsim.sim.verify import SPAN

BURST = SPAN  # boundaries looked at in a row: the longest period found after many misses
SKIP = 65_536  # most boundaries passed by unseen at a level that keeps missing
SEEN = 100_000  # looks of states that are remembered
Look = tuple[object, ...]  # what a state looks like at a glance


class Level:
    """What is remembered of one loop level; ``trail``: where rows under a mask may be alike."""

    def __init__(self, trail: Trail | None = None) -> None:
        self.memo: dict[Key, list[Step]] = {}
        self.trail = trail
        self.forget()
        self.misses = 0
        self.skip = 0
        self.prefix = 0
        self.seen: set[Look] = set()

    def miss(self, *, innermost: bool) -> None:
        """After every burst of misses but the first pass by more boundaries unseen than before."""
        self.misses += 1
        if innermost and self.misses > BURST and self.misses % BURST == 0:
            self.skip = min(self.misses, SKIP)

    def is_worth(self, look: Look) -> bool:
        """Whether a state may be one that is known: after a burst of misses only if it looks like one."""
        if look in self.seen:
            return True
        if len(self.seen) >= SEEN:
            self.seen.clear()
        self.seen.add(look)
        return self.misses < BURST

    def forget(self) -> None:
        self.history: list[Snapshot] = []
        self.steps: list[Step] = []
        self.index: dict[Key, int] = {}
        self.peak: list[int] | None = None
        self.walked = 0
        self.recalled = False  # the open step was taken from the memo


__all__ = ["Level", "Look"]
