import math
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.errors import SpecError
from accelsim.specs import read, read_text


def messages(text):
    with pytest.raises(SpecError) as caught:
        read_text(text, "a.yaml")
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e9", 1e9),
        ("16e6", 16e6),
        ("0o17", 15),
        ("0x1F", 31),
        ("010", 10),
        ("-3", -3),
        (".5", 0.5),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("null", None),
        ("~", None),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
        ("16 MiB", "16 MiB"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
    ],
)
def test_reads_scalars_by_the_core_schema_of_yaml_1_2(text, value):
    data = read_text(f"a: {text}").data
    assert data == {"a": value}
    assert type(data["a"]) is type(value)


def test_keeps_text_keys_as_text_and_whole_keys_as_numbers():
    assert read_text("{on: 1, 1e9: 2, true: 3, null: 4, 5: 6}").data == {
        "on": 1,
        "1e9": 2,
        "true": 3,
        "null": 4,
        5: 6,
    }


def test_knows_the_place_of_every_value_and_key():
    document = read_text("a: 1\nlevels:\n  - {size: 1}\n  -  size: 2\n", "a.yaml")
    assert document.at(("levels", 1, "size")) == (4, 12)
    assert document.at(("levels", 1, "size"), key=True) == (4, 6)
    assert document.at(("levels", 1, "missing", "x")) == (4, 6)
    assert str(document.fault(("a",), "wrong")) == "a.yaml:1:4: wrong"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: |\n  one\n  two x\nb: 1\n", (3, 7)),
        ("a: |\n\n    two x\n", (3, 9)),
        ("a: one\n", (2, 9)),
    ],
)
def test_places_a_fault_inside_a_text_block(text, place):
    document = read_text(text)
    if text.startswith("a: |"):
        fault = document.fault_within(("a",), "wrong", 2, 5)
        assert (fault.line, fault.column) == place
    else:
        fault = document.fault_within(("a",), "wrong", 1, 2)
        assert (fault.line, fault.column) == (1, 5)


def test_expands_aliases():
    document = read_text("a: &x {b: [1, 2]}\nc: *x\nd: *x\n")
    assert document.data == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": {"b": [1, 2]}}
    assert document.at(("d", "b", 1)) == (1, 15)


def test_reports_every_duplicate_at_once():
    assert messages("a: 1\nb: {c: 1, c: 2}\na: 2\n") == [
        "a.yaml:2:11: duplicate key 'c', first on line 2",
        "a.yaml:3:1: duplicate key 'a', first on line 1",
    ]


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a.yaml:1:1: must not be empty"),
        ("# nothing\n", "a.yaml:1:1: must not be empty"),
        ("a: \0", "a.yaml:1:4: must be text, not the character '\\x00'"),
        ("a: \ud800", "a.yaml:1:4: must be text, not the character '\\ud800'"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2:1: must be one document, not several separated by '---'"),
        ("a: !!python/object:os.system x", "must have no tag, not"),
        ("a: !mine {b: 1}", "a.yaml:1:4: must have no tag, not '!mine'"),
        ("a: !!int x", "a.yaml:1:4: must be of type int, as its tag says, not 'x'"),
        ("a: *b", "a.yaml:1:4: alias '*b' must name an anchor that stands before it"),
        ("a: &b [*b]", "a.yaml:1:8: alias '*b' must not stand inside its own anchor"),
        ("? [a]\n: 1", "a.yaml:1:3: must be a plain key, not a list or a mapping"),
        (f"a: {'9' * 5000}", "a.yaml:1:4: must be a number of at most 400 digits"),
        ("a: 1e999", "a.yaml:1:4: must be a number below 1e308, not '1e999'"),
        ("a: [1, 2", "must be YAML: "),
        ("a: b: c", "must be YAML: "),
        ("a:\n\t- 1", "must be YAML: "),
        (LAUGHS, "must hold at most 200000 values, aliases counted in full"),
        ("[" * 3_900_000, "a.yaml:1:65: must be nested at most 64 levels deep"),
        ("{a: " * 900_000, "a.yaml:1:257: must be nested at most 64 levels deep"),
        ("- " * 1_900_000, "a.yaml:1:129: must be nested at most 64 levels deep"),
        ("[" + "1," * 1_900_000, "must hold at most 200000 values"),
        ("{" * 10_000_000, "a.yaml:1:1: must have at most 4000000 bytes"),
        ("? " * 1_900_000, "a.yaml:"),
    ],
    ids=range(23),
)
def test_refuses_what_is_not_a_spec_quickly(text, message):
    start = time.process_time()
    assert message in messages(text)[0]
    assert time.process_time() - start < 10


def test_bounds_the_depth_that_aliases_make():
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 99))
    assert "must be nested at most 64 levels deep" in messages(chain)[0]


def test_reads_a_wide_mapping_in_linear_time():
    start = time.monotonic()
    assert len(read_text("".join(f"k{i}: {i}\n" for i in range(90_000))).data) == 90_000
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\xfea\x00", ":1:1: must be UTF-8 text, not the byte 0xff"),
        (b"a: 1\nb: \xc3(", ":2:4: must be UTF-8 text, not the byte 0xc3"),
        (b"", ":1:1: must not be empty"),
        (b"x" * 4_000_001, ":1:1: must have at most 4000000 bytes"),
    ],
)
def test_refuses_files_that_are_no_text(tmp_path: Path, content, message):
    file = tmp_path / "a.yaml"
    file.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        read(file)
    assert str(caught.value) == f"{file}{message}"


def test_says_which_file_cannot_be_read(tmp_path: Path):
    with pytest.raises(SpecError, match=r"none\.yaml:1:1: cannot be read: No such file"):
        read(tmp_path / "none.yaml")
    with pytest.raises(SpecError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_ignores_a_byte_order_mark(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\r\n")
    assert read(file).data == {"a": 1}


PIECES = st.sampled_from(
    [*"[]{}:,-?&*!|>'\"%@`# \n\t", "a", "b: ", "- ", "1e9", "&a ", "*a", "---\n", "!!int ", "\x00"]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(PIECES, max_size=60).map("".join)))
def test_never_shows_anything_but_a_spec_error(text):
    try:
        document = read_text(text)
    except SpecError as error:
        assert error.faults
        assert all(fault.line >= 1 and fault.column >= 1 for fault in error.faults)
    else:
        assert () in document.marks
