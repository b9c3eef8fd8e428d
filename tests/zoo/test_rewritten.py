"""Every shipped cascade rewritten into fewer passes: still the algorithm, and the passes it claims."""

from __future__ import annotations

import zlib
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim import specs
from accelsim.cascade import Cascade
from accelsim.cascade.rewrite import Rewriting
from accelsim.cascade.text import block_text
from tests.zoo.table import ENTRIES, same
from tests.zoo.test_references import LARGE, NOTHING

# The fewest passes that the rewrites reach, where that is not what the cascade has as written.
FEWEST = {
    "additive_attention": {"m": 1},
    "agent": {"m": 1, "a": 1},
    "alibi": {"m": 1},
    "attention": {"m": 1},
    "attention_2pass": {"m1.m0": 1},
    "attention_2pass_defer": {"m": 1},
    "attention_3pass": {"m": 1},
    "attention_3pass_causal": {"m": 1},
    "attention_causal": {"m": 1},
    "attention_no_max": {"m": 1},
    "collapsed": {"m": 1},
    "danet_cam": {"d": 1},
    "danet_pam": {"m": 1},
    "deconstruct_static": {"m": 1},
    "ela": {"y": 2, "x": 2},
    "focus_tokens": {"j": 1},
    "gin_attention": {"m": 1},
    "gman_st": {"n2": 1, "t2": 1},
    "gman_transform": {"t": 1},
    "gqa": {"m": 1},
    "halo2d": {"u": 1},
    "hop_profile": {"m": 1},
    "kv_quant": {"m": 2},
    "landmark": {"j": 1, "b": 1},
    "longformer": {"m": 1},
    "memora": {"e": 3},
    "mla": {"m": 1},
    "moh": {"m": 1},
    "mqa": {"m": 1},
    "paged_decode": {"b": 1},
    "pointer_net": {"m": 2},
    "rat": {"c": 1},
    "rcmha": {"m": 1},
    "rope": {"m": 1},
    "routing": {"j": 1},
    "routing_causal": {"j": 1},
    "se_attention": {"m": 1},
    "sliding_window": {"w": 1, "s": 1},
    "sparse_gin": {"m": 2},
    "spatten_progquant": {"m": 2},
    "spatten_prune": {"j": 2},
    "streaming_sink": {"w": 1, "s": 1},
    "symmetric": {"m": 1},
    "topk_attention": {"i": 1},
    "waad_fai": {"m": 2},
}

# The Einsum that forces the last pass over a rank of which no pass can be saved.
FORCED = {
    ("cbam", "y"): "X1 keeps y and needs GC",
    ("contmix", "y"): "AF keeps y and needs KC",
    ("csa", "n"): "O keeps n and needs AC",
    ("danet_cam", "n"): "AX keeps n and needs A",
    ("focus_tokens", "n"): "YS keeps n and needs O",
    ("landmark_topk", "t"): "OB gathers along t and needs A",
    ("ninformer", "n"): "T2N keeps n and needs H2",
    ("nsa", "b"): "PS gathers along b and needs NS",
    ("routing", "m"): "OC gathers along m and needs A",
    ("routing", "p"): "NUM keeps p and needs OC",
    ("routing_causal", "m"): "OC gathers along m and needs A",
    ("routing_causal", "p"): "NUM keeps p and needs OC",
    ("spatten_prune", "n"): "O keeps n and needs OC",
    ("topk_attention", "m"): "AV gathers along m and needs A",
    ("topk_block_decode", "t"): "SNV gathers along t and needs SN",
}

# The forms with fewer passes that are written by hand, and what they are a form of. That of ssd runs
# over another rank; both have one pass.
GIVEN = {
    "attention_no_max_defer": "attention_no_max",
    "ela_2pass": "ela",
    "hop_profile_1pass": "hop_profile",
    "kv_quant_2pass": "kv_quant",
    "pointer_net_2pass": "pointer_net",
    "sparse_gin_2pass": "sparse_gin",
    "spatten_progquant_2pass": "spatten_progquant",
    "ssd_chunk": "ssd",
    "topk_block_decode_online": "topk_block_decode",
    "waad_fai_2pass": "waad_fai",
}


@cache
def rewriting(name: str) -> Rewriting:
    return Cascade.load(name).rewritten()


def check(name, sizes, seed=0, change=lambda arrays: arrays):
    """Compare every output of the rewritten cascade with the independent reference."""
    entry = ENTRIES[name]
    arrays, params = entry.case(sizes, seed)
    arrays = change(arrays)
    found = rewriting(name).cascade.evaluate(arrays, **params)
    wanted = entry.reference(**{n: a.copy() for n, a in arrays.items()}, **params)
    if not isinstance(wanted, dict):
        wanted = dict.fromkeys(found, wanted)
    assert set(found) == set(wanted)
    for output, value in wanted.items():
        same(found[output], value)


@pytest.mark.parametrize("name", specs.names("cascade"))
def test_reaches_the_fewest_passes(name):
    result = rewriting(name)
    assert result.saves == (name in FEWEST)
    assert {r.rank: r.after for r in result.ranks if r.after < r.before} == FEWEST.get(name, {})
    counted = result.cascade.passes()
    for row in result.ranks:
        assert counted[row.rank] == row.after
        assert (row.stays == "") == (row.after == 1)
        assert bool(row.applied) == (row.after < row.before)
    before = result.original.passes()
    assert all(counted[rank] <= n for rank, n in before.items() if rank in counted)


