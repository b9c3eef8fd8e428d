"""The whole machine in RTL: every task starts when the simulator says, and every bit is the model's."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from accelsim.errors import SpecError
from accelsim.rtl.bench import Bench, Record, Work
from accelsim.rtl.build import Attention, Build
from accelsim.rtl.fusemax import FuseMax
from tests.rtl.campaign import SEEDS, SIDES, counts, drawn, jobs, kind
from tests.rtl.library import AssembledBench, Library
from tests.rtl.machines import (
    ERROR,
    assert_equal,
    built,
    error,
    sample,
    simulated,
    sizes,
    trace,
    with_lag,
    work,
)

SMALL: dict[str, Any] = {"rows": 2, "cols": 2, "head": 4, "value": 4, "climb": 2}
PIPELINED = SMALL | {"ahead": 2, "behind": 2, "query_tiles": 4, "product_depth": 3}


def test_starts_stalls_and_values() -> None:
    """Compare one sampled machine on one run in Amaranth's simulator, the ports stalling or not."""
    r = Random(1)
    machine = sample(r, 2)
    run = sizes(r, machine)
    job = work(r, machine.engine, run, trace(r))
    (record,) = Bench(FuseMax(machine)).run([job])
    assert_equal(machine, job, record)


CHUNK = 20


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


def check_assembled(seed: int, library: Library) -> None:
    """A machine is what is built and the registers of its run: one is built, and run as three."""
    r = Random(seed)
    machine = drawn(r)
    runs = jobs(r, machine)
    bench = AssembledBench(FuseMax(machine, apart=True), library)
    for job, record in zip(runs, bench.run(runs), strict=True):
        assert_equal(machine, job, record)
        if not record.hung:
            assert error(machine.engine, job, record) < ERROR
    bench.native.close()


def test_starts_stalls_and_values_of_a_machine_with_others_registers(library: Library) -> None:
    check_assembled(0, library)


@pytest.mark.campaign
@pytest.mark.parametrize("first", SEEDS[::CHUNK])
def test_starts_stalls_and_values_at_length(first: int, library: Library) -> None:
    """1,000 machines are built in all."""
    for seed in range(first, first + CHUNK):
        check_assembled(seed, library)


@pytest.mark.campaign
def test_what_the_machines_are() -> None:
    """Every size, count of tiles and heads, order, binding and depth occurs often, in many pairs."""
    machines = [kind(drawn(Random(seed))) for seed in SEEDS]
    found = counts(machines)
    assert len(SEEDS) == 1000
    assert set(found["R"]) == set(found["C"]) == {1, 2, 3, 4, 8}
    assert set(found["E"]) == set(found["F"]) == set(SIDES)
    assert set(found["key tiles"]) == {1, 2, 4, 8}
    assert {1, 2, 4} <= set(found["query tiles of a strip"])
    assert set(found["heads"]) == {1, 2, 3}
    assert min(n for counter in found.values() for n in counter.values()) >= 25
    assert len({(each["R"], each["C"], each["E"], each["F"]) for each in machines}) > 300


def ran(settings: dict[str, Any], run: Attention | None = None) -> tuple[Build, Work, Record]:
    machine = built(**settings)
    job = work(Random(1), machine.engine, run or machine.largest, lambda _: True)
    (record,) = Bench(FuseMax(machine), patience=300).run([job])
    return machine, job, record


@pytest.mark.parametrize(
    ("operand", "accumulator"),
    [
        ("e5m6", "e6m16"),
        pytest.param("fp16", "fp32", marks=pytest.mark.campaign),
        pytest.param("bf16ftz", "fp32ftz", marks=pytest.mark.campaign),
    ],
)
def test_other_formats(operand: str, accumulator: str) -> None:
    formats = {"operand": operand, "accumulator": accumulator}
    sizes_of = {"rows": 2, "cols": 1, "head": 4, "value": 2, "key_tiles": 2, "query_tiles": 3}
    machine, job, record = ran({**sizes_of, **formats, "ahead": 1, "behind": 1, "stages": 2})
    assert_equal(machine, job, record)


