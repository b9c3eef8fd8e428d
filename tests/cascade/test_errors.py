"""Faults of a cascade: the message, the line and the column."""

from __future__ import annotations

import numpy as np
import pytest

from accelsim import specs
from accelsim.cascade import Cascade
from accelsim.errors import SpecError

HEAD = "in A[N,E]; B[N]\nout Y[N]\n"
ITERATIVE = "init S[0] = 0\n"

FAULTS = [
    ("Y[n] = X[n]", 3, 8, "unknown tensor 'X'; known: A, B, Y"),
    ("Y[n] = B[n] * d", 3, 15, "unknown name 'd'; known: E, N, n"),
    ("Y[n] = B[n] + foo(B[n])", 3, 15, "'foo' is not a function; did you mean 'floor'?"),
    ("Y[n] = exp(B[n], 2)", 3, 8, "'exp' must have 1 argument, not 2"),
    ("Y[n] = A[n]", 3, 8, "'A' needs 2 indices, not 1"),
    (
        "Y[n] = A[n,e] :: sum(e)",
        3,
        18,
        "'sum' is not a reduction; known: *, +, max, min, scatter, top, topval",
    ),
    ("Y[n] = A[n,e] :: top(e)", 3, 23, "'top' must name the rank of its slots: top(e->k)"),
    ("Y[n] = 1 + softmax{n}(B[n])", 3, 12, "the macro 'softmax' must be the whole right side"),
    (
        "Y[n] = softmax{n}(B[n]) where n < 3",
        3,
        25,
        "the macro 'softmax' must be the whole right side: no 'where' and no '::'",
    ),
    ("Y[n] = softmax{m}(B[n])", 3, 8, "softmax{m} needs an argument with rank 'm'; it has: n"),
    ("param N = 3\nY[n] = B[n]", 3, 7, "'N' is declared twice"),
    ("param n = 3\nY[n] = B[n]", 3, 7, "'n' is a param and a coordinate"),
    ("param B = 1\nY[n] = B[n]", 3, 7, "'B' is a param and a tensor"),
    ("let q = r + 1\nY[n] = B[n]", 3, 9, "unknown symbol 'r'; known: E, N, q"),
    (
        "Y[n] = B[n]\nY[m] = B[m]",
        4,
        1,
        "this slice of 'Y' is already defined; slices must be disjoint",
    ),
    (
        "Y[n] = Z[n]\nZ[n] = Y[n]",
        3,
        1,
        "these equations need each other at the same point: Y -> Z -> Y",
    ),
    (
        ITERATIVE + "S[n+1] = T[n] + B[n]\nT[n] = S[n+1]\nY[n] = S[n+1]",
        4,
        1,
        "these equations need each other at the same point: S -> T -> S",
    ),
    (
        ITERATIVE + "S[n+1] = S[n+2] + B[n]\nY[n] = S[n+1]",
        4,
        10,
        "'S' is read at n+2: an iterative rank has n and n+1",
    ),
    (
        "S[n+1] = S[n] + B[n]\nY[n] = S[n+1]",
        3,
        1,
        "'S' is iterative and needs an 'init' of index 0",
    ),
    ("B[n] = 1\nY[n] = B[n]", 3, 1, "'B' is an input and cannot be defined"),
    ("Y[n] = B[n", 3, 11, "expected ',' or ']', not the end of the line"),
    ("Y[n] = B[n] $ 2", 3, 13, "unexpected character '$'"),
    ("Y[n] = 1 < B[n] < 2", 3, 17, "comparisons cannot be chained; write 'a < b and b < c'"),
    ("Y[2*n] = B[n]", 3, 3, "a left axis must be x, x+1, an integer or x*C+y, not '2*n'"),
    ("inn C[N]\nY[n] = B[n]", 3, 1, "'inn' does not start a line; did you mean 'in'?"),
    ("Y[n] = @B[n]:n", 3, 8, "a gather must stand inside an index"),
    ("Y[n] = B[n] :: +(n)", 3, 16, "'n' is reduced and cannot stand on the left"),
    ("Y[n] = " + "(" * 60 + "1" + ")" * 60, 3, 48, "brackets must nest at most 40 deep"),
    ("Q[n] = B[n]", 2, 5, "output 'Y' has no equation; known: A, B, Q"),
    ("y[n] = B[n]", 3, 1, "a tensor's name must start with an upper-case letter, not 'y'"),
    (
        "Y[n] = B[n]\nW[n,e] = Y[n]*m\nZ[m] = 1",
        4,
        15,
        "'m' is not on the left of 'W', nor reduced; known: e, n",
    ),
]


