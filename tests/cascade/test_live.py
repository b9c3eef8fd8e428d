"""Points of Einsums in closed form, held to those that the reference evaluator meets one by one."""

from __future__ import annotations

from collections import Counter

import pytest

from accelsim.cascade import Cascade, ast
from accelsim.cascade.count_points import count_by_points
from accelsim.cascade.live import live_points
from accelsim.ops import BINARY, FUNCTIONS, REDUCTIONS, UNARY
from accelsim.specs import names

SMALL = {
    "P": 6,
    "M": 6,
    "N": 6,
    "H": 4,
    "HS": 2,
    "G": 2,
    "B": 2,
    "HI": 4,
    "WI": 4,
    "TAPS": 9,
    "SS": 4,
}
# Presence that is no set of half planes: the most there can be is more than there is.
LOOSE = {"ssd_chunk"}


def per_point(equation) -> Counter[str]:
    """The operations of one point, the reduction's kind left out; empty where branches differ."""
    found: Counter[str] = Counter()
    for node in ast.walk(equation.right):
        if isinstance(node, ast.Default) or (
            isinstance(node, ast.Call) and node.function == "select"
        ):
            return Counter()
        if not ast.has_reads(node):
            continue
        match node:
            case ast.Binary(op=op):
                found[BINARY[op].kind] += 1
            case ast.Unary(op=op):
                found[UNARY[op].kind] += 1
            case ast.Call(function=name):
                found[FUNCTIONS[name].kind] += 1
    if equation.reduce and equation.reduce.op in REDUCTIONS:
        found.pop(REDUCTIONS[equation.reduce.op].kind, None)
    return found


@pytest.mark.parametrize("name", [n for n in names("cascade") if n != "matmul"])
def test_points_that_exist(name: str) -> None:
    cascade = Cascade.load(name)
    sizes = cascade.sizes(**{n: SMALL.get(n, 3) for n in cascade.shape_names})
    points = live_points(cascade, sizes)
    counts = count_by_points(cascade, sizes)
    compared = 0
    for equation in cascade.equations:
        if any(ast.has_reads(w) for w in equation.where):
            continue  # a condition on data is taken to hold
        for kind, each in per_point(equation).items():
            met = counts[equation.id].get(kind, 0)
            compared += 1
            if name in LOOSE or any(r.is_gather for e in cascade.equations for r in e.reads):
                assert met <= points[equation.id] * each, (equation.id, kind)
            else:
                assert met == points[equation.id] * each, (equation.id, kind)
    assert compared
