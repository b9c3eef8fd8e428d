import csv
import io
import json

import pytest

from accelsim.errors import SpecError
from accelsim.result import Comparison, Entry
from tests.result.made_up import a_comparison, a_report


def test_rows_are_against_the_baseline_at_the_same_point():
    comparison = a_comparison()
    for row in comparison.rows:
        base = comparison.entry("plain", row.length, row.workload).report
        assert row.speedup == base.seconds / row.seconds
        assert row.energy_ratio == float(
            comparison.entry(row.design, row.length, row.workload).report.energy.total_pj
            / base.energy.total_pj
        )
    assert {row.speedup for row in comparison.rows if row.design == "plain"} == {1.0}


def test_point_without_a_baseline_has_no_ratio():
    entries = (
        Entry(design="a", length=1024, report=a_report()),
        Entry(design="b", length=4096, report=a_report()),
    )
    row = Comparison(entries=entries, baseline="a").rows[1]
    assert (row.speedup, row.energy_ratio) == (None, None)
    assert "-" in str(Comparison(entries=entries, baseline="a"))


def test_units_that_differ_get_columns_of_their_own():
    one = a_report()
    assert set(one.utilization) == {"PE2D", "PE1D", "DRAM"}
    row = Comparison(entries=(Entry(design="a", length=1, report=one),), baseline="a").rows[0]
    assert {"utilization_PE2D", "utilization_PE1D", "traffic_DRAM_bytes", "peak_GLB_bytes"} <= set(
        row.flat()
    )
    assert set(row.utilization) == {"PE2D", "PE1D"}


def test_unknown_baseline():
    with pytest.raises(SpecError, match="baseline must be one of the designs, not 'plan'; did you"):
        Comparison(entries=a_comparison().entries, baseline="plan")


def test_same_point_twice_is_refused():
    entry = Entry(design="a", length=1, report=a_report())
    with pytest.raises(ValueError, match="not twice"):
        Comparison(entries=(entry, entry), baseline="a")


def test_tables_agree():
    comparison = a_comparison()
    from_csv = list(csv.DictReader(io.StringIO(comparison.to_csv())))
    from_json = json.loads(comparison.to_json())["rows"]
    frame = comparison.to_frame()
    assert len(from_csv) == len(from_json) == len(frame) == 36
    assert [float(row["speedup"]) for row in from_csv] == list(frame["speedup"])
    assert list(from_csv[0]) == list(from_json[0]) == list(frame.columns)
    assert str(comparison).count("\n") == 37
