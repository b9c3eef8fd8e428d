"""Passes: what forces them, and which rewrites save one."""

from __future__ import annotations

import pytest

from accelsim.cascade import Cascade
from accelsim.errors import SpecError

HEAD = "in A[K]; B[K]\nout Z[]\n"


@pytest.mark.parametrize(
    ("text", "rank", "passes"),
    [
        ("Y[] = A[k]*B[k] :: +(k)\nZ[] = Y[]*A[k] :: +(k)", "k", 2),
        ("Y[] = A[k]*B[k] :: +(k)\nS[] = A[k] :: +(k)\nZ[] = Y[]*S[]", "k", 1),
        (
            "init RY[0] = 1; RZ[0] = 0\nRY[i+1] = RY[i] + A[i]*B[i]\n"
            "RZ[i+1] = RZ[i]*RY[i+1]/RY[i] + RY[i+1]*A[i]\nZ[] = RZ[K]",
            "i",
            1,
        ),
    ],
)
def test_counts_passes(text, rank, passes):
    assert Cascade.parse(HEAD + text).passes()[rank] == passes


@pytest.mark.parametrize(
    ("name", "rank", "passes", "deferred"),
    [
        ("attention_3pass", "m", 3, 2),
        ("attention", "m", 3, 2),
        ("attention_2pass", "m1.m0", 2, 2),
        ("attention_2pass_defer", "m", 2, 2),
        ("attention_1pass", "m1.m0", 1, 1),
        ("attention_no_max", "m", 2, 1),
    ],
)
def test_says_what_deferring_saves(name, rank, passes, deferred):
    found = Cascade.load(name).passes_explained(rank)
    assert (found.passes, found.deferred) == (passes, deferred)


def test_names_the_chain_that_forces_a_pass():
    assert str(Cascade.load("attention_3pass").passes_explained("m")).splitlines() == [
        "m: 3 passes",
        "  pass 1: GM reads m",
        "  pass 2: SN reads m again, for it needs GM, which is complete only after pass 1",
        "  pass 2: SD takes SN as it appears",
        "  pass 3: A reads m again, for it needs SD, which is complete only after pass 2",
        "  live over passes (1, 2): QK, M*P words",
        "  live over passes (2, 3): SN, M*P words",
        "  deferring by distributivity would give 2",
        "  running sums would give 1 (--rewrite)",
    ]


def test_has_no_live_fiber_in_one_pass():
    assert Cascade.load("attention_1pass").passes_explained("m1.m0").live == ()


def test_has_no_count_for_a_result_that_reads_its_past():
    text = (
        "in K[N,E]; V[N]\nout U[N]\nG[n,j] = K[n,e]*K[j,e] where j < n :: +(e)\n"
        "UP[n] = G[n,j]*U[j] :: +(j)\nU[n] = V[n] - UP[n]?0"
    )
    assert "n" not in Cascade.parse(text).passes()


def test_lists_the_ranks_when_one_is_unknown():
    with pytest.raises(SpecError, match="unknown rank 'q'; known: e, f, m, p"):
        Cascade.load("attention_3pass").passes_explained("q")
