"""A run as a file of Chrome trace events, for Perfetto (https://ui.perfetto.dev) or chrome://tracing."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

from accelsim.errors import SpecError
from accelsim.sim import jump, reference
from accelsim.sim.held import reserved
from accelsim.sim.lower import Lowered
from accelsim.sim.observe import Start
from accelsim.sim.period import Period, period_of
from accelsim.sim.program import Phase, Program
from accelsim.sim.reference import Binding
from accelsim.sim.shorten import shorten, untouched
from accelsim.sim.tracks import Reserved, Tracks
from accelsim.sim.walk import Window, starts_of

LIMIT = 50_000
REACH = 2_000_000

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A program to draw, and what else the file says of it.

    ``about`` goes into the metadata; ``reserved`` are bytes that the buffers of each phase hold throughout;
    ``words`` say more of an iteration than its number.
    """

    program: Program
    about: Mapping[str, str]
    reserved: tuple[Reserved, ...] = ()
    words: Callable[[int], Json] = field(default=lambda _: {})

    @classmethod
    def of(cls, lowered: Lowered) -> Self:
        return cls(
            program=lowered.program,
            about={"cascade": lowered.plan.cascade.name, "arch": lowered.plan.arch.name},
            reserved=tuple(reserved(phase) for phase in lowered.phases),
        )


