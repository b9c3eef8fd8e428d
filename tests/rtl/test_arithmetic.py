import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.engines import Stimulus
from accelsim.engines.arithmetic import KINDS, Arithmetic
from accelsim.engines.number import BF16, FP16, Float
from accelsim.errors import SpecError
from tests.rtl.harness import lockstep, steady, stimuli
from tests.rtl.numbers import hard_pair

ENGINES = [
    Arithmetic(operation=operation, form=form, stages=stages)
    for operation in KINDS
    for form, stages in ((BF16, 2), (FP16, 1), (Float(3, 2), 4))
]


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_equals_its_model(engine):
    @settings(max_examples=5)
    @given(st.data())
    def check(data):
        lockstep(engine, data.draw(stimuli(engine)))

    check()


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_results_of_hard_pairs_come_after_the_stages(engine):
    """Against the exact number model, which has its own tests against rational arithmetic."""
    rng = random.Random(1)
    pairs = [hard_pair(engine.form, rng) for _ in range(200)]
    pack = engine.port("i").pack
    trace = lockstep(engine, steady(engine, {"i": [pack(a=a, b=b) for a, b in pairs]}))
    taken = [t.cycle for t in trace if t.port == "i"]
    given_ = [t for t in trace if t.port == "o"]
    compute = KINDS[engine.operation].compute
    assert [t.value for t in given_] == [compute(engine.form, a, b) for a, b in pairs]
    assert [t.cycle for t in given_] == [cycle + engine.stages for cycle in taken]


def test_operands_of_attention_are_those_of_a_softmax():
    engine = Arithmetic(operation="maximum")
    payloads = engine.operands("maximum", "attention", 1, 40)["i"]
    assert len(payloads) == 40
    pairs = [engine.port("i").unpack(p) for p in payloads]
    results = [engine.form.maximum(p["a"], p["b"]) for p in pairs]

    following = zip(results, pairs[1:22], strict=False)
    assert sum(result == pair["a"] for result, pair in following) == 21  # a running maximum
    assert list(engine.run(Stimulus(offers={}, cycles=3))) == []


def test_an_unknown_operation_is_refused_with_the_nearest():
    with pytest.raises(
        SpecError, match=r"arithmetic: operation must be one of .*; did you mean 'add'"
    ):
        Arithmetic(operation="ad")
