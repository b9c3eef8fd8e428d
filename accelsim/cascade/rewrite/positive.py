"""Which tensors are surely above zero: what scales through a maximum must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation

_UNKNOWN, _NOT_NEGATIVE, _POSITIVE = 0, 1, 2
_ALWAYS = {
    "exp": _POSITIVE,
    "sigmoid": _POSITIVE,
    "softplus": _POSITIVE,
    "elu1": _POSITIVE,
    "abs": _NOT_NEGATIVE,
    "relu": _NOT_NEGATIVE,
}


def positive_tensors(equations: Sequence[Equation]) -> frozenset[str]:
    """Return the results that are above 0 wherever they are present (an underflow aside)."""
    signs = dict.fromkeys((e.tensor for e in equations), _UNKNOWN)
    for _ in equations:
        found = {
            tensor: min(_sign(e.right, signs) for e in equations if e.tensor == tensor)
            for tensor in signs
        }
        for equation in equations:
            if equation.reduce and equation.reduce.op not in ("+", "*", "max", "min", "topval"):
                found[equation.tensor] = _UNKNOWN
        if found == signs:
            break
        signs = found
    return frozenset(tensor for tensor, sign in signs.items() if sign == _POSITIVE)


def _sign(node: Expr, signs: Mapping[str, int]) -> int:
    match node:
        case ast.Number(value=value):
            return _POSITIVE if value > 0 else _NOT_NEGATIVE if value == 0 else _UNKNOWN
        case ast.Read(tensor=tensor):
            return signs.get(tensor, _UNKNOWN)
        case ast.Call(function=function) if function in _ALWAYS:
            return _ALWAYS[function]
        case ast.Call(function="select", args=(_, a, b)):
            return min(_sign(a, signs), _sign(b, signs))
        case ast.Call(function="max", args=(a, b)):
            return max(_sign(a, signs), _sign(b, signs))
        case (
            ast.Call(function="min", args=(a, b))
            | ast.Binary(op="*" | "/", left=a, right=b)
            | ast.Default(value=a, other=b)
        ):
            return min(_sign(a, signs), _sign(b, signs))
        case ast.Binary(op="+", left=a, right=b):
            both = (_sign(a, signs), _sign(b, signs))
            return max(both) if min(both) >= _NOT_NEGATIVE else _UNKNOWN
    return _UNKNOWN
