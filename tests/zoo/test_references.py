"""Every shipped cascade against a plain reference written from the definition of the algorithm."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim import specs
from accelsim.cascade import Cascade
from tests.zoo.table import ENTRIES, check, same

TIES = (
    "topk_attention",
    "landmark_topk",
    "topk_block_decode",
    "topk_block_decode_online",
    "spatten_prune",
    "sparse_gin",
    "sparse_gin_2pass",
    "focus_tokens",
    "moh",
)
QUERIES = """
attention attention_3pass attention_2pass attention_2pass_defer attention_1pass attention_causal
attention_1pass_causal attention_3pass_causal flash_attention2 flash_decoding gqa mqa sliding_window
streaming_sink longformer alibi rope se_attention kv_quant kv_quant_2pass topk_attention
paged_decode aaren landmark landmark_topk topk_block_decode topk_block_decode_online nsa moh
sparse_gin halo2d agent rat rcmha gin_attention spatten_prune spatten_progquant
sparse_gin_2pass spatten_progquant_2pass hop_profile hop_profile_1pass waad_fai waad_fai_2pass
"""
TILED = (
    "attention_2pass",
    "attention_1pass",
    "attention_1pass_causal",
    "flash_attention2",
    "flash_decoding",
)
LARGE = {
    **dict.fromkeys(QUERIES.split(), "Q"),
    "mla": "QN",
    "deconstruct_static": "EQ",
    "collapsed": "W",
    "symmetric": "Z",
    "danet_pam": "WQ",
    "danet_cam": "X",
    "contmix": "WP",
    "pointer_net": "VA",
    "pointer_net_2pass": "VA",
    "additive_attention": "VA",
    "gman_transform": "WQ",
    "gman_st": "WSQ",
    "focus_tokens": "WQ",
}
NOTHING = [
    *((name, {"A": 0}) for name in (*TIES, "nsa") if name != "topk_block_decode_online"),
    *((name, {"W": 0}) for name in ("routing", "routing_causal")),
    *((name, {"M": 0}) for name in ("attention", "attention_2pass", "flash_attention2", "gqa")),
    *((name, {"N": 0}) for name in ("aaren", "landmark", "lightning2", "linear_attention", "rat")),
]
EDGES = [(name, edge) for name, entry in ENTRIES.items() for edge in entry.edges]


def test_knows_every_shipped_cascade():
    assert set(specs.names("cascade")) == set(ENTRIES)


@pytest.mark.parametrize("name", ENTRIES)
@settings(max_examples=25)
@given(data=st.data())
def test_is_the_algorithm(name, data):
    ranges = ENTRIES[name].sizes
    sizes = {size: data.draw(st.integers(*ends), label=size) for size, ends in ranges.items()}
    check(name, sizes, seed=data.draw(st.integers(0, 2**16), label="seed"))


@pytest.mark.parametrize(("name", "edge"), EDGES)
def test_is_the_algorithm_at_the_edges(name, edge):
    check(name, edge, seed=zlib.crc32(name.encode()))


@pytest.mark.parametrize("name", ENTRIES)
def test_leading_ranks_are_independent_copies(name):
    entry, cascade = ENTRIES[name], Cascade.load(name)
    cases = [entry.case({}, seed)[0] for seed in range(4)]
    params = entry.case({})[1]
    both = {n: np.stack([c[n] for c in cases]) for n in cases[0]}
    both = {n: a.reshape(2, 2, *a.shape[1:]) for n, a in both.items()}
    found = cascade.evaluate(both, **params)
    for seed, case in enumerate(cases):
        for output, value in cascade.evaluate(case, **params).items():
            same(found[output][divmod(seed, 2)], value)


@pytest.mark.parametrize("name", TIES)
@settings(max_examples=20)
@given(data=st.data())
def test_of_equal_scores_the_first_is_chosen(name, data):
    ranges = ENTRIES[name].sizes
    sizes = {size: data.draw(st.integers(*ends), label=size) for size, ends in ranges.items()}
    sizes["E"] = 4  # a scale of one half does not round
    seed = data.draw(st.integers(0, 2**16), label="seed")
    check(name, sizes, seed, lambda arrays: {n: np.round(a) for n, a in arrays.items()})


@pytest.mark.parametrize("name", LARGE)
def test_holds_where_a_bare_exponential_overflows(name):
    large = LARGE[name]
    tiles = {"T": 2} if name in TILED else {}
    for seed in range(3):
        check(name, tiles | {"L": 2}, seed, lambda arrays: arrays | {large: 3000 * arrays[large]})


@pytest.mark.parametrize(("name", "edge"), NOTHING)
def test_gives_nothing_for_nothing(name, edge):
    check(name, edge)


@pytest.mark.parametrize("name", ["sparse_gin", "sparse_gin_2pass"])
def test_a_link_at_the_threshold_is_kept(name):
    arrays, _ = ENTRIES[name].case({"N": 5})
    arrays["Q"][:] = 0  # the fourth token gives a quarter to each
    found = Cascade.load(name).evaluate(arrays, eps=0.3, k=5, thr=0.25)["Y"]
    wanted = ENTRIES[name].reference(**arrays, eps=0.3, k=5, thr=0.25)
    same(found, wanted)
    alone = Cascade.load(name).evaluate(arrays, eps=0.3, k=5, thr=0.26)["Y"]
    assert not np.allclose(found[3], alone[3])


@pytest.mark.parametrize("name", ["spatten_progquant", "spatten_progquant_2pass"])
def test_a_row_at_the_threshold_is_not_done_again(name):
    keys, values = np.array([[0], [15]]), np.array([[0.0], [1.0]])  # equal in their high bits
    arrays = {"Q": np.ones((1, 1)), "KI": keys, "V": values}
    cascade = Cascade.load(name)
    assert cascade.evaluate(arrays, lsb=4, scale=1.0, thr=0.5)["O"] == 0.5
    assert cascade.evaluate(arrays, lsb=4, scale=1.0, thr=0.51)["O"] > 0.9
