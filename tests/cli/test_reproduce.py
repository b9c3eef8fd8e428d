"""What reproduce compares is data: a small source of published figures, and the shipped one."""

import json
import re
from pathlib import Path

import pytest

import accelsim
from accelsim.cli.study import Study
from accelsim.cli.ways import itemise

ROOT = Path(__file__).resolve().parents[2]
SOURCE = """
name: small
source: a test
table: small.csv
columns: {latency_s: {unit: s, report: [seconds]}}
designs: {ours: fusemax_micro24, theirs: flat_micro24}
workloads: {BERT: bert}
lengths: [1K]
tolerances: [{columns: [latency_s], within: 0.001}]
means:
  - {name: speed-up, column: latency_s, design: ours, over: theirs, speedup: true,
     value: VALUE, within: 0.001}
  - {name: layer speed-up, column: latency_s, design: ours, over: theirs, speedup: true,
     scope: layer, value: LAYER, within: 0.001}
gaps: [{columns: [latency_s], designs: [ours], text: no reason}]
"""


@pytest.fixture
def source(tmp_path):
    def write(factor=1.0):
        seconds = {
            (name, scope): accelsim.simulate(name, scope=scope).seconds
            for name in ("fusemax_micro24", "flat_micro24")
            for scope in ("attention", "layer")
        }
        ratios = [
            seconds["flat_micro24", scope] / seconds["fusemax_micro24", scope]
            for scope in ("attention", "layer")
        ]
        ours = seconds["fusemax_micro24", "attention"] * factor
        text = SOURCE.replace("VALUE", str(ratios[0])).replace("LAYER", str(ratios[1]))
        (tmp_path / "small.yaml").write_text(text)
        (tmp_path / "small.csv").write_text(f"design,model,length,latency_s\nours,BERT,1K,{ours}\n")
        return tmp_path / "small.yaml"

    return write


def test_within(cli, source, tmp_path):
    code, out, err = cli("reproduce", source(), "-o", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "3 of 3 figures within their tolerance" in out
    assert "[1] no reason" in out
    assert {f.name for f in (tmp_path / "out").iterdir()} == {"small.json", "small.md", "small.txt"}


def test_out_of_tolerance_is_1(cli, source):
    code, out, _ = cli("reproduce", source(1.01), "--json")
    assert code == 1
    found = json.loads(out)
    assert not found["ok"]
    assert [row["verdict"] for row in found["rows"]] == ["out", "within", "within"]
    assert found["rows"][0]["error"] == pytest.approx(1 / 1.01 - 1)


def test_the_ways_end_at_the_physical_designs():
    from accelsim.result import Published

    study = Study.load("fusemax_physical").spec
    published = Published.load(study.published)
    assert {way.start for way in study.ways} == set(published.file.designs.values())
    assert {way.end for way in study.ways} == set(Study.load("main").spec.designs)


def test_the_difference_is_computed_item_by_item():
    study = Study.load("fusemax_physical")
    small = study.spec.model_copy(update={"lengths": ["1K"], "ways": study.spec.ways[-1:]})
    (way,) = itemise(Study(spec=small, document=study.document), lambda _: None)
    ends = [accelsim.simulate(name, seq=1024) for name in (way.start, way.end)]
    assert [way.items[0].cycles, way.items[-1].cycles] == [report.cycles for report in ends]
    assert way.items[-1].energy_pj == float(ends[1].energy.total_pj)
    assert all(item.cycles is not None for item in way.items)
    drain = next(n for n, item in enumerate(way.items) if "drain" in item.name)
    assert way.items[drain].cycles > way.items[drain - 1].cycles
    last = way.items[-2:]
    assert last[0].cycles == last[1].cycles  # the costs change no time
    assert last[0].energy_pj < last[1].energy_pj


def test_a_step_that_cannot_run_says_why():
    study = Study.load("fusemax_physical")
    text = {"start": "fusemax_micro24", "end": "fusemax"}
    step = {"name": "no buffer", "arch_set": {"GLB.size": "16 KiB"}}
    way = type(study.spec.ways[0]).model_validate({**text, "steps": [step]})
    small = study.spec.model_copy(update={"lengths": ["1K"], "ways": [way]})
    (found,) = itemise(Study(spec=small, document=study.document), lambda _: None)
    assert found.items[1].cycles is None
    assert "cannot run" in str(found)


@pytest.mark.campaign
def test_the_shipped_source_is_reproduced(cli):
    code, out, _ = cli("reproduce", "fusemax", "--json")
    found = json.loads(out)
    assert code == 0, [row for row in found["rows"] if row["verdict"] != "within"]
    page = (ROOT / "docs" / "reproduced.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| (?:\S.*?) \| \S+ \| (\S+) \|.*within", page, re.MULTILINE)
    assert told == [f"{row['simulated']:.6g}" for row in found["rows"]], "python docs/generate.py"
