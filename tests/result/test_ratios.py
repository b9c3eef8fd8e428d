"""Published ratios: verdicts from made-up runs, and the shipped file as far as it can be had cheaply."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from accelsim.cli.main import run as cli
from accelsim.errors import SpecError
from accelsim.job.rows import RowJob, rows_of
from accelsim.result.ratios import Ratios

TEXT = """
name: made
source: made up
runs:
  a: {design: spatten, schedule: gpt2-small}
  b: {design: spatten, schedule: gpt2-small}
figures:
  - {name: near, published: 2, tag: S, ours: a.trace.keys / b.trace.keys}
  - {name: far, published: 2, tag: S, ours: a.cycles / b.cycles, explained: [2.9, 3.1], note: it is}
  - {name: lost, published: 2, tag: S, ours: a.cycles / b.cycles}
  - {name: none, published: 2, tag: S, note: it cannot be had}
"""


def ratios(tmp_path: Path, text: str = TEXT) -> Ratios:
    (tmp_path / "made.yaml").write_text(text)
    return Ratios.load(tmp_path / "made.yaml")


def test_verdicts(tmp_path: Path) -> None:
    runs = {"a": {"cycles": 30, "trace": {"keys": 21}}, "b": {"cycles": 10, "trace": {"keys": 10}}}
    found = ratios(tmp_path).compare(runs)
    assert [row.status for row in found.rows] == [
        "reproduced",
        "explained difference",
        "out",
        "not reproducible",
    ]
    assert not found.ok
    assert found.rows[0].error == pytest.approx(0.05)
    runs["a"]["cycles"] = 35  # what was explained is no longer what there is
    assert ratios(tmp_path).compare(runs).rows[1].status == "out"
    assert "it cannot be had" in str(found)
    assert found.to_dict()["rows"][3]["simulated"] is None


def test_ours_without_a_published_number_is_shown(tmp_path: Path) -> None:
    """A figure that nobody could verify is no target, and says so."""
    text = TEXT + "  - {name: x, tag: none, ours: a.cycles / b.cycles, note: not verified}\n"
    runs = {n: {"cycles": c, "trace": {"keys": 1}} for n, c in (("a", 30), ("b", 10))}
    row = ratios(tmp_path, text).compare(runs).rows[-1]
    assert (row.status, row.ours, row.error) == ("not reproducible", 3, None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("ours: a.cycles / b.cycles}", "ours: c.cycles}"), "ours must begin with a run, not 'c'"),
        (("note: it cannot be had", "within: 0.1"), "must have a note"),
        (
            ("published: 2, tag: S, ours: a.trace", "tag: S, ours: a.trace"),
            "must have a note",
        ),
    ],
)
def test_faults(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        ratios(tmp_path, TEXT.replace(*change))


def test_a_figure_that_no_run_has(tmp_path: Path) -> None:
    found = ratios(tmp_path, TEXT.replace("a.trace.keys", "a.trace.kys"))
    with pytest.raises(SpecError, match=r"'a\.trace\.kys'; did you mean 'a\.trace\.keys'"):
        found.compare({n: {"cycles": 1, "trace": {"keys": 1}} for n in "ab"})


def test_no_remembered_number_is_a_target() -> None:
    figures = Ratios.load("spatten").file.figures
    assert all("M" not in figure.tag for figure in figures)
    assert sum(figure.ours is not None for figure in figures) >= 20


def test_the_quick_figures_hold() -> None:
    """The runs of encoders' baselines are cheap: a twentieth of a second each."""
    shipped = Ratios.load("spatten")
    runs = {}
    for name in ("titan_encoder", "titan_short", "xeon_encoder", "xeon_short"):
        spec = shipped.file.runs[name]
        runs[name] = RowJob.of(spec.design).report(rows_of(schedule=spec.schedule)).to_dict()
    # 12 layers of 6 operations of 6.7 us, and the products of 144 heads: by hand.
    launch = 12 * 6 * 6.7e-6
    macs = 12 * 12 * 2 * 128**2 * 64
    assert runs["titan_encoder"]["seconds"] == pytest.approx(
        launch + macs / 3840 / 1582e6, rel=1e-3
    )
    moved = (
        12 * 12 * 4 * 32 * 64 * 4
    )  # a short sentence is bound by its bytes: Q, K, V and output once
    assert runs["titan_short"]["seconds"] == pytest.approx(launch + moved / 547.6e9, rel=1e-3)
    assert runs["xeon_encoder"]["seconds"] == pytest.approx(
        launch + macs / (160 * 0.55) / 2400e6, rel=1e-3
    )
    power = runs["titan_encoder"]["energy_pj"]["total"] / 1e12 / runs["titan_encoder"]["seconds"]
    assert power == pytest.approx(250)


@pytest.mark.campaign
@pytest.mark.skipif(not os.environ.get("ACCELSIM_CAMPAIGN"), reason="set ACCELSIM_CAMPAIGN=1")
def test_reproduce(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(["reproduce", "spatten"]) == 0
    assert " out" not in capsys.readouterr().out


def test_physical_is_of_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(["reproduce", "spatten", "--physical"]) == 2
    assert "--physical must be left out" in capsys.readouterr().err
