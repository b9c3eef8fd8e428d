"""accelsim compare of top-k engines: the table, the files, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from accelsim.energy import CostTable
from accelsim.engines import engine
from accelsim.engines.score_lists import DISTRIBUTIONS, score_lists
from accelsim.errors import SpecError

COSTS = """name: made_up
source: made up
node: none
leakage: none
rows:
  - {part: quick_select, action: clock, energy_pj: "1 + rows", source: made up}
  - {part: quick_select, action: row, energy_pj: 10, source: made up}
  - {part: quick_select, action: search, energy_pj: 100, source: made up}
  - {part: insertion_queue, action: clock, energy_pj: depth, source: made up}
  - {part: insertion_queue, action: row, energy_pj: 10, source: made up}
  - {part: insertion_queue, action: search, energy_pj: 100, source: made up}
areas:
  - {part: quick_select, area_um2: "100 * rows", source: made up}
  - {part: insertion_queue, area_um2: "100 * rows + depth", source: made up}
"""


@pytest.fixture
def costs(tmp_path):
    file = tmp_path / "made_up.yaml"
    file.write_text(COSTS)
    return file


def test_gives_cycles_energy_and_area_of_each_engine(costs, tmp_path, cli):
    out = tmp_path / "out"
    words = ["quick_select", "insertion_queue", "--n", "64", "--k", "8,16,65"]
    words += ["--scores", "uniform,constant", "--requests", "20", "--seed", "3"]
    words += ["--set", "width=8", "--costs", str(costs)]
    code, said, _ = cli("compare", *words, "-o", out, "--json")
    assert code == 0
    rows = json.loads(said)["rows"]
    assert len(rows) == 2 * 2 * 2  # k = 65 is more than there is
    for row in rows:
        kind = {"lanes": "16", "width": "8"}
        made = engine(row["engine"], kind).sized(64, row["k"])
        lists = score_lists(row["scores"], requests=20, n=64, width=8, seed=3).tolist()
        cycles = [made.cycles(values, row["k"]) for values in lists]
        found = [made.chosen(values, row["k"]) for values in lists]
        search = [one.cycles + one.waits for one in found]
        clock = 5 if row["engine"] == "quick_select" else row["k"]
        assert row["cycles_mean"] == pytest.approx(np.mean(cycles))
        assert row["cycles_worst"] == max(cycles)
        energy = clock * np.mean(cycles) + 10 * 4 + 100 * np.mean(search)
        assert row["energy_pj"] == pytest.approx(energy)
        assert row["area_um2"] == 400 + (row["engine"] != "quick_select") * row["k"]
    assert len((out / "selects.csv").read_text().splitlines()) == 1 + len(rows)
    assert {file.name for file in out.iterdir()} >= {"selects.txt", "selects_cycles.png"}


ALL = ["quick_select", "radix_select", "batcher", "insertion_queue"]


@pytest.fixture
def pictures(monkeypatch):
    """Pictures are drawn; files of them are made in the first test alone."""
    monkeypatch.setattr(
        "accelsim.plot.save", lambda _, *paths: [Path(path).touch() for path in paths]
    )


@pytest.mark.usefixtures("pictures")
def test_the_shipped_table_is_meant_where_none_is_named(tmp_path, cli):
    """Energy is that of the clock, the rows and the search, by hand; what lies beyond it is said."""
    words = [*ALL, "--n", "128,1K", "--k", "8", "--requests", "8", "-o", tmp_path, "--json"]
    code, said, _ = cli("compare", *words)
    assert code == 0
    found = json.loads(said)
    assert found["costs"] == "topk_asap7"
    table = CostTable.load("topk_asap7")
    for row in found["rows"]:
        sized = engine(row["engine"]).sized(row["n"], 8)
        clock, each, search = (
            float(table.cost(row["engine"], action, sized.attributes).pj)
            for action in ("clock", "row", "search")
        )
        energy = clock * row["cycles_mean"] + each * row["n"] / 16 + search * row["search_cycles"]
        assert row["energy_pj"] == pytest.approx(energy)
        assert row["area_um2"] == float(table.part_cost(row["engine"], sized.attributes).um2)
    beyond = [text for text in found["assumptions"] if text.startswith("extrapolated")]
    assert beyond == [f"extrapolated for {name}: rows 64 (measured from 2 to 8)" for name in ALL]
    assert (tmp_path / "selects_area.png").exists()


@pytest.mark.usefixtures("pictures")
def test_engines_that_the_shipped_table_lacks_have_no_costs(tmp_path, cli):
    words = [*ALL, "--n", "256", "--k", "32", "--set", "width=8", "--requests", "16"]
    code, text, _ = cli("compare", *words, "-o", tmp_path)
    assert code == 0
    assert all(f"\n{name} " in f"\n{text}" for name in ALL)
    assert "no costs" in text
    assert "rows must have a row for part 'quick_select', action 'clock'" in text
    assert not (tmp_path / "selects_area.png").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["quick_select", "fusemax"], "what is compared with quick_select must be one of"),
        (
            ["quick_select", "mac"],
            "must be one of batcher, insertion_queue, quick_select, radix_sel",
        ),
        (["quick_select", "--n", "8", "--k", "9"], "--k must be at most --n, not 9"),
        (["quick_select", "--scores", "normale"], "did you mean 'normal'?"),
        (["quick_select", "--n", "x"], "--n must be"),
        (["quick_select", "--requests", "0"], "--requests must be at least 1, not 0"),
        (["quick_select", "--seq", "1K"], "--seq must be left out where engines are compared"),
        (["fusemax", "--k", "8"], "--k must be left out where designs are compared"),
        (["quick_select", "--set", "lanes=0"], "lanes must be at least 1, not 0"),
        (["quick_select", "--n", "4M"], "elements must be at most 1048576, not 4194304"),
        (["quick_select", "--costs", "rtl_asap7"], "must have a row for part 'quick_select'"),
        (["quick_select", "--costs", "rtl_asap"], "did you mean 'rtl_asap7'?"),
    ],
)
def test_faulty_calls_are_refused(words, sentence, tmp_path, cli):
    code, _, said = cli("compare", *words, "-o", tmp_path / "out")
    assert code == 2
    assert sentence in said


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_scores_fit_their_bits_and_are_the_same_again(name):
    made = [score_lists(name, requests=5, n=40, width=6, seed=1) for _ in range(2)]
    assert (made[0] == made[1]).all()
    assert made[0].shape == (5, 40)
    assert 0 <= made[0].min() <= made[0].max() < 64
    steps = np.diff(made[0], axis=1)
    assert name != "rising" or (steps >= 0).all()
    assert name != "falling" or (steps <= 0).all()
    assert name != "constant" or (steps == 0).all()


def test_unknown_scores_are_refused():
    with pytest.raises(SpecError, match="did you mean 'uniform'"):
        score_lists("uniforme", requests=1, n=1, width=1, seed=0)
