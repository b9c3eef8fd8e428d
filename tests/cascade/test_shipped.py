"""Every shipped cascade: both evaluators agree, passes are as claimed, counts agree."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from accelsim import specs
from accelsim.cascade import Cascade, execute
from accelsim.cascade.count import counted
from accelsim.cascade.count_points import count_by_points
from tests.shares import share

NAMES = specs.names("cascade")
CHOICES = [
    {},
    {"N": 9, "P": 3, "M": 7, "M0": 3, "E": 2, "F": 5},
    {"N": 12, "P": 12, "M": 4, "M0": 4},
]


def test_ships_the_zoo():
    assert len(NAMES) >= 79


@pytest.mark.parametrize("name", share(NAMES, 2, "ci"))
@pytest.mark.parametrize("choice", range(len(CHOICES)))
def test_evaluates_as_the_definition_says(name, choice, small, some_inputs, monkeypatch):
    cascade = Cascade.load(name)
    sizes = small(cascade, **CHOICES[choice])
    data = some_inputs(cascade, sizes, seed=choice)
    params = {n: v for n, v in sizes.items() if n in cascade.params}
    wanted = cascade.evaluate_reference(data, **params)

    def refuse(*_):
        raise AssertionError("the fast evaluator gave up")

    monkeypatch.setattr(execute, "by_points", refuse)
    monkeypatch.setattr(execute, "opaque", refuse)
    for output, value in cascade.evaluate(data, **params).items():
        np.testing.assert_allclose(value, wanted[output], rtol=1e-9, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_has_the_passes_that_its_file_claims(name):
    cascade = Cascade.load(name)
    assert cascade.claimed_passes
    found = cascade.passes()
    assert {rank: found.get(rank) for rank in cascade.claimed_passes} == cascade.claimed_passes


@pytest.mark.parametrize("name", share(NAMES, 3))
def test_counts_in_closed_form_as_point_by_point(name, small):
    cascade = Cascade.load(name)
    for choice in CHOICES:
        sizes = small(cascade, **choice)
        closed = counted(cascade, sizes)
        if not closed.exact_for_all_data:
            return  # test_closed.py has these, at data of which it is true
        points: Counter[str] = Counter()
        for part in count_by_points(cascade, cascade.sizes(**sizes)).values():
            points.update(part)
        assert closed.operations == {k: n for k, n in sorted(points.items()) if n}


@pytest.mark.parametrize("name", NAMES)
def test_has_a_graph_without_cycles_inside_a_step(name):
    import networkx as nx

    graph = Cascade.load(name).graph()
    now = nx.DiGraph((a, b) for a, b, d in graph.edges(data=True) if not d["distance"])
    assert nx.is_directed_acyclic_graph(now)


@pytest.mark.parametrize("name", NAMES)
def test_says_what_a_scheduler_asks(name, small):
    cascade = Cascade.load(name)
    sizes = cascade.sizes(**small(cascade))
    assert len({e.id for e in cascade.equations}) == len(cascade.equations)
    for equation in cascade.equations:
        assert all(c in sizes.extents for c in equation.coords)
        assert all(count > 0 for _, count in equation.slots_ops)
        equation.half_planes(sizes.symbols)
        assert all(len(r.affine(sizes.symbols)) == len(r.indices) for r in equation.reads)
