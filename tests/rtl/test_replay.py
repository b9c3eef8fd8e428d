"""The Verilog that users take home, in simulators of others: the same outputs, bit by bit."""

import functools

import pytest

from accelsim.engines import NAMES
from accelsim.rtl.block import block
from accelsim.rtl.simulate import simulate
from tests.conftest import CAMPAIGN
from tests.rtl import replay
from tests.rtl.small import driven, share, small, text

LENGTH = {} if CAMPAIGN else {"offers": 25, "requests": 4}


@functools.cache
def run_of(name):
    """An engine, its stimulus, and its outputs by the model.

    Amaranth's simulator confirms them transfer by transfer.
    """
    each = small(name)
    stimulus = driven(each, NAMES.index(name), **LENGTH)
    assert simulate(block(each), each.ports, stimulus) == list(each.run(stimulus))
    return each, stimulus, replay.record(each, stimulus)[1]


def expected(names):
    found = []
    for n, name in enumerate(names):
        found += replay.rows(n, run_of(name)[2])
    return sorted(found)


@pytest.mark.parametrize(
    ("simulator", "names"),
    [
        (replay.icarus, share(2, seed=2)),
        pytest.param(replay.icarus, share(9, seed=2), marks=pytest.mark.ci),
        pytest.param(replay.verilator, share(3, seed=1), marks=pytest.mark.ci),
    ],
    ids=["icarus", "more in icarus", "verilator"],
)
def test_other_simulators_give_the_same_outputs(simulator, names, tmp_path):
    """All engines in the campaign; in an ordinary run some, as simulators take their time to compile."""
    runs = [run_of(name)[:2] for name in names]
    printed, wanted = sorted(simulator(tmp_path, replay.write(tmp_path, runs))), expected(names)
    different = [pair for pair in zip(printed, wanted, strict=False) if pair[0] != pair[1]]
    assert len(printed) == len(wanted)
    assert not different, different[0]
    assert replay.digest(printed) == replay.digest(wanted)


def test_a_difference_of_one_bit_changes_the_digest():
    rows = expected(NAMES[:1])
    assert replay.digest([*rows[:-1], rows[-1] + "1"]) != replay.digest(rows)


@pytest.mark.parametrize("name", NAMES)
def test_lints_clean(name, tmp_path):
    file = tmp_path / f"{name}.v"
    file.write_text(text(small(name)))
    assert replay.lint(file) == ""


def test_lint_sees_a_fault(tmp_path):
    file = tmp_path / "bad.v"
    file.write_text("module bad(input a, output b);\nwire c;\nassign b = a & c;\nendmodule\n")
    assert "UNDRIVEN" in replay.lint(file)
