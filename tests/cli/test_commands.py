"""Every command does what its help says."""

import csv
import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import accelsim
from accelsim.specs import names

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = [
    "list",
    "check",
    "passes",
    "run",
    "explain",
    "compare",
    "reproduce",
    "explore",
    "schema",
]
PICTURES = ["speedup", "latency_energy", "activity", "energy", "roofline"]


def test_help_names_every_command(cli):
    code, out, err = cli("--help")
    assert (code, err) == (0, "")
    assert all(f"\n  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(cli, command):
    code, out, _ = cli(command, "--help")
    assert code == 0
    assert out.startswith(f"Usage: accelsim {command}")


def test_version(cli):
    code, said, _ = cli("--version")
    assert code == 0
    assert re.fullmatch(rf"accelsim {accelsim.__version__}\nkernel: (compiled|Python .*)\n", said)


@pytest.mark.parametrize("kind", ["cascade", "arch", "workload", "design", "mapping"])
def test_list_names_what_is_shipped(cli, kind):
    code, out, _ = cli("list", f"{kind}s", "--json")
    assert code == 0
    assert list(json.loads(out)[f"{kind}s"]) == names(kind)


def test_list_of_everything(cli):
    code, out, _ = cli("list")
    assert code == 0
    assert [line[:-1] for line in out.splitlines() if line.endswith(":")] == [
        *(
            "cascades",
            "archs",
            "mappings",
            "pipelines",
            "workloads",
            "schedules",
            "designs",
            "costs",
            "studies",
            "explorations",
            "published",
            "engines",
        )
    ]


def test_check_of_the_shipped_specs(cli):
    code, out, err = cli("check", ROOT / "arch_specs", ROOT / "einsum_cascades")
    assert (code, err) == (0, "")
    assert out.endswith("no fault found\n")


def test_passes(cli):
    code, out, _ = cli("passes", "attention_3pass", "--rank", "m", "--rewrite")
    assert code == 0
    assert "m: 3 passes" in out
    assert "pass 3: A reads m again, for it needs SD" in out
    assert "rewrite m: 3 -> 1" in out
    assert "  defer: the division by SD comes after the sum of AV" in out
    assert "  AV[p,f] = RAV[M,p,f] / RSD[M,p] where RGM[M,p] > -inf" in out


def test_a_rewritten_cascade_is_a_file_that_checks(cli, tmp_path):
    file = tmp_path / "fewer.yaml"
    assert cli("passes", "pointer_net", "--rewrite", "-o", file)[0] == 0
    assert cli("check", file)[0] == 0
    code, out, _ = cli("passes", file, "--json")
    assert code == 0
    assert json.loads(out)["ranks"]["m"]["passes"] == 2


def test_states_move_once_per_tile(cli):
    code, out, _ = cli("passes", "gqa", "--tile", "64", "--json")
    assert code == 0
    found = json.loads(out)["rewritten"]
    assert found["ranks"]["m"]["now"] == "m1.m0"
    assert found["ranks"]["m"]["after"] == 1
    assert "param M0 = 64" in found["cascade"]


def test_says_which_einsum_keeps_a_pass(cli):
    code, out, _ = cli("passes", "cbam", "--rewrite")
    assert code == 0
    assert "rewrite y: no rewrite saves one of the 2 passes" in out
    assert "X1 keeps y and needs GC, which is complete only after pass 1" in out


def test_passes_as_json(cli):
    code, out, _ = cli("passes", "attention_1pass", "--json")
    assert code == 0
    assert json.loads(out)["ranks"]["m1.m0"]["passes"] == 1


def test_run_is_what_simulate_says(cli):
    code, out, err = cli("run", "fusemax", "--seq", "2K", "--set", "E=32", "--json")
    assert (code, err) == (0, "")
    report = accelsim.simulate("fusemax", seq=2048, ranks={"E": 32})
    assert json.loads(out) == json.loads(report.to_json())
    assert str(report) + "\n" == cli("run", "fusemax", "--seq", "2K", "--set", "E=32")[1]


def test_run_of_a_layer_and_another_machine(cli):
    args = ("--scope", "layer", "--arch-set", "DRAM.efficiency=0.5", "--json")
    code, out, _ = cli("run", "fusemax", *args)
    assert code == 0
    report = accelsim.simulate("fusemax", scope="layer", arch_set={"DRAM.efficiency": 0.5})
    assert json.loads(out)["cycles"] == report.cycles


def test_run_of_a_cascade_on_an_architecture(cli):
    one = json.loads(cli("run", "attention_1pass", "fusemax", "--seq", "2K", "--json")[1])
    other = json.loads(cli("run", "fusemax", "--seq", "2K", "--json")[1])
    assert one["cycles"] <= other["cycles"]


def test_run_with_the_reference_kernel(cli):
    small = ("run", "fusemax_serial", "--seq", "256", "--set", "B=1", "--json")
    assert cli(*small)[1] == cli(*small, "--full")[1]


def test_run_writes_its_files(cli, tmp_path):
    code, _, _ = cli("run", "fusemax", "-o", tmp_path / "new" / "folder")
    assert code == 0
    files = {file.name for file in (tmp_path / "new" / "folder").iterdir()}
    pictures = {f"{name}.{end}" for name in ("activity", "energy") for end in ("png", "svg")}
    assert files == {"report.json", "report.txt", "units.csv"} | pictures


def test_run_writes_a_timeline(cli, tmp_path):
    file = tmp_path / "trace.json.gz"
    assert cli("run", "fusemax", "--trace", file, "--window", "100:900")[0] == 0
    trace = json.loads(gzip.decompress(file.read_bytes()))
    assert trace["traceEvents"]
    assert [f.name for f in tmp_path.iterdir()] == ["trace.json.gz"]


def test_explain_names_the_circuit(cli):
    code, out, _ = cli("explain", "fusemax_serial", "--seq", "4K")
    assert code == 0
    assert "drain" in out
    assert "waits for data" in out
    assert "memory bound" in out
    found = json.loads(cli("explain", "fusemax_serial", "--seq", "4K", "--json")[1])
    assert found["bottleneck"]["circuit"]
    assert found["waits"]


def test_compare_writes_tables_and_plots(cli, tmp_path):
    code, out, err = cli("compare", "flat", "fusemax", "--seq", "1K,2K", "-o", tmp_path)
    assert (code, err) == (0, "")
    assert out.startswith("against flat\n")
    for name in [*PICTURES, "utilization_PE1D", "utilization_PE2D"]:
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / f"{name}.svg").read_text().startswith("<?xml")
    rows = list(csv.DictReader((tmp_path / "comparison.csv").read_text().splitlines()))
    assert [(row["design"], row["length"]) for row in rows] == [
        *(("flat", "1024"), ("flat", "2048"), ("fusemax", "1024"), ("fusemax", "2048"))
    ]
    found = json.loads((tmp_path / "comparison.json").read_text())
    assert found["rows"][0]["speedup"] == 1


