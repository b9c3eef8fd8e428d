"""Finds the maximum against which a sum of exponentials can run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation, Reduce
from accelsim.cascade.rewrite.algebra import ZERO, linear, total
from accelsim.cascade.rewrite.chain import Chain, RefusedError, copies
from accelsim.cascade.rewrite.degree import Degrees, Key, NotHomogeneousError
from accelsim.cascade.rewrite.presence import presence
from accelsim.cascade.rewrite.program import Program
from accelsim.cascade.rewrite.running import can_run
from accelsim.cascade.rewrite.trees import (
    is_state,
    made_equation,
    plains,
    read,
    substitute,
)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The maximum against which the sum is taken while it runs.

    ``replaced`` are the statistics with the multiple of the maximum that stands for each (0 for
    none); ``rest`` is the exponent by which the finished sum is still off, if any.
    """

    tensor: str
    indices: tuple[Expr, ...]
    power: int
    replaced: Mapping[str, int]
    rest: Expr
    is_own: bool = False
    """Whether the maximum is not the statistic itself but was found in the exponential."""


def _degrees(program: Program, chain: Chain) -> tuple[Degrees, dict[Key, Fraction]]:
    degrees = Degrees(program, chain.links, dict.fromkeys(chain.statistics, "shift"))
    try:
        powers = dict(degrees.equation(chain.target).powers)
    except NotHomogeneousError as error:
        raise RefusedError(str(error)) from None
    if {tensor for tensor, _ in powers} != set(chain.statistics):
        raise RefusedError(f"{chain.target.id} does not scale with all of its statistics")
    if len(powers) != len(chain.statistics):
        raise RefusedError(f"{chain.target.id} reads one statistic at different places")
    if any(power.denominator != 1 for power in powers.values()):
        raise RefusedError(f"{chain.target.id} has a broken degree")
    return degrees, powers


def reference_of(program: Program, chain: Chain) -> tuple[Program, Reference]:
    """Return the program, with a maximum of its own if none is there, and the reference of a sum.

    Raise RefusedError where the terms are not multiplied by one factor when the statistics shift.
    """
    degrees, powers = _degrees(program, chain)
    if len(powers) == 1:
        ((tensor, indices), power) = next(iter(powers.items()))
        if can_run(program, tensor) and _is_maximum_of(program, chain, degrees, tensor, indices):
            return program, Reference(
                tensor=tensor,
                indices=indices,
                power=int(power),
                replaced={tensor: 1},
                rest=ZERO,
            )
    return _own_maximum(program, chain, degrees, powers)


def _is_maximum_of(
    program: Program, chain: Chain, degrees: Degrees, tensor: str, indices: tuple[Expr, ...]
) -> bool:
    """Whether a running maximum is at least every exponent that is taken against it.

    It must be the maximum of just these exponents, over at least the points at which they are
    taken: then it is finite there, and no exponential exceeds 1.
    """
    running = program.running.get(tensor)
    maximum = running.equation if running else program.sole(tensor)
    assert maximum is not None
    known = running.points if running else presence(program, maximum)
    place = dict(zip(maximum.left_coords, indices, strict=True))
    if not {p.at(place) for p in known} <= presence(program, chain.target):
        return False
    wanted = linear(substitute(maximum.right, place), _spelt_out(program))
    found = _exponentials(chain, degrees)
    for _, arg, powers in found:
        share = abs(sum(powers.values(), Fraction(0)))
        terms = linear(arg, _spelt_out(program))
        spelt = {t: k for t, k in terms.items() if not _reads(t, tensor)}
        if not share or {t: k / share for t, k in spelt.items()} != wanted:
            return False
    return bool(found)


def _reads(node: Expr, tensor: str) -> bool:
    return any(isinstance(n, ast.Read) and n.tensor == tensor for n in ast.walk(node))


