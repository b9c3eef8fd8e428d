"""Small algebra on trees: what a substitution by 0 or 1 leaves over, products and sums as lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.rewrite.trees import binary

ZERO, ONE = ast.Number(value=0), ast.Number(value=1)


def number(value: Fraction | int) -> Expr:
    whole = Fraction(value)
    if whole < 0:
        return ast.Unary(op="-", arg=number(-whole))
    if whole.denominator == 1:
        return ast.Number(value=int(whole))
    return binary("/", number(whole.numerator), number(whole.denominator))


def simplified(node: Expr) -> Expr:
    """Return a tree without factors 1 and terms 0 (the value, and where it is present, stay)."""
    return ast.rebuild(node, _simpler)


def _simpler(node: Expr) -> Expr:
    match node:
        case ast.Unary(op="-", arg=ast.Unary(op="-", arg=inner)):
            return inner
        case ast.Unary(op="-", arg=ast.Number(value=0)):
            return ZERO
        case ast.Binary(op="*", left=a, right=b):
            return b if a == ONE else a if b == ONE else node
        case ast.Binary(op="/", left=a, right=b):
            return a if b == ONE else node
        case ast.Binary(op="+", left=a, right=b):
            return b if a == ZERO else a if b == ZERO else node
        case ast.Binary(op="-", left=a, right=b):
            return ast.Unary(op="-", arg=b) if a == ZERO else a if b == ZERO else node
    return node


@dataclass(frozen=True, kw_only=True)
class Power:
    """``base ** exponent`` as a factor of a product."""

    base: Expr
    exponent: Fraction = Fraction(1)


def product(powers: Iterable[Power]) -> Expr:
    """Return a product; what divides stands after what multiplies."""
    result: Expr | None = None
    ordered = sorted(powers, key=lambda p: p.exponent < 0)
    for power in ordered:
        if power.exponent == 0:
            continue
        size = abs(power.exponent)
        factors: Sequence[Expr] = [power.base] * int(size) if size.denominator == 1 else []
        if not factors:
            root = ast.Call(function="pow", args=(power.base, number(size)))
            factors = [root]
        for factor in factors:
            op = "*" if power.exponent > 0 else "/"
            if result is None:
                result = factor if op == "*" else binary("/", ONE, factor)
            else:
                result = binary(op, result, factor)
    return ONE if result is None else result


def total(terms: Iterable[tuple[Fraction, Expr]]) -> Expr:
    """Return ``sum(coefficient * term)``."""
    result: Expr | None = None
    for coefficient, term in terms:
        if coefficient == 0 or term == ZERO:
            continue
        size = abs(coefficient)
        part = term if size == 1 else binary("*", number(size), term)
        if result is None:
            result = part if coefficient > 0 else ast.Unary(op="-", arg=part)
        else:
            result = binary("+" if coefficient > 0 else "-", result, part)
    return ZERO if result is None else result


def linear(
    node: Expr, resolve: Callable[[ast.Read], Expr | None], factor: Fraction = Fraction(1)
) -> dict[Expr, Fraction]:
    """Return a tree as a sum ``coefficient * term``; ``resolve`` may spell a read out."""
    match node:
        case ast.Number(value=0):
            return {}
        case ast.Unary(op="-", arg=arg):
            return linear(arg, resolve, -factor)
        case ast.Binary(op=("+" | "-") as op, left=a, right=b):
            found = linear(a, resolve, factor)
            for term, power in linear(b, resolve, factor if op == "+" else -factor).items():
                found[term] = found.get(term, Fraction(0)) + power
            return {term: power for term, power in found.items() if power}
        case ast.Binary(op="*", left=ast.Number(value=k), right=a) if isfinite(k):
            return linear(a, resolve, factor * Fraction(k))
        case ast.Binary(op="*", left=a, right=ast.Number(value=k)) if isfinite(k):
            return linear(a, resolve, factor * Fraction(k))
        case ast.Binary(op="/", left=a, right=ast.Number(value=k)) if isfinite(k) and k:
            return linear(a, resolve, factor / Fraction(k))
        case ast.Read():
            known = resolve(node)
            if known is not None:
                return linear(known, resolve, factor)
    return {node: factor}
