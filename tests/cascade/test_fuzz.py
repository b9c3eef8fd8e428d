"""Mutated cascade texts: a SpecError or an answer, never another exception, never a hang."""

from __future__ import annotations

import random
import re
import time

import numpy as np
import pytest

from accelsim import specs
from accelsim.cascade import Cascade
from accelsim.errors import SpecError

_TOKEN = re.compile(r"\s+|[A-Za-z_]\w*|\d+|::|->|.", re.DOTALL)


def mutated(rng: random.Random, texts: list[str]) -> str:
    tokens = _TOKEN.findall(rng.choice(texts))
    for _ in range(rng.randint(1, 3)):
        at, other = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        match rng.randrange(5):
            case 0:
                del tokens[at]
            case 1:
                tokens.insert(at, tokens[other])
            case 2:
                tokens[at] = tokens[other]
            case 3:
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 4:
                tokens[at] = rng.choice(
                    ["(", "]", "0", "99", "@", "?", "-", "::", "where", "inf", "\n", ";", "é"]
                )
        if not tokens:
            break
    return "".join(tokens)


def run(count, seed):
    rng = random.Random(seed)
    texts = [Cascade.load(n).text for n in specs.names("cascade")]
    parsed = agreed = 0
    for _ in range(count):
        text = mutated(rng, texts)
        start = time.perf_counter()
        try:
            cascade = Cascade.parse(text)
            parsed += 1
            cascade.passes()
            sizes = dict.fromkeys(cascade.shape_names, 3)
            sizes |= {"M0": 2} if "M0" in cascade.params else {}
            params = {n: v for n, v in sizes.items() if n in cascade.params}
            shapes = cascade.sizes(**sizes).shapes
            data = {t.name: np.full(shapes[t.name], 0.5) for t in cascade.inputs if not t.is_int}
            data |= {t.name: np.ones(shapes[t.name], int) for t in cascade.inputs if t.is_int}
            cascade.count(**sizes)
            fast = cascade.evaluate(data, **params)
            if sum(a.size for a in fast.values()) < 200:
                slow = cascade.evaluate_reference(data, **params)
                for name, value in fast.items():
                    assert np.allclose(value, slow[name], rtol=1e-9, atol=1e-12, equal_nan=True), (
                        text
                    )
                agreed += 1
        except SpecError as error:
            assert error.faults
        except Exception as error:
            raise AssertionError(f"{type(error).__name__}: {error}\n{text}") from error
        assert time.perf_counter() - start < 20, text
    return parsed, agreed


def test_answers_or_refuses_mutated_texts():
    parsed, agreed = run(300, 1)
    assert parsed >= 5
    assert agreed > 5


@pytest.mark.campaign
def test_answers_or_refuses_many_mutated_texts():
    run(20_000, 2)
