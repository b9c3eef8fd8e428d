"""Fewer passes as a part of the search: the form that runs better, in two files that run again."""

import pytest

from accelsim.cli.main import run
from accelsim.explore.mapper import find_mapping
from accelsim.explore.mapper.rewriting import forms
from accelsim.job import Job

SMALL = {"PE2D.rows": 8, "PE2D.cols": 8, "PE1D.lanes": 8, "GLB.size": "64 KiB"}
RANKS = {"B": 1, "H": 1, "E": 8, "F": 8}
WRITTEN = "attention_causal"  # three passes


def problem(name, seq=64):
    job = Job.of(cascade=name, arch="fusemax", arch_set=SMALL)
    stage = next(s for s in job.stages(job.load("bert", seq, RANKS), "attention"))
    return job.problem(stage)


def test_tiles_save_passes():
    written, tiled = forms(problem(WRITTEN))
    assert (written.passes()["m"], tiled.passes()["m1"]) == (3, 1)


def test_leaves_a_cascade_of_one_pass_as_it_is():
    asked = problem("attention_1pass")
    assert forms(asked) == [asked.cascade]


def test_writes_the_form_that_runs_better_and_its_mapping_to_run_again(tmp_path, capsys):
    sizes = [part for name, size in RANKS.items() for part in ("--set", f"{name}={size}")]
    fields = [part for name, size in SMALL.items() for part in ("--arch-set", f"{name}={size}")]
    given = ["fusemax", "--workload", "bert", "--seq", "64", *sizes, *fields]
    out = tmp_path / "out"
    asked = ["map", WRITTEN, *given, "--effort", "quick", "--rewrite", "-o", str(out)]
    assert run(asked) == 0
    cycles = capsys.readouterr().out.split()[0]
    assert int(cycles.replace(",", "")) <= find_mapping(problem(WRITTEN), effort="quick").cycles
    cascade, mapping = sorted(out.iterdir(), key=lambda p: "mapping" in p.name)
    assert cascade.name == f"{WRITTEN}_rewritten.yaml"
    assert run(["run", str(cascade), *given, "--mapping", str(mapping)]) == 0
    assert f" {cycles} cycles" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], "--rewrite must come with -o FOLDER"),
        (["-o", "x", "--objective", "pareto"], "not pareto"),
        (["-o", "x", "--mapping", "fusemax/attention_1pass"], "--mapping auto"),
    ],
)
def test_refuses_what_makes_no_sense(more, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["map", "attention_causal", "fusemax", "--seq", "1K", "--rewrite", *more]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
