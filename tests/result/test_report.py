import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim.result import Report
from tests.result.made_up import a_report, a_stage, an_activity

KEYS = {
    "design",
    "cascade",
    "arch",
    "mapping",
    "workload",
    "cycles",
    "seconds",
    "clock_hz",
    "utilization",
    "busy_cycles",
    "stall_cycles",
    "idle_cycles",
    "ticks_per_cycle",
    "traffic_bytes",
    "buffers",
    "ops",
    "energy_pj",
    "area_um2",
    "bottleneck",
    "roofline",
    "assumptions",
}


def covered(figures):
    """Busy + stall + idle of each unit."""
    return {
        unit: sum(figures["busy_cycles"][unit].values())
        + sum(figures["stall_cycles"][unit].values())
        + figures["idle_cycles"][unit]
        for unit in figures["utilization"]
    }


def test_has_the_promised_keys():
    figures = a_report().to_dict()
    assert set(figures) == KEYS
    assert set(figures["energy_pj"]) == {"total", "by_component", "by_einsum", "leakage"}
    assert set(figures["area_um2"]) == {"total", "by_component"}
    assert set(figures["bottleneck"]) == {"kind", "circuit", "cycles_per_iteration"}
    assert set(figures["roofline"]) == {"compute_cycles", "memory_cycles"}
    assert set(figures["traffic_bytes"]["DRAM"]) == {"read", "write", "by_tensor"}
    assert set(figures["buffers"]["GLB"]) == {"peak_bytes", "capacity_bytes", "by_tensor"}


def test_figures():
    figures = a_report().to_dict()
    assert figures["cycles"] == 250
    assert figures["seconds"] == pytest.approx(250 / 940e6)
    assert figures["clock_hz"] == 940_000_000
    assert figures["utilization"] == {"PE2D": 0.45, "PE1D": 0.44, "DRAM": 0.3}
    assert figures["stall_cycles"]["DRAM"] == {"slot": 1.75}
    assert figures["traffic_bytes"]["DRAM"]["write"] == 4096.5
    assert figures["energy_pj"]["leakage"] is None
    assert "ports are unlimited" in figures["assumptions"]


def test_json_round_trip():
    report = a_report()
    assert json.loads(report.to_json()) == report.to_dict()


@given(
    st.lists(
        st.tuples(st.integers(min_value=800, max_value=10**6), st.sampled_from([1, 2, 8, 4096])),
        min_size=1,
        max_size=4,
    )
)
def test_busy_stall_and_idle_make_up_the_cycles(stages):
    made = [a_stage(f"s{i}", ticks=t, per_cycle=k) for i, (t, k) in enumerate(stages)]
    figures = Report(stages=tuple(made)).to_dict()
    assert set(covered(figures).values()) == {figures["cycles"]}
    assert figures["cycles"] == sum(-(-ticks // per_cycle) for ticks, per_cycle in stages)
    for stage in figures.get("stages", []):
        assert set(covered(stage).values()) == {stage["cycles"]}


def test_stages_add_up():
    one, two = a_stage("q", cascade="matmul"), a_stage("attention", ticks=1600)
    report = Report(stages=(one, two))
    figures = report.to_dict()
    parts = figures["stages"]
    assert [part["name"] for part in parts] == ["q", "attention"]
    assert set(parts[0]) == KEYS | {"name"}
    assert set(figures) == KEYS | {"stages"}
    assert figures["cascade"] == "matmul + attention"
    assert figures["cycles"] == 650 == sum(part["cycles"] for part in parts)
    assert figures["energy_pj"]["total"] == pytest.approx(
        sum(part["energy_pj"]["total"] for part in parts)
    )
    assert figures["ops"] == {"mac": 1_200_000, "exp": 120_000}
    assert figures["traffic_bytes"]["DRAM"]["read"] == 8192
    assert figures["utilization"]["PE1D"] == pytest.approx(880 / 2600)
    assert figures["buffers"]["GLB"]["peak_bytes"] == 2**19


def test_unit_of_one_stage_is_idle_in_the_others():
    full = a_stage()
    lone = a_stage("lone", units=an_activity().units[:1])
    figures = Report(stages=(full, lone)).to_dict()
    assert figures["idle_cycles"]["DRAM"] == Fraction(693, 4) + 250
    assert set(covered(figures).values()) == {500}


def test_energy_of_some_stages_only_is_no_total():
    report = Report(stages=(a_stage(), a_stage("bare")))
    bare = Report(stages=(report.stages[0], Report.of(an_activity()).stages[0]))
    assert bare.to_dict()["energy_pj"] is None
    assert any("energy not counted" in note for note in bare.to_dict()["assumptions"])


def test_needs_a_stage():
    with pytest.raises(ValueError, match="stages must be one or more, not none"):
        Report(stages=())


def test_prints_itself():
    text = str(a_report())
    assert text.startswith("one: attention on one (M=1024 P=1024 E=64): 250 cycles, 266 ns\n")
    assert "PE2D   150     30     70       45.00%" in text
    assert "leakage    not counted" in text
    assert "bottleneck: compute: QK -> SLN -> QK, 138 cycles an iteration" in text
    assert "- ports are unlimited" in text


def test_html_is_escaped():
    html = a_report(design="<b>")._repr_html_()
    assert "<table>" in html
    assert "<b>:" not in html
    assert "&lt;b&gt;:" in html


def test_frame_has_a_row_per_unit():
    frame = a_report().to_frame()
    assert list(frame.index) == ["PE2D", "PE1D", "DRAM"]
    assert frame.loc["PE2D", "busy_cycles"] == 150
