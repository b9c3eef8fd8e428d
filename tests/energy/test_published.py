"""The shipped set and counts from first principles give the published energies of FuseMax."""

from fractions import Fraction

import pytest

from accelsim.energy import CostTable, energy
from accelsim.result import Published
from tests.result.made_up import ATTRIBUTES, act, an_activity

E = F = 64
SIDE = 256
PUBLISHED = Published.load("fusemax")
HEADS = {"bert": 12 * 64, "trxl": 16 * 64}
POINTS = [p for p in PUBLISHED.figures if p.design == PUBLISHED.file.designs["fusemax"]]


def counts(heads, length):
    """Actions of the interleaved 1-pass binding, as fusemax.md sections 2 and 3 have them."""
    m1 = length // SIDE
    p1 = min(length // SIDE, 128)
    tiles = heads * m1 * m1
    scores = tiles * SIDE * SIDE
    queries = tiles * SIDE
    words = heads * length * E
    reads = 2 * E + F + F + 2 + Fraction(F + 1 + F, m1)
    writes = F + 2 + Fraction(E + F, m1) + Fraction(E + F, p1)
    strips = m1 // p1
    return (
        act("PE2D", "mac", "compute", "QK", "QK", scores * (E + F)),
        act("PE2D", "max", "compute", "LM", "LM", scores),
        act("PE2D", "exp", "compute", "SLN", "SLN", scores),
        act("PE2D", "add", "compute", "SLN", "SLN", 2 * scores),
        act("PE1D", "mac", "compute", "SPNV", "SPNV", queries * (F + 1)),
        act("PE1D", "add", "compute", "RNV", "RNV", queries * (F + 2)),
        act("PE1D", "exp", "compute", "PRM", "PRM", queries),
        act("PE1D", "div", "compute", "AV", "AV", heads * length * F),
        act("GLB", "buffer", "read", "QK", "Q", reads * tiles),
        act("GLB", "buffer", "write", "QK", "Q", writes * tiles),
        act("DRAM", "dram", "read", "QK", "Q", 2 * words * (1 + 2 * strips)),
        act("DRAM", "dram", "write", "AV", "AV", 2 * words),
    )


@pytest.mark.parametrize("point", POINTS, ids=lambda p: f"{p.workload}-{p.length}")
def test_fusemax_energy_is_the_published_one(point):
    own = {**ATTRIBUTES, "PE1D": {**ATTRIBUTES["PE1D"], "exp_slots": 6}}
    activity = an_activity(actions=counts(HEADS[point.workload], point.length))
    found = energy(activity, CostTable.load("fusemax_45nm_published"), own)
    published = PUBLISHED.figures[point]
    assert float(found.total_pj) == pytest.approx(published["energy_pj"], rel=0.01)
    moved = sum(c.count for c in found.by_action if c.part == "dram")
    assert float(moved) == pytest.approx(published["dram_bytes"], rel=1e-4)
