"""Multiplies sums of polynomials in a late statistic out: E[(x-m)^2] is E[x^2] - 2*m*E[x] + m^2*E[1]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation
from accelsim.cascade.rewrite.algebra import Power, product, total
from accelsim.cascade.rewrite.chain import Chain, RefusedError
from accelsim.cascade.rewrite.presence import Holds, InRange, Point, presence
from accelsim.cascade.rewrite.program import Applied, Program
from accelsim.cascade.rewrite.trees import plains, read, substitute
from accelsim.cascade.text import expression

MAX_TERMS = 16


@dataclass(frozen=True, kw_only=True)
class Term:
    """``coefficient * product(base ** exponent)``."""

    coefficient: Fraction = Fraction(1)
    powers: Mapping[Expr, int] = field(default_factory=dict)

    def times(self, other: Term, sign: int = 1) -> Term:
        powers = dict(self.powers)
        for base, exponent in other.powers.items():
            powers[base] = powers.get(base, 0) + sign * exponent
        return Term(
            coefficient=self.coefficient * other.coefficient**sign,
            powers={base: n for base, n in powers.items() if n},
        )


def moments(program: Program, chain: Chain) -> Program:
    """Replace a sum of a polynomial in statistics by sums of its coefficients.

    Raise RefusedError where the terms are no polynomial. In exact arithmetic the value is the
    same; in floating point digits are lost where the terms nearly cancel.
    """
    target, reduce = chain.target, chain.target.reduce
    assert reduce is not None
    if reduce.op != "+" or chain.guards:
        raise RefusedError
    right = _inlined(program, chain, target.right)
    terms = _terms(right, frozenset(chain.statistics))
    if len(terms) < 2:
        raise RefusedError
    groups: dict[Expr, dict[Expr, Fraction]] = {}
    for term in terms:
        rest, late = _split(program, chain, term)
        group = groups.setdefault(rest, {})
        group[late] = group.get(late, Fraction(0)) + term.coefficient
    origin = program.origin(target.tensor)
    needs = frozenset[Point]().union(
        *(presence(program, replace(target, right=rest)) for rest in groups)
    )
    names = program.fresh(*(f"{origin}__N" for _ in groups))
    sums: list[Equation] = []
    parts: list[tuple[Fraction, Expr]] = []
    for name, (rest, factors) in zip(names, groups.items(), strict=True):
        lacks = needs - presence(program, replace(target, right=rest))
        where = (*target.where, *_conditions(lacks))
        left = plains(target.left_coords)
        sums.append(replace(target, id=name, tensor=name, left=left, right=rest, where=where))
        whole = read(name, target.left_coords)
        parts += [
            (k, product([Power(base=late), Power(base=whole)])) for late, k in factors.items()
        ]
    after = replace(target, right=total(parts), where=(), reduce=None)
    applied = Applied(
        rule="moments",
        einsum=origin,
        does=f"{origin} is made of {len(groups)} sums of pass {chain.level - 1}, multiplied out",
        why=f"its terms are a polynomial in {', '.join(chain.statistics)}, without {program.name}; "
        "digits are lost where a mean is large against the spread",
    )
    made = dict.fromkeys(names, origin)
    return program.changed(target, [*sums, after], applied=applied, made=made)


def _inlined(program: Program, chain: Chain, node: Expr) -> Expr:
    """Return an expression with the links of the chain spelt out."""

    def change(part: Expr) -> Expr:
        if not isinstance(part, ast.Read) or part.tensor not in chain.links:
            return part
        link = chain.links[part.tensor]
        if link.reduce is not None or link.where or not _is_bounded(program, chain, link, part):
            raise RefusedError(f"{link.id} cannot stand inside {chain.target.id}")
        place = dict(zip(link.left_coords, part.indices, strict=True))
        return _inlined(program, chain, _reduced(program, substitute(link.right, place)))

    return ast.rebuild(node, change)


def _is_bounded(program: Program, chain: Chain, link: Equation, node: ast.Read) -> bool:
    """Whether what a link stands for is absent wherever the link itself would be."""
    for coord, index in zip(link.left_coords, node.indices, strict=True):
        if isinstance(index, ast.Coord) and program.extent(index.name) == program.extent(coord):
            continue
        same = [
            r
            for r in link.reads
            if r.tensor not in chain.statistics and ast.Coord(name=coord) in r.indices
        ]
        if not any(_axis(program, r.tensor, r.indices, coord) for r in same):
            return False
    return True


def _axis(program: Program, tensor: str, indices: tuple[Expr, ...], coord: str) -> bool:
    writer = program.sole(tensor)
    axes = [t.axes for t in program.block.inputs if t.name == tensor]
    if writer is not None:
        axes.append(tuple(program.extent(c) for c in writer.left_coords))
    at = indices.index(ast.Coord(name=coord))
    return any(sizes[at] == program.extent(coord) for sizes in axes)


def _reduced(program: Program, node: Expr) -> Expr:
    """Return a tree with ``(outer*size + inner) // size`` as ``outer``."""

    def change(part: Expr) -> Expr:
        match part:
            case ast.Binary(
                op="//",
                left=ast.Binary(
                    op="+",
                    left=ast.Binary(op="*", left=ast.Coord() as outer, right=size),
                    right=ast.Coord(name=inner),
                ),
                right=divisor,
            ) if size == divisor and program.extent(inner) == size:
                return outer
        return part

    return ast.rebuild(node, change)


