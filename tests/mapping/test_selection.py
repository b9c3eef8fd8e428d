"""What data select is stated: closed forms against seeded draws, presence against evaluated cascades."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsim import simulate
from accelsim.cascade import Cascade
from accelsim.cascade.count_points import count_by_points
from accelsim.cli.main import run as command
from accelsim.errors import SpecError
from accelsim.mapping import Selection
from accelsim.mapping.presence import presence_of
from accelsim.mapping.selection import UNIFORM, expected_live, expected_rows

DRAWS = 2000


@pytest.mark.parametrize(
    ("size", "each", "lists"), [(10, 3, 4), (64, 1, 64), (100, 30, 2), (7, 7, 5), (50, 2, 90)]
)
def test_rows_that_lists_name(size: int, each: int, lists: int) -> None:
    """The mean over 2,000 seeded draws of k-subsets, within four of its standard errors."""
    rng = np.random.default_rng(size * 1000 + lists)
    counts = []
    for _ in range(DRAWS):
        keys = rng.random((lists, size))
        named = np.argpartition(keys, each - 1, axis=1)[:, :each]
        counts.append(len(np.unique(named)))
    error = np.std(counts) / np.sqrt(DRAWS)
    assert abs(np.mean(counts) - expected_rows(size, each, lists)) <= 4 * error + 1e-9
    uniform = UNIFORM.rows(size, each, lists)
    assert 0 <= uniform - expected_rows(size, each, lists) < 1


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 2000))
def test_uniform_is_between_the_bounds(size: int, each: int, lists: int) -> None:
    each = min(each, size)
    least = Selection(kind="none").rows(size, each, lists)
    most = Selection(kind="all").rows(size, each, lists)
    assert least == each
    assert most == min(size, each * lists)
    assert least <= UNIFORM.rows(size, each, lists) <= most


@pytest.mark.parametrize(
    ("share", "points"), [(Fraction(1, 2), 3), (Fraction(1, 20), 16), (Fraction(9, 10), 1)]
)
def test_tiles_with_a_live_point(share: Fraction, points: int) -> None:
    rng = np.random.default_rng(points)
    live = (rng.random((DRAWS, points)) < float(share)).any(axis=1)
    error = np.sqrt(live.var() / DRAWS)
    assert abs(live.mean() - float(expected_live(share, points))) <= 4 * error
    assert expected_live(Fraction(0), points) == 0
    assert expected_live(Fraction(1), points) == 1


# Shares that the structure gives, held to a count of the points that exist for random data.
KNOWN = {
    "shared and routed heads": (
        "moh",
        {"H": 8, "N": 6, "E": 2, "F": 2, "D": 3, "HS": 3, "Z": 2, "k": 2, "causal": 0},
        {"S": Fraction(3 + 2, 8)},
    ),
    "pairs of a causal cluster": (
        "routing_causal",
        {"N": 12, "E": 3, "F": 2, "C": 3, "w": 5},
        {"S": Fraction(5 + 1, 2 * 5)},
    ),
    "places that a scatter hits": (
        "focus_tokens",
        {"N": 12, "D": 3, "E": 2, "C": 2, "k": 4},
        {"YS": Fraction(1)},
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_shares_that_the_structure_gives(name: str) -> None:
    cascade_name, given_sizes, wanted = KNOWN[name]
    cascade = Cascade.load(cascade_name)
    sizes = cascade.sizes(**given_sizes)
    presence = presence_of(cascade, sizes, UNIFORM)
    for einsum, share in wanted.items():
        assert presence.share(einsum) == share
    counts = count_by_points(cascade, sizes)
    for equation in cascade.equations:
        share = presence.share(equation.id)
        overlap = any("stated" in event.text for event in presence.events[equation.id])
        if share == 1 or equation.where or overlap:
            continue
        every = prod(sizes.extents[c] for c in equation.coords)
        ops = {kind: n for kind, n in counts[equation.id].items() if kind in ("exp", "div")}
        for kind, n in ops.items():
            assert n == share * every, (equation.id, kind)


def test_clusters_that_overlap() -> None:
    """Positions in no cluster have no output: 1 - (1 - w/N)**C of them have one, for random lists."""
    text = """\