def write_trace(
    what: Lowered | Subject,
    path: str | os.PathLike[str],
    window: tuple[int, int] | None = None,
    *,
    limit: int = LIMIT,
) -> Json:
    """Write the run as gzipped JSON trace events; return the file's metadata.

    One cycle is shown as one nanosecond. There is a track for each queue, a counter for each buffer, a
    track for the phases and one that marks a steady period and says how often it repeats. A flow leads
    from each slice to the slices that wait for its data.

    A program of more than ``limit`` starts is not shown whole: its outer loops are cut to a few
    iterations, so that the warm-up, the period and the tail have the shape of the real ones. The file
    says in ``metadata`` which loops were cut, how many of the first starts are the very same as
    those of the real program, and whether the real program has the same period. If one iteration alone
    is too long, the first ``limit`` starts are shown, without a tail. With ``window`` (in cycles)
    nothing is cut: what is shown is the real program from the first cycle to the second, which must
    lie within the first 2 million starts of a phase; at most ``limit`` slices. A program that looks its
    times up has no period and is never cut: its first ``limit`` starts are shown.
    """
    lowered = what if isinstance(what, Subject) else Subject.of(what)
    ticks = lowered.program.ticks_per_cycle
    tracks = Tracks(ticks)
    shown = (
        _overview(lowered, tracks, limit)
        if window is None
        else _window(lowered, tracks, window, limit)
    )
    metadata: Json = {
        **lowered.about,
        "ticks_per_cycle": ticks,
        "time": "one nanosecond of the trace is one cycle",
        "window_cycles": None if window is None else list(window),
        "phases": shown,
    }
    document = {
        "displayTimeUnit": "ns",
        "metadata": metadata,
        "traceEvents": tracks.sorted_events(),
    }
    _write(Path(path), json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    return metadata


def _overview(lowered: Subject, tracks: Tracks, limit: int) -> list[Json]:
    """Draw every phase one after the other, each in its share of the limit."""
    budget = max(1, limit // max(1, len(lowered.program.phases)))
    offset = 0
    found = []
    for number, phase in enumerate(lowered.program.phases):
        cut = shorten(phase, budget)
        drawn = phase if cut is None else cut
        shown = Window.of(drawn, budget + 1 if cut is not None else budget)
        collector = _Collector(tracks, number, lowered, phase=drawn, offset=offset, limit=budget)
        for start in shown.starts:
            collector.add(start)
        end = collector.finish()
        period = None if phase.looks_up else period_of(shown)
        if period is not None:
            _mark(tracks, number, phase, period, offset)
        cuts = {
            old.name: {"real": old.count, "shown": new.count}
            for old, new in zip(phase.loops, drawn.loops, strict=True)
            if old.count != new.count
        }
        about: Json = {
            "phase": phase.name,
            "starts": starts_of(phase),
            "shown": len(shown.starts),
            "cut_loops": cuts,
            "tail": shown.whole,
            "period_cycles": period and _cycles(period.ticks, tracks.ticks),
        }
        if cuts:
            about |= _compared(phase, shown, period, budget)
        found.append(about)
        offset = end
    return found


def _compared(phase: Phase, shown: Window, period: Period | None, budget: int) -> Json:
    """Compare the cut program with the beginning of the real one."""
    real = Window.of(phase, budget)
    safe = untouched(phase, shown.phase)
    times = {(s.task, s.iteration, s.k): s.start for s in real.starts}
    mine = [s for s in shown.starts if s.iteration < safe and (s.task, s.iteration, s.k) in times]
    same = sum(times[s.task, s.iteration, s.k] == s.start for s in mine)
    other = period_of(real)
    equal = (
        period is not None
        and other is not None
        and period.ticks * other.instances == other.ticks * period.instances
    )
    return {"same_starts": same, "compared_starts": len(mine), "period_equals_real": equal}


def _mark(tracks: Tracks, number: int, phase: Phase, period: Period, offset: int) -> None:
    task = phase.tasks[period.task]
    whole = starts_of(replace(phase, queues=_only(phase, period.task)))
    times = whole // period.instances
    tracks.slice(
        "period",
        f"repeats {times} times",
        offset + period.begin,
        offset + period.begin + period.ticks,
        {
            "phase": number,
            "of": f"{period.instances} x {task.name}",
            "cycles": _cycles(period.ticks, tracks.ticks),
            "note": "at the boundaries of outer loops the pattern may differ",
        },
    )


def _only(phase: Phase, task: int) -> tuple[Any, ...]:
    return tuple(
        replace(queue, body=tuple(item for item in queue.body if item[0] == task))
        for queue in phase.queues
    )


class _FarError(Exception):
    """The window has been passed."""


def _window(lowered: Subject, tracks: Tracks, window: tuple[int, int], limit: int) -> list[Json]:
    """Draw the real program between two cycles."""
    first, last = (cycle * tracks.ticks for cycle in window)
    if not 0 <= first < last:
        raise SpecError(f"window must be A:B with 0 <= A < B, not {window[0]}:{window[1]}")
    offset = 0
    found = []
    for number, phase in enumerate(lowered.program.phases):
        end = None
        if number + 1 < len(lowered.program.phases):
            end = offset + jump.run(phase).ticks
        if offset < last and (end is None or end > first):
            collector = _Collector(
                tracks,
                number,
                lowered,
                phase=phase,
                offset=offset,
                limit=limit,
                first=first,
                last=last,
            )
            _until(phase, collector)
            collector.finish()
            found.append(
                {
                    "phase": phase.name,
                    "shown": collector.shown,
                    "left_out": collector.left_out,
                    "same_starts": collector.shown,
                }
            )
            limit -= collector.shown
        if end is None or end >= last:
            break
        offset = end
    return found


def _until(phase: Phase, collector: _Collector) -> None:
    """Run a phase to the end of the window."""
    seen = 0

    def observer(
        task: int, iteration: int, k: int, start: int, end: int, queue: int, binding: Binding
    ) -> None:
        nonlocal seen
        seen += 1
        if collector.offset + start >= collector.last:
            raise _FarError
        collector.add(
            Start(
                task=task,
                iteration=iteration,
                k=k,
                start=start,
                end=end,
                queue=queue,
                binding=binding,
            )
        )

    try:
        reference.run(phase, observer, REACH)
    except _FarError:
        return
    if seen >= REACH:
        raise SpecError(
            f"window must end within the first {REACH} starts of {phase.name}, that is before cycle"
            f" {collector.latest // collector.tracks.ticks}"
        )


@dataclass(kw_only=True)
class _Limits:
    offset: int
    limit: int
    first: int = 0
    last: int = 1 << 200


class _Collector:
    """Turns starts of one phase into slices and counters, from tick ``first`` to ``last``."""

    def __init__(
        self, tracks: Tracks, number: int, what: Subject, *, phase: Phase, **limits: int
    ) -> None:
        bounds = _Limits(**limits)
        self.tracks, self.number, self.phase = tracks, number, phase
        self.offset, self.limit = bounds.offset, bounds.limit
        self.first, self.last = bounds.first, bounds.last
        self.shown = self.left_out = 0
        self.latest = bounds.offset
        held = what.reserved[number] if what.reserved else None
        self.drawing = tracks.phase(phase, held, what.words)

    def add(self, start: Start) -> None:
        """Draw one start if it is in the window."""
        begin, end = self.offset + start.start, self.offset + start.end
        self.latest = max(self.latest, end)
        self.drawing.hold(start, begin, end)
        if end <= self.first or begin >= self.last:
            return
        if self.shown >= self.limit:
            self.left_out += 1
            return
        self.shown += 1
        self.drawing.start(start, begin, end)

    def finish(self) -> int:
        """Draw the flows, the counters and the phase's own slice; return the end."""
        self.drawing.flows()
        low, high = max(self.offset, self.first), min(self.latest, self.last)
        self.drawing.counters(low, high)
        if high > low:
            self.tracks.slice("phases", self.phase.name, low, high, {"phase": self.number})
        return self.latest


def _cycles(ticks: int, ticks_per_cycle: int) -> float | int:
    value = Fraction(ticks, ticks_per_cycle)
    return value.numerator if value.denominator == 1 else float(value)


def _write(path: Path, text: str) -> None:
    """Write gzipped, whole or not at all; the same text gives the same bytes."""
    data = gzip.compress(text.encode("utf-8"), mtime=0)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


__all__ = ["Subject", "write_trace"]
