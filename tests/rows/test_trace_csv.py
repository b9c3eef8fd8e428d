"""The trace reader: what it takes, its totals, and every fault at its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.errors import SpecError
from accelsim.rows import totals
from accelsim.rows.totals import by_layer
from accelsim.rows.trace_csv import read_trace
from tests.rows.texts import ENCODER_HEADER, FOOTER, HEADER, encoder, pruned, row, trace


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "t.csv"
    path.write_text(text)
    return path


def faults(tmp_path: Path, text: str) -> list[str]:
    path = written(tmp_path, text)
    with pytest.raises(SpecError) as raised:
        read_trace(path)
    return [str(f).removeprefix(str(path.parent) + "/") for f in raised.value.faults]


def test_reads_rows_and_the_name_of_the_configuration(tmp_path: Path) -> None:
    rows = read_trace(written(tmp_path, pruned()))
    assert rows.source == "configs/made_up.yml"
    assert [(r.iteration, r.layer, r.head, r.keys, r.values, r.selects) for r in rows][:4] == [
        (0, 0, 0, 40, 16, 0),
        (0, 0, 1, 40, 16, 20),
        (0, 1, 0, 20, 6, 0),
        (0, 1, 1, 20, 6, 40),
    ]
    first = rows.rows[0]
    assert (first.features, first.key_bits, first.query_bits, first.threshold) == (64, 8, 12, 0.05)
    assert (first.requantized, first.extra_bits, first.accumulates) == (1, 4, True)


def test_totals_by_hand(tmp_path: Path) -> None:
    rows = read_trace(written(tmp_path, pruned()))
    every = totals(rows)
    # An iteration: 2 heads x 40 keys and 16 values, 2 x 20 and 6; one of 40 keys read again, 4 bits.
    assert every.rows == 8
    assert every.keys == 2 * (2 * 40 + 2 * 20)
    assert every.values == 2 * (2 * 16 + 2 * 6)
    assert every.qk_macs == 64 * every.keys
    assert every.pv_macs == 64 * every.values
    assert every.kv_bytes == 64 * (every.keys + every.values) + 2 * 40 * 64 // 2
    assert every.requantized == 2
    assert every.dense_macs == 2 * 64 * (4 * 40 + 4 * 41)
    assert [(layer, t.keys, t.requantized) for layer, t in by_layer(rows)] == [
        (0, 160, 2),
        (1, 80, 0),
    ]


def test_unquantized_operands_count_32_bits(tmp_path: Path) -> None:
    text = trace([row(bits=-1, extra=-1)])
    assert totals(read_trace(written(tmp_path, text))).kv_bytes == 2 * 40 * 64 * 4


def test_encoder_form(tmp_path: Path) -> None:
    rows = read_trace(written(tmp_path, encoder(queries=6)))
    assert [(r.layer, r.head, r.queries, r.keys, r.values) for r in rows] == [
        (layer, head, 6, 6, 6) for layer in range(2) for head in range(2)
    ]
    every = totals(rows)
    assert every.keys == 4 * 6  # K is read once for all queries
    assert every.qk_macs == every.pv_macs == 4 * 6 * 6 * 64
    # Columns may stand in any order.
    mixed = ",".join(reversed(ENCODER_HEADER.split(",")))
    line = ",".join(reversed(encoder().split("\n")[1].split(",")))
    assert len(read_trace(written(tmp_path, f"{mixed}\n{line}\n"))) == 1


def test_heads_are_numbered_among_those_left(tmp_path: Path) -> None:
    lines = [row(head=h) for h in range(3)] + [row(layer=1, head=h) for h in range(2)]
    assert len(read_trace(written(tmp_path, trace(lines)))) == 5
    back = [*lines, *(row(layer=2, head=h) for h in range(3))]
    assert faults(tmp_path, trace(back)) == [
        "t.csv:9:1: head_id must be below 2: heads do not come back"
    ]


CASES = {
    "no header": (
        trace([row()], header=row()),
        "t.csv:1:1: header must have known columns, not '0'; known: ",
    ),
    "misspelt column": (
        trace([row()], header=HEADER.replace("key_fetch_num", "key_fetch_nun")),
        "t.csv:1:68: header must have known columns, not 'key_fetch_nun'; did you mean 'key_fetch_num'?",
    ),
    "column twice": (
        trace([row()], header=HEADER.replace("if_topk", "head_id")),
        "t.csv:1:249: header must have the column 'head_id' once",
    ),
    "cut row": (
        trace([row(), row(head=1)[:30]]),
        "t.csv:3:31: row must have 17 cells, not ",
    ),
    "cut file": (trace([row()], footer=""), "t.csv:2:1: the last line must name the configuration"),
    "empty": ("", "t.csv:1:1: must have a header, and rows"),
    "no rows": (trace([]), "t.csv:2:1: the file must have a row"),
    "no number": (
        trace([row().replace(",40,", ",4x,", 1)]),
        "t.csv:2:12: sentence_length_L must be a whole number, not '4x'",
    ),
    "negative": (
        trace([row(keys=-3)]),
        "t.csv:2:15: key_fetch_num must be a whole number of 1 to 16777216, not -3",
    ),
    "keys over tokens": (
        trace([row(keys=41)]),
        "t.csv:2:15: key_fetch_num must be at most the 40 tokens, not 41",
    ),
    "values over keys": (
        trace([row(keys=20, values=21)]),
        "t.csv:2:36: value_fetch_num must be at most the 20 keys, not 21",
    ),
    "k over n": (
        trace([row(topk=41)]),
        "t.csv:2:57: topk must be at most the 40 tokens, not 41",
    ),
    "k without a selection": (
        trace([row(topk=3).replace("True,3", "False,3")]),
        "t.csv:2:58: topk must be 1 or more where if_topk is True, else -1",
    ),
    "features of half": (
        trace([row().replace("64.0", "64.5")]),
        "t.csv:2:7: embedding_length_D must be a whole number of 1 or more, not 64.5",
    ),
    "truth in lower case": (
        trace([row(requant=True).replace("True", "true", 1)]),
        "t.csv:2:28: if_requant must be True or False, not 'true'",
    ),
    "nothing more to read": (
        trace([row(requant=True, extra=0)]),
        "t.csv:2:28: if_requant must be False where keys have no more bits to read",
    ),
    "head left out": (
        trace([row(), row(head=2)]),
        "t.csv:3:1: head_id must be 1, not 2",
    ),
    "layer left out": (
        trace([row(), row(layer=2)]),
        "t.csv:3:1: layer_id must be 1, not 2",
    ),
    "iteration left out": (
        trace([row(), row(iteration=2)]),
        "t.csv:3:1: must be layer 0 of iteration 1, not layer 0 of iteration 2",
    ),
    "another number than was selected": (
        trace([row(topk=20), row(layer=1, keys=21, values=6)]),
        "t.csv:3:1: keys must be the 20 that were selected, not 21",
    ),
    "selection before the last head": (
        trace([row(topk=20), row(head=1)]),
        "t.csv:2:1: if_topk must be True in the last row of a layer only",
    ),
    "half a pair": (
        trace([row(bits=6, values=20), row(head=1, bits=6, values=19)]),
        "t.csv:3:1: two heads of 6 bits that are read as one must agree in keys and bits",
    ),
    "footer inside": (
        trace([row(), FOOTER, row(head=1)]),
        "t.csv:3:",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refuses_with_the_line(tmp_path: Path, name: str) -> None:
    text, message = CASES[name]
    found = faults(tmp_path, text)[0]
    assert found.startswith(message), found


def test_no_text_no_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        read_trace(tmp_path / "none.csv")
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="must be text in UTF-8"):
        read_trace(tmp_path / "b.csv")


ODD = ["", "-1", "-2", "1e9", "nan", "inf", "True", "0", "9" * 30, "\u00bd", "1.0", "\u0664"]


@settings(max_examples=60, deadline=None)
@given(line=st.integers(1, 8), place=st.integers(0, 16), text=st.sampled_from(ODD))
def test_a_damaged_file_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, line: int, place: int, text: str
) -> None:
    """A cell replaced: all rows as they stand, or faults of that line and those that follow from it."""
    lines = pruned().split("\n")
    cells = lines[line].split(",")
    cells[place] = text
    lines[line] = ",".join(cells)
    path = tmp_path_factory.mktemp("damaged") / "t.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    try:
        found = len(read_trace(path))
    except SpecError as error:
        assert all(line - 1 <= fault.line <= line + 2 for fault in error.faults)
    else:
        assert found == 8
