"""``accelsim run`` and ``explain`` of designs that run rows: output, keys, refusals."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from accelsim.cli.main import run
from accelsim.job.rows import simulate_rows
from tests.rows.texts import pruned, row, trace


@pytest.fixture
def csv(tmp_path: Path) -> str:
    (tmp_path / "t.csv").write_text(pruned())
    return str(tmp_path / "t.csv")


def test_json_has_the_trace(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "spatten", "--trace-csv", csv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    trace_ = found["trace"]
    assert {k: trace_[k] for k in ("rows", "keys", "values", "requantised")} == {
        "rows": 8,
        "keys": 240,
        "values": 88,
        "requantised": 2,
    }
    assert trace_["qk_macs"] == 240 * 64
    assert trace_["pv_macs"] == 88 * 64
    assert trace_["kv_bytes"] == 64 * 328 + 2 * 40 * 32
    assert [layer["layer"] for layer in trace_["by_layer"]] == [0, 1]
    assert sum(trace_["rows_bound_by"].values()) == 8
    assert trace_["binding"] == max(trace_["bounds"], key=trace_["bounds"].get)
    assert found["cycles"] >= trace_["bounds"][trace_["binding"]]
    for unit in found["busy_cycles"]:
        spent = sum(found["busy_cycles"][unit].values()) + sum(found["stall_cycles"][unit].values())
        assert spent + found["idle_cycles"][unit] == found["cycles"]


def test_text_and_the_reference_kernel(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["run", "spatten_1_8", "--trace-csv", csv]) == 0
    fast = capsys.readouterr().out
    assert "(binding)" in fast
    assert "HBM achieved" in fast
    assert run(["run", "spatten_1_8", "--trace-csv", csv, "--full"]) == 0
    assert capsys.readouterr().out == fast


def test_explain(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "spatten", "--trace-csv", csv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(found["critical_cycles"]["by_unit"].values()) == found["cycles"]
    assert run(["explain", "spatten", "--trace-csv", csv]) == 0
    assert "critical path, by task:" in capsys.readouterr().out


def test_timeline(csv: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every busy cycle of the report is in a slice, which says whose query it is; so in a window."""
    file = str(tmp_path / "t.json.gz")
    assert run(["run", "spatten", "--trace-csv", csv, "--json", "--trace", file]) == 0
    busy = json.loads(capsys.readouterr().out)["busy_cycles"]
    shown = json.loads(gzip.decompress(Path(file).read_bytes()))
    slices = [event for event in shown["traceEvents"] if event["ph"] == "X" and event["tid"] > 2]
    spent: dict[str, int] = {}
    for each in slices:
        spent[each["name"]] = spent.get(each["name"], 0) + each["args"]["ticks"]
    assert spent == {task: n for tasks in busy.values() for task, n in tasks.items() if n}
    [phase] = shown["metadata"]["phases"]
    assert phase["tail"]
    assert phase["starts"] == phase["shown"] == len(slices)
    last = [each["args"] for each in slices if each["name"] == "pv"][-1]
    assert (last["layer"], last["head"], last["query"]) == (1, 1, 0)

    arguments = ["--trace", file, "--window", "100:200"]
    assert run(["run", "spatten", "--trace-csv", csv, *arguments]) == 0
    window = json.loads(gzip.decompress(Path(file).read_bytes()))["traceEvents"]
    inside = [each for each in window if each["ph"] == "X" and each["tid"] > 2]
    expected = [s for s in slices if s["ts"] < 0.2 and s["ts"] + s["dur"] > 0.1 + 1e-9]
    assert [each["args"]["tick"] for each in inside] == [s["args"]["tick"] for s in expected]


