"""The search for a largest number: what it compares is recorded once, as a function of a candidate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any

from accelsim.replay.exact import plain, tape_of
from accelsim.replay.number import parts_of, whole
from accelsim.replay.opaque import UntraceableError
from accelsim.replay.tape import DO, TESTS, Node, Search, Tape


def largest(
    candidates: Callable[[int], Iterable[int]],
    number: int,
    function: Callable[[int], int],
    most: int | Fraction,
) -> int | None:
    """Return the first of ``candidates(number)`` whose ``function`` is at most ``most``, or None.

    What the function decides by a candidate must come out alike for all that are tried.
    """
    tape = tape_of((number, most))
    if tape is None:
        return next((each for each in candidates(number) if function(each) <= most), None)
    bound = tape.bound(1)
    before = len(tape.tests)
    result = parts_of(tape, function(whole(tape, bound)))
    given, limit = parts_of(tape, number), parts_of(tape, most)
    assert given is not None
    assert result is not None
    assert limit is not None
    tests = tape.tests[before:]
    inner = tape.depending(bound)
    tape.tests[before:] = [t for t in tests if t[1] not in inner and t[2] not in inner]
    own = tuple(t for t in tests if t[1] in inner or t[2] in inner)
    search = Search(bound, own, result[:2], inner)
    amount = plain(most)
    for each in candidates(plain(number)):
        if _value(tape, search, each) <= amount:
            node = tape.search(candidates, given[0], search, limit[:2], each)
            found: int = whole(tape, node)
            return found
    return None


def _value(tape: Tape, search: Search, candidate: int) -> Any:
    """Return the function's value at a candidate; UntraceableError if it would decide otherwise there."""
    known: dict[Node, Any] = {search.bound: candidate}

    def value(node: Node) -> Any:
        if node not in search.inner:
            return tape.values[node]
        if node not in known:
            op, a, b = tape.nodes[node]
            known[node] = DO[op](value(a), value(b))
        return known[node]

    for op, a, b, truth in search.tests:
        if TESTS[op](value(a), value(b)) is not truth:
            raise UntraceableError("a candidate is decided upon in another way")
    return Fraction(value(search.result[0]), value(search.result[1]))
