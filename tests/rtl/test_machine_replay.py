"""The machine's Verilog: the same starts, stalls and bits in other simulators; no complaints; same bytes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from random import Random

import numpy as np
import pytest

from accelsim.cli.rtl import rtl_command
from accelsim.engines.fusemax import FuseMax as Engine
from accelsim.errors import DeadlockError, SpecError
from accelsim.rtl.fusemax import FuseMax
from accelsim.rtl.machine_verilog import machine_verilog
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


def test_the_command_writes_it_with_a_header(tmp_path: Path, text: str) -> None:
    out = tmp_path / "fusemax.v"
    settings = {"rows": 2, "cols": 2, "climb": 2, "ahead": 2, "behind": 2, "latency": 2}
    settings |= {"query_tiles": 4, "key_tiles": 2, "product_depth": 3}
    rtl_command("fusemax", [f"{name}={value}" for name, value in settings.items()], out)
    header, _, body = out.read_text().partition("\n\n")
    assert body == text
    lines = header.splitlines()
    assert all(line.startswith("//") for line in lines)
    assert f"//   RM to SLN: {SMALL.up}" in lines
    assert sum(line.endswith(" rows_last") for line in lines) == 1


def test_what_it_cannot_be_is_refused_with_a_sentence() -> None:
    for setting, sentence in (
        ("rows=0", "fusemax: rows must be at least 1, not 0"),
        ("row=2", "fusemax: unknown parameter 'row'; did you mean 'rows'?"),
        ("operand=bf17", "fusemax: operand must be a float format"),
        ("operand=e8m0", "the mantissa of a float must be 1 to 52 bits"),
        ("operand=fp32", "fusemax: the accumulator of the exponential must have at least"),
    ):
        with pytest.raises(SpecError) as error:
            rtl_command("fusemax", [setting], None)
        assert sentence in str(error.value)


def test_a_binding_that_would_hang_is_refused_by_name() -> None:
    """Query tiles innermost need more of them than RD and RNV run behind."""
    settings = ["ahead=2", "behind=2", "query_tiles=2", "product_depth=3"]
    with pytest.raises(DeadlockError, match=r"SPD\[.*\] on PE1D waits for RD\["):
        rtl_command("fusemax", settings, None)


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
