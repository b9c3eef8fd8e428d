"""What holds of every engine that is registered, so that a new one is held to it by itself."""

import random
from dataclasses import fields
from typing import get_type_hints

import pytest

from accelsim.engines import NAMES, Offer, Stimulus, engine, model_class
from accelsim.engines.number import Float
from accelsim.engines.select import Select
from accelsim.errors import SpecError
from accelsim.rtl.block import block
from accelsim.rtl.simulate import simulate
from tests.rtl import replay
from tests.rtl.small import driven, small


def parameters():
    for name in NAMES:
        made = model_class(name)
        hints = get_type_hints(made)
        for each in fields(made):
            yield name, each.name, hints[each.name], each.metadata


def bad():
    """Yield (engine, parameter, text): beyond each bound, no number, a format without mantissa."""
    for name, parameter, kind, limits in parameters():
        if kind is int:
            assert limits["low"] is not None, f"{name}: {parameter} has no least value"
            assert limits["high"] is not None, f"{name}: {parameter} has no greatest value"
            texts = [limits["low"] - 1, limits["high"] + 1, "some", "1.5", 1 << 80]
        elif kind is Float:
            texts = ["e8m0", "e0m7", "bf17", "e99m99"]
        elif kind is bool:
            texts = ["yes"]
        else:
            texts = ["no such thing"]
        yield from ((name, parameter, str(text)) for text in texts)


@pytest.mark.parametrize(("name", "parameter", "text"), list(bad()))
def test_a_bad_parameter_is_refused_with_a_sentence(name, parameter, text):
    with pytest.raises(SpecError) as error:
        engine(name, {parameter: text})
    found = str(error.value)
    assert parameter in found
    assert "must" in found


ROUNDS = 12


def alone(found, seed):
    """Return (stimulus, cycles from one to the next) of a value on every input, with all outputs ready."""
    draw = random.Random(seed)
    apart = found.latency + 40
    if isinstance(found, Select):
        request = found.port("request").pack(n=1, k=1)
        offers = {"request": [Offer(request)], "i": [Offer(found.row([draw.getrandbits(8)]))]}
        return Stimulus(offers=offers, cycles=apart), apart
    offers = {
        p.name: [
            Offer(found.payload(p.name, draw.getrandbits(p.width)), apart - 1 if n else 0)
            for n in range(ROUNDS)
        ]
        for p in found.inputs
    }
    return Stimulus(offers=offers, cycles=apart * ROUNDS), apart


# Whose lags a single value cannot show, and what holds them.
ELSEWHERE = {
    "pruned_attention": "answers of a memory: test_every_start_is_the_kernels",
    "pe2d": "a column's value comes in the last stage: test_every_lag_less_one_is_wrong of the machine",
    "column": "each row has an instruction: test_what_drains_is_the_sum_and_the_maximum_of_the_rows",
    "array2d": "most instructions give nothing: test_a_tile_of_attention",
}


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ELSEWHERE])
def test_no_lag_can_be_less_by_one(name):
    """In RTL a result comes just its lag after its operand, if nothing waits."""
    found = small(name)
    outputs = {port.name for port in found.outputs}
    lags = {pair: lag for pair, lag in found.lags.items() if pair[1] in outputs}
    assert lags, "an engine that gives something says when"
    stimulus, apart = alone(found, 1)
    first = {}
    for each in simulate(block(found), found.ports, stimulus):
        first.setdefault((each.cycle // apart, each.port), each.cycle)
    seen = {pair: set() for pair in lags}
    for (turn, result), cycle in first.items():
        for operand, port in lags:
            if port == result and (turn, operand) in first:
                seen[operand, port].add(cycle - first[turn, operand])
    assert seen == {pair: {lag} for pair, lag in lags.items()}


@pytest.mark.campaign
def test_long_runs_in_verilator(tmp_path):
    """Some ten thousand cycles of every engine, with gaps and stalls on every stream."""
    runs = []
    for seed, name in enumerate(NAMES):
        found = small(name)
        runs.append((found, driven(found, seed, offers=8000, requests=400)))
    expected = []
    for n, (each, stimulus) in enumerate(runs):
        expected += replay.rows(n, replay.record(each, stimulus)[1])
    printed = sorted(replay.verilator(tmp_path, replay.write(tmp_path, runs)))
    assert len(printed) > 20_000 * (len(NAMES) // 2)
    assert replay.digest(printed) == replay.digest(sorted(expected))
