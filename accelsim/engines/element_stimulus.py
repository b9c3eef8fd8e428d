"""What an element or a lane of an array is driven with: the instructions of a small attention."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING

from accelsim.engines.attention_values import Attention, without_end
from accelsim.engines.exponential_steps import STEPS

if TYPE_CHECKING:
    from accelsim.engines.engine import Operands
    from accelsim.engines.pe1d import PE1D
    from accelsim.engines.pe2d import PE2D

STEP_0 = 8


def element_operands(engine: PE2D, operation: str, kind: str, seed: int, count: int) -> Operands:
    """Return the payloads of ``count`` instructions of an element, and what comes from above.

    A row of scores is made (QK), then compared (LM), made exponentials of (SLN), and summed (SLD) or
    multiplied (SLNV); what is priced is done again and again after what it needs.
    """
    draw = random.Random(f"{operation} {kind} {seed}")
    x, y = engine.operand, engine.accumulator
    port, above = engine.port("i"), engine.port("above")
    differences = without_end(Attention.differences, seed)
    products = _steps_of(Attention.products, seed)
    sums = without_end(Attention.sums, seed)

    def number(value: float, form: object = x) -> int:
        if kind == "random":
            return draw.getrandbits(form.width)  # type: ignore[attr-defined]
        return form.of(Fraction(value))  # type: ignore[attr-defined,no-any-return]

    def instruction(op: int, **fields: int) -> int:
        still = dict.fromkeys([name for name, _ in port.fields], 0) | {"on": 1}
        return port.pack(**still | fields | {"op": op})

    score, tile = 1, []
    mac, greatest, addition = score, 2, 3
    given: list[int] = []
    for n in range(count):
        which = n % engine.scores
        if operation == "mac":
            q, k, first = next(products)
            fields = {"first": int(first), "last": int(n % 16 == 15)}
            given.append(instruction(mac, west=number(k), north=number(q), **fields))
        elif operation == "step":
            step = n % STEPS
            if step == 0:
                tile = [next(differences)]
            fields = {"north": number(tile[0][1]), "score": 0} if step == 0 else {}
            given += [instruction(STEP_0 + step, **fields)] + [
                instruction(0) for _ in range(engine.stages - 1)
            ]
        else:
            op = greatest if operation == "max" else addition
            given.append(instruction(op, score=which, first=1, last=1))
    held, adder = [], engine.adder
    for _ in range(len(given)):
        total, power = next(sums)
        value = adder.bits(adder.held(number(total, y)))
        held.append(above.pack(sum=value, maximum=number(power, y)))
    return {"i": given, "above": held}


def lane_operands(engine: PE1D, operation: str, kind: str, seed: int, count: int) -> Operands:
    """Return the payloads of ``count`` instructions of a lane, and what its column hands down."""
    draw = random.Random(f"{operation} {kind} {seed}")
    y = engine.accumulator
    port, adder = engine.port("i"), engine.column
    quotients = without_end(Attention.quotients, seed)
    comparisons = without_end(Attention.comparisons, seed)

    def number(value: float) -> int:
        return draw.getrandbits(y.width) if kind == "random" else y.of(Fraction(value))

    def instruction(op: int, n: int) -> int:
        still = dict.fromkeys([name for name, _ in port.fields], 0)
        where = {"tile": n % engine.tiles, "element": n % engine.value, "tag": n % engine.rings}
        return port.pack(**still | where | {"op": op, "first": 1, "last": 1})

    codes = {"add": 5, "mul": 3, "max": 1, "div": 6}
    given: list[int] = []
    for n in range(count):
        if operation == "step":
            given += [instruction(STEP_0 + n % STEPS, n // STEPS)]
            given += [instruction(0, n)] * (engine.stages - 1)
        elif operation in ("mul", "div") and n % 2:
            given.append(instruction(codes["add"], n // 2))
        else:
            given.append(instruction(codes[operation], n // (1 + (operation in ("mul", "div")))))
    sums, maxima = [], []
    for n, (value, _) in enumerate(islice(quotients, len(given))):
        done = {"first": int(n % engine.value == 0), "last": 0, "tag": n % engine.rings}
        bits = adder.bits(adder.held(number(value)))
        sums.append(engine.port("sum").pack(value=bits, product=int(n % 4 != 3), **done))
        _, score = next(comparisons)
        maxima.append(engine.port("maximum").pack(value=number(score), **done))
    return {"i": given, "sum": sums, "maximum": maxima}


def _steps_of(products: object, seed: int) -> Iterator[tuple[float, float, bool]]:
    """Yield the products of one head after another."""
    head = seed * 1009
    while True:
        yield from products(Attention(head))  # type: ignore[operator]
        head += 1
