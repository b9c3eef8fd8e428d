"""Where a 0 does as well as an absent value."""

from __future__ import annotations

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.rewrite.algebra import ZERO
from accelsim.cascade.rewrite.program import Program


def zero_is_absent(program: Program, tensor: str) -> bool:
    """Whether no output changes if a tensor is 0 where it was absent.

    An output that is absent is returned as 0; a product with 0 is 0, and so is a sum of zeros.
    """
    return _harmless(program, tensor, frozenset({tensor}))


def _harmless(program: Program, tensor: str, seen: frozenset[str]) -> bool:
    for equation in program.equations:
        nodes = [r for r in equation.reads if r.tensor == tensor]
        if not nodes:
            continue
        if any(r.in_where or r.is_gather for r in nodes) or equation.is_init:
            return False
        op = equation.reduce.op if equation.reduce else "+"
        if op != "+" or equation.tensor in seen:
            return False
        if len(program.writers[equation.tensor]) != 1:
            return False
        if _absorbed(equation.right, tensor):
            continue
        if not _is_factor(equation.right, tensor):
            return False
        if not _harmless(program, equation.tensor, seen | {equation.tensor}):
            return False
    return True


def _is_factor(node: Expr, tensor: str) -> bool:
    """Whether an expression is 0 wherever a tensor in it is."""
    match node:
        case ast.Read(tensor=name):
            return name == tensor
        case ast.Binary(op="*", left=a, right=b):
            return _is_factor(a, tensor) or _is_factor(b, tensor)
        case ast.Binary(op="/", left=a):
            return _is_factor(a, tensor)
        case ast.Unary(op="-", arg=a):
            return _is_factor(a, tensor)
    return False


def _absorbed(node: Expr, tensor: str) -> bool:
    """Whether every read of a tensor has 0 as its default."""
    match node:
        case ast.Default(value=value, other=other) if other == ZERO:
            return isinstance(value, ast.Read) or _absorbed(value, tensor)
        case ast.Read(tensor=name):
            return name != tensor
    return all(_absorbed(child, tensor) for child in ast.children(node))
