"""A study from YAML to a table, through the store."""

import csv
import json

import pytest

import accelsim as acs

SIDES = """
name: sides
design: fusemax
seq: 256
vary:
  side: [16, 32, 64]
set:
  arch.PE2D.rows: side
  arch.PE2D.cols: side
  arch.PE1D.lanes: side
objectives: {seconds: min, area_mm2: min}
"""


@pytest.fixture
def study(tmp_path):
    file = tmp_path / "sides.yaml"
    file.write_text(SIDES)
    return file


def test_grid_gives_what_run_gives(cli, study, tmp_path):
    code, out, err = cli("explore", study, "-o", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "Pareto front: 3 points (seconds least, area_mm2 least)" in out
    rows = list(csv.DictReader((tmp_path / "out" / "points.csv").read_text().splitlines()))
    for row, side in zip(rows, (16, 32, 64), strict=True):
        fields = {"PE2D.rows": side, "PE2D.cols": side, "PE1D.lanes": side}
        report = acs.simulate("fusemax", seq=256, arch_set=fields)
        assert int(row["side"]) == side
        assert int(row["cycles"]) == report.cycles
        assert float(row["energy_pj"]) == float(report.energy.total_pj)
    points = json.loads((tmp_path / "out" / "results.json").read_text())["points"]
    again = acs.simulate("fusemax", seq=256, arch_set=fields).to_dict()
    del again["request"]
    assert points[2]["report"] == again


def test_nothing_is_simulated_twice(cli, study, tmp_path):
    first = cli("explore", study, "-o", tmp_path / "a", "--store", tmp_path / "s.sqlite")[1]
    again = cli("explore", study, "-o", tmp_path / "b", "--store", tmp_path / "s.sqlite")[1]
    assert "3 of 3 points simulated" in first
    assert "0 of 3 points simulated" in again
    for name in ("points.csv", "results.json", "results.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_python_gives_the_same_table(study, tmp_path):
    results = acs.sweep(str(study))
    assert [row.values["side"] for row in results.pareto] == [16, 32, 64]
    data = {
        "design": "fusemax",
        "seq": 256,
        "set": dict.fromkeys(["arch.PE2D.rows", "arch.PE2D.cols", "arch.PE1D.lanes"], "side"),
        "objectives": {"seconds": "min", "area_mm2": "min"},
    }
    swept = acs.sweep(vary={"side": [16, 32, 64]}, **data)
    assert swept.to_csv() == results.to_csv()
    frame = results.to_frame()
    assert list(frame["cycles"]) == [row.figures["cycles"] for row in results.rows]


def test_a_point_runs_again_by_its_request(study):
    results = acs.sweep(str(study))
    for row, point in zip(results.rows, results.to_dict()["points"], strict=True):
        assert acs.simulate(**point["request"]).cycles == row.figures["cycles"]
