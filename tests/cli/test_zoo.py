"""The listing: whole, checked, and docs/zoo.md is what it makes."""

import math
from collections import Counter
from pathlib import Path

import pytest

from accelsim.cascade import Cascade
from accelsim.cli.zoo.analysis import analysis, sequence_rank, state
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
        ("aaren", "F + 2"),
        ("sliding_window", "W*E + W*F"),
        ("danet_cam", "D*D"),
        ("sigmoid_attention", "P*F"),
        ("attention_gate", "none"),
        ("topk_attention", "2*P*k"),
    ],
)
def test_state_is_what_the_text_keeps(name, words):
    cascade = Cascade.load(name)
    assert state(cascade, sequence_rank(cascade)) == words


# What is known to be the fewest over the sequence: softmax attention and its relations 1, an output over
# the keys 2, selection as written but for its softmax, gates that need a whole reduction 2.
FEWEST = {
    1: "attention_3pass attention_causal gqa mqa mla rope se_attention alibi additive_attention collapsed"
    " symmetric rcmha gin_attention danet_pam gman_st agent landmark rat deconstruct_static hop_profile"
    " sigmoid_attention sliding_window longformer halo2d linear_attention lightning2 titans yaad moh",
    2: "pointer_net waad_fai kv_quant sparse_gin spatten_progquant ela ninformer csa cbam contmix",
    3: "landmark_topk topk_block_decode nsa routing focus_tokens",
}


@pytest.mark.parametrize(
    ("fewest", "name"), [(n, name) for n, text in FEWEST.items() for name in text.split()]
)
def test_fewest_passes_and_their_state(zoo, fewest, name):
    cascade = Cascade.load(name)
    found = analysis(cascade, zoo.spec.forms)
    assert found.fewest[sequence_rank(cascade)] == fewest
    assert all(found.fewest[rank] <= passes for rank, passes in found.passes.items())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("attention_3pass", "P*F + 2*P"),
        ("gqa", "H*P*F + 2*H*P"),
        ("alibi", "N*F + 2*N"),
        ("agent", "A*F + 2*A"),
        ("attention_no_max", "P*F + P"),
        ("sliding_window", "W*E + W*F"),
    ],
)
def test_state_at_the_fewest_passes(zoo, name, words):
    assert analysis(Cascade.load(name), zoo.spec.forms).state == words


@pytest.mark.parametrize("name", sorted(Zoo.load().spec.forms))
def test_a_shipped_form_takes_no_more_passes(zoo, name):
    one, two = (Cascade.load(each) for each in (name, zoo.spec.forms[name]))
    assert two.passes()[sequence_rank(two)] <= one.passes()[sequence_rank(one)]


def test_the_page_is_fresh(zoo, kept):
    assert list(kept) == list(zoo.runs), "accelsim docs zoo"
    assert page(zoo, kept) == PAGE.read_text(encoding="utf-8"), "accelsim docs zoo --kept"
    assert to_csv(kept) == TABLE.read_text(encoding="utf-8")


def test_everything_is_simulated(kept):
    assert {str(run): found.refused for run, found in kept.items() if found.refused} == {}
    for found in kept.values():
        assert found.cycles > 0
        assert found.traffic_bytes > 0
        assert all(0 <= share <= 1 for share in found.shares.values())


def test_traffic_is_at_least_what_comes_in_once(zoo, kept):
    """Every input word that is read at all points has to come from memory once."""
    for name in ("gla", "sigmoid_attention", "linear_decay", "attention_3pass", "ssd", "titans"):
        run = next(run for run in zoo.runs if run.cascade == name)
        (stage,) = stages_of(run, kept[run].tokens)
        shapes = Cascade.load(name).sizes(**stage.ranks).shapes
        copies = math.prod(stage.leading.values())
        words = sum(math.prod(shapes[t.name]) for t in Cascade.load(name).inputs)
        words += sum(math.prod(shapes[t.name]) for t in Cascade.load(name).outputs)
        assert kept[run].traffic_bytes >= 2 * copies * words


@pytest.mark.ci
def test_some_figures_are_fresh(zoo, kept):
    """A share of the simulations; the campaign makes them all."""
    for run in zoo.runs[::13]:
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
