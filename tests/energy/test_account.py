from dataclasses import replace
from fractions import Fraction

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from accelsim.arch import ArchSpec
from accelsim.energy import CostTable, area, attributes, energy
from accelsim.energy.accelergy import action_counts, read_tables
from accelsim.errors import SpecError
from accelsim.specs.reader import read_text
from accelsim.specs.validate import validate
from tests.result.made_up import ATTRIBUTES, act, an_activity

TABLE = CostTable.load("fusemax_45nm")
KINDS = [
    ("DRAM", "dram", "read"),
    ("GLB", "buffer", "write"),
    ("PE2D", "register", "read"),
    ("PE2D", "exp", "compute"),
    ("PE1D", "div", "compute"),
]

actions = st.lists(
    st.builds(
        lambda kind, einsum, count: act(*kind, einsum, einsum, count),
        st.sampled_from(KINDS),
        st.sampled_from(["QK", "AV", "RM"]),
        st.fractions(min_value=0, max_value=10**18, max_denominator=1000),
    )
)


@given(actions)
def test_total_is_exactly_the_sum_of_its_parts(made):
    result = energy(an_activity(actions=tuple(made)), TABLE, ATTRIBUTES)
    for parts in (result.by_component, result.by_einsum, result.by_part):
        assert sum(parts.values()) == result.total_pj
    assert sum((charge.pj for charge in result.by_action), Fraction(0)) == result.total_pj


@given(actions)
def test_left_out_and_charged_make_up_the_whole(made):
    activity = an_activity(actions=tuple(made))
    table = CostTable.load("fusemax_45nm_published_no_exp")
    result = energy(activity, table, ATTRIBUTES)
    assert set(result.left_out) <= {"PE2D register", "PE2D exp"}
    charged = sum((charge.pj for charge in result.charges), Fraction(0))
    assert result.total_pj + sum(result.left_out.values()) == charged


def test_charge_is_count_times_price():
    activity = an_activity(actions=(act("DRAM", "dram", "read", "QK", "Q", 10),))
    result = energy(activity, TABLE, ATTRIBUTES)
    assert result.total_pj == 312
    assert result.by_action[0].source == "FuseMax: HBM2, 249.6 pJ per 64 bit"


def test_what_is_left_out_is_reported():
    table = CostTable.load("fusemax_45nm_published")
    result = energy(an_activity(), table, ATTRIBUTES)
    assert any(note.startswith("PE2D register energy left out:") for note in result.assumptions)
    assert "PE2D register" not in result.by_part


def test_unknown_leakage_is_not_zero():
    result = energy(an_activity(), TABLE, ATTRIBUTES)
    assert result.leakage_pj is None
    assert any("leakage of DRAM, GLB" in note for note in result.assumptions)


def test_known_leakage_is_power_times_time():
    rows = "{part: dram, area_um2: 0, leakage_mw: 2, leakage_source: m, source: s}"
    table = CostTable.from_document(
        read_text(f"name: t\nsource: s\nnode: n\nleakage: none\nareas: [{rows}]\n")
    )
    activity = an_activity(actions=(), clock_hz=Fraction(1000))  # 250 cycles: 0.25 s
    assert energy(activity, table, {"DRAM": {}}).leakage_pj == 2 * Fraction(1, 4) * 10**9


def test_missing_action_is_named_with_its_component():
    activity = an_activity(actions=(act("PE1D", "tanh", "compute", "T", "T", 1),))
    with pytest.raises(SpecError, match=r"part 'tanh', action 'compute' \(PE1D, depth=32"):
        energy(activity, TABLE, ATTRIBUTES)


def test_area_counts_every_element():
    found = area(ATTRIBUTES, TABLE)
    assert found.by_part["PE2D", "mac"] == 65536 * 1545
    assert found.by_part["PE2D", "exp"] == 0
    assert found.by_component["GLB"] == 142_000_000
    assert sum(found.by_component.values()) == found.total_um2


def test_attributes_of_an_architecture():
    text = """\
name: a
source: s
clock: 1 GHz
word: 2 B
components:
  DRAM: {kind: dram, bandwidth: 1 GiB/s}
  GLB: {kind: buffer, size: 16 MiB, row: 512 B}
  PE: {kind: array, rows: 4, cols: 2, registers: 12, ops: {mac: 1, exp: 6}}
links: []
costs: fusemax_45nm
"""
    found = attributes(validate(read_text(text), ArchSpec))
    assert found["DRAM"] == {}
    assert found["GLB"] == {"size_bytes": 2**24, "row_bytes": 512}
    assert found["PE"] == {
        "rows": 4,
        "cols": 2,
        "elements": 8,
        "depth": 12,
        "width_bits": 16,
        "mac_slots": 1,
        "exp_slots": 6,
    }


ERT_04 = """\
ERT:
  version: 0.4
  tables:
    - name: system.chip.GLB[1..1]
      actions:
        - {name: read, arguments: {}, energy: 12.5}
        - {name: update, arguments: {data_delta: 1}, energy: {min: 1, average: 2, max: 3}}
"""
ERT_02 = "ERT: {version: 0.2, tables: {system.GLB: {read: 12.5, update: [{energy: 2}]}}}\n"


@pytest.mark.parametrize("text", [ERT_04, ERT_02])
def test_reads_accelergy_tables(tmp_path, text):
    ert, art = tmp_path / "ert.yaml", tmp_path / "art.yaml"
    ert.write_text(text)
    art.write_text("ART: {version: 0.4, tables: [{name: system.chip.GLB, area: 7.5}]}\n")
    table = read_tables(ert, art, parts={"GLB": "GLB buffer"}, actions={"update": "write"})
    assert table.cost("buffer", "read", {}, "GLB").pj == Fraction("12.5")
    assert table.cost("buffer", "write", {"data_delta": 1}, "GLB").pj == 2
    assert table.part_cost("buffer", {}, "GLB").um2 == Fraction("7.5")
    with pytest.raises(SpecError):
        table.cost("buffer", "read", {}, "L2")


@pytest.mark.parametrize("text", ["ERT: {}\n", "[1]\n", "ERT: {tables: [{name: a}]}\n"])
def test_refuses_what_is_no_accelergy_table(tmp_path, text):
    path = tmp_path / "ert.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match=r"ert\.yaml:1:"):
        read_tables(path)


def test_writes_action_counts():
    doubled = an_activity()
    doubled = replace(doubled, actions=doubled.actions * 2)
    data = yaml.safe_load(action_counts(doubled))["action_counts"]
    local = {entry["name"]: entry["action_counts"] for entry in data["subtree"][0]["local"]}
    assert local["DRAM.dram"] == [{"name": "read", "counts": 8192}]
    assert local["PE2D.mac"] == [{"name": "compute", "counts": 1_200_000}]
    assert local["GLB.buffer"][0]["counts"] == pytest.approx(34 / 3)