# Machines on which the lags are tight, found by the simulator alone.
TIGHT: list[dict[str, Any]] = [
    {"rows": 1, "cols": 2, "head": 4, "value": 1, "stages": 4, "lane_stages": 3, "digits": 11}
    | {"climb": 1, "key_tiles": 1, "keys_innermost": True, "ahead": 2, "behind": 1}
    | {"product_depth": 3},
    {"rows": 1, "cols": 1, "head": 1, "value": 1, "stages": 2, "lane_stages": 2, "digits": 11}
    | {"climb": 1, "latency": 3, "key_tiles": 1, "query_tiles": 1, "serial": True},
    {"rows": 1, "cols": 2, "head": 1, "value": 1, "lane_stages": 3, "digits": 11, "climb": 6}
    | {"latency": 3, "key_tiles": 2, "query_tiles": 1, "keys_innermost": True}
    | {"ahead": 1, "behind": 1, "product_depth": 3},
    {"rows": 1, "cols": 1, "head": 1, "value": 2, "lane_stages": 3, "digits": 11, "climb": 1}
    | {"key_tiles": 2, "query_tiles": 1, "serial": True},
    {"rows": 2, "cols": 1, "head": 1, "value": 8, "digits": 11, "climb": 1, "latency": 9}
    | {"key_tiles": 1, "query_tiles": 1, "ahead": 2, "behind": 2},
    {"rows": 2, "cols": 1, "head": 1, "value": 4, "stages": 4, "digits": 11, "climb": 6}
    | {"key_tiles": 1, "query_tiles": 3, "chain": False, "ahead": 2, "behind": 1},
    {"rows": 2, "cols": 1, "head": 1, "value": 8, "digits": 11, "climb": 1, "latency": 12}
    | {"key_tiles": 1, "query_tiles": 2, "keys_innermost": True, "chain": False}
    | {"ahead": 1, "behind": 1, "product_depth": 3},
    {"rows": 2, "cols": 1, "head": 4, "value": 1, "lane_stages": 5, "digits": 11, "climb": 1}
    | {"key_tiles": 3, "query_tiles": 1, "keys_innermost": True, "ahead": 2, "behind": 2}
    | {"product_depth": 3},
]
# (consumer, producer) whose lag the program order makes sure of: what comes between.
ORDERED = {
    ("LM", "QK"): "the lag is as long as QK itself",
    ("SLN", "QK"): "RM goes between, which takes longer",
    ("PRM", "RM"): "the lag is as long as RM itself",
    ("SLNV", "SLN"): "SLD waits as long, and goes first",
    ("SPNV", "PRM"): "SPD waits as long, and goes first",
    ("RM", "RM"): "PRM of the tile before waits as long, and goes first",
    ("SPNV", "RNV"): "PRM goes between, which takes longer",
}


# Numbers of few bits: the cycles are those of bf16, and the machines quicker to simulate.
NARROW = {"operand": "e4m4", "accumulator": "e5m10"}


def edges_told(settings: dict[str, Any]) -> tuple[set[Any], set[Any]]:
    """Return the lags that a machine tells from one less, and all that it has, as (consumer, producer)."""
    machine, job, record = ran(settings)
    assert_equal(machine, job, record)
    program = machine.run(job.sizes).program
    names = [task.name for task in program.phases[0].tasks]
    told, every = set(), {(consumer, producer) for producer, consumer in machine.engine.lags}
    for task in program.phases[0].tasks:
        for wait in task.waits:
            edge = (task.name, names[wait.producer])
            if wait.lag:
                every.add(edge)
                if simulated(with_lag(program, *edge, -1))[0] != sorted(record.starts):
                    told.add(edge)
    return told, every


@pytest.mark.campaign
@pytest.mark.parametrize("formats", [NARROW, {}], ids=["narrow", "bf16"])
def test_every_lag_less_one_is_wrong(formats: dict[str, Any]) -> None:
    """The machine's own starts tell the simulator's lags from any that are shorter."""
    told, every = set(), set()
    for settings in TIGHT:
        found = edges_told(settings | formats)
        told, every = told | found[0], every | found[1]
    assert every - told == set(ORDERED)


@pytest.mark.ci
@pytest.mark.parametrize("settings", TIGHT[::3], ids=["keys innermost", "serial", "not chained"])
def test_lags_less_one_are_wrong(settings: dict[str, Any]) -> None:
    """A share of the machines: each tells some lags, none of those that the order makes sure of."""
    told, every = edges_told(settings | NARROW)
    assert told
    assert told <= every - set(ORDERED)


def test_two_runs_without_reset_and_what_the_first_leaves_behind() -> None:
    """A run on NaN and infinities fills registers and memories; the next one is as after a reset."""
    deep = {"stages": 2, "together": 3}
    machine = built(**PIPELINED | deep | {"query_tiles": 3, "key_tiles": 2, "value": 2, "words": 2})
    engine = machine.engine
    x = engine.operand
    run = Attention(heads=1, queries=5, keys=3, query_tiles=3)
    r = Random(5)
    job = work(r, engine, run, lambda _: True)
    full = machine.largest
    bad = [x.nan, x.infinity, x.negate(x.infinity)]

    def poison(rows: int, cols: int) -> list[list[list[int]]]:
        return [[[r.choice(bad) for _ in range(cols)] for _ in range(rows)]]

    stale = Work(
        sizes=full,
        q=poison(full.queries, engine.head),
        k=poison(full.keys, engine.head),
        v=poison(full.keys, engine.value),
    )
    records = Bench(FuseMax(machine)).run([stale, job])
    for done, record in zip((stale, job), records, strict=True):
        assert_equal(machine, done, record)
    assert any(x.is_nan(bits) for row in records[0].av[0] for bits in row)
    assert error(engine, job, records[1]) < ERROR


def test_a_binding_that_deadlocks_hangs_where_the_kernel_says() -> None:
    settings = PIPELINED | {"query_tiles": 2, "key_tiles": 2}
    machine, job, record = ran(settings)
    starts, stalls, _ = simulated(machine.run(job.sizes).program)
    assert stalls is None
    assert record.hung
    assert sorted(record.starts) == starts


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"head": 4, "words": 3}, "engine: fusemax: words must be a power of two, not 3"),
        ({"head": 6, "words": 4}, "engine: fusemax: words must divide head, 6, not be 4"),
        ({"rows": 8, "hop": 4, "head": 1}, "hop must be less than 4 or latency more than 1"),
        ({"stages": 0}, "engine: fusemax: stages must be at least 1, not 0"),
        ({"operand": "fp32"}, "the accumulator of the exponential must have at least"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError) as error:
        _ = built(**settings).lowered
    assert message in str(error.value)