def test_compare_is_the_study_by_default(cli, tmp_path):
    code, out, _ = cli("compare", "--seq", "1K", "-o", tmp_path, "--json")
    assert code == 0
    from accelsim.cli.study import Study

    study = Study.load("main").spec
    found = json.loads(out)
    assert found["baseline"] == study.baseline
    assert [row["design"] for row in found["rows"]] == study.designs
    assert study.lengths == ["1K", "4K", "16K", "64K", "256K", "1M"]
    assert study.workloads == ["bert"]


def test_equal_runs_write_equal_files(cli, tmp_path):
    for name in ("a", "b"):
        cli("compare", "fusemax", "--seq", "1K", "-o", tmp_path / name)
    files = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert all(
        (tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files
    )


def test_schemas_in_the_checkout_are_fresh(cli, tmp_path):
    assert cli("schema", "-o", tmp_path)[0] == 0
    made = {file.name: file.read_text() for file in tmp_path.iterdir()}
    kept = {file.name: file.read_text() for file in (ROOT / "schemas").iterdir()}
    assert made == kept, "accelsim schema -o schemas"


def test_help_loads_nothing_heavy():
    heavy = {"numpy", "pandas", "pydantic", "matplotlib", "networkx", "amaranth", "yaml", "rich"}
    code = (
        "import sys\nfrom accelsim.cli.main import run\n"
        "assert run(['--help']) == 0\n"
        "print('\\nMODULES', *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.partition("\nMODULES ")[2].split()}
    assert not loaded & heavy


def test_a_reader_that_leaves_hears_nothing():
    program = [sys.executable, "-m", "accelsim.cli.main", "list", "--json"]
    pipe = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pipe.stdout.close()
    assert pipe.stderr.read() == b""
    pipe.stderr.close()
    assert pipe.wait() == 141


def test_no_colours_and_no_bar_where_there_is_no_terminal():
    env = {**os.environ, "FORCE_COLOR": "", "COLUMNS": "80"}
    program = [sys.executable, "-m", "accelsim.cli.main", "run", "fusemax", "--seq", "512"]
    done = subprocess.run(program, capture_output=True, text=True, check=True, env=env)
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("words", [[], ["import"], ["export"]])
def test_nothing_said_is_answered_with_the_help_as_it_is(cli, words):
    code, out, err = cli(*words)
    assert (code, out) == (2, "")
    assert err.startswith(f"Usage: {' '.join(['accelsim', *words])}")
    assert len(err.splitlines()) > 8
