"""A cascade as text: what is printed parses to the same cascade."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim import specs
from accelsim.cascade import Cascade
from accelsim.cascade.text import block_text, cascade_yaml, expression
from accelsim.errors import SpecError
from tests.cascade.random_cascades import write


@pytest.mark.parametrize("name", specs.names("cascade"))
def test_a_shipped_cascade_parses_to_itself(name):
    block = Cascade.load(name).block
    assert Cascade.parse(block_text(block)).block == block


@pytest.mark.parametrize("name", ["attention", "ninformer", "yaad", "spatten_progquant"])
def test_a_file_loads_as_itself(name, tmp_path):
    cascade = Cascade.load(name)
    (tmp_path / "again.yaml").write_text(cascade_yaml(cascade), encoding="utf-8")
    again = Cascade.load(tmp_path / "again.yaml")
    assert again.block == cascade.block
    assert (again.name, again.summary, again.source) == (
        cascade.name,
        cascade.summary,
        cascade.source,
    )
    assert again.claimed_passes == cascade.claimed_passes


@settings(max_examples=100)
@given(st.integers(0, 2**32))
def test_a_random_cascade_parses_to_itself(seed):
    text, _ = write(Random(seed), 6)
    block = Cascade.parse(text).block
    assert Cascade.parse(block_text(block)).block == block, text


@pytest.mark.parametrize(
    "text",
    [
        "a - (b - c) - d",
        "a / (b * c) * d",
        "-(-a) - -b",
        "-X[0]?-1",
        "(-X[0])?(Y[1]?(a + b))",
        "(a < b) == (b < a)",
        "not (a and b) or not c and d",
        "not not a",
        "a<<b + c",
        "(a<<b) * 1e-05 % 2",
        "select('x' == b, inf, -1e+300)",
    ],
)
def test_brackets_are_those_that_matter(text):
    def right(shown):
        body = f"in X[N]; Y[N]\nout Z[]\nparam a = 1; b = 2; c = 3; d = 4\nZ[] = {shown}"
        return Cascade.parse(body).block.equations[0].right

    tree = right(text)
    shown = expression(tree)
    assert right(shown) == tree
    assert shown.count("(") <= text.count("(")


def test_an_extent_is_a_number():
    cascade = Cascade.parse("in A[K]\nout M[]\nM[] = A[k] / |k| :: +(k)")
    assert cascade.evaluate({"A": np.arange(5.0)})["M"] == 2.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("M[] = A[k] / |j| :: +(k)", "3:14: 'j' is not a coordinate; known: k"),
        ("M[|k|] = A[k]", "a left axis must be x, x+1, an integer or x*C+y, not"),
        ("let n = |k|\nM[] = A[k] / n :: +(k)", "unknown symbol '|k|'"),
    ],
)
def test_an_extent_must_be_that_of_a_coordinate(text, message):
    with pytest.raises(SpecError) as error:
        Cascade.parse(f"in A[K]\nout M[]\n{text}")
    assert message in str(error.value)