@pytest.mark.parametrize(("name", "rank"), FORCED)
def test_names_the_einsum_that_keeps_a_pass(name, rank):
    (row,) = [r for r in rewriting(name).ranks if r.rank == rank]
    assert row.stays.startswith(f"{FORCED[name, rank]}, which is complete only after pass")


def test_says_of_every_rank_whether_a_rewrite_saves_a_pass():
    stay = {
        (name, r.rank)
        for name in specs.names("cascade")
        for r in rewriting(name).ranks
        if r.after == r.before
    }
    given = {(n, r) for n, r in stay if n in GIVEN}
    assert stay - given == set(FORCED)


@pytest.mark.parametrize("given_form", GIVEN)
def test_reaches_the_passes_of_the_given_form(given_form):
    claimed = Cascade.load(given_form).claimed_passes
    found = rewriting(GIVEN[given_form]).cascade.claimed_passes
    if given_form == "ssd_chunk":
        assert (found, claimed) == ({"n": 1}, {"c.j": 1})
    else:
        assert found == claimed


@pytest.mark.parametrize("name", FEWEST)
@settings(max_examples=8)
@given(data=st.data())
def test_is_still_the_algorithm(name, data):
    ranges = ENTRIES[name].sizes
    sizes = {size: data.draw(st.integers(*ends), label=size) for size, ends in ranges.items()}
    check(name, sizes, seed=data.draw(st.integers(0, 2**16), label="seed"))


@pytest.mark.parametrize("name", FEWEST)
def test_is_still_the_algorithm_at_the_edges(name):
    for edge in ENTRIES[name].edges:
        check(name, edge, seed=zlib.crc32(name.encode()))


@pytest.mark.parametrize("name", sorted(set(LARGE) & set(FEWEST)))
def test_holds_where_a_bare_exponential_overflows(name):
    large = LARGE[name]
    tiles = {"T": 2} if name == "attention_2pass" else {}
    for seed in range(3):
        check(name, tiles | {"L": 2}, seed, lambda arrays: arrays | {large: 3000 * arrays[large]})


@pytest.mark.parametrize(("name", "edge"), [(n, e) for n, e in NOTHING if n in FEWEST])
def test_gives_nothing_for_nothing(name, edge):
    check(name, edge)


@pytest.mark.parametrize("name", FEWEST)
def test_element_by_element_too(name):
    entry = ENTRIES[name]
    small = {size: max(low, min(high, 3)) for size, (low, high) in entry.sizes.items()}
    arrays, params = entry.case(small, seed=7)
    result = rewriting(name)
    found = result.cascade.evaluate_reference(arrays, **params)
    for output, value in result.original.evaluate_reference(arrays, **params).items():
        same(found[output], value)


@pytest.mark.parametrize("name", FEWEST)
def test_prints_what_parses_to_itself(name):
    cascade = rewriting(name).cascade
    assert Cascade.parse(block_text(cascade.block)).block == cascade.block


@pytest.mark.parametrize("name", ["attention_causal", "sliding_window", "landmark"])
def test_leading_ranks_are_independent_copies(name):
    entry, cascade = ENTRIES[name], rewriting(name).cascade
    cases = [entry.case({}, seed)[0] for seed in range(2)]
    params = entry.case({})[1]
    found = cascade.evaluate({n: np.stack([c[n] for c in cases]) for n in cases[0]}, **params)
    for seed, case in enumerate(cases):
        for output, value in cascade.evaluate(case, **params).items():
            same(found[output][seed], value)


# What cannot be tiled, by rank: it is tiled already, gathered or selected from, or runs step by step.
NOT_TILED = {
    "attention_2pass": ["m1.m0"],
    "routing": ["j"],
    "sparse_gin": ["m"],
    "spatten_prune": ["j"],
    "topk_attention": ["i"],
}


@pytest.mark.parametrize("name", FEWEST)
def test_tiled_it_is_still_the_algorithm(name):
    result = Cascade.load(name).rewritten(tile=3)
    plain = {r.rank: r.after for r in rewriting(name).ranks}
    refused = [r.rank for r in result.ranks if r.after > plain[r.rank]]
    assert refused == NOT_TILED.get(name, [])
    counted = result.cascade.passes()
    assert all(counted[r.now] == r.after for r in result.ranks)
    entry = ENTRIES[name]
    for seed, sizes in enumerate([*entry.edges, {}, {}]):
        arrays, params = entry.case(sizes, seed)
        found = result.cascade.evaluate(arrays, **params)
        for output, value in result.original.evaluate(arrays, **params).items():
            same(found[output], value)


def test_tiled_it_counts_as_the_form_written_by_hand():
    tiled = Cascade.load("attention_3pass").rewritten(tile=256).cascade
    given_form = Cascade.load("attention_1pass")
    for sizes in ({"M": 12, "M0": 4}, {"M": 13, "M0": 5}, {"M": 3, "M0": 8}):
        shape = {"P": 5, "E": 4, "F": 3, **sizes}
        assert tiled.count(**shape) == given_form.count(**shape)
    assert tiled.passes()["m1.m0"] == given_form.passes()["m1.m0"] == 1
