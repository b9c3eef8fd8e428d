"""The jump kernel: the reference's answer without walking what repeats.

It steps as the reference does, and at loop boundaries of one reference queue it remembers the state
relative to now. If a state comes back, the steps since then are one period: they are repeated as
often as nothing that they looked at changes (in closed form). If a state is known from elsewhere in
the nest, the step that followed it there is taken again after an exact check. Every counter is
carried along; nothing is estimated, and where nothing repeats, or where durations are looked up by
iteration, it is a full run.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain, repeat

from accelsim.sim import effort, native
from accelsim.sim.effort import IrregularError, Statistics
from accelsim.sim.level import Level
from accelsim.sim.program import Guard, Outcome, Phase, PhaseOutcome, Program
from accelsim.sim.state import Snapshot, apply, make_step, snapshot
from accelsim.sim.stepper import DONE, Stepper
from accelsim.sim.stretch import Lines
from accelsim.sim.trail import Trail, apply_stretch
from accelsim.sim.verify import SPAN, Verifier
from accelsim.sim.within import Within

HISTORY = 1000  # snapshots of a level kept to find a period
MEMO = 50_000  # steps kept for all levels
PATIENCE = 256  # ticks walked with the reference queue in one slot before another may be taken
WORTH = (
    64  # ticks that it took to walk a step for it to be remembered: to take it again costs as much
)
LONG = 48  # items in a slot from which on it is worth looking for a period inside
CANDIDATES = 8  # steps tried for a state


def run(
    program: Phase | Program,
    statistics: Statistics | None = None,
    limit: int | None = None,
    words: Sequence[array[int] | None] = (),
) -> Outcome:
    """Run all phases: the same counters as ``reference.run``, or the same DeadlockError.

    IrregularError if it takes more than ``limit`` of effort (see Statistics). Compiled where that was
    built (``sim/native``), with the same outcome and the same statistics; ``words`` are what it reads of each
    phase, where they are known.
    """
    spent = statistics or Statistics()
    return Outcome(
        phases=tuple(
            native.run(phase, spent, limit, own) or _Jump(phase, spent, limit).run()
            for phase, own in zip(_phases(program), chain(words, repeat(None)), strict=False)
        )
    )


def run_python(
    program: Phase | Program, statistics: Statistics | None = None, limit: int | None = None
) -> Outcome:
    """The same without the compiled kernel."""
    spent = statistics or Statistics()
    return Outcome(phases=tuple(_Jump(phase, spent, limit).run() for phase in _phases(program)))


def _phases(program: Phase | Program) -> tuple[Phase, ...]:
    return (program,) if isinstance(program, Phase) else program.phases


def _work(phase: Phase, queue: int) -> tuple[bool, int]:
    """How good a queue is as the clock of the boundaries: in all slots, then with many items."""

    def often(guard: Guard) -> int:
        runs = phase.iterations
        for level in {*guard.first, *guard.last}:
            runs //= phase.loops[level].count
        return runs

    body = phase.queues[queue].body
    most = max((often(phase.tasks[t].guard) for t, _ in body[:64]), default=0)
    return most == phase.iterations and bool(body), most


class _Jump:
    def __init__(self, phase: Phase, statistics: Statistics, limit: int | None = None) -> None:
        self.limit = limit
        self.stepper = Stepper(phase)
        self.statistics = statistics
        queues = range(len(phase.queues))
        self.ref = max(queues, key=lambda q: _work(phase, q)) if self.stepper.slots else 0
        self.levels: list[Level] = []
        if self.stepper.slots:
            self.verifier = Verifier(self.stepper, self.ref)
            self.levels = self.new_levels()
        self.clocks = {self.ref: self.levels}
        self.main = self.ref  # the clock of the outer loops, whatever is that of the innermost
        self.peak = [0] * len(self.stepper.groups)
        self.stored = 0
        self.within: Within | None = None
        if max((len(queue.body) for queue in phase.queues), default=0) >= LONG:
            self.within = Within(self.stepper)

    def new_levels(self) -> list[Level]:
        lines = [Lines(self.verifier, n) for n in range(len(self.verifier.rows))]
        return [Level(Trail(line) if line.is_masked else None) for line in lines]

    def run(self) -> PhaseOutcome:
        stepper, statistics = self.stepper, self.statistics
        stepper.begin()
        if stepper.phase.looks_up:  # whether a state comes back says nothing of what follows
            statistics.walked += 1
            while stepper.tick():
                statistics.walked += 1
        elif stepper.slots:
            main_slot = -1
            slot, quiet, marks = -1, 0, stepper.slot[:]
            while True:
                if self.ref != self.main and stepper.slot[self.main] != main_slot:
                    if self.outer_boundary():
                        slot = -1
                    main_slot = stepper.slot[self.main]
                if stepper.slot[self.ref] != slot and stepper.status[self.ref] != DONE:
                    self.boundary(len(self.levels))
                    slot, quiet, marks = stepper.slot[self.ref], 0, stepper.slot[:]
                    main_slot = stepper.slot[self.main] if self.ref == self.main else main_slot
                elif quiet >= PATIENCE:
                    quiet = 0
                    if self.change_clock(marks):
                        slot = -1
                if self.within is not None and self.within.due():
                    self.look_within(self.within)
                quiet += 1
                statistics.walked += 1
                if self.limit is not None and statistics.effort > self.limit:
                    raise IrregularError(f"the run takes more than {self.limit} steps")
                if not stepper.tick():
                    break
        self.note_peak()
        return stepper.outcome(self.peak)

    def look_within(self, within: Within) -> None:
        """Repeat what happens inside the slots in which the queues are, if it is a period."""
        snap = snapshot(self.stepper)
        step = within.step(snap)
        times = 0 if step is None else within.repeats(step)
        self.note_peak()
        if step is None or times == 0:
            within.anchor(snap)
            return
        self.fold(apply(self.stepper, step, snap, 0, self.ref, times))
        level = self.stepper.level
        self.stepper.peak = [sum([level[p] for p in group]) for group in self.stepper.groups]
        self.statistics.repeats += 1
        within.drop()

    def change_clock(self, marks: list[int]) -> bool:
        """The reference queue stands still: take the one that has gone furthest since ``marks``."""
        gone = [
            -1 if status == DONE else slot - mark
            for slot, mark, status in zip(
                self.stepper.slot, marks, self.stepper.status, strict=True
            )
        ]
        best = max(range(len(gone)), key=gone.__getitem__)
        if best == self.ref or gone[best] < PATIENCE // 16:
            return False
        self.take(best)
        for level in self.levels[-1:] if best == self.main else self.levels:
            level.forget()
            if level.trail is not None:
                level.trail.forget()
        return True

    def take(self, clock: int) -> None:
        """Make a queue the one by which boundaries are seen."""
        self.ref = self.verifier.ref = clock
        if clock not in self.clocks:
            self.clocks[clock] = self.new_levels()
        self.levels = self.clocks[clock]

    def outer_boundary(self) -> bool:
        """See to the outer loops by their own clock while another is that of the innermost."""
        clock, jumps = self.ref, self.statistics.jumps
        self.take(self.main)
        self.boundary(len(self.levels) - 1)
        self.take(clock)
        if self.statistics.jumps == jumps:
            return False
        for level in self.levels:
            level.forget()
            if level.trail is not None:
                level.trail.forget()
        return True

    @property
    def open_levels(self) -> list[Level]:
        """The levels by which boundaries are seen now, and the outer ones of the main clock."""
        if self.ref == self.main:
            return self.levels
        return [*self.levels, *self.clocks[self.main][:-1]]

    def note_peak(self) -> None:
        """Fold the peaks since the last call into all that are open, and start anew from now."""
        self.fold(self.stepper.peak)
        level = self.stepper.level
        self.stepper.peak = [sum([level[p] for p in group]) for group in self.stepper.groups]

    def fold(self, peak: list[int]) -> None:
        self.peak = [max(pair) for pair in zip(self.peak, peak, strict=True)]
        for level in self.open_levels:
            if level.peak is not None:
                level.peak = [max(pair) for pair in zip(level.peak, peak, strict=True)]
            if level.trail is not None and level.trail.peak is not None:
                level.trail.peak = [max(pair) for pair in zip(level.trail.peak, peak, strict=True)]

    def boundary(self, upto: int) -> None:
        """The reference queue is in another slot: remember, and jump while a jump is known."""
        stepper, ref = self.stepper, self.ref
        while stepper.status[ref] != DONE:
            crossed = []
            for n, level in enumerate(self.levels[:upto]):
                prefix = stepper.slot[ref] // self.verifier.rows[n]
                if prefix != level.prefix or not level.history:
                    level.prefix = prefix
                    if level.skip:
                        level.skip -= 1
                    elif n < len(self.levels) - 1 or level.is_worth(stepper.glance()):
                        crossed.append(n)
            if not crossed:
                return
            snap = snapshot(stepper)
            self.note_peak()
            if self.within is not None:
                self.within.drop()
            for n in crossed:
                self.close(n, snap)
            if not any(self.jump(n, snap) for n in crossed):
                return

    def close(self, n: int, snap: Snapshot) -> None:
        """End the open step of a level here and open the next."""
        level = self.levels[n]
        snap.lookup[n] = (
            snap.slot[self.ref] % self.verifier.rows[n],
            self.verifier.start_signature(n, snap),
            *snap.key,
        )
        if level.history:
            a = level.history[-1]
            assert level.peak is not None
            step = make_step(a, snap, level.peak)
            step.cost = self.statistics.effort - level.walked
            level.steps.append(step)
            known = level.memo.setdefault(a.lookup[n], [])
            ended = [x != y and y == DONE for x, y in zip(a.status, snap.status, strict=True)]
            if (
                not level.recalled
                and step.cost >= effort.WORTH
                and not any(ended)
                and len(known) < CANDIDATES
                and self.stored < MEMO
                and snap.slot[self.ref] > a.slot[self.ref]
                and self.verifier.span(n, a, snap) <= SPAN
                and not any(self.verifier.fits(n, old, a) for old in known)
            ):
                known.append(step)
                self.stored += 1
        level.recalled = False
        level.walked = self.statistics.effort
        if len(level.history) >= HISTORY:
            level.forget()
        level.history.append(snap)
        level.peak = self.stepper.peak[:]
        if level.trail is not None:
            level.trail.add(snap, self.stepper.peak)

    def jump(self, n: int, snap: Snapshot) -> bool:
        """Jump from here at a level, if it can be done."""
        level, stepper = self.levels[n], self.stepper
        here = len(level.history) - 1
        before = level.index.get(snap.lookup[n])
        level.index[snap.lookup[n]] = here
        if before is not None:
            a = level.history[before]
            peak = [
                max(parts) for parts in zip(*(s.peak for s in level.steps[before:]), strict=True)
            ]
            step = make_step(a, snap, peak)
            times = self.verifier.repeats(n, step)
            if times > 0:
                stride = snap.slot[self.ref] - a.slot[self.ref]
                peaks = apply(stepper, step, snap, stride, self.ref, times)
                level.misses = 0
                self.after(n, peaks, whole=True)
                self.statistics.repeats += 1
                if level.trail is not None:
                    level.trail.came = (step, times)
                return True
        if level.trail is not None and self.stretch(n, level.trail, snap):
            return True
        for step in level.memo.get(snap.lookup[n], ()):
            if self.verifier.fits(n, step, snap):
                shift = snap.slot[self.ref] - step.a.slot[self.ref]
                peaks = apply(stepper, step, snap, shift, self.ref, 1)
                level.misses = 0
                self.after(n, peaks, whole=False)
                self.statistics.recalls += 1
                return True
        level.miss(innermost=n == len(self.levels) - 1)
        return False

    def stretch(self, n: int, trail: Trail, snap: Snapshot) -> bool:
        """Repeat whole rows from here, if the last ones are alike but for their length."""
        looks = trail.looks
        found = trail.find()
        self.statistics.looks += trail.looks - looks
        if found is None:
            return False
        peaks = apply_stretch(self.stepper, found, found.legs[0].a, snap)
        self.statistics.stretches += 1
        self.levels[n].misses = 0
        self.after(n, peaks, whole=True)
        trail.forget()
        return True

    def after(self, n: int, peaks: list[int], *, whole: bool) -> None:
        """A jump at a level: what inner levels (and after repeats this one) had open is void."""
        self.fold(peaks)
        level = self.stepper.level
        self.stepper.peak = [sum([level[p] for p in group]) for group in self.stepper.groups]
        self.levels[n].recalled = not whole
        for inner in self.levels[n if whole else n + 1 :]:
            inner.forget()
            inner.skip = 0
        for inner in self.levels[n + 1 :]:
            if inner.trail is not None:
                inner.trail.forget()
        if self.ref != self.main:
            for inner in self.clocks[self.main][n:-1]:
                inner.forget()
                if inner.trail is not None:
                    inner.trail.forget()


__all__ = ["IrregularError", "Statistics", "run", "run_python"]