in SQ[C,N]; X[C,I]
out O[N]
param w = 4
rank i = w
IQ[c,i] = SQ[c,p] :: top(p->i)
V[c,i] = SQ[c,i] * 2
NUM[p] = V[c,i] :: scatter(@IQ[c,i]:p, +)
O[p] = NUM[p] / 3
"""
    cascade = Cascade.parse(text.replace("; X[C,I]", ""))
    sizes = cascade.sizes(C=5, N=20)
    share = presence_of(cascade, sizes, UNIFORM).share("O")
    expected = 20 * (1 - (1 - 4 / 20) ** 5)
    assert share == Fraction(int(np.ceil(expected)), 20)
    rng = np.random.default_rng(3)
    hits = [
        np.count_nonzero(cascade.evaluate({"SQ": rng.random((5, 20))})["O"]) for _ in range(200)
    ]
    assert abs(np.mean(hits) - expected) <= 4 * np.std(hits) / np.sqrt(200)


def test_what_is_above_zero_by_itself() -> None:
    """A sum of exponentials is: its guard asks for a live key, and states nothing of data."""
    cascade = Cascade.load("attention_1pass_causal")
    sizes = cascade.sizes(P=16, M=16, E=4, F=4, M0=4)
    presence = presence_of(cascade, sizes, UNIFORM)
    assert presence.share("AV") == 1
    assert presence.stated == ()


# -- runs ---------------------------------------------------------------------------------------


def test_runs_under_selections(tmp_path) -> None:
    """What is stated scales operations, is named in the report, and is bounded by all and none."""
    file = tmp_path / "mostly.yaml"
    file.write_text("name: mostly\nsource: made up\nlive: {S2: 0.25}\n", encoding="utf-8")
    reports = {
        name: simulate(cascade="spatten_progquant", arch="fusemax", seq=256, selection=name)
        for name in ("uniform", "all", "none", str(file))
    }
    stages = {name: report.stages[0].activity for name, report in reports.items()}
    macs = {
        name: sum(a.count for a in activity.actions if (a.einsum, a.part) == ("S2", "mac"))
        for name, activity in stages.items()
    }
    assert macs["uniform"] * 2 == macs["all"]
    assert macs[str(file)] * 4 == macs["all"]
    assert macs["none"] == 0
    assert stages["none"].ticks <= stages["uniform"].ticks <= stages["all"].ticks
    for name in ("uniform", "all", "none"):
        notes = " ".join(stages[name].assumptions)
        assert "PX[p] < thr in S2 holds for" in notes
        assert f"(selection {name}: stated, not computed)" in notes
    assert "1/4 of the points of S2 live (selection mostly)" in stages[str(file)].assumptions
    again = simulate(cascade="spatten_progquant", arch="fusemax", seq=256)
    assert again.stages[0].activity == stages["uniform"]


def test_gathers_are_bounded() -> None:
    """Traffic of gathered rows: as few as one list's, as many as lists that never meet."""
    moved = {}
    for kind in ("none", "uniform", "all"):
        report = simulate(cascade="topk_attention", arch="fusemax", seq=512, selection=kind)
        activity = report.stages[0].activity
        moved[kind] = sum(t.bytes for t in activity.transfers if t.tensor == "V")
        stated = f"rows of V gathered by I: selection {kind} (stated, not computed)"
        assert stated in activity.assumptions
    assert 0 < moved["none"] <= moved["uniform"] <= moved["all"]


FAULTS = {
    "unifrom": "--selection must be uniform, all, none or a file, not 'unifrom'; did you mean 'uniform'?",
    "live: {S9: 0.5}": "live must name Einsums of spatten_progquant, not 'S9'",
    "live: {S2: 1.5}": "live of S2 must be a share from 0 to 1, not 1.5",
    "default: some": "default must be one of 'uniform', 'all' or 'none', not 'some'",
}


@pytest.mark.parametrize("text", FAULTS)
def test_faulty_selections(text: str, tmp_path, capsys) -> None:
    name = text
    if ":" in text:
        name = str(tmp_path / "mine.yaml")
        (tmp_path / "mine.yaml").write_text(f"name: mine\nsource: made up\n{text}\n")
    with pytest.raises(SpecError) as error:
        simulate(cascade="spatten_progquant", arch="fusemax", seq=256, selection=name)
    assert FAULTS[text] in str(error.value)
    assert command(["run", "spatten_progquant", "fusemax", "--selection", name]) == 2
    assert FAULTS[text] in capsys.readouterr().err
