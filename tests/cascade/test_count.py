"""Operation counts against the table of the literature."""

from __future__ import annotations

import time

import pytest

from accelsim.cascade import Cascade

P, M, E, F, M0 = 6, 12, 5, 7, 4
M1 = M // M0


def table(name: str) -> dict[str, int]:
    scale = P * M * E  # the text multiplies each product by c
    same = {
        "mul": P * M * E + P * F * M + scale,
        "add": P * M * (E - 1) + P * (M - 1) + P * F * (M - 1),
    }
    whole = {**same, "max": P * (M - 1), "exp": P * M, "sub": P * M}
    tiled = {
        "mul": P * M * E + P * F * M + P * M1 + P * F * M1 + scale,
        "add": P * M * (E - 1) + P * M1 * (M0 - 1) + P * F * M1 * (M0 - 1) + P * M1 + P * F * M1,
        "max": P * M1 * (M0 - 1) + P * M1,
        "exp": P * M + P * M1,
        "sub": P * M + P * M1,
        "div": P * F,
    }
    return {
        "attention_3pass": {**whole, "div": P * M},
        "attention_2pass_defer": {**whole, "div": P * F},
        "attention_1pass": tiled,
    }[name]


@pytest.mark.parametrize("name", ["attention_3pass", "attention_2pass_defer", "attention_1pass"])
def test_counts_as_the_table(name):
    cascade = Cascade.load(name)
    tile = {"M0": M0} if "M0" in cascade.params else {}
    assert cascade.count(P=P, M=M, E=E, F=F, **tile) == dict(sorted(table(name).items()))


@pytest.mark.parametrize("length", [1, 2, 7, 64])
def test_counts_half_of_the_scores_of_a_causal_square(length):
    count = Cascade.load("attention_causal").count(P=length, M=length, E=1, F=1)
    assert count["exp"] == length * (length + 1) // 2


@pytest.mark.parametrize(
    "name", ["attention", "attention_causal", "attention_1pass", "flash_attention2"]
)
def test_counts_a_million_tokens_at_once(name):
    start = time.perf_counter()
    count = Cascade.load(name).count(P=2**20, M=2**20, E=64, F=64)
    assert time.perf_counter() - start < 1
    assert count["exp"] >= 2**39


@pytest.mark.parametrize(
    "name",
    ["titans", "titans_chunk", "titans_mlp", "moneta", "linear_decay", "ssd_chunk", "waad_fai"],
)
def test_counts_a_million_steps_at_once(name):
    cascade = Cascade.load(name)
    sizes = {**dict.fromkeys(cascade.shape_names, 64), "N": 2**20}
    start = time.process_time()
    half = cascade.count(**{**sizes, "N": 2**19})
    whole = cascade.count(**sizes)
    assert time.process_time() - start < 1
    power = 2 if name == "waad_fai" else 1
    assert whole["mul"] == pytest.approx(2**power * half["mul"], rel=1e-4)
