"""The shipped study against the published curve (FuseMax, MICRO 2024, figure 12)."""

import pytest

import accelsim as acs

PUBLISHED = {16: (30267, 0.054), 512: (29.58, 48.9)}  # side: seconds, cm2


def test_ends_of_the_curve_are_the_published_ones():
    found = acs.sweep("fusemax_front", where=["design == fusemax_micro24", "tiles == 2",
                                              "side == 16 or side == 512"])  # fmt: skip
    assert [row.values["side"] for row in found.pareto] == list(PUBLISHED)
    for row, (seconds, area_cm2) in zip(found.pareto, PUBLISHED.values(), strict=True):
        assert row.figures["seconds"] == pytest.approx(seconds, rel=2e-4)
        assert row.figures["area_mm2"] == pytest.approx(
            100 * area_cm2, rel=0.06
        )  # of a buffer twice as large


def test_one_tile_of_queries_is_too_few_for_the_pipelined_binding():
    found = acs.sweep("fusemax_front", vary={"design": ["fusemax_micro24"], "side": [64], "tiles": [1]},
                      where=[], seq=1024)  # fmt: skip
    assert found.rows[0].status == "infeasible"
    assert "deadlocks: SPD" in found.rows[0].reason