def test_compare_on_the_same_rows(
    csv: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Every picture is drawn; files of it are made in tests of the pictures.
    monkeypatch.setattr(
        "accelsim.plot.save", lambda _, *paths: [Path(path).touch() for path in paths]
    )
    designs = ("spatten_1_8", "spatten")
    cycles = {name: simulate_rows(name, trace_csv=csv).cycles for name in designs}
    arguments = [*cycles, "--trace-csv", csv, "-o", str(tmp_path / "out"), "--json"]
    assert run(["compare", *arguments]) == 0
    small, full = json.loads(capsys.readouterr().out)["rows"]
    assert {row["design"]: row["cycles"] for row in (small, full)} == cycles
    assert full["speedup"] == pytest.approx(cycles["spatten_1_8"] / cycles["spatten"])
    assert small["energy_ratio"] == 1
    assert (tmp_path / "out" / "comparison.csv").read_text().count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["spatten", "fusemax"], "what is compared with spatten must run rows as it does"),
        (["spatten", "--seq", "1K"], "--seq must be left out where designs on rows are compared"),
        (["fusemax", "--schedule", "encoder"], "--schedule must be left out where designs of loop"),
        (["mac", "--schedule", "encoder"], "what is compared with mac must be one of batcher"),
        (["radix_select", "--schedule", "x"], "--schedule must be left out where engines are"),
        (["spatten", "--baseline", "a3"], "--baseline must be one of the designs, not 'a3'"),
        (["spatten_rtl", "--schedule", "encoder-tokens"], "spatten_rtl, encoder-tokens: quick_sel"),
    ],
)
def test_what_cannot_be_compared(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["compare", *arguments, "-o", str(tmp_path)]) in (1, 2)
    assert message in capsys.readouterr().err


def test_the_engine_is_a_field(csv: str, capsys: pytest.CaptureFixture[str]) -> None:
    cycles = []
    for engine in ("quick_select", "radix_select"):
        argument = f"TOPK.engine={engine}"
        assert run(["run", "spatten", "--trace-csv", csv, "--json", "--arch-set", argument]) == 0
        cycles.append(json.loads(capsys.readouterr().out)["cycles"])
    assert cycles[0] != cycles[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["spatten", "--trace-csv", "CSV", "--seq", "1K"],
            "--seq must be left out: spatten runs rows",
        ),
        (
            ["spatten", "--trace-csv", "CSV", "--schedule", "encoder"],
            "--trace-csv must stand alone",
        ),
        (["fusemax", "--trace-csv", "CSV"], "--trace-csv must come with a design that runs rows"),
        (["fusemax", "--schedule", "encoder"], "--schedule must come with a design that runs rows"),
        (["spatten", "--schedule", "encodr"], "unknown schedule 'encodr'; did you mean 'encoder'?"),
        (["spatten", "--tensors", "minlm"], "unknown tensors 'minlm'; did you mean 'minilm'?"),
        (["spatten", "--arch-set", "TOPK.engine=quik_select"], "did you mean 'quick_select'"),
        (["spatten", "--arch-set", "TOPK.engine=mac"], "must be an engine that selects, not 'mac'"),
        (
            ["spatten", "--arch-set", "FETCH.memory=HBN"],
            "memory must be of kind channels, not 'HBN'",
        ),
        (["spatten", "--arch-set", "HBM.page=33 B"], "page must be a multiple of interleave"),
        (["attention_1pass", "spatten"], "spatten must have an array to compute on"),
    ],
)
def test_refusals(
    csv: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["run", *(csv if part == "CSV" else part for part in arguments)])
    assert code in (1, 2)
    assert message in capsys.readouterr().err


def test_a_damaged_trace_is_told_by_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text(trace([row(), row(head=1)[:20]]))
    assert run(["run", "spatten", "--trace-csv", str(tmp_path / "t.csv")]) == 2
    assert "t.csv:3:21: row must have 17 cells, not " in capsys.readouterr().err


def test_a_faulty_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from accelsim.specs import path

    folder = path("arch", "spatten").parent
    text = (folder / "pipeline.yaml").read_text()
    (tmp_path / "arch.yaml").write_text((folder / "arch.yaml").read_text())
    for old, new, message in [
        (
            "unit: TOPK",
            "unit: TOPQ",
            "must be a unit of kind select, not 'TOPQ'; did you mean 'TOPK'?",
        ),
        (
            "elements: keys * features",
            "elements: kees",
            "must be a quantity of a row or of the architecture",
        ),
        (
            "after: [{task: qk, how",
            "after: [{task: qq, how",
            "must be a task of the pipeline, not 'qq'",
        ),
        ("buffer: KBUF", "buffer: KBUFF", "must be a buffer, not 'KBUFF'; did you mean 'KBUF'?"),
        ("when: first", "when: frist", "did you mean 'first'?"),
    ]:
        (tmp_path / "pipeline.yaml").write_text(text.replace(old, new))
        assert run(["check", str(tmp_path / "pipeline.yaml")]) == 2
        told = capsys.readouterr().err
        assert message in told
        assert "pipeline.yaml:" in told
