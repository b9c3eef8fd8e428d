"""Affine forms over coordinates: what an index or a condition is once the symbols are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.ops import BINARY, FUNCTIONS, UNARY
from accelsim.replay.exact import apply, integer, settled


@dataclass(frozen=True, kw_only=True)
class Linear:
    """``sum(coefs[x] * x) + const``."""

    coefs: Mapping[str, int]
    const: int

    def at(self, point: Mapping[str, int]) -> int:
        return self.const + sum(k * point[x] for x, k in self.coefs.items())

    def plus(self, other: Linear, sign: int = 1, const: int = 0) -> Linear:
        coefs = dict(self.coefs)
        for name, k in other.coefs.items():
            coefs[name] = coefs.get(name, 0) + sign * k
        return Linear(
            coefs={n: k for n, k in coefs.items() if k},
            const=self.const + sign * other.const + const,
        )

    def times(self, factor: int) -> Linear:
        return Linear(
            coefs={n: k * factor for n, k in self.coefs.items() if factor},
            const=self.const * factor,
        )


def constant(expr: Expr, symbols: Mapping[str, Any]) -> Any:
    """Return the value of a tree of numbers and symbols; raise KeyError for an unbound name."""
    match expr:
        case ast.Number(value=v) | ast.Word(value=v):
            return v
        case ast.Symbol(name=n):
            return symbols[n]
        case ast.Unary(op=op, arg=a):
            return apply(UNARY[op].scalar, constant(a, symbols))
        case ast.Binary(op=op, left=a, right=b):
            left, right = constant(a, symbols), constant(b, symbols)
            return apply(BINARY[op].scalar, left, right)
        case ast.Call(function="select", args=(c, a, b)):
            return constant(a if constant(c, symbols) else b, symbols)
        case ast.Call(function=f, args=args):
            return apply(FUNCTIONS[f].scalar, *(constant(a, symbols) for a in args))
        case ast.Default(value=a):
            return constant(a, symbols)
    raise KeyError(ast.show(expr))


def linear(expr: Expr, symbols: Mapping[str, Any]) -> Linear | None:
    """Return an expression as an affine form, or None if it is none (floor, gathers, reads)."""
    if isinstance(expr, ast.Coord):
        return Linear(coefs={expr.name: 1}, const=0)
    if ast.is_constant(expr):
        value = settled(constant(expr, symbols))
        whole = isinstance(value, int | float) and value == value // 1
        return Linear(coefs={}, const=integer(value)) if whole else None
    match expr:
        case ast.Unary(op="-", arg=arg):
            inner = linear(arg, symbols)
            return inner.times(-1) if inner else None
        case ast.Binary(op=("+" | "-") as op, left=a, right=b):
            left, right = linear(a, symbols), linear(b, symbols)
            return left.plus(right, 1 if op == "+" else -1) if left and right else None
        case ast.Binary(op="*", left=a, right=b):
            left, right = linear(a, symbols), linear(b, symbols)
            if left and right and not left.coefs:
                return right.times(left.const)
            if left and right and not right.coefs:
                return left.times(right.const)
    return None


_NEVER = Linear(coefs={}, const=-1)


def half_planes(conditions: Iterable[Expr], symbols: Mapping[str, Any]) -> list[Linear] | None:
    """Return conditions as affine forms that must be >= 0; None if they are no such conjunction."""
    planes: list[Linear] = []
    for condition in conditions:
        part = _planes(condition, symbols)
        if part is None:
            return None
        planes += part
    return planes


def _planes(expr: Expr, symbols: Mapping[str, Any]) -> list[Linear] | None:
    truth = _truth(expr, symbols)
    if truth is not None:
        return [] if truth else [_NEVER]
    match expr:
        case ast.Binary(op="and", left=a, right=b):
            left, right = _planes(a, symbols), _planes(b, symbols)
            return None if left is None or right is None else left + right
        case ast.Binary(op="or", left=a, right=b):
            if _truth(a, symbols) is False:
                return _planes(b, symbols)
            if _truth(b, symbols) is False:
                return _planes(a, symbols)
            return None
        case ast.Unary(op="not", arg=ast.Binary(op=op) as arg) if op in _NEGATED:
            return _planes(ast.Binary(op=_NEGATED[op], left=arg.left, right=arg.right), symbols)
        case ast.Binary(op=op, left=a, right=b) if op in _NEGATED or op == "==":
            up, down = _at_most(a, b, symbols), _at_most(b, a, symbols)
            if up is None or down is None:
                return None
            below, above = _at_most(a, b, symbols, less=1), _at_most(b, a, symbols, less=1)
            assert below is not None
            assert above is not None
            return {
                "<=": [up],
                "<": [below],
                ">=": [down],
                ">": [above],
                "==": [up, down],
            }[op]
    return None


def _at_most(a: Expr, b: Expr, symbols: Mapping[str, Any], less: int = 0) -> Linear | None:
    """Return ``a + less <= b`` as a form >= 0; one side may be a quotient ``y // n`` of a form y."""
    low, high = linear(a, symbols), linear(b, symbols)
    if low and high:
        return high.plus(low, -1, -less)
    quotient = _quotient(b if low else a, symbols)
    if quotient is None:
        return None
    form, by = quotient
    if low:  # x <= y // n exactly if x * n <= y
        return form.plus(low.plus(_NONE, const=less).times(by), -1)
    if high:  # y // n <= x exactly if y < (x + 1) * n
        return high.plus(_NONE, const=1 - less).times(by).plus(form, -1, -1)
    return None


def _quotient(expr: Expr, symbols: Mapping[str, Any]) -> tuple[Linear, int] | None:
    match expr:
        case ast.Binary(op="//", left=a, right=b):
            form, by = linear(a, symbols), linear(b, symbols)
            if form is not None and by is not None and not by.coefs and by.const > 0:
                return form, by.const
    return None


_NONE = Linear(coefs={}, const=0)
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def _truth(expr: Expr, symbols: Mapping[str, Any]) -> bool | None:
    """Return what a condition is if the symbols alone decide it, else None."""
    if ast.is_constant(expr):
        return bool(constant(expr, symbols))
    match expr:
        case ast.Unary(op="not", arg=arg):
            inner = _truth(arg, symbols)
            return None if inner is None else not inner
        case ast.Binary(op=("and" | "or") as op, left=a, right=b):
            if ast.has_reads(a) or ast.has_reads(b):
                return None
            decides = op == "or"
            parts = (_truth(a, symbols), _truth(b, symbols))
            if decides in parts:
                return decides
            return None if None in parts else not decides
    return None
