"""The heads of the shipped cascades, and that no parameter has to be given."""

import re

import numpy as np
import pytest

from accelsim import specs
from accelsim.cascade import Cascade
from accelsim.errors import SpecError

NAMES = specs.names("cascade")
COLUMNS = 90  # what `accelsim list` shows of a summary


@pytest.mark.parametrize("name", NAMES)
def test_has_a_summary_of_one_line_and_a_dated_source(name):
    cascade = Cascade.load(name)
    assert 20 <= len(cascade.summary) <= COLUMNS or name == "matmul"
    assert not cascade.summary.endswith(".")
    assert "zoo" not in cascade.source
    assert re.search(r"\b(19|20)\d\d\b", cascade.source) or name == "matmul"


def test_summaries_tell_cascades_apart():
    """But for two names of one text."""
    said: dict[str, set[str]] = {}
    for name in NAMES:
        cascade = Cascade.load(name)
        said.setdefault(cascade.summary, set()).add(cascade.text)
    assert [texts for texts in said.values() if len(texts) > 1] == []


@pytest.mark.parametrize("name", NAMES)
def test_evaluates_from_its_inputs_alone(name, small, some_inputs):
    """Every parameter has a default that suits inputs of an ordinary size."""
    cascade = Cascade.load(name)
    data = some_inputs(cascade, {n: s for n, s in small(cascade).items() if n != "M0"})
    found = cascade.evaluate(data)
    assert set(found) == {tensor.name for tensor in cascade.outputs}
    assert all(value.size and np.isfinite(value).all() for value in found.values())
    assert any(np.any(value) for value in found.values())


@pytest.mark.parametrize("name", NAMES)
def test_has_a_value_or_a_sentence_for_an_empty_rank(name, small, some_inputs):
    """A size of 0 gives finite values, on nothing a zero; or it is refused, never NaN."""
    cascade = Cascade.load(name)
    for shape in cascade.shape_names:
        sizes = small(cascade) | {shape: 0}
        try:
            data = some_inputs(cascade, sizes)
            found = cascade.evaluate(
                data, **{n: v for n, v in sizes.items() if n in cascade.params}
            )
        except SpecError as error:
            assert "must be" in str(error)
            continue
        assert all(np.isfinite(value).all() for value in found.values()), shape
