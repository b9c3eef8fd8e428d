"""The bottleneck in words: true to the figures, whatever they are."""

import pytest

from accelsim.report import Detail
from accelsim.report.words import sentences

CHAIN = ("A", "(drain, 4)", "B", "A")


def figures(kind="unit", circuit=("PE: A", "B"), busy=97, data=2, cycles=100, length=10):
    return {
        "cycles": cycles,
        "busy_cycles": {"PE": {"A": busy - 1, "B": 1}},
        "stall_cycles": {"PE": {"data": data, "slot": 0}},
        "bottleneck": {"kind": kind, "circuit": list(circuit), "cycles_per_iteration": length},
        "roofline": {"compute_cycles": 80, "memory_cycles": 20},
    }


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (figures(), "PE works without a pause and sets the pace: A, B. One iteration"),
        (figures(busy=60), "Most of the critical path is on PE, busy 60.0% of the time: A, B."),
        (figures("latency", CHAIN), "A chain from unit to unit sets the pace: A → (drain, 4) → B → A."),
        (figures("slots", ("load", "A", "load")), "Room in a buffer sets the pace: load → A → load."),
        (figures("PE", ()), "PE is busy 97.0% of the time and sets the pace."),
        (figures("PE waits (data)", ()), "PE waits (data)."),
    ],
)  # fmt: skip
def test_what_sets_the_pace(found, said):
    first = sentences(Detail(figures=found))[0]
    assert first.startswith(said)


def test_bound_and_waits():
    detail = Detail(figures=figures(busy=60, data=40), waits={"PE": ("A", "load", "data")})
    assert sentences(detail)[1:] == [
        "The compute bound alone would take 80 cycles, 80.0% of the 100 it takes.",
        "PE works 60.0% of the time and waits 40.0% for data; most of it A for load.",
    ]


def test_nothing_at_all():
    assert sentences(Detail(figures=figures(cycles=0, busy=0, data=0)))


def test_of_stages_the_longest():
    stages = [{"name": "q", **figures(cycles=30)}, {"name": "down", **figures(cycles=70, busy=69)}]
    found = sentences(Detail(figures={**figures(), "stages": stages}))
    start = "The longest stage is down, 70.0% of the time. PE works without a pause"
    assert found[0].startswith(start)
