"""The listing: whole, checked, and docs/zoo.md is what it makes."""

from collections import Counter
from pathlib import Path

import pytest

from accelsim.cascade import Cascade
from accelsim.cli.zoo.analysis import analysis, state
from accelsim.cli.zoo.figures import from_csv, simulated, to_csv
from accelsim.cli.zoo.model import Zoo, stages_of
from accelsim.cli.zoo.page import page
from accelsim.errors import SpecError
from accelsim.specs import names

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "einsum_cascades" / "zoo" / "zoo.yaml"
PAGE, TABLE = ROOT / "docs" / "zoo.md", ROOT / "docs" / "zoo.csv"


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return Zoo.load()


@pytest.fixture(scope="module")
def kept():
    return from_csv(TABLE)


def test_every_row_has_its_class(zoo):
    assert [row.row for row in zoo.spec.rows] == list(range(1, 45))
    assert Counter(row.kind for row in zoo.spec.rows) == {"A": 28, "B": 10, "C": 2, "D": 4}
    assert [row.row for row in zoo.spec.rows if row.kind == "B"] == [
        4, 6, 9, 10, 23, 29, 32, 33, 37, 39,
    ]  # fmt: skip
    assert [row.row for row in zoo.spec.rows if row.kind == "D"] == [7, 22, 30, 43]


def test_every_cascade_has_a_place(zoo):
    listed = {stage.cascade for run in zoo.runs for stage in stages_of(run)}
    assert len({run.cascade for entry in zoo.spec.expected for run in entry.runs}) == 23
    forms = set(zoo.spec.forms.values())
    assert set(names("cascade")) == listed | forms | set(zoo.spec.beside)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cascade: aaren,", "cascade: aren,", ":13:12: unknown cascade 'aren'; did you mean 'aaren'?"),
        ("workload: oat}", "workload: oak}", "unknown workload 'oak'; did you mean 'oat'?"),
        ("workload: bert}", "workload: gman}", "must have a stage or an alternative for aaren"),
        ("- row: 2\n", "- row: 3\n", "row must be 2, as rows are in order, not 3"),
        ("  - row: 44\n    title: Agent attention\n    class: A", "", "rows must be 44"),
        ("beside: [matmul, ", "beside: [", "every cascade must have a place; matmul has none"),
        ("beside: [matmul", "beside: [matmull", "unknown cascade 'matmull'"),
        ("ssd: ssd_chunk", "ssd: lightning2", "lightning2 must have the inputs and outputs of ssd"),
        ("class: D", "class: A", "row 7 must have runs"),
        ("class: A", "class: D", "row 1 of class D must have no runs"),
        ("class: C", "class: E", "rows[15].class must be"),
        ("known: memory", "known: hearsay", "rows[0].known must be"),
        ("[{workload: birnn-text}]", "[{cascade: alibi, workload: bert}]", "class B must run a workload"),
    ],
)  # fmt: skip
def test_says_what_is_wrong(cli, tmp_path, old, new, message):
    text = SHIPPED.read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "zoo").mkdir()
    file = tmp_path / "zoo" / "mine.yaml"
    changed = text.replace(old, new, 1)
    if "rows must" in message:
        cut = text.index("  - row: 44")
        changed = text[:cut] + text[text.index("expected:") :]
    file.write_text(changed, encoding="utf-8")
    code, _, err = cli("check", file)
    assert code == 2
    assert message in err
    assert err.startswith(f"{file}:")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("attention_3pass", "2*M*P + P*F + 2*P"),
        ("attention_1pass", "P*F + 2*P"),
        ("linear_decay", "H*E*F"),
        ("lightning2", "H*E*F"),
        ("titans", "2*F*E"),
        ("s6", "D*S"),
        ("aaren", "2 + F"),
        ("sliding_window", "W*E + W*F"),
        ("danet_cam", "D*D"),
        ("sigmoid_attention", "P*F"),
        ("attention_gate", "none"),
        ("topk_attention", "2*P*k"),
    ],
)
def test_state_is_what_the_text_keeps(name, words):
    assert state(Cascade.load(name)) == words


def test_the_fewest_passes_are_those_of_a_form_that_is_there(zoo):
    for name, form in zoo.spec.forms.items():
        found = analysis(Cascade.load(name), zoo.spec.forms)
        assert found.fewest == min(
            next(iter((Cascade.load(each).claimed_passes or {}).values())) for each in (name, form)
        )


def test_the_page_is_fresh(zoo, kept):
    assert list(kept) == list(zoo.runs), "accelsim docs zoo"
    assert page(zoo, kept) == PAGE.read_text(encoding="utf-8"), "accelsim docs zoo --kept"
    assert to_csv(kept) == TABLE.read_text(encoding="utf-8")


def test_some_figures_are_fresh(zoo, kept):
    """A share of the simulations; the campaign makes them all."""
    ran = [run for run in zoo.runs if not kept[run].refused]
    for run in ran[::7]:
        assert simulated(run, kept[run].design, kept[run].tokens) == kept[run]


@pytest.mark.campaign
def test_all_figures_are_fresh(zoo, kept):
    for run in zoo.runs:
        assert simulated(run, kept[run].design, kept[run].tokens) == kept[run]


def test_command(cli, tmp_path, kept):
    (tmp_path / "zoo.csv").write_text(to_csv(kept), encoding="utf-8")
    code, out, _ = cli("docs", "zoo", "--kept", "-o", tmp_path)
    assert (code, out) == (0, f"{tmp_path / 'zoo.md'}\n")
    assert (tmp_path / "zoo.md").read_text() == PAGE.read_text()
    (tmp_path / "zoo.csv").write_text(to_csv(kept).splitlines()[0] + "\n", encoding="utf-8")
    code, _, err = cli("docs", "zoo", "--kept", "-o", tmp_path)
    assert code == 2
    assert "must have a row for aaren; leave out --kept" in err
    (tmp_path / "zoo.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert cli("docs", "zoo", "--kept", "-o", tmp_path)[0] == 2
    code, _, err = cli("docs", "zou", "-o", tmp_path)
    assert (code, "must be one of zoo" in err) == (2, True)


def test_a_run_that_is_refused_says_why(zoo):
    run = zoo.runs[0].model_copy(update={"workload": "gman"})
    found = simulated(run, "fusemax", 1024)
    assert "must have a stage or an alternative for aaren" in found.refused
    with pytest.raises(SpecError):
        stages_of(run)
