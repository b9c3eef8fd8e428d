"""docs/topk.md: its figures are those of the engines."""

import re
from pathlib import Path

import pytest

from accelsim.engines import engine
from accelsim.engines.score_lists import score_lists
from accelsim.engines.select_batch import select_batch

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
