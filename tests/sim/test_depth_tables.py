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
        (2, 2): Fraction(713, 3),
        (3, 3): Fraction(357, 2),
        (4, 4): Fraction(714, 5),
    },
}
PRINTED = {  # what design.md prints, to its digits
    (NONE, "query", 2, 1): 196.5, (NONE, "key", 2, 2): 152.7,
    (CLIMB, "query", 2, 2): 217, (CLIMB, "key", 2, 2): 238,
    (CLIMB, "query", 3, 3): 163, (CLIMB, "key", 3, 3): 179, (CLIMB, "key", 4, 4): 143,
}  # fmt: skip
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
    ranks = {"P": SIDE * queries, "M": SIDE * key_tiles, "E": 64, "F": 64, "P1": queries}
    plan = mapping(order, k, r)
    if queries != QUERY_TILES[order]:
        plan = Mapping.from_document(plan.document, changes={"sizes": {"P1": queries}})
    cascade = Cascade.load("attention_1pass")
    ranks.pop("P1")
    problem = Problem(cascade=cascade, arch=arch, ranks=ranks, leading={"b": 1})
    return lower(plan.plan(problem))


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
    assert abs(found - TABLE[climb, order][k, r]) <= Fraction(1, 100)


@pytest.mark.parametrize(("order", "k", "r"), CHAINED)
def test_chained(order: str, k: int, r: int) -> None:
    found = rate(order, k, r, architecture(SIDE, NONE, chain=True))
    assert abs(found - CHAINED[order, k, r]) <= Fraction(1, 100)
