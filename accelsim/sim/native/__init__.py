"""The jump kernel in C++: the same decisions and the same counters, about a hundred times as fast.

It is built with the package where there is a C++ compiler, and left out where there is none: then
``sim/jump.py`` does all of it. Which of the two runs shows in nothing but the time; tests hold them
to one another in every counter, in the statistics and in the words of errors.
"""

from __future__ import annotations

import ctypes
import importlib.machinery
from array import array
from dataclasses import asdict, astuple
from functools import cache
from pathlib import Path

from accelsim.sim import effort
from accelsim.sim.counters import buffers_of, causes_of, named
from accelsim.sim.effort import IrregularError, Statistics
from accelsim.sim.native.encode import FORMAT, encode
from accelsim.sim.plan import check
from accelsim.sim.program import Phase, PhaseOutcome
from accelsim.sim.report import deadlock

SLICE = 1 << 18  # ticks between two looks at whether the user has interrupted
ENDED, IRREGULAR, TOO_LARGE = 1, 2, 3
_Words = ctypes.c_void_p  # where an array of them begins


@cache
def library() -> ctypes.CDLL | None:
    """The compiled kernel; None if it was not built."""
    found = next(filter(None, map(_load, importlib.machinery.EXTENSION_SUFFIXES)), None)
    if found is None:
        return None
    number, handle = ctypes.c_int64, ctypes.c_void_p
    found.accelsim_open.argtypes, found.accelsim_open.restype = (
        [_Words, _Words, number, number],
        handle,
    )
    found.accelsim_go.argtypes, found.accelsim_go.restype = [handle, number, _Words], ctypes.c_int
    found.accelsim_blocked.argtypes, found.accelsim_blocked.restype = [handle, _Words], number
    found.accelsim_is_done.argtypes, found.accelsim_is_done.restype = [handle], ctypes.c_int
    found.accelsim_counters.argtypes, found.accelsim_counters.restype = [handle, _Words], None
    found.accelsim_close.argtypes, found.accelsim_close.restype = [handle], None
    return found


def _load(suffix: str) -> ctypes.CDLL | None:
    path = Path(__file__).parent / f"kernel{suffix}"
    if not path.is_file():
        return None
    try:
        found = ctypes.CDLL(str(path))
        found.accelsim_format.restype = ctypes.c_int64
        is_ours = found.accelsim_format() == FORMAT
    except (OSError, AttributeError):  # built for another machine
        return None
    return found if is_ours else None  # else left over from another version


def run(
    phase: Phase,
    statistics: Statistics,
    limit: int | None,
    words: array[int] | None = None,
) -> PhaseOutcome | None:
    """Run a phase; None if there is no compiled kernel, or if its numbers are too large for 64 bits.

    ``statistics`` go on from what they are. DeadlockError as the reference raises it; IrregularError if
    the effort passes ``limit``. ``words`` are those of the phase, where they are known.
    """
    kernel = library()
    if kernel is None:
        return None
    causes, buffers = causes_of(phase), buffers_of(phase)
    if words is None:
        check(phase)
        words = encode(phase, causes, buffers)
    if words is None:
        return None
    spent = array("q", astuple(statistics))
    jump = kernel.accelsim_open(
        _at(words), _at(spent), -1 if limit is None else limit, effort.WORTH
    )
    if not jump:
        raise MemoryError
    try:
        state = 0
        while state == 0:
            state = kernel.accelsim_go(jump, SLICE, _at(spent))
        if state == TOO_LARGE:
            return None
        for name, value in zip(asdict(statistics), spent, strict=True):
            setattr(statistics, name, value)
        if state == IRREGULAR:
            raise IrregularError(f"the run takes more than {limit} steps")
        if state != ENDED:
            raise MemoryError
        if not kernel.accelsim_is_done(jump):
            blocked = array("q", bytes(8 * 4 * len(phase.queues)))
            count = kernel.accelsim_blocked(jump, _at(blocked))
            heads = [tuple(blocked[4 * n : 4 * n + 4]) for n in range(count)]
            raise deadlock(phase, sorted(heads))  # type: ignore[arg-type]
        groups = len(phase.pools) + len(buffers)
        classes = sum(len(task.durations) for task in phase.tasks)
        size = 1 + classes + len(phase.queues) * len(causes) + groups + 2 * len(phase.pools)
        counters = array("q", bytes(8 * size))
        kernel.accelsim_counters(jump, _at(counters))
    finally:
        kernel.accelsim_close(jump)
    return _outcome(phase, counters.tolist(), len(buffers))


def _at(words: array[int]) -> int:
    return words.buffer_info()[0]


def _outcome(phase: Phase, words: list[int], buffers: int) -> PhaseOutcome:
    """The counters that the kernel wrote, by name; integrals come in halves."""
    pools = len(phase.pools)
    whole = len(words) - 2 * pools
    halves = words[whole:]
    integral = [
        (high << 64) + (low & ((1 << 64) - 1))
        for high, low in zip(halves[::2], halves[1::2], strict=True)
    ]
    peaks = whole - pools - buffers
    return named(phase, words[0], words[1:peaks], words[peaks:whole], integral)


__all__ = ["library", "run"]
