"""Random cascades: the compiled evaluator is the reference evaluator, the closed count a count of points."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim import ops
from accelsim.cascade import Cascade
from accelsim.cascade.count import counted
from accelsim.cascade.count_points import count_by_points
from tests.cascade.random_cascades import Writer, arrays, write


def difference(cascade: Cascade, data: dict[str, object]) -> str:
    """Return the first output in which the two evaluators differ, and how; empty if none."""
    fast, slow = cascade.evaluate(data), cascade.evaluate_reference(data)
    for name, value in slow.items():
        scale = max(1.0, float(np.max(np.abs(value), initial=0)))
        if fast[name].shape != value.shape or not np.allclose(
            fast[name], value, rtol=1e-9, atol=1e-9 * scale, equal_nan=False
        ):
            return f"{name}:\n{fast[name]}\nreference:\n{value}"
    return ""


def made(random: Random, *, is_affine: bool = False) -> tuple[Cascade, Writer, dict[str, object]]:
    text, writer = write(random, 1 + random.randrange(9), is_affine=is_affine)
    cascade = Cascade.parse(text)
    shapes = dict(cascade.sizes(**writer.sizes).shapes)
    return cascade, writer, dict(arrays(random, writer, shapes))


def evaluates_alike(random: Random) -> bool:
    """Hold the evaluators together; return whether any output has a value that is not 0."""
    cascade, _, data = made(random)
    found = difference(cascade, data)
    assert not found, f"{cascade.text}\n{found}"
    return any(np.any(v) for v in cascade.evaluate(data).values())


def counts_alike(random: Random) -> bool:
    """Hold the counts together; return whether there is a closed one."""
    cascade, writer, data = made(random, is_affine=True)
    flat = {t.name: np.asarray(data[t.name])[(0,) * extra(data[t.name], t)] for t in cascade.inputs}
    sizes = cascade.sizes(**writer.sizes)
    wanted: Counter[str] = Counter()
    for part in count_by_points(cascade, sizes, flat).values():
        wanted.update(part)
    found = counted(cascade, writer.sizes)
    if found.exact_for_all_data:
        present = {kind: n for kind, n in wanted.items() if n}
        assert found.operations == present, cascade.text
    return found.exact_for_all_data


def extra(array: object, tensor: object) -> int:
    return np.ndim(array) - len(tensor.axes)


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False))
def test_compiled_is_the_reference(random):
    evaluates_alike(random)


def test_compiled_is_the_reference_on_seeded_ones():
    alive = sum(evaluates_alike(Random(seed)) for seed in range(100))
    assert alive > 80


@pytest.mark.campaign
def test_compiled_is_the_reference_on_many():
    alive = sum(evaluates_alike(Random(seed)) for seed in range(1_000, 9_000))
    assert alive > 6_500


def test_closed_counts_are_counts_of_points():
    assert sum(counts_alike(Random(seed)) for seed in range(150)) > 40


@pytest.mark.campaign
def test_many_closed_counts_are_counts_of_points():
    assert sum(counts_alike(Random(seed)) for seed in range(1_000, 6_000)) > 1_500


def test_writes_every_part_of_the_notation():
    texts = [write(Random(seed), 6)[0] for seed in range(300)]
    parts = [":: top(", "topval", "scatter", "init", "softmax", "ln{", "?", "@", "where", "select"]
    parts += ["//", "%", "not ", " or ", "*(", "+1", " int", "rank", "ceil(", "<="]
    seen = {part: sum(part in text for text in texts) for part in parts}
    assert min(seen.values()) >= 5, seen


def test_notices_a_wrong_operation(monkeypatch):
    wrong = replace(ops.FUNCTIONS["min"], numpy="np.maximum(a, b)")
    monkeypatch.setitem(ops.FUNCTIONS, "min", wrong)
    seen = 0
    for seed in range(150):
        cascade, _, data = made(Random(seed))
        seen += bool(difference(cascade, data))
    assert seen > 10