def _own_maximum(
    program: Program, chain: Chain, degrees: Degrees, powers: Mapping[Key, Fraction]
) -> tuple[Program, Reference]:
    """Take the maximum of what stands beside the statistics in the one exponential of the chain."""
    exponentials = _exponentials(chain, degrees)
    if len(exponentials) != 1:
        raise RefusedError(f"{chain.target.id} has {len(exponentials)} exponentials of late values")
    link, arg, inner = exponentials[0]
    shares = {tensor: power for (tensor, _), power in inner.items()}
    if set(inner) != set(powers):
        raise RefusedError(f"{chain.target.id} reads {link.id} at other coordinates")
    ratios = {powers[key] / shares[key[0]] for key in powers if key[0] in shares}
    if len(ratios) != 1:
        raise RefusedError(f"{chain.target.id} has statistics outside of its exponential")
    power = ratios.pop()
    direct = [t for t in shares if abs(shares[t]) == 1 and _is_direct(chain, link, t)]
    if power <= 0 or power.denominator != 1 or not direct:
        raise RefusedError(f"{chain.target.id} has no maximum to run against")
    coords = link.coords
    over = [c for c in coords if c in (chain.target.reduce_coords)]
    keys = ast.coords_in(*(i for _, indices in powers for i in indices))
    over = [c for c in over if c not in keys]
    if not set(coords) <= set(chain.target.coords) or program.rank[0] not in over:
        raise RefusedError(f"{link.id} has other coordinates than {chain.target.id}")
    program, tensor, left = _maximum(program, chain, link, arg, over)
    own = tuple(ast.Coord(name=c) for c in left)
    terms = [(power, read(tensor, own))]
    terms += [(power * shares[t], read(t, indices)) for (t, indices) in powers]
    return program, Reference(
        tensor=tensor,
        indices=own,
        power=-int(power),
        replaced={t: 0 if t != direct[0] else -int(shares[t]) for t in shares},
        rest=_uncancelled(program, total(terms)),
        is_own=True,
    )


def _uncancelled(program: Program, exponent: Expr) -> Expr:
    """Return an exponent, or 0 if its terms cancel once the statistics are spelt out."""
    return exponent if linear(exponent, _spelt_out(program)) else ZERO


def _spelt_out(program: Program) -> Callable[[ast.Read], Expr | None]:
    """Return what gives the right side that a read of a map stands for."""

    def resolve(node: ast.Read) -> Expr | None:
        writer = program.sole(node.tensor)
        if writer is None or writer.reduce or writer.where or is_state(writer):
            return None
        if not isinstance(writer.right, ast.Binary | ast.Unary | ast.Read):
            return None
        return substitute(writer.right, dict(zip(writer.left_coords, node.indices, strict=True)))

    return resolve


def _exponentials(
    chain: Chain, degrees: Degrees
) -> list[tuple[Equation, Expr, Mapping[Key, Fraction]]]:
    """Return the exponents that shift with the statistics: the Einsum, the exponent, its degree."""
    found: list[tuple[Equation, Expr, Mapping[Key, Fraction]]] = []
    for equation in (*chain.links.values(), chain.target):
        for node in ast.walk(equation.right):
            if isinstance(node, ast.Call) and node.function == "exp":
                degree = degrees.of(node.args[0])
                if not degree.is_constant and not degree.is_scale:
                    found.append((equation, node.args[0], degree.powers))
    return found


def _is_direct(chain: Chain, link: Equation, tensor: str) -> bool:
    readers = [
        e for e in (*chain.links.values(), chain.target) if any(r.tensor == tensor for r in e.reads)
    ]
    return readers == [link]


def _maximum(
    program: Program, chain: Chain, link: Equation, arg: Expr, over: list[str]
) -> tuple[Program, str, tuple[str, ...]]:
    """Return the maximum of an exponent without its statistics: one that is there, or a new one."""
    origin = program.origin(chain.target.tensor)
    (name,) = program.fresh(f"{program.origin(link.tensor)}__X")
    probe = replace(link, id=name, tensor=name, left=plains(link.coords), right=arg, reduce=None)
    part = replace(chain, target=probe)
    statistics = set(chain.statistics)
    made = copies(program, part, lambda node: ZERO if node.tensor in statistics else None)
    left = tuple(c for c in link.coords if c not in over)
    wanted = replace(probe, right=made.right, where=made.where)
    for tensor, equation in _maxima(program):
        same_points = wanted.where == equation.where and set(over) == set(equation.reduce_coords)
        if (
            same_points
            and equation.right == wanted.right
            and set(equation.left_coords) == set(left)
        ):
            return program, tensor, equation.left_coords
    (top,) = program.fresh(f"{origin}__M")
    new = [*made.equations]
    right: Expr = wanted.right
    if not isinstance(right, ast.Read):
        new.append(wanted)
        right = read(name, link.coords)
    maximum = made_equation(top, left, right)
    where = () if new and new[-1] is wanted else wanted.where
    new.append(replace(maximum, where=where, reduce=Reduce(op="max", coords=tuple(over))))
    names = {**made.made, name: origin, top: origin}
    return program.changed(chain.target, [*new, chain.target], made=names), top, left


def _maxima(program: Program) -> list[tuple[str, Equation]]:
    """Return the maxima over the rank, also those that already run, as they were."""
    found: list[tuple[str, Equation]] = []
    for equation in program.equations:
        is_maximum = equation.reduce is not None and equation.reduce.op == "max"
        if is_maximum and program.sole(equation.tensor) is not None:
            found.append((equation.tensor, equation))
    return [*found, *((name, r.equation) for name, r in program.running.items())]
