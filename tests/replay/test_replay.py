"""What is recorded gives for other numbers what the code gives, or nothing."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.kept import Kept
from accelsim.replay import Recording, UnhashableError, UntraceableError, replayed
from accelsim.replay.exact import apply, fraction, grouped, integer, larger, simplest, smaller
from accelsim.replay.numbers import put_together, taken_apart
from accelsim.replay.search import largest

STEPS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "floor": lambda a, b: a // b,
    "rest": lambda a, b: a % b,
    "larger": lambda a, b: larger(a, b),
    "smaller": lambda a, b: smaller(a, b),
    "quotient": lambda a, b: fraction(a, b),
    "choose": lambda a, b: a if a < b else b - a,
    "same": lambda a, b: 7 if a == b else a,
    "up": lambda a, b: ceil(fraction(a, 3)) - floor(b),
    "negative": lambda a, b: -a if b <= 0 else abs(b),
    "least": lambda a, b: simplest(a) * 2 - b,
    "called": lambda a, b: apply(gap, a, b),
    "text": lambda a, b: len(f"{a}") + b,
    "plain": lambda a, b: sum(range(integer(a) % 5)) + b,
    "power": lambda a, b: a**2 + b,
    "product": lambda a, b: prod([a, b, 3]),
    "sorted": lambda a, b: sorted([a, b, 4])[1],
}


def gap(a, b):
    return abs(a - b)


def run(steps, numbers):
    """Work with numbers as the steps say: (what, of which two so far)."""
    found = list(numbers)
    for name, one, other in steps:
        try:
            found.append(STEPS[name](found[one % len(found)], found[other % len(found)]))
        except ZeroDivisionError:
            found.append(0)
    return tuple(found)


NUMBERS = st.lists(st.integers(0, 12), min_size=3, max_size=3)
PROGRAMS = st.lists(
    st.tuples(st.sampled_from(sorted(STEPS)), st.integers(0, 20), st.integers(0, 20)), max_size=12
)


def recorded(code, numbers):
    recording = Recording()
    return recording.function(code(recording.stand_in(list(numbers))))


@settings(max_examples=400, deadline=None)
@given(PROGRAMS, NUMBERS, st.lists(NUMBERS, max_size=4))
def test_a_recording_gives_what_the_code_gives(steps, first, others):
    again = recorded(lambda numbers: run(steps, numbers), first)
    assert repr(again(first)) == repr(run(steps, first))  # the kind of each number counts too
    for numbers in others:
        found = replayed(again, numbers)
        assert found is None or repr(found) == repr(run(steps, numbers))


def test_other_decisions_are_noticed():
    again = recorded(lambda x: x[0] * 2 if x[0] < x[1] else x[0] + 1, [3, 5, 0])
    assert again([4, 9, 0]) == 8
    assert replayed(again, [9, 4, 0]) is None


def test_what_needs_the_number_holds_for_it_alone():
    again = recorded(lambda x: (list(range(x[0])), x[1]), [3, 5, 0])
    assert again([3, 9, 0]) == ([0, 1, 2], 9)
    assert replayed(again, [4, 9, 0]) is None


@given(st.integers(1, 400), st.integers(1, 60), st.integers(1, 9), st.integers(1, 400))
def test_a_search_is_done_anew(number, most, times, other):
    def divisors(n):
        return [d for d in range(n, 0, -1) if n % d == 0]

    def code(x):
        left, limit, factor = x
        return largest(divisors, left, lambda d: larger(d * factor, factor), limit)

    want = code([other, most, times])
    if code([number, most, times]) is None:
        return
    again = recorded(code, [number, most, times])
    found = replayed(again, [other, most, times])
    assert found == want  # None where nothing fits


def test_a_search_that_decides_by_the_candidate_is_refused():
    def code(x):
        return largest(lambda n: range(n, 0, -1), x[0], lambda d: 1 if d < 3 else x[1], x[2])

    with pytest.raises(UntraceableError):
        recorded(code, [5, 9, 4])


def test_a_number_that_stands_for_others_is_no_key():
    recording = Recording()
    (number,) = recording.stand_in([3])
    with pytest.raises(UnhashableError):
        {number: 1}  # noqa: B018
    kept = Kept()
    assert kept.once(("key", 3), lambda: "plain") == "plain"
    assert kept.once(("key", number), lambda: "other") == "other"  # and is not kept
    assert kept.once(("key", 3), lambda: "again") == "plain"


def test_calls_hand_on_what_is_no_number():
    def code(x):
        root = apply(lambda n: n**0.5, x[0])
        return apply(lambda r, n: f"{r:.3f} {n}", root, x[1])

    again = recorded(code, [4, 5, 0])
    assert again([9, 6, 0]) == "3.000 6"


def test_a_float_that_decides_holds_for_it_alone():
    again = recorded(lambda x: 1 if apply(lambda n: n**0.5, x[0]) > 1.5 else 2, [4, 5, 0])
    assert again([4, 6, 0]) == 1
    assert replayed(again, [9, 6, 0]) is None


@dataclass(frozen=True, kw_only=True)
class Thing:
    name: str
    sizes: dict[str, int]
    rate: Fraction
    parts: tuple["Thing", ...] = ()


THINGS = Thing(
    name="a",
    sizes={"x": 3},
    rate=Fraction(2, 3),
    parts=(Thing(name="b", sizes={}, rate=Fraction(5)),),
)


def test_data_are_taken_apart_and_put_together():
    numbers = []
    shape = taken_apart(THINGS, numbers)
    assert numbers == [3, 2, 3, 5, 1]
    assert put_together(THINGS, lambda n: n, Fraction) == THINGS
    assert taken_apart(put_together(THINGS, lambda n: n + 1, Fraction), []) == shape
    assert taken_apart(Thing(name="c", sizes={"x": 3}, rate=Fraction(1)), []) != shape


def test_results_are_made_of_what_differs():
    def code(x):
        return Thing(name="r", sizes={"x": x[0], "y": 1}, rate=fraction(x[1], 4), parts=parts)

    parts = (Fraction(3), "same")

    again = recorded(code, [1, 2, 0])
    assert again([5, 6, 0]) == code([5, 6, 0])
    assert again([5, 6, 0]).parts is parts
    assert again([5, 6, 0]).sizes is not again([5, 6, 0]).sizes


def test_a_call_that_gives_another_kind_is_noticed():
    again = recorded(lambda x: apply(lambda a, b: a // b if b else float("inf"), *x[:2]), [7, 2, 0])
    assert again([9, 2, 0]) == 4
    assert replayed(again, [9, 0, 0]) is None


def test_extremes_of_truths_are_ints():
    again = recorded(lambda x: larger(True, x[0]), [3, 0, 0])
    assert repr(again([5, 0, 0])) == "5"


def test_groups_keep_the_order_of_their_firsts():
    assert grouped([3, 1, 5, 2], lambda n: n % 2) == [[3, 1, 5], [2]]


def test_a_number_below_0_is_refused():
    with pytest.raises(UntraceableError):
        Recording().stand_in([-1])
    again = recorded(lambda x: x[0] + 1, [1, 2, 3])
    assert replayed(again, [-1, 2, 3]) is None
