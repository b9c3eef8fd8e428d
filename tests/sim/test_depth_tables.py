"""Both tables of pipeline depths in design.md, section 5, from an architecture and a mapping.

E = F = 64 on 256 x 256. A rate is the difference of two runs over the tiles between them. The key
tiles of the two differ by a multiple of 3, 4 and 5, the periods met, so that it is an exact fraction.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import pytest

from accelsim.arch import Architecture
from accelsim.cascade import Cascade
from accelsim.errors import DeadlockError
from accelsim.mapping import Mapping, Problem
from accelsim.sim import jump, reference
from accelsim.sim.explain import circuit_of
from accelsim.sim.lower import Lowered, lower
from accelsim.specs import Document

SIDE = 256
QUERY_TILES = {"query": 8, "key": 4}
NONE, CLIMB = 0, 256

# (query tiles innermost) or (key tiles innermost): (k, r) -> cycles a tile.
TABLE: dict[tuple[int, str], dict[tuple[int, int], Fraction]] = {
    (NONE, "query"): {
        (0, 0): Fraction(394),
        (1, 1): Fraction(197),
        (1, 2): Fraction(197),
        (2, 1): Fraction(393, 2),
        (2, 2): Fraction(138),
        (2, 3): Fraction(138),
    },
    (NONE, "key"): {
        (0, 0): Fraction(394),
        (1, 1): Fraction(229),
        (1, 2): Fraction(197),
        (2, 1): Fraction(229),
        (2, 2): Fraction(458, 3),
        (2, 3): Fraction(138),
    },
    (CLIMB, "query"): {
        (0, 0): Fraction(650),
        (2, 2): Fraction(650, 3),
        (3, 3): Fraction(325, 2),
        (4, 4): Fraction(138),
    },
    (CLIMB, "key"): {
        (0, 0): Fraction(650),
        (2, 2): Fraction(238),
        (3, 3): Fraction(357, 2),
        (4, 4): Fraction(714, 5),
    },
}
CHAINED = {
    ("query", 2, 1): Fraction(165),
    ("key", 1, 1): Fraction(395, 2),
    ("key", 2, 2): Fraction(138),
}
CELLS = [(climb, order, *cell) for (climb, order), row in TABLE.items() for cell in row]


@lru_cache
def architecture(down: int, up: int, chain: bool) -> Architecture:
    """The FuseMax arrays with nothing but the links between them to wait for."""
    timing = {"PE2D - PE1D": {"down": down, "up": up, "chain": chain}}
    changes: dict[str, Any] = {
        "DRAM.bandwidth": "1000 TiB/s",
        "DRAM.efficiency": 1.0,
        "DRAM.latency": "0 ns",
        "GLB.size": "1 GiB",
        "GLB.ports": None,
        "links": ["DRAM - GLB", "GLB - PE2D", "GLB - PE1D", timing],
    }
    return Architecture.load("fusemax", changes)


def bind(unit: str, einsum: str, stage: int, time: str = "") -> dict[str, Any]:
    space = {"rows": "m0", "cols": "p0"} if unit == "PE2D" else {"lanes": "p0"}
    found = {"einsum": einsum, "unit": unit, "space": space, "stage": stage}
    return found | ({"time": [time]} if time else {})


def mapping(order: str, k: int, r: int) -> Mapping:
    """SLN, SLD, SLNV run k tiles behind QK; RD, RNV run r tiles behind RM."""
    two = [bind("PE2D", "QK", 0, "e"), bind("PE2D", "LM", 0)]
    two += [bind("PE2D", "SLN", k), bind("PE2D", "SLD", k), bind("PE2D", "SLNV", k, "f")]
    late = [bind("PE1D", "RD", r), bind("PE1D", "RNV", r, "f")]
    ahead = order == "key" and k >= 1 and r >= 1
    before = r - 1 if ahead else 0
    old = [bind("PE1D", "SPD", before), bind("PE1D", "SPNV", before, "f")]
    one = [bind("PE1D", "RM", 0), bind("PE1D", "PRM", 0), *(late + old if ahead else old + late)]
    one.append(bind("PE1D", "AV", r, "f"))
    tiles = ["m1", "p1"] if order == "query" else ["p1", "m1"]
    keys = "m1" if order == "query" else "p2"
    data = {
        "cascade": "attention_1pass",
        "partition": {"P": ["P2", "P1", "P0"]},
        "sizes": {"P0": SIDE, "M0": SIDE, "P1": QUERY_TILES[order]},
        "hold": {"GLB": {"Q": "p2", "RM": "p2", "RD": "p2", "RNV": "p2", "K": keys, "V": keys}},
        "depth": {"Q": 2, "K": 2, "V": 2},
        "share": [["RNV", "AV"]],
        "blocks": [{"loops": ["b", "p2", *tiles], "bind": two + one}],
    }
    return Mapping.from_document(Document(path="<depth>", data=data))


def lowered(
    order: str, k: int, r: int, key_tiles: int, arch: Architecture, queries: int = 0
) -> Lowered:
    queries = queries or QUERY_TILES[order]
    ranks = {"P": SIDE * queries, "M": SIDE * key_tiles, "E": 64, "F": 64}
    document = mapping(order, k, r).document
    plan = Mapping.from_document(document, changes={"sizes": {"P1": queries}})
    cascade = Cascade.load("attention_1pass")
    return lower(plan.plan(Problem(cascade=cascade, arch=arch, ranks=ranks, leading={"b": 1})))


def rate(order: str, k: int, r: int, arch: Architecture, kernel: Any = jump) -> Fraction:
    few, more = 60, 120
    times = []
    for key_tiles in (few, more):
        run = lowered(order, k, r, key_tiles, arch)
        ticks = kernel.run(run.program).ticks
        times.append(Fraction(ticks, run.program.ticks_per_cycle))
    return (times[1] - times[0]) / ((more - few) * QUERY_TILES[order])


@pytest.mark.parametrize(("climb", "order", "k", "r"), CELLS)
def test_cycles_a_tile(climb: int, order: str, k: int, r: int) -> None:
    found = rate(order, k, r, architecture(SIDE, climb, chain=False))
    assert found == TABLE[climb, order][k, r]


@pytest.mark.parametrize(("order", "k", "r"), CHAINED)
def test_chained(order: str, k: int, r: int) -> None:
    found = rate(order, k, r, architecture(SIDE, NONE, chain=True))
    assert found == CHAINED[order, k, r]


def test_busy_share_of_the_2d_array() -> None:
    """QK, LM, SLN, SLD, SLNV take 137 cycles of a tile: 35 %, 69 %, 60 %, 90 % and 99 %."""
    shares = [Fraction(64 + 1 + 7 + 1 + 64) / TABLE[NONE, o][cell] for o, cell in (
        ("query", (0, 0)), ("query", (1, 1)), ("key", (1, 1)), ("key", (2, 2)), ("key", (2, 3))
    )]  # fmt: skip
    assert [int(100 * share) for share in shares] == [34, 69, 59, 89, 99]
    run = lowered("query", 2, 2, 60, architecture(SIDE, NONE, chain=False))
    outcome = jump.run(run.program)
    names = [task.name for task in run.program.phases[0].tasks]
    busy = sum(
        ticks
        for name, ticks in zip(names, outcome.phases[0].busy, strict=True)
        if name in ("QK", "LM", "SLN", "SLD", "SLNV")
    )
    assert busy == 137 * 60 * 8 * run.program.ticks_per_cycle


def test_the_reference_gives_the_same_rate() -> None:
    arch = architecture(SIDE, CLIMB, chain=False)
    assert rate("key", 4, 4, arch, reference) == Fraction(714, 5)


# Edges that close the circuit of a cell: from LM down to RM and back, or through RNV to the next RM.
DOWN = ("LM", "(drain, 256)", "RM")
CIRCUITS: dict[tuple[int, str], dict[tuple[int, int], tuple[str, ...]]] = {
    (NONE, "query"): {
        (0, 0): ("QK", *DOWN, "SLN", "SLD", "SLNV"),
        (1, 1): ("QK", *DOWN, "SLN", "SLD", "SLNV"),
        (1, 2): ("QK", *DOWN, "SLN", "SLD", "SLNV"),
        (2, 1): ("SLN", "SLD", "SLNV", "(drain, 256)", "RNV", "RM"),
    },
    (NONE, "key"): {
        (0, 0): ("QK", *DOWN, "SLN", "SLD", "SLNV"),
        (1, 1): ("SLN", "SLD", "SLNV", "(drain, 256)", "RNV", "SPD", "SPNV", "RM"),
        (1, 2): ("QK", *DOWN, "SLN", "SLD", "SLNV"),
        (2, 1): ("SLN", "SLD", "SLNV", "(drain, 256)", "RNV", "SPD", "SPNV", "RM"),
        (2, 2): ("SLN", "SLD", "SLNV", "(drain, 256)", "RNV", "SPD", "SPNV", "RM"),
    },
    (CLIMB, "query"): dict.fromkeys(
        ((0, 0), (2, 2), (3, 3)), ("QK", *DOWN, "(climb, 256)", "SLN", "SLD", "SLNV")
    ),
    (CLIMB, "key"): {
        (0, 0): ("QK", *DOWN, "(climb, 256)", "SLN", "SLD", "SLNV"),
        **dict.fromkeys(
            ((2, 2), (3, 3), (4, 4)),
            ("SLN", "SLD", "SLNV", "(drain, 256)", "RNV", "SPD", "SPNV", "RM", "(climb, 256)"),
        ),
    },
}


@pytest.mark.parametrize(("climb", "order", "k", "r"), CELLS)
def test_the_circuit_has_a_name(climb: int, order: str, k: int, r: int) -> None:
    """The circuit is a latency round both arrays, or the 1D array alone at 138 cycles a tile.

    Its length is that of the rate; key tiles innermost have a boundary every 60 tiles, which may add
    up to one round trip to the mean.
    """
    circuit = circuit_of(lowered(order, k, r, 60, architecture(SIDE, climb, chain=False)))
    expected = CIRCUITS[climb, order].get((k, r))
    if expected is None:
        assert TABLE[climb, order][k, r] == 138
        assert circuit.kind == "unit"
        assert circuit.steps[0] == "PE1D: RM"
        assert set(circuit.steps[1:]) == {"PRM", "SPD", "SPNV", "RD", "RNV"}
    else:
        assert circuit.kind == "latency"
        assert circuit.steps == (*expected, expected[0])
    assert circuit.cycles_per_iteration is not None
    assert 0 <= circuit.cycles_per_iteration - TABLE[climb, order][k, r] <= Fraction(3, 2)


@pytest.mark.parametrize(("order", "k", "r"), [("query", 2, 2), ("query", 4, 4)])
def test_too_few_query_tiles_deadlock(order: str, k: int, r: int) -> None:
    """An in-order unit that works r tiles behind a running state needs P1 > r."""
    arch = architecture(SIDE, NONE, chain=False)
    jump.run(lowered(order, k, r, 4, arch, queries=r + 1).program)
    for kernel in (jump, reference):
        with pytest.raises(DeadlockError, match=r"SPD\[.*waits for RD\[|SPNV\[.*waits for RNV\["):
            kernel.run(lowered(order, k, r, 4, arch, queries=r).program)
