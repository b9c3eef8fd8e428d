"""What an element or a lane of an array is driven with to be priced: a small attention's operands.

The first half brings into the registers what the operation works on; the second does nothing but it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

from accelsim.engines.attention_values import Attention, Pairs, without_end
from accelsim.engines.exponential_steps import STEPS
from accelsim.engines.number import Float

if TYPE_CHECKING:
    from accelsim.engines.engine import Operands
    from accelsim.engines.pe1d import PE1D
    from accelsim.engines.pe2d import PE2D

IDLE, STEP_0 = 0, 8
Instruction = Callable[..., int]


class _Values:
    """Numbers of an attention, or random bits in their place."""

    def __init__(self, kind: str, seed: int) -> None:
        self._draw = random.Random(f"{kind} {seed}") if kind == "random" else None
        self._seed = seed

    def pairs(self, of: Callable[[Attention], Pairs]) -> Pairs:
        return without_end(of, self._seed)

    def products(self) -> Iterator[tuple[float, float, bool]]:
        head = self._seed * 1009
        while True:
            yield from Attention(head).products()
            head += 1

    def bits(self, value: float, form: Float) -> int:
        if self._draw is not None:
            return self._draw.getrandbits(form.width)
        return form.of(Fraction(value))


def element_operands(engine: PE2D, operation: str, kind: str, seed: int, count: int) -> Operands:
    """Return the payloads of at least ``count`` instructions of an element, and what comes from above."""
    from accelsim.engines.pe2d import Op

    values = _Values(kind, seed)
    x, y, port = engine.operand, engine.accumulator, engine.port("i")
    still = dict.fromkeys([name for name, _ in port.fields], 0) | {"on": 1}
    differences = values.pairs(Attention.differences)

    def instruction(op: int, **fields: int) -> int:
        return port.pack(**still | fields | {"op": op})

    def exponentials(scores: range) -> list[int]:
        """A product as a score, then the steps of all, a step of each in turn."""
        pairs = [next(differences) for _ in scores]
        found = [
            instruction(Op.SCORE, west=values.bits(s, x), north=x.one, score=n, first=1, last=1)
            for n, (s, _) in zip(scores, pairs, strict=True)
        ]
        found += [instruction(IDLE)] * engine.stages
        first = [
            {"north": values.bits(m, x), "score": n}
            for n, (_, m) in zip(scores, pairs, strict=True)
        ]
        return found + _interleaved(instruction, first, engine.stages)

    batches = [
        range(n, min(n + engine.stages, engine.scores))
        for n in range(0, engine.scores, engine.stages)
    ]
    before = [each for batch in batches for each in exponentials(batch)]
    main = []
    products = values.products()
    whole = max(count, len(before))
    for n in range(whole):
        score = n % engine.scores
        if operation == "mac":
            q, k, first = next(products)
            operands = {"west": values.bits(k, x), "north": values.bits(q, x)}
            main.append(instruction(Op.SCORE, **operands, first=int(first)))
        elif operation != "step":
            op = Op.MAXIMUM if operation == "max" else Op.SUM
            main.append(instruction(op, score=score, first=1, last=1))
    while operation == "step" and len(main) < whole:
        pairs = [next(differences) for _ in range(engine.stages)]
        norths = [
            {"north": values.bits(m, x), "score": n % engine.scores}
            for n, (_, m) in enumerate(pairs)
        ]
        main += _interleaved(instruction, norths, engine.stages)
    above, sums = [], values.pairs(Attention.sums)
    greater = values.pairs(Attention.comparisons)
    given = [*[instruction(IDLE)] * (len(main) - len(before)), *before, *main]
    for _ in given:
        number = engine.adder.held(values.bits(next(sums)[0], y))
        maximum = values.bits(next(greater)[0], y)
        above.append(engine.port("above").pack(sum=engine.adder.bits(number), maximum=maximum))
    return {"i": given, "above": above}


def lane_operands(engine: PE1D, operation: str, kind: str, seed: int, count: int) -> Operands:
    """Return the payloads of at least ``count`` instructions of a lane, and what its column hands down."""
    from accelsim.engines.pe1d import LaneOp

    values = _Values(kind, seed)
    y, port, adder = engine.accumulator, engine.port("i"), engine.adder
    still = dict.fromkeys([name for name, _ in port.fields], 0) | {"first": 1, "last": 1}

    def instruction(op: int, **fields: int) -> int:
        return port.pack(**still | fields | {"op": op})

    def at(n: int) -> dict[str, int]:
        where = {"tile": n // engine.value % engine.tiles, "element": n % engine.value}
        return where | {"tag": n % engine.rings}

    rings = [{"tag": n} for n in range(engine.rings)]
    batches = [rings[n : n + engine.stages] for n in range(0, engine.rings, engine.stages)]
    steps = [each for batch in batches for each in _interleaved(instruction, batch, engine.stages)]
    before = [instruction(IDLE)] * engine.rings
    before += [instruction(LaneOp.RM, **each, fresh=int(n == 0)) for n, each in enumerate(rings)]
    before += steps
    before += [instruction(IDLE)] * (engine.stages + 1)
    before += [instruction(LaneOp.RD, **at(n * engine.value), fresh=1) for n in range(engine.tiles)]
    places = range(engine.tiles * engine.value)
    before += [instruction(LaneOp.RNV, **at(n), fresh=1) for n in places]
    before += [instruction(IDLE)] * engine.stages
    codes = {"add": LaneOp.RNV, "mul": LaneOp.SPNV, "max": LaneOp.RM, "div": LaneOp.AV}
    main: list[int] = []
    whole = max(count, len(before))
    while len(main) < whole:
        main += steps if operation == "step" else [instruction(codes[operation], **at(len(main)))]
    given = [*[instruction(IDLE)] * (len(main) - len(before)), *before, *main]
    half = len(given) // 2  # from here on nothing is priced but the operation
    sums, maxima = [], []
    quotients, tops = values.pairs(Attention.quotients), values.pairs(Attention.comparisons)
    for n in range(len(given) if operation == "add" else half):
        value, total = next(quotients)
        product = n % 4 != 3
        number = adder.bits(adder.held(values.bits(value if product else total, y)))
        done = {"first": int(n % engine.value == 0), "last": 0, "tag": n % engine.rings}
        sums.append(engine.port("sum").pack(value=number, product=int(product), **done))
    for n in range(len(given) if operation == "max" else half):
        done = {"first": 1, "last": 1, "tag": n % engine.rings}
        maximum = values.bits(next(tops)[0], y)
        maxima.append(engine.port("maximum").pack(value=maximum, **done))
    return {"i": given, "sum": sums, "maximum": maxima}


def _interleaved(instruction: Instruction, first: list[dict[str, int]], stages: int) -> list[int]:
    """The steps of exponentials in turn, one after another every ``stages`` cycles."""
    found = []
    for step in range(STEPS):
        found += [instruction(STEP_0 + step, **fields) for fields in first]
        found += [instruction(IDLE)] * (stages - len(first))
    return found
