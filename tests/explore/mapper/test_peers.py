"""Other tools under their own assumptions: mappings as good or better, systolic closed forms."""

import pytest

from benchmarks.bench_peers import MAPPED, PRODUCTS, find

FILL = 1.0005  # the first tiles are loaded and the last is stored


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda p: f"{p.dataflow}-{p.sizes}")
def test_systolic_arrays(product):
    assert product.closed_form() == product.cycles
    # One cycle is SCALE-Sim's known off-by-one, one the first load and the last store, rounded up.
    assert product.simulated() == product.cycles + 2


@pytest.mark.parametrize("case", MAPPED, ids=lambda c: c.name)
def test_the_mapper_is_no_worse_than_a_peer(case):
    cycles, bound, _ = find(case)
    assert bound <= cycles <= case.cycles * FILL
    assert cycles <= bound * FILL
    assert (
        find(case, batches=2)[0] - cycles <= case.cycles
    )  # a batch among others, as the peer counts it


def test_the_bounds_are_the_operations_and_the_bytes():
    tiles, heads = (1024 // 256) ** 2, 64 * 12
    bounds = {case.name: find(case)[1] for case in MAPPED}
    assert bounds["softmax on the vector unit"] == heads * tiles * 256
    assert bounds["softmax on the array"] == heads * tiles * (64 + 1 + 64)
    moved = 2 * heads * (2 * 1024 * 64 + 1024**2)
    assert bounds["scores to memory"] == pytest.approx(moved / (400 * 2**30 / 1e9), rel=1e-9)
