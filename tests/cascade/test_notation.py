"""Parts of the notation in small: both evaluators agree on windows, slots, targets and absence."""

from __future__ import annotations

import numpy as np
import pytest

from accelsim.cascade import Cascade, execute

A = np.array([1.0, -2.0, 3.0, 0.5, -1.0])
B = np.array([2.0, 1.0, -0.5])

CASES = [
    ("in A[N]\nout Y[N]\nY[n] = A[n] + A[n-1]?0", [1, -1, 1, 3.5, -0.5]),
    ("in A[N]\nout Y[N]\nrank n = N\nY[n] = A[n+2]", [3, 0.5, -1, 0, 0]),
    ("in A[N]; B[M]\nout Y[N]\nrank m = M\nY[n] = A[n] where m < n :: +(m)", [0, -2, 6, 1.5, -3]),
    ("in A[N]; B[M]\nout Y[N]\nrank m = M; n = N\nY[n] = B[m-n] :: max(m)", [2, 2, 2, 0, 0]),
    ("in A[N]\nout Y[2]\nrank k = 2\nY[k] = A[n] :: top(n->k)", [0, 2]),
    ("in A[N]\nout Y[2]\nrank k = 2\nY[k] = A[n] where n > 2 :: topval(n->k)", [0.5, -1]),
    ("in A[N]\nout Y[3]\nrank k = 3\nY[k] = A[n]*0 where n > 3 :: top(n->k)", [4, 0, 0]),
    ("in A[N]\nout Y[2]\nY[0] = A[0]\nY[1] = A[9] ? 7", [1, 7]),
    ("in A[N]\nout Y[]\nY[] = A[n] where n > 9 :: +(n)", 0),
    (
        "in A[N]\nout Y[N]\ninit S[0] = 0\nS[n+1] = S[n] + A[n]\nY[n] = S[n//2*2]",
        [0, 0, -1, -1, 2.5],
    ),
]


@pytest.mark.parametrize(("text", "wanted"), CASES)
def test_means_what_the_definition_says(text, wanted):
    cascade = Cascade.parse(text)
    data = {n: v for n, v in (("A", A), ("B", B)) if any(t.name == n for t in cascade.inputs)}
    np.testing.assert_allclose(cascade.evaluate(data)["Y"], wanted)
    np.testing.assert_allclose(cascade.evaluate_reference(data)["Y"], wanted)


def test_leaves_a_triangular_solve_to_the_reference_evaluator(monkeypatch):
    used = []
    slow = execute.opaque
    monkeypatch.setattr(execute, "opaque", lambda *a: used.append(1) or slow(*a))
    random = np.random.default_rng(0)
    data = {"Q": (6, 3), "K": (6, 3), "V": (6, 2), "BETA": (6,)}
    data = {n: random.uniform(0.1, 0.9, s) for n, s in data.items()}
    solve = Cascade.parse(
        "in Q[N,E]; K[N,E]; V[N,F]; BETA[N]\nout O[N,F]\n"
        "G[n,j] = K[n,e] * K[j,e] where j < n :: +(e)\nUP[n,f] = G[n,j] * U[j,f] :: +(j)\n"
        "U[n,f] = BETA[n] * (V[n,f] - UP[n,f]?0)\nA[n,j] = Q[n,e] * K[j,e] where j <= n :: +(e)\n"
        "O[n,f] = A[n,j] * U[j,f] :: +(j)"
    )
    wanted = Cascade.load("deltanet").evaluate({**data, "ALPHA": np.ones(6)})["O"]
    np.testing.assert_allclose(solve.evaluate(data)["O"], wanted, rtol=1e-10)
    assert used


def test_refuses_a_cycle_of_points_that_only_the_sizes_show():
    from accelsim.errors import SpecError

    cascade = Cascade.parse("in A[N]\nout Y[N]\nY[n] = A[n] + Y[N-1-n]")
    with pytest.raises(SpecError, match="depends on itself"):
        cascade.evaluate({"A": A})


def test_costs_an_operation_as_hardware_issues_it():
    ops = {e.id: dict(e.slots_ops) for e in Cascade.load("attention_1pass").equations}
    assert ops["QK"] == {"mac": 1}
    assert ops["LM"] == {"max": 1}
    assert ops["SLN"] == {"exp": 1, "sub": 1}
    assert ops["SLD"] == {"add": 1}
    assert ops["SLNV"] == {"mac": 1}
    assert ops["SPNV"] == {"mul": 1}
    assert ops["AV"] == {"div": 1}


def test_gives_the_causal_mask_as_a_half_plane():
    cascade = Cascade.load("attention")
    scores = cascade.equation("QK")
    (plane,) = scores.half_planes(cascade.symbols(P=4, M=6, E=2, F=2, causal=1))
    assert (dict(plane.coefs), plane.const) == ({"m": -1, "p": 1}, 2)
    assert scores.half_planes(cascade.symbols(P=4, M=6, E=2, F=2)) == []
