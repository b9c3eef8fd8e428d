from fractions import Fraction
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field, field_validator, model_validator

from accelsim.errors import SpecError
from accelsim.specs import Document, Expression, Spec, read_text, validate
from accelsim.specs.fields import (
    Bandwidth,
    Duration,
    Formula,
    Frequency,
    Name,
    Positive,
    Share,
    Size,
    Whole,
)


class Dram(Spec):
    kind: Literal["dram"]
    bandwidth: Bandwidth
    efficiency: Share = 1.0
    latency: Duration = Fraction(0)


class Buffer(Spec):
    kind: Literal["buffer"]
    size: Size
    ports: Positive = 1


class Link(Spec):
    down: Whole | Formula = 0
    chain: bool = False


class Arch(Spec):
    name: Name
    clock: Frequency
    components: dict[str, Annotated[Dram | Buffer, Field(discriminator="kind")]]
    links: list[str | dict[str, Link]] = Field(default=[], max_length=3)
    mode: Literal["fast", "full"] = "fast"
    share: Formula | None = None

    @field_validator("mode")
    @classmethod
    def _mode(cls, mode: str) -> str:
        return mode

    @model_validator(mode="after")
    def _has_memory(self):
        if not self.components:
            raise ValueError("must have a component")
        return self


GOOD = """\
name: toy
clock: 940 MHz
components:
  DRAM: {kind: dram, bandwidth: 400 GiB/s, efficiency: 0.8, latency: 100 ns}
  GLB: {kind: buffer, size: 16 MiB, ports: 4}
links: [DRAM - GLB, {GLB - PE: {down: rows * 2}}]
share: 0.5
"""


def messages(text, model=Arch):
    with pytest.raises(SpecError) as caught:
        validate(read_text(text, "a.yaml"), model)
    return [str(fault) for fault in caught.value.faults]


def test_returns_the_model_with_exact_quantities():
    arch = validate(read_text(GOOD), Arch)
    assert arch.clock == Fraction(940_000_000)
    assert arch.components["GLB"].size == 2**24
    assert arch.components["DRAM"].latency == Fraction(1, 10**7)
    assert arch.links[1]["GLB - PE"].down == Expression.parse("rows * 2")
    assert arch.share is not None
    assert arch.share.evaluate() == Fraction(1, 2)


def test_reports_every_fault_in_file_order():
    bad = GOOD.replace("940 MHz", "940").replace("size: 16 MiB", "sise: 16 MiB")
    bad = bad.replace("0.8", "1.5").replace("name: toy", "name: 1 toy")
    assert messages(bad + "colour: red\n") == [
        "a.yaml:1:7: name must be a name (letters, digits, '_'), not '1 toy'",
        "a.yaml:2:8: clock must be a frequency such as '940 MHz', not 940; "
        "write its unit: Hz, kHz, MHz, GHz",
        "a.yaml:4:56: components.DRAM.efficiency must be at most 1, not 1.5",
        "a.yaml:5:23: unknown key 'sise'; did you mean 'size'?",
        "a.yaml:8:1: unknown key 'colour'; known: clock, components, links, mode, name, share",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: dram, ", "", "a.yaml:4:3: components.DRAM must have the key 'kind'"),
        (
            "kind: dram",
            "kind: drm",
            "a.yaml:4:16: components.DRAM.kind must be 'dram' or 'buffer', not 'drm'"
            "; did you mean 'dram'?",
        ),
        ("name: toy\n", "", "a.yaml:1:1: must have the key 'name'"),
        ("size: 16 MiB, ", "", "a.yaml:5:3: components.GLB must have the key 'size'"),
        (
            "16 MiB",
            "16 MX",
            "a.yaml:5:29: components.GLB.size must be a size such as '16 MiB', not '16 MX'"
            "; known: B, KiB, MiB, GiB, TiB, PiB",
        ),
        ("ports: 4", "ports: 0", "a.yaml:5:44: components.GLB.ports must be at least 1, not 0"),
        (
            "ports: 4",
            "ports: true",
            "a.yaml:5:44: components.GLB.ports must be a whole number, not True",
        ),
        (
            "ports: 4",
            "ports: 4.5",
            "a.yaml:5:44: components.GLB.ports must be a whole number, not 4.5",
        ),
        (
            "share: 0.5",
            "mode: ful",
            "a.yaml:7:7: mode must be one of 'fast' or 'full', not 'ful'; did you mean 'full'?",
        ),
        (
            "rows * 2",
            "[1]",
            "a.yaml:6:39: links[1].GLB - PE.down must be a whole number or "
            "a number or an expression, not a list",
        ),
        (
            "down: rows * 2",
            "dwn: 2",
            "a.yaml:6:33: unknown key 'dwn'; did you mean 'down'?",
        ),
        (
            "DRAM - GLB",
            "7",
            "a.yaml:6:9: links[0] must be text or a mapping of keys, not 7",
        ),
        (
            "[DRAM - GLB,",
            "[a, b, c,",
            "a.yaml:6:8: links must have at most 3 items, not 4",
        ),
        (
            "rows * 2",
            "'rows +'",
            "a.yaml:6:39: links[1].GLB - PE.down must be a whole number or an expression such as "
            "'ceil_div(M, M0)', not 'rows +'",
        ),
    ],
    ids=range(14),
)
def test_says_what_must_be(old, new, message):
    bad = GOOD.replace(old, new)
    assert bad != GOOD
    assert messages(bad) == [message]


def test_places_errors_of_a_whole_model():
    assert messages("name: a\nclock: 1 Hz\ncomponents: {}\n") == [
        "a.yaml:1:1: must have a component"
    ]


def test_reports_a_key_of_the_wrong_type_at_the_key():
    text = GOOD.replace("  GLB:", "  7:")
    assert messages(text) == ["a.yaml:5:3: components[7] must be text, not 7"]


@pytest.mark.parametrize("text", ["[1]", "text", "7"])
def test_refuses_a_file_that_is_no_mapping(text):
    assert messages(text)[0].startswith("a.yaml:1:1: must be a mapping of keys, not")


def test_validates_a_part_of_a_document():
    document = read_text("designs:\n  - {kind: buffer, sise: 1 B}\n", "a.yaml")
    with pytest.raises(SpecError, match=r"a\.yaml:2:20: unknown key 'sise'; did you mean 'size'"):
        validate(document, Buffer, loc=("designs", 0))


def test_bounds_what_a_message_repeats():
    assert len(messages(GOOD.replace("16 MiB", "9" * 100_000))[0]) < 300


WORDS = st.sampled_from(
    [*GOOD.replace("\n", " ").split(" "), "[", "]", "{", "}", ":", "-1", "1e400"]
)


@settings(max_examples=300)
@given(st.integers(0, 40), st.integers(0, 4), st.lists(WORDS, max_size=4))
def test_never_shows_anything_but_a_spec_error(start, removed, put):
    words = GOOD.replace("\n", " \n ").split(" ")
    words[start : start + removed] = put
    try:
        validate(read_text(" ".join(words)), Arch)
    except SpecError as error:
        assert error.faults
        assert all("Value error" not in fault.message for fault in error.faults)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["x", "1 B", "dram"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "size", "down", "x", "ports", "bandwidth", 7]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from([*Arch.model_fields, "x", 7]), VALUES))
def test_turns_any_data_into_a_model_or_faults(data):
    try:
        validate(Document(path="a.yaml", data=data), Arch)
    except SpecError as error:
        assert error.faults
