"""Indices as a tile walks them: sums of terms, each of which takes so many values in a tile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.linear import linear

PLAIN, FLOOR, REST, OPAQUE = "coordinate", "floor", "rest", "opaque"


@dataclass(frozen=True, kw_only=True)
class Term:
    """``coef`` times a coordinate, its quotient or rest by ``by``, or a value of its ``coords``.

    An opaque term (a gather, or whatever is not one of these) may be anything at each point of its
    coordinates. A single gather has different values at different ``slots`` of its coordinates.
    """

    kind: str
    coords: tuple[str, ...]
    coef: int = 1
    by: int = 1
    slots: tuple[str, ...] | None = None  # None: no single gather


@dataclass(frozen=True, kw_only=True)
class Index:
    """A sum of terms and a constant; several constants where several reads differ in nothing else."""

    terms: tuple[Term, ...] = ()
    consts: tuple[int, ...] = (0,)

    @cached_property
    def coords(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c for term in self.terms for c in term.coords))

    @cached_property
    def is_plain(self) -> bool:
        return all(term.kind == PLAIN for term in self.terms)


def plain(**coefs: int) -> Index:
    """Return the index that is a sum of coordinates, ``plain(m1=4, m0=1)``."""
    return Index(terms=tuple(Term(kind=PLAIN, coords=(c,), coef=k) for c, k in coefs.items()))


def index_of(
    expr: Expr, symbols: Mapping[str, Any], places: Mapping[str, frozenset[int]] | None = None
) -> Index:
    """Return an index expression as terms; ``places`` are the axes along which gathered values differ.

    >>> from accelsim.cascade import ast
    >>> index_of(ast.Binary(op="//", left=ast.Coord(name="h"), right=ast.Number(value=4)), {}).terms
    (Term(kind='floor', coords=('h',), coef=1, by=4, slots=None),)
    """
    form = linear(expr, symbols)
    if form is not None:
        return replace(plain(**form.coefs), consts=(form.const,))
    match expr:
        case ast.Binary(op=("+" | "-") as op, left=a, right=b):
            sign = 1 if op == "+" else -1
            left, right = index_of(a, symbols, places), _times(index_of(b, symbols, places), sign)
            return Index(
                terms=(*left.terms, *right.terms), consts=(left.consts[0] + right.consts[0],)
            )
        case ast.Binary(op="*", left=a, right=b):
            for factor, other in ((a, b), (b, a)):
                number = linear(factor, symbols)
                if number is not None and not number.coefs:
                    return _times(index_of(other, symbols, places), number.const)
        case ast.Binary(op=("//" | "%") as op, left=a, right=b):
            inner, by = linear(a, symbols), linear(b, symbols)
            if inner and by and not by.coefs and not inner.const and by.const > 0:
                ((coord, coef), *more) = inner.coefs.items()
                if coef == 1 and not more:
                    kind = FLOOR if op == "//" else REST
                    return Index(terms=(Term(kind=kind, coords=(coord,), by=by.const),))
        case ast.Unary(op="-", arg=arg):
            return _times(index_of(arg, symbols, places), -1)
        case ast.Gather(tensor=tensor, indices=indices):
            axes = (places or {}).get(tensor, frozenset())
            slots = ast.coords_in(*(indices[axis] for axis in sorted(axes)))
            return Index(terms=(Term(kind=OPAQUE, coords=ast.coords_in(expr), slots=slots),))
    return Index(terms=(Term(kind=OPAQUE, coords=ast.coords_in(expr)),))


def _times(index: Index, factor: int) -> Index:
    if not factor:
        return Index()
    return Index(
        terms=tuple(replace(term, coef=term.coef * factor) for term in index.terms),
        consts=tuple(const * factor for const in index.consts),
    )
