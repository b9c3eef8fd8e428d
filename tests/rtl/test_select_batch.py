"""Many top-k requests at once: what the engines say one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.engines.batcher import Batcher
from accelsim.engines.insertion_queue import InsertionQueue
from accelsim.engines.pivot import RULES, Rule
from accelsim.engines.quick_select import QuickSelect
from accelsim.engines.radix_select import RadixSelect
from accelsim.engines.select_batch import drained, select_batch


def compare(engine, lists, k):
    found = select_batch(engine, [np.array(each, np.int64) for each in lists], k)
    for request, (values, most) in enumerate(zip(lists, k, strict=True)):
        one = engine.chosen(values, most)
        assert found.kept(request).tolist() == engine.kept(values, most)
        assert found.cycles[request] == engine.cycles(values, most)
        assert found.search_cycles[request] == one.cycles
        assert found.passes[request] == len(one.passes)
        assert found.elements[request] == sum(one.passes)
        fill = found.fill_cycles[request]
        assert fill == 1 + engine.rows_of(len(values)) + one.waits
        if min(most, len(values)):
            assert found.threshold[request] == one.threshold
            assert found.ties[request] == one.ties


def taken_one_by_one(engine, values, k, rate):
    """Return the cycle of the last row, and of the last index, by holding the way out up row for row."""
    rows = engine.rows_out(engine.kept(values, k), len(values))
    begin = 1 + engine.rows_of(len(values)) + engine.chosen(values, k).cycles
    begin += engine.chosen(values, k).waits
    held, last = 0, 0
    for advance, row in sorted(rows.items()):
        stays = max(1, -(-len(row.indices) // rate))
        gone = begin + advance + 1 + held + stays - 1
        last = gone if row.indices else last
        held += stays - 1
    return gone, last


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_slow_consumer_holds_the_way_out_up(data):
    lanes, rate = data.draw(st.sampled_from([1, 2, 3, 4])), data.draw(st.integers(1, 5))
    engine = QuickSelect(lanes=lanes, width=6, elements=64)
    lists = data.draw(st.lists(st.lists(st.integers(0, 9), max_size=20), min_size=1, max_size=4))
    k = [data.draw(st.integers(0, len(values))) for values in lists]
    found = select_batch(engine, [np.array(each, np.int64) for each in lists], k)
    cycles, last = drained(engine, found, rate)
    expected = [taken_one_by_one(engine, v, most, rate) for v, most in zip(lists, k, strict=True)]
    assert list(zip(cycles.tolist(), last.tolist(), strict=True)) == expected
    if rate >= lanes:
        assert cycles.tolist() == found.cycles.tolist()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_equals_the_engine_request_by_request(data):
    lanes, top = data.draw(st.integers(1, 6)), data.draw(st.sampled_from([0, 1, 63]))
    same = {"lanes": lanes, "width": 6, "elements": 64}
    engine = data.draw(
        st.sampled_from(
            [
                RadixSelect(**same),
                Batcher(**same),
                InsertionQueue(**same, depth=data.draw(st.integers(1, 40))),
                *(QuickSelect(**same, pivot=Rule(rule)) for rule in RULES),
            ]
        )
    )
    lists = data.draw(st.lists(st.lists(st.integers(0, top), max_size=40), min_size=1, max_size=6))
    k = [data.draw(st.integers(0, len(values) + 1)) for values in lists]
    compare(engine, lists, k)


def test_takes_a_table_with_lengths():
    engine = QuickSelect(lanes=4)
    random = np.random.default_rng(0)
    table, n = random.integers(0, 50, (20, 30)), random.integers(0, 31, 20)
    found = select_batch(engine, table, 7, n)
    assert found.flat_kept.sum() == np.minimum(n, 7).sum()
    for request, (row, size) in enumerate(zip(table, n, strict=True)):
        assert found.kept(request).tolist() == engine.kept(row[:size].tolist(), 7)


def test_real_scores_count_by_their_order_alone():
    random = np.random.default_rng(1)
    scores = random.normal(size=(8, 100))
    ranks = scores.argsort(1).argsort(1)
    real, whole = (select_batch(QuickSelect(), each, 20) for each in (scores, ranks))
    assert (real.cycles == whole.cycles).all()
    assert (real.flat_kept == whole.flat_kept).all()


def test_no_requests_take_no_time():
    assert select_batch(QuickSelect(), np.zeros((0, 8)), 2).cycles.tolist() == []


@pytest.mark.parametrize(
    ("scores", "k", "n", "sentence"),
    [
        ([[1, 2]], -1, None, "k must be at least 0, not -1"),
        ([[1, 2]], 1, [3], "n must be from 0 to 2, not 3 to 3"),
        ([[1, 2], [3]], 1, [1, 1], "n must be left out where scores are a list of arrays"),
        ([1, 2], 1, None, r"scores must be \[R, N\], not of 1 ranks"),
        (np.zeros((1, 4096)), 1, None, r"n must be at most 2048 \(elements\), not 4096"),
    ],
)
def test_faulty_requests_are_refused(scores, k, n, sentence):
    with pytest.raises(ValueError, match=sentence):
        select_batch(QuickSelect(), scores, k, n)
