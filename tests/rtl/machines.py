"""Sampled FuseMax machines and runs, what the simulator and the exact model say of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from fractions import Fraction
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.engines.attention import attention
from accelsim.engines.fusemax import FuseMax as Engine
from accelsim.errors import DeadlockError, SpecError
from accelsim.mapping import Mapping, Problem
from accelsim.rtl.bench import Record, Work
from accelsim.rtl.build import Attention, Build
from accelsim.sim import reference
from accelsim.sim.program import Phase, Program, Task, Wait
from accelsim.specs import path, read

Starts = list[tuple[int, int]]  # (cycle, task)
PIPELINES = ("stages", "lane_stages", "digits", "climb", "hop", "chain", "operand", "accumulator")
DEFAULTS: dict[str, Any] = {
    "rows": 4,
    "cols": 4,
    "head": 4,
    "value": 4,
    "stages": 1,
    "lane_stages": 1,
    "digits": 3,
    "climb": 4,
    "hop": 1,
    "chain": True,
    "operand": "bf16",
    "accumulator": "fp32",
    "words": 1,
    "latency": 1,
    "heads": 1,
    "strips": 1,
    "query_tiles": 2,
    "together": 1,
    "key_tiles": 4,
    "keys_innermost": False,
    "ahead": 0,
    "behind": 0,
    "late": False,
    "serial": False,
    "key_depth": 2,
    "value_depth": 2,
    "product_depth": 2,
}
DEPTHS = [(0, 0), (1, 1), (1, 0), (2, 2), (2, 1), (3, 3), (1, 2), (4, 4)]


def built(**settings: Any) -> Build:
    """Return a machine from the shipped specs with other numbers; what is left out is as here.

    ``heads``, ``strips``, ``query_tiles``, ``key_tiles`` are those of the largest problem; ``serial``,
    ``keys_innermost``, ``ahead``, ``behind`` and the depths are written into the mapping; ``late``: RD and
    RNV go before SPD and SPNV, which hides the exponential between them and needs a tile behind.
    """
    given: dict[str, Any] = DEFAULTS | settings
    assert set(given) == set(DEFAULTS), set(given) - set(DEFAULTS)
    at = SimpleNamespace(**given)
    word = 2
    arch = Architecture.load(
        "fusemax_rtl",
        {
            "PE2D.rows": at.rows,
            "PE2D.cols": at.cols,
            "PE1D.lanes": at.cols,
            "DRAM.bandwidth": f"{at.words * word} GB/s",
            "DRAM.latency": f"{at.latency} ns",
            **{f"engine.set.{name}": given[name] for name in PIPELINES},
        },
    )
    problem = Problem(
        cascade=Cascade.load("attention_1pass"),
        arch=arch,
        ranks={
            "P": at.strips * at.query_tiles * at.cols,
            "M": at.key_tiles * at.rows,
            "E": at.head,
            "F": at.value,
        },
        leading={"h": at.heads},
    )
    return Build(mapping=_mapping(at), problem=problem)


def _mapping(at: Any) -> Mapping:
    """Return a shipped mapping with other stages, depths and loops."""
    k, r = at.ahead, at.behind
    late_first = at.keys_innermost and k and r and not at.serial
    name = "serial" if at.serial else "keys" if late_first else ""
    shipped = (
        f"fusemax_rtl/attention_1pass.{name}" if name else "fusemax_rtl_1stage/attention_1pass"
    )
    document = read(path("mapping", shipped))
    data = deepcopy(document.data)
    inner = "m1" if at.keys_innermost else "p1"
    (block,) = data["blocks"]
    block["loops"] = ["h", "p2", *(("p1", "m1") if at.keys_innermost else ("m1", "p1"))]
    data["hold"]["SBUF"]["SLNV"] = inner
    data["sizes"]["P1"] = at.query_tiles // at.together
    data["depth"] = {"Q": 2, "K": at.key_depth, "V": at.value_depth, "SLNV": at.product_depth}
    stages = dict.fromkeys(("SLN", "SLD", "SLNV"), k) | dict.fromkeys(("RD", "RNV", "AV"), r)
    if late_first:
        stages |= dict.fromkeys(("SPD", "SPNV"), r - 1)
    for bind in block["bind"]:
        bind["stage"] = stages.get(bind["einsum"], 0)
    if at.together > 1:
        _interleave(data, at.together)
    if not (name or at.late):
        order = [bind["einsum"] for bind in block["bind"]]
        late = [order.index(einsum) for einsum in ("RD", "RNV")]
        block["bind"][late[0] : late[0]] = [block["bind"].pop(order.index("SPD")) for _ in range(2)]
    return Mapping.from_document(replace(document, data=data))


def _interleave(data: dict[str, Any], together: int) -> None:
    """Take the exponentials of so many query tiles at once; what needs them comes a group later."""
    data["partition"]["P"] = ["P2", "P1", "PG", "P0"]
    data["sizes"]["PG"] = together
    data["hold"]["SBUF"]["SLNV"] = "pg"
    (block,) = data["blocks"]
    group = block["loops"][-1]
    block["loops"].append("pg")
    for bind in block["bind"]:
        if bind["einsum"] in ("SLN", "PRM"):
            bind["time"] = ["pg"]
        if bind["einsum"] in ("SLD", "SLNV", "SPD", "SPNV", "RD", "RNV", "AV"):
            bind["stage"] = {group: 1, "pg": bind["stage"]}


def sample(
    r: Random,
    most: int = 4,
    sides: Sequence[int] = (1, 4, 4, 8),
    edges: Sequence[int] = (1, 2, 3, 4, 8),
) -> Build:
    """Return a machine of at most ``most`` rows and columns; parameters that do not go together again."""
    edges = [n for n in edges if n <= most]
    while True:
        settings: dict[str, Any] = {
            "rows": r.choice(edges),
            "cols": r.choice(edges),
            "head": r.choice(sides),
            "value": r.choice(sides),
            "stages": r.choice([1, 2, 3, 4]),
            "lane_stages": r.choice([1, 2, 3]),
            "digits": r.choice([1, 3, 11]),
            "climb": r.choice([1, 2, 4, 9]),
            "hop": r.choice([1, 1, 2, 3]),
            "latency": r.choice([1, 1, 2, 5]),
            "heads": r.choice([1, 2, 3]),
            "strips": r.choice([1, 2]),
            "together": (together := r.choice([1, 1, 2, 3, 4])),
            "query_tiles": together * r.choice([1, 2] if together > 1 else [1, 2, 4]),
            "key_tiles": r.choice([1, 2, 4, 8]),
            "keys_innermost": r.random() < 0.5,
            "chain": r.random() < 0.6,
            "product_depth": r.choice([1, 2, 3, 4]),
            "key_depth": r.choice([1, 2, 2, 3]),
            "value_depth": r.choice([1, 2, 2, 4]),
        }
        if r.random() < 0.25 and settings["together"] == 1:
            settings["serial"] = True
        else:
            settings["ahead"], settings["behind"] = r.choice(DEPTHS)
            settings["late"] = settings["behind"] > 0 and r.random() < 0.5
        widths = [w for w in (1, 2, 4) if settings["head"] % w == settings["value"] % w == 0]
        try:
            found = built(**settings, words=r.choice(widths))
            if found.lowered:
                return found
        except SpecError:
            continue


def sizes(r: Random, machine: Build) -> Attention:
    """Return a run within the built sizes, ragged more often than not."""
    most, engine = machine.largest, machine.engine
    together = engine.together
    tiles = together * r.randint(1, most.query_tiles // together)
    strips = most.queries // (most.query_tiles * engine.cols)
    queries = r.randint(1, strips) * tiles * engine.cols
    keys = r.randint(1, most.keys // engine.rows) * engine.rows
    return Attention(
        heads=r.randint(1, most.heads),
        query_tiles=tiles,
        queries=queries - r.choice([0, r.randint(0, engine.cols - 1)]),
        keys=keys - r.choice([0, r.randint(0, engine.rows - 1)]),
    )


def trace(r: Random) -> Callable[[int], bool]:
    """Return whether the ports are ready in a cycle: always, or at random, again after 997 cycles."""
    if r.random() < 0.5:
        return lambda _: True
    share = r.choice([0.3, 0.7, 0.95])
    bits = [r.random() < share for _ in range(997)]
    bits[0] = True
    return lambda cycle: bits[cycle % len(bits)]


def work(r: Random, engine: Engine, run: Attention, ready: Callable[[int], bool]) -> Work:
    """Return a run with operands such as attention has, now and then with rows of great scores."""

    def matrix(rows: int, cols: int, scale: float) -> list[list[int]]:
        return [
            [engine.operand.of(Fraction(r.gauss(0, scale))) for _ in range(cols)]
            for _ in range(rows)
        ]

    scale = r.choice([0.2, 1, 1, 4]) / math.sqrt(engine.head)
    heads = range(run.heads)
    return Work(
        sizes=run,
        q=[matrix(run.queries, engine.head, scale) for _ in heads],
        k=[matrix(run.keys, engine.head, 1) for _ in heads],
        v=[matrix(run.keys, engine.value, 1) for _ in heads],
        ready=ready,
    )


def simulated(
    program: Program, ready: Callable[[int], bool] | None = None
) -> tuple[Starts, dict[tuple[int, str], int] | None, int]:
    """Return what the reference kernel says: starts, stalls (None: it deadlocks), cycles."""
    starts: Starts = []
    traces = {"DRAM": ready} if ready else None

    def observe(task: int, iteration: int, k: int, start: int, *_: Any) -> None:
        starts.append((start, task))

    try:
        outcome = reference.run(program, observe, ready=traces).phases[0]
    except DeadlockError:
        return sorted(starts), None, 0
    stalls = {(q, c): n for q, causes in enumerate(outcome.stalls) for c, n in causes.items()}
    return sorted(starts), stalls, outcome.ticks


def assert_equal(machine: Build, job: Work, record: Record) -> None:
    """Every start cycle, every stall, the total and every bit of the result are those of the models."""
    starts, stalls, cycles = simulated(machine.run(job.sizes).program, job.ready)
    engine = machine.engine
    about = f"{engine} {machine.block.loops} {machine.largest} {job.sizes}"
    assert sorted(record.starts) == starts, about
    if stalls is None:
        assert record.hung, about
        return
    assert (record.stalls, record.cycles, record.hung) == (stalls, cycles, False), about
    wanted = [attention(engine, q, k, v) for q, k, v in zip(job.q, job.k, job.v, strict=True)]
    assert record.av == wanted, about


def exact(engine: Engine, job: Work) -> list[np.ndarray]:
    """Return float64 attention of the operands as they are after rounding."""

    def values(matrix: list[list[int]]) -> np.ndarray:
        return np.array([[float(engine.operand.value(bits)) for bits in row] for row in matrix])

    found = []
    for q, k, v in zip(job.q, job.k, job.v, strict=True):
        scores = values(q) @ values(k).T
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        found.append(powers @ values(v) / powers.sum(axis=1, keepdims=True))
    return found


# A weight is off by a place or so of bf16, 2^-8, and so are their sum and the result.
ERROR = 2**-7


def error(engine: Engine, job: Work, record: Record) -> float:
    """Return how far a result is from float64 attention at most, as a share of the greatest value."""
    worst = 0.0
    for got, wanted, v in zip(record.av, exact(engine, job), job.v, strict=True):
        values, most = (
            np.array([[float(engine.operand.value(bits)) for bits in row] for row in rows])
            for rows in (got, v)
        )
        worst = max(worst, float(np.abs(values - wanted).max() / np.abs(most).max()))
    return worst


def with_lag(program: Program, consumer: str, producer: str, change: int) -> Program:
    """Return a program with another lag between two tasks."""
    phase = program.phases[0]
    names = [task.name for task in phase.tasks]

    def changed(task: Task) -> Task:
        return replace(task, waits=tuple(wait_of(task, wait) for wait in task.waits))

    def wait_of(task: Task, wait: Wait) -> Wait:
        mine = (task.name, names[wait.producer]) == (consumer, producer) and wait.lag
        return replace(wait, lag=wait.lag + change) if mine else wait

    new: Phase = replace(phase, tasks=tuple(changed(task) for task in phase.tasks))
    return Program(phases=(new,), ticks_per_cycle=program.ticks_per_cycle)
