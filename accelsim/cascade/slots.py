"""The operations of one point of an equation, as hardware issues them and as the text counts them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.ops import BINARY, FUNCTIONS, REDUCTIONS, UNARY

if TYPE_CHECKING:
    from accelsim.cascade.model import Equation


def slots_ops(equation: Equation) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    _slots(equation.right, counts)
    reduce = equation.reduce
    if reduce is not None:
        op = reduce.combine if reduce.op == "scatter" else reduce.op
        if op == "+" and _multiplies(equation.right):
            counts["mul"] -= 1
            counts["mac"] += 1
        elif op in REDUCTIONS:
            counts[REDUCTIONS[op].kind] += 1
        elif op in ("top", "topval"):
            counts["top"] += 1
    return tuple(sorted((kind, n) for kind, n in counts.items() if n > 0))


def has_folded_factor(equation: Equation) -> bool:
    return any(_is_folded(node) for node in ast.walk(equation.right) if ast.has_reads(node))


def _is_folded(node: Expr) -> bool:
    """Whether a multiply or divide has one side of symbols and numbers only."""
    match node:
        case ast.Binary(op="*", left=a, right=b):
            return ast.is_constant(a) or ast.is_constant(b)
        case ast.Binary(op="/", right=b):
            return ast.is_constant(b)
    return False


def _slots(node: Expr, counts: Counter[str]) -> None:
    if not ast.has_reads(node):
        return
    match node:
        case ast.Read():
            return
        case ast.Binary(op=op, left=a, right=b):
            folded = (op == "*" and (ast.is_constant(a) or ast.is_constant(b))) or (
                op == "/" and ast.is_constant(b)
            )
            if not folded:
                kind = BINARY[op].kind
                counts["select" if kind in ("compare", "logic") else kind] += 1
        case ast.Unary(op=op):
            counts[UNARY[op].kind] += 1
        case ast.Call(function=name):
            counts[FUNCTIONS[name].kind] += 1
    for child in ast.children(node):
        _slots(child, counts)


def _multiplies(node: Expr) -> bool:
    """Whether the last operation of a point is a multiply that is not folded away."""
    match node:
        case ast.Binary(op="*", left=a, right=b):
            if ast.is_constant(a):
                return _multiplies(b)
            return _multiplies(a) if ast.is_constant(b) else True
        case ast.Binary(op="/", left=a, right=b) if ast.is_constant(b):
            return _multiplies(a)
    return False
