"""docs/topk.md: its figures are those of the engines."""

import re
from pathlib import Path

import pytest

from accelsim.energy import CostTable
from accelsim.engines import engine
from accelsim.engines.score_lists import score_lists
from accelsim.engines.select_batch import select_batch
from accelsim.result.selects import compare_selects

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "topk.md").read_text()
NAMES = ("quick_select", "radix_select", "batcher", "insertion_queue")


def cycles(name, n, k, scores, lanes=16):
    made = engine(name, {"lanes": str(lanes)}).sized(n, k)
    return select_batch(made, score_lists(scores, requests=256, n=n, width=12, seed=0), k).cycles


@pytest.mark.parametrize("line", re.findall(r"^\| (\d+, \d+, \w+ .*) \|$", PAGE, re.MULTILINE))
def test_cycles_by_scores(line):
    head, *cells = line.split(" | ")
    n, k, scores = head.split(", ")
    for name, cell in zip(NAMES, cells, strict=True):
        found = cycles(name, int(n), int(k), scores)
        mean, worst = f"{found.mean():.0f}", f"{found.max()}"
        assert cell == (mean if mean == worst else f"{mean} ({worst})"), name


@pytest.mark.parametrize("line", re.findall(r"^\| (\d+ \| .*) \|$", PAGE, re.MULTILINE))
def test_cycles_by_lanes(line):
    lanes, *cells = line.split(" | ")
    for name, cell in zip(NAMES, cells, strict=True):
        assert cell == f"{cycles(name, 1024, 128, 'normal', int(lanes)).mean():.0f}", name


@pytest.mark.parametrize("line", re.findall(r"^\| n (\d+, k \d+ \| .*) \|$", PAGE, re.MULTILINE))
def test_energy_and_area(line):
    head, *cells = line.split(" | ")
    n, k = map(int, head.split(", k "))
    engines = [engine(name) for name in NAMES]
    found = compare_selects(
        engines, [(n, k)], ["normal"], CostTable.load("topk_asap7"), requests=256, seed=0
    )
    assert cells == [f"{row.energy_pj:.0f}, {row.area_um2:.0f}" for row in found.rows]


def test_a_full_sort_and_the_critical_paths():
    for name in ("batcher", "quick_select"):
        assert f" {cycles(name, 1024, 1024, 'normal').mean():.0f} " in PAGE
    (file,) = [layer.file for layer in CostTable.load("topk_asap7").layers]
    for name in NAMES:
        path = re.search(r"(\d+) ps", file.provenance[f"{name}_8_8"])[1]
        assert re.search(rf"\b{path}\b", PAGE), name
