"""Takes factors, shifts and conditions that lack the rank out of a reduction over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Reduce
from accelsim.cascade.rewrite.algebra import ONE, ZERO, Power, product, total
from accelsim.cascade.rewrite.chain import Chain, RefusedError, copies
from accelsim.cascade.rewrite.degree import Degrees, Key, NotHomogeneousError
from accelsim.cascade.rewrite.presence import presence
from accelsim.cascade.rewrite.program import Applied, Program
from accelsim.cascade.rewrite.trees import plains, read
from accelsim.cascade.text import expression

_SELECTS = ("top", "topval")


def defer(program: Program, chain: Chain) -> Program:
    """Apply statistics, and conditions on them, after the reduction that they were inside of.

    A sum of values of scale degree k in B is B**k times the same sum with 1 for B; a maximum of
    values of shift degree k is the same maximum with 0 for B, plus k*B. Which coordinates are
    selected does not depend on B at all. Raise RefusedError where a value has no degree.
    """
    target, reduce = chain.target, chain.target.reduce
    assert reduce is not None
    kinds, powers = _taken_out(program, chain, reduce)
    keys = [key for found in powers.values() for key in found]
    coords = ast.coords_in(*(i for _, indices in keys for i in indices), *chain.guards)
    outer = tuple(c for c in reduce.coords if c in coords)
    if set(outer) & set(program.rank):
        raise RefusedError(f"{target.id}: a factor varies over {program.name}")
    rest = tuple(c for c in reduce.coords if c not in outer)
    if outer and (reduce.op in _SELECTS or not rest):
        raise RefusedError(f"{target.id} selects among places of {outer[0]}, over which it varies")

    def change(node: ast.Read) -> Expr | None:
        kind = kinds.get(node.tensor)
        return None if kind is None else ONE if kind == "scale" else ZERO

    made = copies(program, chain, change)
    where = tuple(
        w for old, w in zip(target.where, made.where, strict=True) if old not in chain.guards
    )
    inner = replace(target, right=made.right, where=where, reduce=replace(reduce, coords=rest))
    applied = _applied(program, chain, kinds, powers)
    if reduce.op == "top" and not chain.guards:
        return program.changed(target, [*made.equations, inner], applied=applied, made=made.made)
    (name,) = program.fresh(f"{program.origin(target.tensor)}__N")
    left = (*target.left_coords, *outer)
    inner = replace(inner, id=name, tensor=name, left=plains(left))
    value = _corrected(read(name, left), reduce.op, kinds, powers)
    after = replace(
        target,
        right=value,
        where=chain.guards,
        reduce=Reduce(op=reduce.op, coords=outer) if outer else None,
    )
    names = {**made.made, name: program.origin(target.tensor)}
    return program.changed(target, [*made.equations, inner, after], applied=applied, made=names)


def _taken_out(
    program: Program, chain: Chain, reduce: Reduce
) -> tuple[dict[str, str], dict[str, dict[Key, Fraction]]]:
    """Return the kind and the powers of every statistic that can leave; at least one, or a guard."""
    kinds: dict[str, str] = {}
    powers: dict[str, dict[Key, Fraction]] = {}
    refused: list[str] = []
    for tensor in chain.statistics:
        for kind in ("scale", "shift"):
            if kind == "shift" and reduce.op == "+":
                continue
            try:
                degrees = Degrees(
                    program, chain.links, {tensor: kind}, program.positive.__contains__
                )
                degree = degrees.equation(chain.target)
                found = dict(degree.powers)
                if not found:
                    raise NotHomogeneousError(f"{tensor} cancels")
                if degree.is_scale != (kind == "scale"):
                    raise NotHomogeneousError(f"without {tensor} exponentials would overflow")
                if reduce.op == "top":
                    _need_presence(program, chain, found)
            except NotHomogeneousError as error:
                refused.append(str(error))
                continue
            kinds[tensor], powers[tensor] = kind, found
            break
    if not kinds and not chain.guards:
        raise RefusedError("; ".join(dict.fromkeys(refused)))
    return kinds, powers


def _need_presence(program: Program, chain: Chain, keys: Mapping[Key, Fraction]) -> None:
    """A selection loses the statistic altogether, so it must be there wherever a value is."""
    target = chain.target
    points = presence(program, target)
    for tensor, indices in keys:
        known = program.defined(tensor)
        if (
            known is None
            or known[1].reduce is None
            or known[1].reduce.op not in ("+", "max", "min")
        ):
            raise NotHomogeneousError(f"{tensor} may be absent where a value is present")
        where, equation = known
        place = dict(zip(equation.left_coords, indices, strict=True))
        needs = {point.at(place) for point in presence(where, equation)}
        if not needs <= points or not set(equation.reduce_coords) <= set(target.coords):
            raise NotHomogeneousError(f"{tensor} may be absent where a value is present")


def _corrected(
    inner: Expr,
    op: str,
    kinds: Mapping[str, str],
    powers: Mapping[str, Mapping[Key, Fraction]],
) -> Expr:
    if op == "top":
        return inner
    factors = [Power(base=inner)]
    terms = [(Fraction(1), inner)]
    for tensor, found in powers.items():
        for (name, indices), power in found.items():
            statistic = read(name, indices)
            if kinds[tensor] == "scale":
                factors.append(Power(base=statistic, exponent=power))
            else:
                terms.append((power, statistic))
    if len(terms) == 1:
        return product(factors)
    return total([(Fraction(1), product(factors)), *terms[1:]])


def _applied(
    program: Program,
    chain: Chain,
    kinds: Mapping[str, str],
    powers: Mapping[str, Mapping[Key, Fraction]],
) -> Applied:
    target = chain.target
    assert target.reduce is not None
    name = program.origin(target.tensor)
    does: list[str] = []
    why: list[str] = []
    for tensor, found in powers.items():
        power = next(iter(found.values()))
        word = {1: "the factor", -1: "the division by"}.get(int(power), f"the power {power} of")
        if kinds[tensor] == "shift":
            word = "the shift by"
        does.append(
            f"{word} {_shown(program, tensor)} comes after the {_WORDS[target.reduce.op]} of {name}"
        )
        why.append(
            f"{_shown(program, tensor)} has no {program.name} and every term has "
            f"{kinds[tensor]} degree {power} in it"
        )
    for guard in chain.guards:
        does.append(f"the condition '{expression(guard)}' comes after the sum of {name}")
        why.append(f"it has no {program.name}")
    return Applied(rule="defer", einsum=name, does="; ".join(does), why="; ".join(why))


def _shown(program: Program, tensor: str) -> str:
    """Return a statistic by name, or as it was written if the name is only ours."""
    writer = program.sole(tensor)
    if tensor in program.made and writer is not None and writer.reduce is None:
        return f"'{expression(writer.right)}'"
    return tensor


_WORDS: Mapping[str, str] = {
    "+": "sum",
    "max": "maximum",
    "min": "minimum",
    "top": "selection",
    "topval": "selection",
}