@pytest.mark.parametrize(("text", "line", "column", "message"), FAULTS)
def test_points_at_the_fault(text, line, column, message):
    with pytest.raises(SpecError) as caught:
        Cascade.parse(HEAD + text, "t")
    fault = caught.value.faults[0]
    assert (fault.line, fault.column, fault.message) == (line, column, message)


SIZE_FAULTS = [
    ("Y[n] = A[n,e]*B[e] :: +(e)", {"N": 3, "E": 4}, 3, 15, "rank 'e' is 4 long on A and 3 on B"),
    (
        "Y[n] = A[n,m-m] :: +(m)",
        {"N": 3, "E": 4},
        3,
        1,
        "rank 'm' has no extent: it indexes no axis alone; give it a 'rank' line",
    ),
    ("Y[n] = B[n]", {"N": 3}, 1, 1, "the size 'E' must be given"),
    ("Y[n] = B[n]", {"N": 3, "E": 4, "Q": 1}, 1, 1, "unknown parameter 'Q'; known: E, N"),
    (
        "fixed c = 1\nY[n] = B[n]",
        {"N": 3, "E": 4, "c": 2},
        3,
        7,
        "'c' is fixed and must be 1, not 2",
    ),
    ("rank n = 2\nY[n] = B[n]", {"N": 3, "E": 4}, 2, 5, "axis 1 of output Y is 2 long, not 3"),
    (
        "param L = 2\nrank c = 2; i = 3\nX[c*L+i] = B[i]\nY[n] = X[n]",
        {"N": 3, "E": 4},
        5,
        1,
        "'i' must be 2 long to merge into X, not 3",
    ),
]


@pytest.mark.parametrize(("text", "sizes", "line", "column", "message"), SIZE_FAULTS)
def test_points_at_sizes_that_disagree(text, sizes, line, column, message):
    cascade = Cascade.parse(HEAD + text, "t")
    with pytest.raises(SpecError) as caught:
        cascade.sizes(**sizes)
    fault = caught.value.faults[0]
    assert (fault.line, fault.column, fault.message) == (line, column, message)


def test_lists_the_faults_of_all_lines():
    with pytest.raises(SpecError) as caught:
        Cascade.parse(HEAD + "Y[n] = foo(1)\nZ[n = 1\nW[n] = bar(2)", "t")
    assert [f.line for f in caught.value.faults] == [3, 4, 5]


def test_points_into_the_yaml_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\nsummary: x\ncascade: |\n    in B[N]\n    out Y[N]\n\n    Y[n] = B[n] * qq\n"
    )
    with pytest.raises(SpecError) as caught:
        Cascade.load(path)
    assert str(caught.value) == f"{path}:7:19: unknown name 'qq'; known: N, n"


def test_names_the_nearest_cascade():
    with pytest.raises(SpecError, match="did you mean 'attention_1pass'"):
        Cascade.load("attention_1pas")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"A": [[1.0]]}, "input 'B' is missing"),
        ({"A": [[1.0]], "B": [1.0, 2.0]}, "B has N = 2 where another input has 1"),
        ({"A": [[1.0]], "B": ["x"]}, "input B must be real numbers, not <U1"),
        ({"A": [[1.0]], "B": [1.0], "C": [1.0]}, "unknown input 'C'; known: A, B"),
        ({"A": [1.0], "B": [1.0]}, "input A must have 2 axes (and at most 2 leading ones), not 1"),
    ],
)
def test_refuses_wrong_inputs(inputs, message):
    cascade = Cascade.parse(HEAD + "Y[n] = B[n]", "t")
    with pytest.raises(SpecError) as caught:
        cascade.evaluate(inputs)
    assert caught.value.faults[0].message == message


def test_loads_all_shipped_cascades_with_a_source():
    for name in specs.names("cascade"):
        cascade = Cascade.load(name)
        assert cascade.name == name
        assert cascade.summary
        assert cascade.source


def test_a_cycle_through_a_sum_is_refused():
    text = """
in K[N,E]
out Y[N]
init W[0,e] = 0
W[n+1,e] = W[n,e] + Y[n] * K[n,e]
Y[n] = W[n+1,e] * K[n,e] :: +(e)
"""
    with pytest.raises(SpecError, match="depends on itself"):
        Cascade.parse(text).evaluate({"K": np.ones((3, 2))})
