"""A phase as a flat list of 64-bit words, in the order in which ``phase.h`` reads it."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from accelsim.replay.exact import larger
from accelsim.sim.program import Guard, Phase, Task

FORMAT = 3  # of the words and of the counters that come back: raise it in kernel.cc too
ROOM = 1 << 60  # of phase.h: below it no sum of two leaves 64 bits


def encode(phase: Phase, causes: Sequence[str], buffers: Sequence[str]) -> array[int] | None:
    """The words of a phase; None if a number in it, or an instance, is too large for them."""
    words = words_of(phase, causes, buffers)
    largest = max(max(words), -min(words))
    # No instance and no sum of digits by strides is above this: often the exact bound need not be asked for.
    inner = max((task.inner for task in phase.tasks), default=1)
    reach = max(
        largest * sum(loop.count for loop in phase.loops), (phase.slots + 1) * max(1, inner)
    )
    return packed(words, most_of(phase) if reach >= ROOM else reach)


def packed(words: Sequence[int], most: int) -> array[int] | None:
    """Words as they are handed on; None if they, or the ``most`` that comes of them, are too large."""
    if most >= ROOM or max(words) >= ROOM or min(words) <= -ROOM:
        return None
    return array("q", words)


def words_of(phase: Phase, causes: Sequence[str], buffers: Sequence[str]) -> list[int]:
    """The words of a phase, however large."""
    words: list[int] = []
    _list(words, (loop.count for loop in phase.loops))
    words += [len(phase.resources), len(causes), len(buffers)]
    _list(words, (buffers.index(pool.buffer) for pool in phase.pools))
    words.append(len(phase.queues))
    for queue in phase.queues:
        words += [queue.resource, len(queue.body)]
        for item in queue.body:
            words += item
    words.append(len(phase.tasks))
    for task in phase.tasks:
        _task(words, task, causes)
    return words


def most_of(phase: Phase) -> int:
    """A bound on every instance and need of a phase; times and amounts are watched as they grow."""
    most = 0
    digits = [loop.count for loop in phase.loops]
    for task in phase.tasks:
        most = larger(most, (phase.slots + 1) * larger(1, task.inner))
        planes = [p for g in (task.guard, *(w.guard for w in task.waits)) for p in g.half_planes]
        for strides in (*(w.strides for w in task.waits), *(p.coefficients for p in planes)):
            most = larger(most, sum(abs(s) * n for s, n in zip(strides, digits, strict=True)))
    return most


def _list(words: list[int], values: Iterable[int]) -> None:
    values = tuple(values)
    words.append(len(values))
    words += values


def _guard(words: list[int], guard: Guard) -> None:
    _list(words, guard.first)
    _list(words, guard.last)
    words.append(len(guard.half_planes))
    for plane in guard.half_planes:
        _list(words, plane.coefficients)
        words.append(plane.constant)
        _list(words, plane.inner)


def _task(words: list[int], task: Task, causes: Sequence[str]) -> None:
    words.append(task.queue)
    _list(words, task.durations)
    words += [task.shift, task.inner]
    _guard(words, task.guard)
    _list(words, task.ragged)
    _list(words, task.inner_class)
    words.append(task.inner_classes)
    _list(words, task.kinds)
    words.append(len(task.waits))
    for wait in task.waits:
        words.append(wait.producer)
        _list(words, wait.strides)
        words.append(wait.offset)
        _list(words, wait.inner)
        words += [wait.anchor == "start", wait.lag, wait.longest_lag, causes.index(wait.cause)]
        _guard(words, wait.guard)
        _list(words, wait.needs)
        _list(words, wait.lags)
    for amounts in (task.takes, task.gives):
        words.append(len(amounts))
        for pool, by_class in amounts:
            words.append(pool)
            _list(words, by_class)


__all__ = ["FORMAT", "encode", "most_of", "packed", "words_of"]
