"""Accelergy's files: what is written is read back as it was, and prices a run as the run is priced."""

from fractions import Fraction

import pytest
import yaml

from accelsim.energy.accelergy import counted_pj, read_counts, read_tables
from accelsim.errors import SpecError
from accelsim.job import Call


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    from accelsim.cli.main import run

    folder = tmp_path_factory.mktemp("accelergy")
    assert run(["export", "accelergy", "fusemax", "--seq", "256", "-o", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def report():
    call = Call(design="fusemax", seq=256)
    job = call.job()
    return job.report(call.load(job))


def test_counts_times_energies_are_the_run_s_energy(files, report):
    table = read_tables(files / "ERT.yaml", files / "ART.yaml")
    pj = counted_pj(read_counts(files / "action_counts.yaml"), table)
    assert sum(pj.values()) == pytest.approx(report.energy.total_pj, rel=1e-12)
    assert pj["fusemax.PE2D.mac"] == pytest.approx(report.energy.by_part["PE2D mac"], rel=1e-12)


def test_areas_times_instances_are_the_area(files, report):
    tables = yaml.safe_load((files / "ART.yaml").read_text())["ART"]["tables"]
    total = 0
    for entry in tables:
        name, _, rest = entry["name"].partition("[1..")
        total += entry["area"] * (int(rest[:-1]) if rest else 1)
        assert name.startswith("fusemax.")
    assert total == pytest.approx(float(report.area.total_um2), rel=1e-12)


def test_a_run_with_the_table_read_back_costs_the_same(files, report, tmp_path, cli):
    costs = tmp_path / "costs.yaml"
    assert cli("import", "accelergy", files / "ERT.yaml", files / "ART.yaml", "-o", costs)[0] == 0
    assert cli("check", costs)[0] == 0
    from accelsim.arch import Architecture
    from accelsim.energy.account import area, energy
    from accelsim.energy.components import attributes
    from accelsim.energy.tables import CostTable

    table = CostTable.load(str(costs))
    parts = attributes(Architecture.load("fusemax").spec)
    assert float(energy(report.activity, table, parts).total_pj) == pytest.approx(
        float(report.energy.total_pj), rel=1e-12
    )
    assert float(area(parts, table).total_um2) == pytest.approx(float(report.area.total_um2))


def test_counts_flat_and_as_a_tree(tmp_path):
    path = tmp_path / "c.yaml"
    action = "{name: read, arguments: {data_delta: 1}, counts: 2.5}"
    path.write_text(
        f"action_counts: {{version: 0.3, local: [{{name: a.b.c, action_counts: [{action}]}}]}}\n"
    )
    (flat,) = read_counts(path)
    assert (flat.name, flat.count, flat.arguments) == ("a.b.c", Fraction(5, 2), {"data_delta": 1})
    path.write_text(
        "action_counts: {version: 0.4, subtree: [{name: a, subtree: [{name: b, local:"
        f" [{{name: c, action_counts: [{action}]}}]}}]}}]}}\n"
    )
    assert read_counts(path) == [flat]


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a: 1\n", "1:1", "must be Accelergy's action counts"),
        ("action_counts: {local: [{name: a}]}\n", "1:25", "a must have action_counts, a list"),
        ("action_counts: {local: 3}\n", "1:24", "local must be a list, not 3"),
        ("action_counts: {local: [{name: a, action_counts: [{name: r, counts: -1}]}]}\n", "1:69",
         "counts must be a number of at least 0, not -1"),
        ("action_counts: {local: [{name: a, action_counts: [{counts: 1}]}]}\n", "1:51", "must have a name"),
    ],
)  # fmt: skip
def test_faults_of_counts(tmp_path, text, place, said):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(SpecError) as error:
        read_counts(tmp_path / "c.yaml")
    assert f"c.yaml:{place}: " in str(error.value), str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("ERT: {version: 0.1, tables: []}\n", "1:16", "version must be 0.2, 0.3, 0.4, not 0.1"),
        ("ERT: {version: 0.4, tables: [{name: a, actions: [{name: r, energy: -1}]}]}\n", "1:68",
         "energy must be a number of pJ of at least 0, not -1"),
        ("ERT: {version: 0.4, tables: [{name: a, actions: [{name: r, energy: {min: 1}}]}]}\n", "1:68",
         "energy must be a number of pJ"),
        ("ERT: {version: 0.4, tables: [{name: a, actions: 3}]}\n", "1:49", "actions must be a list"),
    ],
)  # fmt: skip
def test_faults_of_tables(tmp_path, text, place, said):
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(SpecError) as error:
        read_tables(tmp_path / "e.yaml")
    assert f"e.yaml:{place}: " in str(error.value), str(error.value)
    assert said in str(error.value)


def test_the_average_stands_before_the_largest(tmp_path):
    path = tmp_path / "e.yaml"
    path.write_text(
        "ERT: {version: 0.4, tables: [{name: chip.PE.mac, actions: [{name: compute, min: 1, average: 2,"
        " max: 9}]}]}\n"
    )
    assert read_tables(path).cost("mac", "compute", {}, "PE").pj == 2


def test_a_result_file_is_run_again(cli, tmp_path):
    _, out, _ = cli("run", "flat", "--seq", "256", "--set", "B=1", "--json")
    (tmp_path / "r.json").write_text(out, encoding="utf-8")
    code, _, _ = cli("export", "accelergy", tmp_path / "r.json", "-o", tmp_path / "out")
    assert code == 0
    assert (tmp_path / "out" / "action_counts.yaml").is_file()
    code, _, err = cli("export", "accelergy", tmp_path / "r.json", "--seq", "1K")
    assert (code, "must come without other flags" in err) == (2, True)
