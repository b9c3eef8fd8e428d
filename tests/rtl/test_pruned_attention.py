"""The attention path: its RTL and its model against a memory, cycle by cycle; its values by definition."""

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.engines.number import Float
from accelsim.engines.pruned_attention import Answer, PrunedAttention, signed
from accelsim.errors import SpecError
from accelsim.job.rows import RowJob
from accelsim.rtl.block import block
from tests.rtl.attention_program import DESIGN, sizes, starts
from tests.rtl.harness import first_difference
from tests.rtl.served import Memory, run_block, run_model

SMALL = PrunedAttention(
    features=2, keys=10, lanes=2, width=6, query_bits=4, high_bits=3, low_bits=3, value_bits=4,
    scale=4, form=Float(6, 5), accumulator=Float(6, 13), stages=2, digits=4, outstanding=2,
)  # fmt: skip

MORE = [
    pytest.param(latency, seed, marks=pytest.mark.campaign)
    for latency in (1, 2, 7)
    for seed in range(1, 20)
]


class Query:
    """One query with its keys and values, signed integers, and what is asked of it."""

    def __init__(self, engine, draw, n=None, k=None, tau=None):
        def vector(bits):
            return [
                draw.randint(-(1 << bits - 1), (1 << bits - 1) - 1) for _ in range(engine.features)
            ]

        self.n = draw.randint(0, engine.keys) if n is None else n
        self.k = draw.randint(0, self.n) if k is None else k
        self.tau = (
            draw.choice([0, 1 << engine.width - 2, (1 << engine.width) - 1]) if tau is None else tau
        )
        self.query = vector(engine.query_bits)
        self.keys = [vector(engine.high_bits + engine.low_bits) for _ in range(self.n)]
        self.values = [vector(engine.value_bits) for _ in range(self.n)]


def request(engine, query):
    mask = (1 << engine.query_bits) - 1
    lanes = {f"lane_{e}": element & mask for e, element in enumerate(query.query)}
    return engine.port("request").pack(n=query.n, k=query.k, tau=query.tau, **lanes)


def memory(engine, queries, latency, seed):
    """Return a memory with the keys and values of queries that are answered one after another."""
    # Keys of a query are fetched from index 0; the values of the one before may still be.
    begun = {"key": -1, "value": -1}
    asked = [query for query in queries if query.n]
    kept = [engine.answer(q.query, q.keys, q.values, q.k, q.tau).kept for q in queries]
    values = iter([(n, index) for n, indices in enumerate(kept) for index in indices])
    high, low = engine.high_bits, engine.low_bits

    def key(index, **fields):
        plane = fields["low"]
        if index == 0 and not plane:
            begun["key"] += 1
        vector = asked[begun["key"]].keys[index]
        part = [k & (1 << low) - 1 if plane else k >> low & (1 << high) - 1 for k in vector]
        return engine.port("key").pack(**{f"lane_{e}": p for e, p in enumerate(part)})

    def value(index):
        n, wanted = next(values)
        assert index == wanted
        mask = (1 << engine.value_bits) - 1
        lanes = {f"lane_{f}": v & mask for f, v in enumerate(queries[n].values[index])}
        return engine.port("value").pack(**lanes)

    fetches = {"key_address": ("key", key), "value_address": ("value", value)}
    return Memory(
        engine, [request(engine, q) for q in queries], fetches, latency=latency, seed=seed
    )


def check(engine, queries, trace):
    results = [engine.port("o").unpack(t.value) for t in trace if t.port == "o"]
    assert len(results) == len(queries)
    for query, found in zip(queries, results, strict=True):
        wanted = engine.answer(query.query, query.keys, query.values, query.k, query.tau)
        sums = [signed(found[f"lane_{f}"], engine.sum_bits) for f in range(engine.features)]
        assert sums == list(wanted.sums)
        assert found["kept"] == len(wanted.kept)
        assert found["requantised"] == wanted.requantised


# Without stalls, with stalls; more of them in the campaign.
@pytest.mark.parametrize(("latency", "seed"), [(1, 0), (7, 2), *MORE])
def test_block_and_model_are_equal_in_every_transfer(latency, seed):
    draw = random.Random(seed)
    queries = [Query(SMALL, draw) for _ in range(6)]
    stalls = seed if seed else None
    expected = run_model(SMALL, memory(SMALL, queries, latency, stalls), len(queries))
    found = run_block(block(SMALL), memory(SMALL, queries, latency, stalls), len(queries))
    assert first_difference(expected, found) is None
    check(SMALL, queries, expected)


def seen(engine, queries, trace, first):
    """Return when tasks of the kernel's program are seen to start on the ports, by (task, query)."""
    at = {"request": "take", "o": "give"}
    found, count = {}, {"take": 0, "give": 0}
    fetching = iter([n for n, query in enumerate(queries) if query.n])
    now = None
    for transfer in trace:
        if transfer.port in at:
            name = at[transfer.port]
            found[name, count[name]] = transfer.cycle - first
            count[name] += 1
        elif transfer.port == "key_address":
            address = engine.port("key_address").unpack(transfer.value)
            if address["index"] == 0:
                now = now if address["low"] else next(fetching)
                found["load_lsb" if address["low"] else "load_k", now] = transfer.cycle - first
    return found


