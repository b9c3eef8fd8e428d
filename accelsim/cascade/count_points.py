"""Counts operations point by point with the reference evaluator, for sets that have no closed form."""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation
from accelsim.cascade.reference import Reference
from accelsim.cascade.sizes import Sizes
from accelsim.errors import SpecError
from accelsim.ops import BINARY, FUNCTIONS, REDUCTIONS, UNARY

if TYPE_CHECKING:
    from accelsim.cascade.cascade import Cascade

MAX_POINTS = 5_000_000


def count_by_points(
    cascade: Cascade, sizes: Sizes, arrays: Mapping[str, Any] | None = None
) -> dict[str, Counter[str]]:
    """Return the operations per Einsum for given inputs, else for fixed pseudo-random ones."""
    total = sum(_product(sizes.extents[c] for c in e.coords) for e in cascade.block.equations)
    if total > MAX_POINTS:
        message = f"the operations have no closed form and are too many to count: {total} points"
        raise SpecError(cascade.source_text.fault(0, message))
    data = arrays if arrays is not None else _inputs(cascade, sizes)
    points = Reference(cascade.block, cascade.source_text, sizes, data)
    parts: dict[str, Counter[str]] = {}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, 1_000_000))
    try:
        for equation in cascade.block.equations:
            try:
                part = _equation(points, equation, sizes)
            except (ArithmeticError, ValueError, TypeError) as error:
                message = f"{equation.tensor} cannot be counted: {error}"
                raise cascade.source_text.error(equation.at, message) from None
            parts.setdefault(equation.id, Counter()).update(part)
    finally:
        sys.setrecursionlimit(limit)
    return parts


def _product(values: Any) -> int:
    result = 1
    for value in values:
        result *= value
    return result


def _inputs(cascade: Cascade, sizes: Sizes) -> dict[str, Any]:
    import numpy as np

    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for tensor in cascade.inputs:
        shape = sizes.shapes[tensor.name]
        if tensor.is_int:
            arrays[tensor.name] = np.arange(int(np.prod(shape))).reshape(shape)
        else:
            arrays[tensor.name] = random.uniform(0.1, 0.9, shape)
    return arrays


def _equation(points: Reference, equation: Equation, sizes: Sizes) -> Counter[str]:
    counts: Counter[str] = Counter()
    groups: dict[tuple[int, ...], int] = {}
    reduce = equation.reduce
    coords = equation.coords
    left = [c for c in equation.left_coords if c in coords]
    for values in itertools.product(*(range(sizes.extents[c]) for c in coords)):
        env = dict(zip(coords, values, strict=True))
        key = [env[c] for c in left]
        if reduce is not None and reduce.gathers:
            targets = [points.expr(g, env) for g in reduce.gathers]
            if any(t is None for t in targets):
                continue
            env.update({g.label: int(t) for g, t in zip(reduce.gathers, targets, strict=True)})
            key += [int(t) for t in targets]
        if points.point(equation, env) is None:
            continue
        groups[tuple(key)] = groups.get(tuple(key), 0) + 1
        _tree(points, equation.right, env, counts)
    op = "" if reduce is None else reduce.combine if reduce.op == "scatter" else reduce.op
    if op in REDUCTIONS:
        counts[REDUCTIONS[op].kind] += sum(n - 1 for n in groups.values())
    return counts


def _tree(points: Reference, node: Expr, env: Mapping[str, int], counts: Counter[str]) -> None:
    """Add the operations of a tree that is present at a point."""
    if not ast.has_reads(node) or isinstance(node, ast.Read | ast.Gather):
        return
    match node:
        case ast.Default(value=value, other=other):
            _tree(points, other if points.expr(value, env) is None else value, env, counts)
            return
        case ast.Call(function="select", args=(condition, yes, no)):
            counts["select"] += 1
            _tree(points, condition, env, counts)
            _tree(points, yes if points.expr(condition, env) else no, env, counts)
            return
        case ast.Binary(op=op):
            counts[BINARY[op].kind] += 1
        case ast.Unary(op=op):
            counts[UNARY[op].kind] += 1
        case ast.Call(function=function):
            counts[FUNCTIONS[function].kind] += 1
    for child in ast.children(node):
        _tree(points, child, env, counts)
