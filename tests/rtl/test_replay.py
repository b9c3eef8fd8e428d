"""The Verilog that users take home, in simulators of others: the same outputs, bit by bit."""

import functools
import random

import pytest

from accelsim.engines import NAMES, Offer, Stimulus, engine, model_class
from accelsim.engines.select import Select
from accelsim.rtl.block import block
from accelsim.rtl.simulate import simulate
from accelsim.rtl.verilog import verilog
from tests.conftest import CAMPAIGN
from tests.rtl import replay
from tests.rtl.selects import draw_stimulus


def stimulus(found, seed, offers=60):
    """Random bits with gaps and stalls, from a seed."""
    draw = random.Random(seed)
    sent = {
        port.name: [
            Offer(
                found.payload(port.name, draw.getrandbits(port.width)),
                draw.choice([0, 0, 0, 1, 3]),
            )
            for _ in range(offers)
        ]
        for port in found.inputs
    }
    ready = {port.name: [draw.random() < 0.7 for _ in range(3 * offers)] for port in found.outputs}
    return Stimulus(offers=sent, ready=ready, cycles=4 * offers)


# Top-k engines of a size that is quick to write and to build; random bits would ask for too much.
SELECT = {"lanes": "4", "elements": "40"}


SMALL = {"pruned_attention": {"keys": "4", "lanes": "2", "features": "2"}}


def small(name):
    return engine(name, SELECT if issubclass(model_class(name), Select) else SMALL.get(name, {}))


def large(found):
    return isinstance(found, Select) or found.name in SMALL


def driven(found, seed, offers=60):
    if isinstance(found, Select):
        return draw_stimulus(found, seed, 12)[1]
    return stimulus(found, seed, offers)


RUNS = [(small(name), driven(small(name), seed)) for seed, name in enumerate(NAMES)]


# Verilator takes most of its time to compile: the large ones go through it in the campaign.
QUICK = [pair for pair in RUNS if CAMPAIGN or not large(pair[0])]


@functools.cache
def recorded(n):
    """The outputs of a run by the model, which Amaranth's simulator confirms transfer by transfer."""
    each, stimulus = RUNS[n]
    assert simulate(block(each), each.ports, stimulus) == list(each.run(stimulus))
    return replay.record(each, stimulus)[1]


def expected(runs):
    found = []
    for n, pair in enumerate(runs):
        found += replay.rows(n, recorded(RUNS.index(pair)))
    return sorted(found)


@pytest.mark.parametrize(
    ("simulator", "runs"),
    [(replay.icarus, RUNS), (replay.verilator, QUICK)],
    ids=["icarus", "verilator"],
)
def test_other_simulators_give_the_same_outputs(simulator, runs, tmp_path):
    printed, wanted = sorted(simulator(tmp_path, replay.write(tmp_path, runs))), expected(runs)
    different = [pair for pair in zip(printed, wanted, strict=False) if pair[0] != pair[1]]
    assert len(printed) == len(wanted)
    assert not different, different[0]
    assert replay.digest(printed) == replay.digest(wanted)


def test_a_difference_of_one_bit_changes_the_digest():
    rows = expected(RUNS[:2])
    assert replay.digest([*rows[:-1], rows[-1] + "1"]) != replay.digest(rows)


@pytest.mark.parametrize("name", NAMES)
def test_lints_clean(name, tmp_path):
    file = tmp_path / f"{name}.v"
    file.write_text(verilog(small(name)))
    assert replay.lint(file) == ""


def test_lint_sees_a_fault(tmp_path):
    file = tmp_path / "bad.v"
    file.write_text("module bad(input a, output b);\nwire c;\nassign b = a & c;\nendmodule\n")
    assert "UNDRIVEN" in replay.lint(file)
