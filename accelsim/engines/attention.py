"""What a FuseMax machine computes, exact to the bit: attention in the order of its additions."""

from __future__ import annotations

from collections.abc import Sequence

from accelsim.engines.exponential_steps import ExponentialSteps
from accelsim.engines.fusemax import FuseMax
from accelsim.engines.quotient import quotient

Rows = Sequence[Sequence[int]]  # numbers in the operand format, as bits


def attention(engine: FuseMax, q: Rows, k: Rows, v: Rows) -> list[list[int]]:
    """Return softmax(Q K^T) V of one head, ``q`` as it is loaded (scaled), in the operand format."""
    return [_query(engine, query, k, v) for query in q]


def _query(engine: FuseMax, query: Sequence[int], k: Rows, v: Rows) -> list[int]:
    x, y = engine.operand, engine.accumulator
    steps = ExponentialSteps(x, y)
    highest, total, sums = x.negate(x.infinity), 0, [0] * engine.value
    for begin in range(0, len(k), engine.rows):
        keys, values = k[begin : begin + engine.rows], v[begin : begin + engine.rows]
        scores = []
        for key in keys:
            score = 0
            for a, b in zip(key, query, strict=True):
                score = x.fused(a, b, score, y)
            scores.append(score)
        local = y.negate(y.infinity)
        for score in scores:
            local = y.maximum(score, local)
        before, highest = highest, x.maximum(highest, y.convert(local, x))
        powers = [steps.of_difference(score, highest) for score in scores]
        tile_total = 0
        for power in powers:
            tile_total = x.fused(power, x.one, tile_total, y)
        products = []
        for element in range(engine.value):
            product = 0
            for power, value in zip(powers, values, strict=True):
                product = x.fused(power, value[element], product, y)
            products.append(product)
        if begin:
            scale = x.convert(steps.of_difference(x.convert(before, y), highest), y)
            total = y.fused(total, scale, 0, y)
            sums = [y.fused(old, scale, 0, y) for old in sums]
        total = y.fused(tile_total, y.one, total, y)
        sums = [y.fused(new, y.one, old, y) for new, old in zip(products, sums, strict=True)]
    return [quotient(each, total, y, x) for each in sums]
