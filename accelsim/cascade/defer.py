"""Takes factors that do not have a rank out of the sums over it (distributivity), to see what that saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation, Plain


@dataclass(frozen=True, kw_only=True)
class _Term:
    expr: Expr
    divides: bool = False


def _terms(node: Expr, divides: bool = False) -> list[_Term]:
    if isinstance(node, ast.Binary) and node.op in ("*", "/"):
        return [*_terms(node.left, divides), *_terms(node.right, divides != (node.op == "/"))]
    return [_Term(expr=node, divides=divides)]


def _product(terms: Sequence[_Term]) -> Expr:
    result: Expr | None = None
    for term in terms:
        if result is None:
            one = ast.Number(value=1)
            result = ast.Binary(op="/", left=one, right=term.expr) if term.divides else term.expr
        else:
            result = ast.Binary(op="/" if term.divides else "*", left=result, right=term.expr)
    return result if result is not None else ast.Number(value=1)


def deferred(equations: Sequence[Equation], rank: Sequence[str]) -> list[Equation]:
    """Return the equations with every such factor applied after its sum; values stay the same."""
    maps = {
        e.tensor: e
        for e in equations
        if e.reduce is None
        and not e.where
        and all(isinstance(a, Plain) for a in e.left)
        and sum(o.tensor == e.tensor for o in equations) == 1
    }
    result: list[Equation] = []
    for equation in equations:
        result += _split(equation, maps, rank)
    return _used(result, equations)


def _split(equation: Equation, maps: dict[str, Equation], rank: Sequence[str]) -> list[Equation]:
    reduce = equation.reduce
    if reduce is None or reduce.op != "+" or not set(rank) & set(reduce.coords):
        return [equation]
    terms: list[_Term] = []
    for term in _terms(equation.right):
        inner = _inlined(term, maps)
        outside = [t for t in inner if _leaves(t, reduce.coords)]
        terms += inner if outside else [term]
    out = [t for t in terms if _leaves(t, reduce.coords)]
    if not out or equation.where:
        return [equation]
    rest = [t for t in terms if not _leaves(t, reduce.coords)]
    name = f"{equation.tensor}__N"
    indices = tuple(ast.Coord(name=c) for c in equation.left_coords)
    left = tuple(Plain(coord=c) for c in equation.left_coords)
    total = replace(equation, id=name, tensor=name, left=left, right=_product(rest))
    read = _Term(expr=ast.Read(tensor=name, indices=indices))
    return [total, replace(equation, right=_product([read, *out]), reduce=None)]


def _leaves(term: _Term, reduced: Sequence[str]) -> bool:
    return ast.has_reads(term.expr) and not set(ast.coords_in(term.expr)) & set(reduced)


def _inlined(term: _Term, maps: dict[str, Equation]) -> list[_Term]:
    """Return what a factor stands for if it is a map, read at its own coordinates."""
    if not isinstance(term.expr, ast.Read) or term.expr.tensor not in maps:
        return [term]
    source = maps[term.expr.tensor]
    names = [a.coord for a in source.left if isinstance(a, Plain)]
    if [ast.Coord(name=n) for n in names] != list(term.expr.indices):
        return [term]
    return _terms(source.right, term.divides)


def _used(equations: list[Equation], before: Sequence[Equation]) -> list[Equation]:
    """Drop the equations that only an inlined read needed."""
    read_before = {r.tensor for e in before for r in e.reads}
    read_now = {r.tensor for e in equations for r in e.reads}
    return [e for e in equations if e.tensor in read_now or e.tensor not in read_before]
