"""The machine's Verilog: the same starts, stalls and bits in other simulators; no complaints; same bytes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from accelsim.api import simulate
from accelsim.cli.flags import fields
from accelsim.cli.rtl import Specs, build, rtl_command
from accelsim.errors import AccelsimError, SpecError
from accelsim.rtl.fusemax import FuseMax
from accelsim.rtl.machine_verilog import machine_verilog
from accelsim.sim import jump
from accelsim.specs import path as spec_path
from accelsim.specs import read
from tests.rtl.machine_replay import Quickly, Replay, icarus
from tests.rtl.machines import ERROR, assert_equal, built, error, sample, sizes, trace, work
from tests.rtl.replay import tool

SMALL = built(
    rows=2,
    cols=2,
    climb=2,
    ahead=2,
    behind=2,
    stages=2,
    lane_stages=3,
    digits=2,
    query_tiles=4,
    together=2,
    key_tiles=2,
    product_depth=3,
    latency=2,
)
# Assignments before a case are its default; the rest is what Amaranth's text cannot avoid.
WAIVED = ("CASEINCOMPLETE", "UNUSEDSIGNAL", "DECLFILENAME", "WIDTH")


SPECS: dict[str, Any] = {
    "arch_set": [
        *("PE2D.rows=2", "PE2D.cols=2", "PE1D.lanes=2", "DRAM.latency=2 ns"),
        *("engine.set.climb=2", "engine.set.stages=2", "engine.set.lane_stages=3"),
    ],
}
SIZES = ["P=8", "M=4"]


@pytest.mark.ci
def test_the_command_writes_it_with_a_header(tmp_path: Path, text: str) -> None:
    """From a mapping file and an architecture: the same bytes again as from the parts."""
    file = tmp_path / "small.yaml"
    file.write_text(json.dumps(SMALL.mapping.document.data))  # JSON is YAML
    out = tmp_path / "fusemax.v"
    rtl_command("fusemax", SIZES, out, Specs(mapping=str(file), **SPECS))
    header, _, body = out.read_text().partition("\n\n")
    assert body == text
    lines = header.splitlines()
    assert all(line.startswith("//") for line in lines)
    assert f"//   RM to SLN: {SMALL.engine.up}" in lines
    assert "// Architecture fusemax_rtl, mapping small.yaml; at most:" in lines
    assert sum(line.endswith(" rows_last") for line in lines) == 1


def refused(specs: Specs, sizes: list[str] | None = None) -> str:
    with pytest.raises(AccelsimError) as error:
        rtl_command("fusemax", sizes or [], None, specs)
    return str(error.value)


def test_what_it_cannot_be_is_refused_with_a_sentence() -> None:
    exponential = "fusemax: the accumulator of the exponential must have at least"
    for setting, sentence in (
        ("PE2D.rows=0", "PE2D.rows must be above 0, not 0"),
        ("engine.set.stage=2", "the parameter, not 'stage'; did you mean 'stages'?"),
        ("engine.set.operand=bf17", "fusemax: operand must be a float format"),
        ("engine.set.operand=e8m0", "the mantissa of a float must be 1 to 52 bits"),
        ("engine.set.operand=fp32", exponential),
        ("engine.set.rows=PE2D.row", "unknown name 'PE2D.row'; did you mean 'PE2D.rows'?"),
        ("engine.set.digits=3/2", "digits must be a whole number, not 3/2"),
        ("engine.name=fusemx", "engine must be a whole machine, not 'fusemx'"),
        ("DRAM.bandwidth=3 GB/s", "words must be a whole number, not 3/2"),
    ):
        assert sentence in refused(Specs(arch_set=[setting])), setting
    assert "unknown arch 'fusemax_rt'" in refused(Specs(arch="fusemax_rt"))
    assert "engine must be there" in refused(Specs(arch="fusemax"))
    with pytest.raises(SpecError, match="only a whole machine"):
        rtl_command("fifo", [], None, Specs(seq=16))


def bind(data: Any, einsum: str) -> Any:
    return next(b for b in data["blocks"][0]["bind"] if b["einsum"] == einsum)


CASES: list[tuple[Callable[[Any], Any], str]] = [
    (
        lambda d: bind(d, "LM").update(unit="PE1D", space={"lanes": "p0"}, time=["m0"]),
        "fusemax: LM must be on PE2D over rows: m0, cols: p0",
    ),
    (
        lambda d: bind(d, "SLN").update(lags={"QK": 3}, source="a guess"),
        "fusemax: the lag of SLN from QK must be 7, as the pipelines have it, not 3",
    ),
    (
        lambda d: bind(d, "PRM").update(slots=6, source="a guess"),
        "fusemax: PRM must take 31 cycles, not 6",
    ),
    (
        lambda d: bind(d, "AV").update(latency=1, source="a guess"),
        "fusemax: the latency of AV must be 11, not 1",
    ),
    (
        lambda d: d["blocks"][0].update(loops=["p2", "m1", "h", "p1"]),
        "the last loops must be p2, then m1 and p1 in either order (then pg), not p2, m1, h, p1",
    ),
    (
        lambda d: d["hold"]["GLB"].update(K="p2"),
        "fusemax: K must be held by m1; it is held by p2",
    ),
    (
        lambda d: d["hold"]["GLB"].pop("AV"),
        "fusemax: AV must be held by p2; it is not held",
    ),
    (
        lambda d: bind(d, "LM").update(time=["p1"]),
        "fusemax: LM must take no loop at once, not p1",
    ),
    (
        lambda d: bind(d, "PRM").update(time=["p1"]),
        "fusemax: PRM must take no loop at once, not p1",
    ),
    (
        lambda d: d["depth"].update(Q=4),
        "fusemax: Q must have 2 copies, not 4",
    ),
]


@pytest.mark.parametrize(("change", "sentence"), CASES)
def test_a_mapping_that_it_cannot_sequence_is_refused_with_a_sentence(
    tmp_path: Path, change: Callable[[Any], Any], sentence: str
) -> None:
    data = deepcopy(read(spec_path("mapping", "fusemax_rtl_1stage/attention_1pass")).data)
    change(data)
    file = tmp_path / "mine.yaml"
    file.write_text(json.dumps(data))
    assert sentence in refused(Specs(mapping=str(file)))


def test_a_binding_that_would_hang_is_refused_by_name(tmp_path: Path) -> None:
    """Query tiles innermost need as many of them as RD and RNV run behind."""
    data = deepcopy(read(spec_path("mapping", "fusemax_rtl_1stage/attention_1pass")).data)
    for einsum in ("RD", "RNV", "AV"):
        bind(data, einsum)["stage"] = 2
    file = tmp_path / "behind.yaml"
    file.write_text(json.dumps(data))
    found = refused(Specs(mapping=str(file)), ["P=4"])
    assert re.search(r"SPD\[.*\] on PE1D waits for RD\[", found)


@pytest.fixture(scope="module")
def text() -> str:
    return machine_verilog(FuseMax(SMALL, apart=True))


@pytest.mark.ci
def test_verilog_is_readable(text: str) -> None:
    modules = re.findall(r"^module (\w+)\(", text, re.MULTILINE)
    assert len(modules) == len(set(modules))
    assert {"fusemax", "fusemax_pe2d", "fusemax_column", "fusemax_pe1d"} <= set(modules)
    for part in ("pe2d pe_", "column column_", "pe1d lane_"):
        assert len(re.findall(rf"^  fusemax_{part}", text, re.MULTILINE)) == 2
    assert "\\" not in text


@pytest.mark.ci
def test_the_simulator_and_the_verilog_of_the_same_files_agree(tmp_path: Path) -> None:
    """What ``accelsim run`` says of the shipped files is what their Verilog takes in Icarus."""
    machine = build("fusemax", SIZES, Specs(**SPECS))
    job = work(Random(3), machine.engine, machine.largest, lambda _: True)
    record = Replay(machine, tmp_path, icarus).run(job)
    assert_equal(machine, job, record)
    report = simulate(
        "fusemax_rtl",
        workload="rtl-small",
        ranks={"P": 8, "M": 4},
        arch_set=fields(SPECS["arch_set"]),
    )
    assert report.cycles == record.cycles


@pytest.mark.ci
def test_icarus_runs_it_as_the_kernel_says(tmp_path: Path) -> None:
    machine = Replay(SMALL, tmp_path, icarus)
    r = Random(2)
    job = work(r, SMALL.engine, SMALL.largest, trace(r))
    assert_equal(SMALL, job, machine.run(job))


@pytest.mark.ci
def test_lints_clean(text: str, tmp_path: Path) -> None:
    file = tmp_path / "fusemax.v"
    file.write_text(text)
    waived = [f"-Wno-{each}" for each in WAIVED]
    command = [tool("verilator"), "--lint-only", "-Wall", *waived, "--top-module", "fusemax", file]
    done = subprocess.run([str(w) for w in command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


# 8 x 8, E = F = 16, 24 key tiles: the MACs of one stage, and those that meet 1 GHz, with the exponentials
# of five query tiles interleaved. In how many of how many cycles the 2D array does an operation.
LONG: dict[str, Any] = {
    "rows": 8,
    "cols": 8,
    "head": 16,
    "value": 16,
    "climb": 8,
    "words": 16,
    "key_tiles": 24,
    "late": True,
    "ahead": 1,
    "behind": 1,
    "product_depth": 4,
    "value_depth": 4,
}
DEEP = {"stages": 3, "lane_stages": 5, "digits": 2}
WORKING = [
    ({"query_tiles": 8}, 7872, 8256),
    (DEEP | {"query_tiles": 10, "together": 5}, 9840, 10442),
]


@pytest.mark.parametrize(
    ("settings", "working", "cycles"), [*WORKING, (DEEP | {"query_tiles": 8}, 7872, 12872)]
)
def test_how_many_cycles_the_kernel_says(
    settings: dict[str, Any], working: int, cycles: int
) -> None:
    """QK, LM, the steps of SLN, SLD and SLNV of each tile; the figures of docs/rtl_machine.md."""
    build = built(**LONG | settings)
    assert jump.run(build.lowered.program).ticks == cycles
    assert working == settings["query_tiles"] * LONG["key_tiles"] * (16 + 1 + 7 + 1 + 16)


@pytest.mark.parametrize(
    ("design", "queries", "bandwidth", "cycles"),
    [("fusemax_rtl_1stage", 64, "12.8 GB/s", 8256), ("fusemax_rtl", 80, "32 GB/s", 10442)],
)
def test_the_shipped_files_are_those_machines(
    design: str, queries: int, bandwidth: str, cycles: int
) -> None:
    grid = ("PE2D.rows=8", "PE2D.cols=8", "PE1D.lanes=8", "engine.set.climb=8")
    found = simulate(
        design,
        workload="rtl-small",
        ranks={"P": queries, "M": 192, "E": 16, "F": 16},
        arch_set=fields([*grid, f"DRAM.bandwidth={bandwidth}"]),
    )
    assert found.cycles == cycles


@pytest.mark.campaign
@pytest.mark.parametrize(("settings", "working", "cycles"), WORKING)
def test_the_2d_array_works_in_95_cycles_of_100(
    settings: dict[str, Any], working: int, cycles: int, tmp_path: Path
) -> None:
    """An operation, not merely a slot, in the emitted Verilog."""
    build = built(**LONG | settings)
    engine = build.engine
    job = work(Random(1), engine, build.largest, lambda _: True)
    (shared := tmp_path / "verilated").mkdir()
    record = Replay(build, tmp_path, Quickly(shared)).run(job)
    assert_equal(build, job, record)
    assert (record.working, record.cycles) == (working, cycles)
    assert error(engine, job, record) < ERROR


RUNS = 8  # of a machine: heads, strips, tiles, ragged edges and stalls differ


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(5000, 5060))
def test_sampled_machines_in_verilator(
    seed: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shared = tmp_path_factory.getbasetemp() / "verilated"
    shared.mkdir(exist_ok=True)
    r = Random(seed)
    build = sample(r, most=8 if seed % 10 == 0 else 4, sides=(1, 4, 8, 16))
    machine = Replay(build, tmp_path, Quickly(shared))
    for _ in range(RUNS):
        job = work(r, build.engine, sizes(r, build), trace(r))
        assert_equal(build, job, machine.run(job))
