"""Requests of top-k engines: their stimulus, their answers, and what NumPy says of them."""

import random

import numpy as np

from accelsim.engines import Offer, Stimulus


def stable(values, k):
    """Return the indices of the k largest, the first of equals, in input order."""
    order = np.argsort(-np.asarray(values, dtype=np.int64), kind="stable")
    return sorted(order[:k].tolist())


def requests(engine, asked, gap=lambda: 0, ready=None, slack=40, more=lambda: 0):
    """Return the stimulus of requests, each (values, k).

    A request for all values that the engine has room for may ask for ``more`` yet, and gets no more.
    """
    rows = [
        engine.row(values[at : at + engine.lanes])
        for values, _ in asked
        for at in range(0, len(values), engine.lanes)
    ]
    most = 2 ** dict(engine.port("request").fields)["n"] - 1
    heads = []
    for values, k in asked:
        n = len(values)
        n = min(most, n + more()) if n == engine.elements else n
        heads.append(engine.port("request").pack(n=n, k=k))
    stalls = {port: list(trace) for port, trace in (ready or {}).items()}
    time = sum(engine.cycles(values, k) + 3 for values, k in asked)
    cycles = time + sum(map(len, stalls.values())) + 4 * (len(rows) + len(heads)) + slack
    return Stimulus(
        offers={
            "request": [Offer(head, gap()) for head in heads],
            "i": [Offer(row, gap()) for row in rows],
        },
        ready=stalls,
        cycles=cycles,
    )


def answers(engine, trace):
    """Return (kept indices, result) of every request in a trace."""
    lists, now = [], []
    for row in (engine.port("o").unpack(t.value) for t in trace if t.port == "o"):
        now += [row[f"lane_{n}"] for n in range(row["count"])]
        if row["last"]:
            lists.append(now)
            now = []
    results = [engine.port("result").unpack(t.value) for t in trace if t.port == "result"]
    assert not now
    return list(zip(lists, results, strict=True))


def check(engine, asked, trace):
    found = answers(engine, trace)
    assert len(found) == len(asked)
    for (kept, result), (values, k) in zip(found, asked, strict=True):
        k = min(k, len(values), engine.most_kept)
        wanted = stable(values, k)
        assert kept == wanted
        if k:
            threshold = sorted(values, reverse=True)[k - 1]
            assert result["threshold"] == threshold
            assert result["ties"] == sum(values[i] == threshold for i in wanted)


def draw_request(engine, draw):
    """Return (values, k) of a request: any length, few or many ties, often sorted or constant."""
    n = draw.choice([engine.elements, draw.randint(0, engine.elements)])
    top = min(draw.choice([0, 1, 3, 2**engine.width - 1]), 2**engine.width - 1)
    values = [draw.randint(0, top) for _ in range(n)]
    match draw.randrange(6):
        case 0:
            values.sort()
        case 1:
            values.sort(reverse=True)
    limit = 2 ** dict(engine.port("request").fields)["k"] - 1
    k = draw.choice([0, 1, n, n + 1, limit, draw.randint(0, n), draw.randint(0, n)])
    return values, min(k, limit)


def draw_stimulus(engine, seed, count):
    """Return (requests, stimulus) from a seed: back to back, or with gaps and stalls."""
    draw = random.Random(seed)
    asked = [draw_request(engine, draw) for _ in range(count)]
    busy, eager = draw.choice([(0.0, 1.0), (0.2, 0.9), (0.6, 0.5), (0.0, 0.4)])
    ready = {
        port: [draw.random() < eager for _ in range(30 * count if eager < 1 else 0)]
        for port in ("o", "result")
    }

    def gap():
        return draw.choice([1, 2, 5]) if draw.random() < busy else 0

    def more():
        return draw.choice([0, 0, 1, 2, engine.elements])

    return asked, requests(engine, asked, gap=gap, ready=ready, more=more)
