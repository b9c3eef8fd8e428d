import pytest

from accelsim.errors import SpecError
from accelsim.result import Published
from tests.result.made_up import a_report

SPEC = """\
name: made_up
source: a test
table: made_up.csv
columns:
  latency_s: {unit: s, report: [seconds]}
  energy_pj: {unit: pJ, report: [energy_pj.total]}
designs: {ours: our_twin, base: base_twin}
workloads: {BERT: bert}
lengths: [1K, 4K]
tolerances:
  - {columns: [latency_s, energy_pj], within: 0.01}
  - {columns: [energy_pj], designs: [base], lengths: [4K], within: 0.5}
means:
  - {name: speed-up, column: latency_s, design: ours, over: base, speedup: true, value: 2.0, within: 0.01}
gaps:
  - {columns: [energy_pj], designs: [base], text: They count twice.}
"""
TABLE = """\
design,model,length,latency_s,energy_pj
ours,BERT,1K,1.0,10.0
ours,BERT,4K,16.0,160.0
base,BERT,1K,2.0,20.0
base,BERT,4K,32.0,320.0
"""


@pytest.fixture
def published(tmp_path):
    (tmp_path / "made_up.csv").write_text(TABLE)
    (tmp_path / "made_up.yaml").write_text(SPEC)
    return Published.load(tmp_path / "made_up.yaml")


def exact(published):
    return {point: dict(values) for point, values in published.figures.items()}


def test_equal_figures_are_within(published):
    verdicts = published.compare(exact(published))
    assert verdicts.ok
    assert [row.verdict for row in verdicts.rows] == ["within"] * 9
    assert verdicts.rows[-1].simulated == 2.0
    assert "9 of 9 figures within their tolerance" in str(verdicts)


def test_doctored_value_is_out_and_so_is_the_mean(published):
    simulated = exact(published)
    point = published.points[0]
    simulated[point]["latency_s"] *= 1.05
    verdicts = published.compare(simulated)
    assert not verdicts.ok
    assert [(row.name, row.column) for row in verdicts.failures] == [
        ("our_twin bert 1K", "latency_s"),
        ("speed-up", "latency_s"),
    ]
    assert verdicts.failures[0].error == pytest.approx(0.05)
    assert verdicts.failures[0].verdict == "out"


def test_last_tolerance_holds_and_the_gap_is_explained(published):
    simulated = exact(published)
    last = published.points[3]
    simulated[last]["energy_pj"] *= 1.4
    row = next(
        row
        for row in published.compare(simulated).rows
        if (row.name, row.column) == ("base_twin bert 4K", "energy_pj")
    )
    assert (row.verdict, row.tolerance, row.explanation) == ("within", 0.5, "They count twice.")


def test_missing_run_is_missing(published):
    simulated = exact(published)
    del simulated[published.points[0]]
    verdicts = published.compare(simulated)
    assert [row.verdict for row in verdicts.failures] == ["missing"] * 3


def test_not_a_number_is_out(published):
    simulated = exact(published)
    simulated[published.points[0]]["energy_pj"] = float("nan")
    assert published.compare(simulated).failures[0].verdict == "out"


def test_columns_come_out_of_a_report(published):
    report = a_report()
    assert published.values(report) == {
        "latency_s": report.seconds,
        "energy_pj": float(report.energy.total_pj),
    }


def test_shipped_figures_agree_with_themselves():
    published = Published.load("fusemax")
    assert len(published.figures) == 60
    assert all(set(row) == set(published.file.columns) for row in published.figures.values())
    verdicts = published.compare(exact(published))
    assert {row.verdict for row in verdicts.rows[:300]} == {"within"}
    assert {row.name: row.verdict for row in verdicts.rows[300:]}["attention speed-up of bert"] == (
        "within"
    )
    assert len([p for p in published.points if p.scope == "layer"]) == 3 * 24


def test_shipped_tolerances():
    published = Published.load("fusemax")
    rows = published.compare({}).rows
    within = {(row.name, row.column): row.tolerance for row in rows}
    assert within["unfused_micro24 bert 256K", "dram_bytes"] == 0.004
    assert within["unfused_micro24 bert 64K", "dram_bytes"] == 0.0001
    assert within["flat_1pass_micro24 bert 1K", "energy_pj"] == 0.08
    assert within["fusemax_micro24 trxl 1M", "latency_s"] == 0.002


def test_unknown_design_in_the_file_is_an_error(tmp_path):
    (tmp_path / "made_up.yaml").write_text(SPEC.replace("over: base", "over: bass"))
    with pytest.raises(SpecError, match="unknown design 'bass'; did you mean 'base'"):
        Published.load(tmp_path / "made_up.yaml")


def test_faulty_row_of_the_table_has_its_line(tmp_path):
    (tmp_path / "made_up.yaml").write_text(SPEC)
    (tmp_path / "made_up.csv").write_text(TABLE.replace("32.0", "many"))
    with pytest.raises(SpecError, match=r"made_up\.csv:5:1: row must have known names"):
        Published.load(tmp_path / "made_up.yaml")


def test_unknown_name():
    with pytest.raises(SpecError, match="unknown published figures 'fusemacs'; did you mean"):
        Published.load("fusemacs")
