"""Every shipped workload gives its cascades whole sizes, at its own length and at any other."""

import re

import pytest

from accelsim.cascade import Cascade
from accelsim.errors import SpecError
from accelsim.mapping import Workload
from accelsim.specs import names

WORKLOADS = names("workload")
LENGTHS = (None, 64, 1000, 1 << 16, 1 << 20)


@pytest.mark.parametrize("name", WORKLOADS)
@pytest.mark.parametrize("seq", LENGTHS)
def test_gives_sizes_at_any_length(name, seq):
    workload = Workload.load(name, seq)
    assert any(stage.scope == "attention" for stage in workload.stages)
    for stage in (*workload.stages, *workload.alternatives):
        assert all(size >= 1 for size in (*stage.ranks.values(), *stage.leading.values()))
        if stage.cascade == "attention":
            assert {"P", "M", "E", "F"} <= set(stage.ranks)
        else:
            sizes = Cascade.load(stage.cascade).sizes(**stage.ranks)
            assert all(extent >= 0 for extent in sizes.extents.values())
            assert not set(stage.leading) & set(sizes.extents)


@pytest.mark.parametrize("name", WORKLOADS)
def test_says_where_its_sizes_come_from(name):
    """A configuration, a repository, or in plain words how sure they are."""
    spec = Workload.load(name).spec
    assert spec.summary
    words = "checked|ours|typical|configuration"
    assert re.search(words, spec.source), spec.source


@pytest.mark.parametrize("name", WORKLOADS)
def test_grows_with_the_tokens(name):
    """At four times the tokens there is more to do, and no size but the sequence's explodes."""
    small, large = (Workload.load(name, seq) for seq in (4096, 16384))
    for one, four in zip(small.stages, large.stages, strict=True):
        grown = [four.ranks[k] / one.ranks[k] for k in one.ranks]
        assert all(1 <= share < 4.2 for share in grown)
    assert any(
        four.ranks != one.ranks for one, four in zip(small.stages, large.stages, strict=True)
    )


def test_every_cascade_has_sizes_somewhere():
    loaded = [Workload.load(name) for name in WORKLOADS]
    for name in set(names("cascade")) - {"matmul"}:
        cascade = Cascade.load(name)
        found = []
        for workload in loaded:
            try:
                found.append(cascade.sizes(**workload.stage_of(cascade).ranks))
            except SpecError:
                continue
        assert found, name
