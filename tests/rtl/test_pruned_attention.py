"""The attention path: its RTL and its model against a memory, cycle by cycle; its values by definition."""

import random

import pytest

from accelsim.engines.number import Float
from accelsim.engines.pruned_attention import PrunedAttention, signed
from accelsim.rtl.block import block
from tests.rtl.harness import first_difference
from tests.rtl.served import Memory, run_block, run_model

SMALL = PrunedAttention(
    features=2, keys=10, lanes=2, width=6, query_bits=4, high_bits=3, low_bits=3, value_bits=4,
    scale=4, form=Float(6, 5), accumulator=Float(6, 13), stages=2, digits=4, outstanding=2,
)  # fmt: skip


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


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("latency", [1, 7])
def test_block_and_model_are_equal_in_every_transfer(latency, seed):
    draw = random.Random(seed)
    queries = [Query(SMALL, draw) for _ in range(6)]
    stalls = seed if seed else None
    expected = run_model(SMALL, memory(SMALL, queries, latency, stalls), len(queries))
    found = run_block(block(SMALL), memory(SMALL, queries, latency, stalls), len(queries))
    assert first_difference(expected, found) is None
    check(SMALL, queries, expected)
