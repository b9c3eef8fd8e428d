"""The finding of the README: at equal area, more rows and less buffer are faster than FuseMax."""

import pytest

import accelsim as acs

WIDER = {"PE2D.rows": 384, "GLB.size": "4 MiB"}


def test_more_rows_and_less_buffer():
    ours, theirs = (
        acs.simulate("fusemax", workload="llama3-8b", seq=8192, arch_set=fields)
        for fields in (WIDER, None)
    )
    assert (ours.cycles, theirs.cycles) == (3_268_974, 4_623_000)
    assert ours.area.total_um2 < theirs.area.total_um2 == pytest.approx(364.71e6, rel=1e-4)
    assert ours.energy.total_pj < 0.98 * theirs.energy.total_pj
