"""accelsim compare of top-k engines: the table, the files, and what is refused."""

import json

import numpy as np
import pytest

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


def test_without_a_table_there_is_neither_energy_nor_area(tmp_path, cli):
    words = [
        "quick_select",
        "radix_select",
        "batcher",
        "insertion_queue",
        "--n",
        "256",
        "--k",
        "32",
    ]
    code, text, _ = cli("compare", *words, "--requests", "16", "-o", tmp_path)
    assert code == 0
    assert all(f"\n{name} " in f"\n{text}" for name in words[:4])
    assert "no costs: see --costs" in text
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