@pytest.mark.parametrize("latency", [pytest.param(1, marks=pytest.mark.campaign), 6])
def test_every_start_is_the_kernels(latency):
    """Unstalled, the RTL takes every query, starts every round and answers when the shipped pipeline says.

    The program is that of ``accelsim run spatten_rtl``, with the sizes of this engine.
    """
    engine = replace(SMALL, outstanding=8)
    draw = random.Random(latency)
    # Few keys, many keys; all kept and none; both sides are waited for.
    shapes = [(3, 2), (10, 10), (0, 0), (1, 1), (10, 0), (2, 2), (9, 4), (1, 1), (10, 9), (4, 1)]
    queries = [Query(engine, draw, n=n, k=k, tau=draw.choice([0, 20, 63])) for n, k in shapes]
    answers = [engine.answer(q.query, q.keys, q.values, q.k, q.tau) for q in queries]
    assert {answer.requantised for answer in answers} == {False, True}
    trace = run_block(block(engine), memory(engine, queries, latency, None), len(queries))
    check(engine, queries, trace)
    kernel = starts(engine, queries, answers, latency)
    found = seen(engine, queries, trace, first=trace[0].cycle)
    for key, cycle in found.items():
        assert cycle == kernel[key], key
    visible = {"take", "load_k", "load_lsb", "give"}
    assert {key for key in kernel if key[0] in visible} == set(found)
    waited = [kernel["hand_over", n] == kernel["give", n - 1] + 1 for n in range(1, len(queries))]
    assert any(waited), "the front is waited for"
    assert not all(waited), "the back is waited for"


def test_the_shipped_sizes_are_the_engines():
    """accelsim rtl pruned_attention, with nothing set, is the machine of accelsim run spatten_rtl."""
    shipped, made = (
        RowJob.of(DESIGN, arch_set=fields).arch.spec.components
        for fields in ({}, sizes(PrunedAttention(), latency=3))
    )
    assert shipped == made


@settings(max_examples=20)
@given(st.data())
def test_durations_of_the_pipeline_are_the_engines_formulas(data):
    """At any size: the time to a decision, and that from the hand-over to the answer."""
    engine = PrunedAttention(
        lanes=data.draw(st.sampled_from([1, 2, 4, 8])), stages=data.draw(st.integers(1, 4)),
        digits=data.draw(st.integers(1, 6)), outstanding=9,
    )  # fmt: skip
    latency = data.draw(st.integers(1, 8))
    draw = random.Random(data.draw(st.integers(0, 999)))
    queries = [Query(engine, draw) for _ in range(4)]
    answers = [
        Answer((), tuple(engine.select.kept(p, q.k)), draw.random() < 0.3 and q.n > 0, p)
        for q in queries
        for p in [tuple(draw.choices(range(9), k=q.n))]
    ]
    kernel = starts(engine, queries, answers, latency)
    for n, (query, answer) in enumerate(zip(queries, answers, strict=True)):
        front = engine.front_cycles(query.n, latency, requantised=answer.requantised)
        decided = kernel["take", n] + 1 + front
        assert kernel["hand_over", n] == max(decided, n and kernel["give", n - 1] + 1)
        back = engine.back_cycles(answer.probabilities, query.k, latency)
        assert kernel["give", n] == kernel["hand_over", n] + back


def test_keeping_everything_is_dense_attention():
    """With all values kept and one bit plane it is softmax attention, to what the formats hold."""
    engine = PrunedAttention(features=4, keys=32, high_bits=8, low_bits=0, scale=13)
    draw = random.Random(5)
    for n in (1, 7, 32):
        query = Query(engine, draw, n=n, k=n, tau=(1 << engine.width) - 1)
        found = engine.answer(query.query, query.keys, query.values, query.k, query.tau)
        scores = [sum(q * k for q, k in zip(query.query, key, strict=True)) for key in query.keys]
        weights = [math.exp((s - max(scores)) / 2**engine.scale) for s in scores]
        for feature, total in enumerate(found.sums):
            column = [value[feature] for value in query.values]
            exact = sum(w * v for w, v in zip(weights, column, strict=True)) / sum(weights)
            # exp within a part in 2^8, a probability a step of 2^-width too low.
            most = max(abs(v) for v in column)
            assert abs(total / 2**engine.width - exact) <= most * (2**-6 + n * 2**-engine.width)
        assert not found.requantised
        assert found.kept == tuple(range(n))


def test_low_bits_are_read_only_where_no_key_stands_out():
    engine = replace(SMALL, low_bits=3)
    query = Query(engine, random.Random(1), n=6, k=2, tau=0)
    assert not engine.answer(query.query, query.keys, query.values, 2, 0).requantised
    flat = [[0, 0]] * 6
    assert engine.answer([0, 0], flat, flat, 2, 63).requantised
    plain = replace(SMALL, low_bits=0)
    assert not plain.answer([0, 0], flat, flat, 2, 63).requantised


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"lanes": 3}, "lanes must be a power of two, not 3"),
        ({"accumulator": Float(8, 23)}, "form and accumulator must have one exponent"),
        ({"query_bits": 16, "high_bits": 16}, "accumulator must hold scores of 36 bits"),
        ({"scale": 64}, "scale must leave scores within"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(change, sentence):
    with pytest.raises(SpecError, match=sentence):
        replace(SMALL, **change)
