"""Rows that are alike but for their length: found in the states a run has gone through, and repeated.

A *trail* keeps the states at the boundaries of one level, and where a step was repeated between them. A
*cycle* is what lies between two states that are alike: *legs*, each a run and then a step repeated some
times. Under a mask the next row has the same legs, moved, with some repeats more or fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accelsim.sim.state import Key, Snapshot, Step, move
from accelsim.sim.stepper import Stepper
from accelsim.sim.stretch import Corner, Lines, Run

LENGTH = 512  # states of a trail
TRIES = 3  # earlier states that one is compared with
LEGS = 64  # repeats in a cycle
REST = 8  # attempts in vain after which more and more states are passed by
REST_MOST = 1024
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """A state on the trail; ``step`` was repeated ``times`` times on the way to it from the one before."""

    at: Snapshot
    step: Step | None
    times: int
    peak: list[int]  # since the one before


@dataclass(frozen=True, kw_only=True, slots=True)
class _Leg:
    """A run from ``a`` to ``b``, then ``step`` (which ends at ``b``) repeated, to ``c``."""

    a: Snapshot
    b: Snapshot
    step: Step | None
    times: int
    c: Snapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """A cycle that may follow itself ``cycles`` times, each time ``more`` repeats by leg."""

    legs: list[_Leg]
    drift: Ints
    more: list[int]
    cycles: int
    peak: list[int]


@dataclass
class Trail:
    """The states of one level since the last time that they were forgotten."""

    lines: Lines
    turns: list[Turn] = field(default_factory=list)
    index: dict[Key, list[int]] = field(default_factory=dict)
    peak: list[int] | None = None
    came: tuple[Step, int] | None = None  # what is being repeated to get to the next state
    vain: int = 0
    rest: int = 0
    looks: int = 0  # runs that were checked

    def forget(self) -> None:
        self.turns, self.index = [], {}
        self.peak = self.came = None

    def add(self, snap: Snapshot, peak: list[int]) -> None:
        """Go on to a state; ``peak`` is what is held there."""
        if len(self.turns) >= LENGTH:
            came = self.came
            self.forget()
            self.came = came
        step, times = self.came or (None, 0)
        if step is not None and not self.turns:
            step, times = None, 0
        self.turns.append(Turn(at=snap, step=step, times=times, peak=self.peak or peak))
        self.peak, self.came = peak[:], None

    def find(self) -> Stretch | None:
        """Return a cycle up to now that may follow itself at once, as often as it may."""
        here = len(self.turns) - 1
        known = self.index.setdefault(self.turns[here].at.key, [])
        known.append(here)
        if self.rest:
            self.rest -= 1
            return None
        seen = False
        for there in self._earlier(known[:-1], here):
            ends = self._ends(known[: known.index(there)])
            repeats = sum(turn.step is not None for turn in self.turns[there + 1 : here + 1])
            if repeats > LEGS or (repeats and len(self._ends([there, here])) < 2):
                continue
            seen = True
            found = self._cycle(there, here, repeats, ends)
            if found is not None:
                self.vain = 0
                return found
        if seen:
            self.vain += 1
            if self.vain % REST == 0:
                self.rest = min(self.vain, REST_MOST)
        return None

    def _earlier(self, known: list[int], here: int) -> list[int]:
        """Return the last like states that may begin a cycle: in other rows, in the rhythm of the masks.

        Where repeats led here they led there too.
        """
        level, rows = self.lines.rhythm
        ref, row = self.lines.verifier.ref, self.lines.verifier.rows[level]
        mine = self.turns[here].at.slot[ref] // row
        found: list[int] = []
        for there in reversed(self._ends(known) if self._ends([here]) else known):
            apart = mine - self.turns[there].at.slot[ref] // row
            if apart and apart % rows == 0:
                found.append(there)
                if len(found) == TRIES:
                    break
        return found

    def _ends(self, numbers: Sequence[int]) -> list[int]:
        """Return those states that repeats led to."""
        return [n for n in numbers if self.turns[n].step is not None]

    def _cycle(self, there: int, here: int, repeats: int, earlier: list[int]) -> Stretch | None:
        legs = self._legs(there, here)
        drift = _moved(self.turns[here].at, self.turns[there].at)
        before = legs
        if repeats:
            for start in reversed(earlier):
                count = sum(turn.step is not None for turn in self.turns[start + 1 : there + 1])
                if count >= repeats:
                    break
            else:
                return None
            if count != repeats:
                return None
            before = self._legs(start, there)
            if (
                len(before) != len(legs)
                or (drift != _moved(self.turns[there].at, self.turns[start].at)).any()
            ):
                return None
        runs: list[tuple[Run, Run | None, _Leg, int]] = []
        more = []
        for old, new in zip(before, legs, strict=True):
            if old.a.key != new.a.key or old.b.key != new.b.key or old.c.key != new.c.key:
                return None
            begin = _moved(new.a, old.a) if repeats else drift
            end = _moved(new.b, old.b) if repeats else drift
            run = Run(a=new.a, b=new.b, begin=begin, end=end, stride=np.zeros_like(drift))
            again = None
            extra = 0
            if new.step is not None:
                stride = _moved(new.step.b, new.step.a)
                found = _times(_moved(new.c, old.c) - end, stride)
                if found is None:
                    return None
                extra = found
                again = Run(a=new.step.a, b=new.step.b, begin=end, end=end, stride=stride)
            runs.append((run, again, new, extra))
            more.append(extra)
        if not _is_level(legs, more, self.turns[there].at, self.turns[here].at):
            return None
        cycles = self._most(drift, legs, more)
        if cycles < 2:
            return None
        if not self._goes(runs, cycles):
            if not self._goes(runs, 2):
                return None
            back = 1  # what ends a row at the edge of the nest is a few rows before it
            while True:
                cycles, back = max(2, cycles - back), 2 * back
                if cycles == 2 or self._goes(runs, cycles):
                    break
        peaks = (turn.peak for turn in self.turns[there + 1 : here + 1])
        peak = [max(parts) for parts in zip(*peaks, strict=True)]
        return Stretch(legs=legs, drift=drift, more=more, cycles=cycles, peak=peak)

    def _goes(
        self,
        runs: list[tuple[Run, Run | None, _Leg, int]],
        cycles: int,
    ) -> bool:
        """Whether all legs go the same way in as many cycles more; the one that does not comes first."""
        for n, (run, again, leg, extra) in enumerate(runs):
            if not self._leg_goes(run, again, leg, extra, cycles):
                runs.insert(0, runs.pop(n))
                return False
        return True

    def _leg_goes(self, run: Run, again: Run | None, leg: _Leg, extra: int, cycles: int) -> bool:
        self.looks += 1
        if not self.lines.goes(run, [Corner(j=cycles)]):
            return False
        if again is None:
            return True
        last = leg.times + cycles * extra
        if last < 0:
            return False
        self.looks += 1
        ends = [Corner(j=cycles), Corner(j=0, i=leg.times), Corner(j=cycles, i=last)]
        return self.lines.goes(again, ends)

    def _legs(self, begin: int, end: int) -> list[_Leg]:
        legs = []
        start = self.turns[begin].at
        for turn in self.turns[begin + 1 : end + 1]:
            if turn.step is not None:
                legs.append(
                    _Leg(a=start, b=turn.step.b, step=turn.step, times=turn.times, c=turn.at)
                )
                start = turn.at
        last = self.turns[end].at
        if start is not last:
            legs.append(_Leg(a=start, b=last, step=None, times=0, c=last))
        return legs

    def _most(self, drift: Ints, legs: Sequence[_Leg], more: Sequence[int]) -> int:
        """Return how many cycles there are at most before a digit runs out, or repeats."""
        lines = self.lines
        at, ref = self.turns[-1].at, lines.verifier.ref
        top = lines.stepper.slots - 1 - at.slot[ref]
        most = int(top // drift[ref]) if drift[ref] > 0 else 0
        prefix = at.slot[ref] // lines.row
        now = lines.verifier.digits(lines.level, prefix)
        then = lines.verifier.digits(lines.level, prefix - int(drift[ref]) // lines.row)
        for level, (digit, old) in enumerate(zip(now, then, strict=True)):
            step = digit - old
            if step > 0:
                most = min(most, (lines.verifier.counts[level] - 1 - digit) // step)
            elif step < 0:
                most = min(most, digit // -step)
        for leg, extra in zip(legs, more, strict=True):
            if extra < 0:
                most = min(most, leg.times // -extra)
        return most


def _moved(new: Snapshot, old: Snapshot) -> Ints:
    """Return by how many slots each queue is further."""
    return np.array(new.slot, dtype=np.int64) - np.array(old.slot, dtype=np.int64)


def _times(gone: Ints, stride: Ints) -> int | None:
    """Return how often a stride goes into a way, the same for all queues; None if it does not."""
    moving = np.flatnonzero(stride)
    if not len(moving):
        return None
    times, rest = divmod(int(gone[moving[0]]), int(stride[moving[0]]))
    return times if not rest and (gone == times * stride).all() else None


def _is_level(legs: Sequence[_Leg], more: Sequence[int], a: Snapshot, b: Snapshot) -> bool:
    """Whether as much is held at the end of a cycle as at its beginning, however long the rows are."""
    if a.level != b.level:
        return False
    steps = (leg.step for leg, extra in zip(legs, more, strict=True) if extra)
    return all(step is not None and step.a.level == step.b.level for step in steps)


def apply_stretch(stepper: Stepper, stretch: Stretch, there: Snapshot, at: Snapshot) -> list[int]:
    """Move a stepper from ``at`` by the cycles; gives the peaks held on the way."""
    n = stretch.cycles
    sums = n * (n + 1) // 2
    steps = [
        (leg.step, extra * sums)
        for leg, extra in zip(stretch.legs, stretch.more, strict=True)
        if leg.step is not None and extra
    ]

    def total(now: int, then: int, parts: Sequence[tuple[int, int]]) -> int:
        """What a figure is after the cycles, from its values along the last one."""
        return now + n * (now - then) + sum(times * gain for times, gain in parts)

    ticks = total(at.now, there.now, [(k, s.b.now - s.a.now) for s, k in steps])
    counters = [
        total(now, then, [(k, s.b.counters[c] - s.a.counters[c]) for s, k in steps])
        for c, (now, then) in enumerate(zip(at.counters, there.counters, strict=True))
    ]
    integral = [
        total(now, then, [(k, s.b.integral[p] - s.a.integral[p]) for s, k in steps])
        for p, (now, then) in enumerate(zip(at.integral, there.integral, strict=True))
    ]
    move(stepper, at, there, [n * gone for gone in stretch.drift.tolist()], ticks)
    stepper.counters, stepper.integral = counters, integral
    return stretch.peak


__all__ = ["Stretch", "Trail", "apply_stretch"]