def _terms(node: Expr, late: frozenset[str]) -> list[Term]:
    """Return an expression as a sum of products; what reads no statistic stays as it is."""
    if not any(isinstance(n, ast.Read) and n.tensor in late for n in ast.walk(node)):
        return [Term(powers={node: 1})]
    match node:
        case ast.Unary(op="-", arg=arg):
            found = [replace(t, coefficient=-t.coefficient) for t in _terms(arg, late)]
        case ast.Binary(op=("+" | "-") as op, left=a, right=b):
            sign = 1 if op == "+" else -1
            more = [replace(t, coefficient=sign * t.coefficient) for t in _terms(b, late)]
            found = [*_terms(a, late), *more]
        case ast.Binary(op="*", left=a, right=b):
            found = [x.times(y) for x in _terms(a, late) for y in _terms(b, late)]
        case ast.Binary(op="/", left=a, right=b) if len(_terms(b, late)) == 1:
            found = [x.times(_terms(b, late)[0], -1) for x in _terms(a, late)]
        case _:
            found = [Term(powers={node: 1})]
    if len(found) > MAX_TERMS:
        raise RefusedError(f"'{expression(node)}' has too many terms")
    return found


def _split(program: Program, chain: Chain, term: Term) -> tuple[Expr, Expr]:
    """Return what stays inside the sum and what leaves it."""
    inside: list[Power] = []
    outside: list[Power] = []
    reduced = set(chain.target.reduce_coords)
    for base, exponent in term.powers.items():
        reads = [n for n in ast.walk(base) if isinstance(n, ast.Read | ast.Gather)]
        late = [n for n in reads if n.tensor in chain.statistics]
        if late and set(ast.coords_in(base)) & reduced:
            raise RefusedError(
                f"{chain.target.id} is no polynomial in {late[0].tensor}: it also stands where "
                f"{program.name} varies"
            )
        (outside if late else inside).append(Power(base=base, exponent=Fraction(exponent)))
    return product(inside), product(outside)


def _conditions(points: frozenset[Point]) -> tuple[Expr, ...]:
    """Return conditions for points; a read that is present is also in range."""
    reads = [p.read for p in points if isinstance(p, Holds) and p.read is not None]
    indices = {index for found in reads for index in found.indices}
    kept = [p for p in points if not (isinstance(p, InRange) and p.index in indices)]
    return tuple(c for point in sorted(kept, key=str) for c in point.conditions)
