"""The machine's Verilog: the same starts, stalls and bits in other simulators; no complaints; same bytes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from random import Random

import numpy as np
import pytest

from accelsim.engines.fusemax import FuseMax as Engine
from accelsim.rtl.fusemax import FuseMax, machine_verilog
from accelsim.rtl.problem import largest
from tests.rtl.machine_replay import Replay, icarus, verilator
from tests.rtl.machines import assert_equal, exact, sample, sizes, trace, work
from tests.rtl.replay import tool

SMALL = Engine(
    rows=2,
    cols=2,
    climb=2,
    ahead=2,
    behind=2,
    query_tiles=4,
    key_tiles=2,
    product_depth=3,
    latency=2,
)
# Assignments before a case are its default; the rest is what Amaranth's text cannot avoid.
WAIVED = ("CASEINCOMPLETE", "UNUSEDSIGNAL", "DECLFILENAME", "WIDTH")


@pytest.fixture(scope="module")
def text() -> str:
    return machine_verilog(FuseMax(SMALL, apart=True))


def test_verilog_is_readable_and_the_same_every_time(text: str) -> None:
    assert text == machine_verilog(FuseMax(SMALL, apart=True))
    modules = re.findall(r"^module (\w+)\(", text, re.MULTILINE)
    assert len(modules) == len(set(modules))
    assert {"fusemax", "fusemax_element", "fusemax_lane"} <= set(modules)
    assert len(re.findall(r"^  fusemax_element pe_", text, re.MULTILINE)) == 4
    assert "\\" not in text


def test_icarus_runs_it_as_the_kernel_says(tmp_path: Path) -> None:
    machine = Replay(SMALL, tmp_path, icarus)
    r = Random(2)
    job = work(r, SMALL, largest(SMALL), trace(r))
    assert_equal(SMALL, job, machine.run(job))


def test_lints_clean(text: str, tmp_path: Path) -> None:
    file = tmp_path / "fusemax.v"
    file.write_text(text)
    waived = [f"-Wno-{each}" for each in WAIVED]
    command = [tool("verilator"), "--lint-only", "-Wall", *waived, "--top-module", "fusemax", file]
    done = subprocess.run([str(w) for w in command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.campaign
def test_the_2d_array_works_in_95_cycles_of_100(tmp_path: Path) -> None:
    """8 x 8, E = F = 16, 24 key tiles, one-stage MACs: an operation, not merely a slot."""
    engine = Engine(
        rows=8,
        cols=8,
        head=16,
        value=16,
        climb=8,
        words=16,
        divide=4,
        key_tiles=24,
        query_tiles=8,
        ahead=1,
        behind=1,
        product_depth=4,
        value_depth=4,
    )
    job = work(Random(1), engine, largest(engine), lambda _: True)
    record = Replay(engine, tmp_path, verilator).run(job)
    assert_equal(engine, job, record)
    assert record.working / record.cycles > 0.95
    for got, wanted in zip(record.av, exact(engine, job), strict=True):
        values = np.array([[float(engine.operand.value(bits)) for bits in row] for row in got])
        assert np.abs(values - wanted).max() < 0.03


@pytest.mark.campaign
@pytest.mark.parametrize("first", range(5000, 6000, 50))
def test_sampled_machines_in_icarus(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + 50):
        r = Random(seed)
        engine = sample(r, most=8 if seed % 10 == 0 else 4)
        machine = Replay(engine, tmp_path, icarus)
        for _ in range(3):  # one machine, several runs
            job = work(r, engine, sizes(r, engine), trace(r))
            assert_equal(engine, job, machine.run(job))
