"""Makes sums of exponentials under a late maximum iterative: they are rescaled as the maximum grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation, Reduce
from accelsim.cascade.rewrite.algebra import ZERO, number
from accelsim.cascade.rewrite.chain import Chain, RefusedError, copies
from accelsim.cascade.rewrite.harmless import zero_is_absent
from accelsim.cascade.rewrite.presence import Point, presence
from accelsim.cascade.rewrite.program import Applied, Program
from accelsim.cascade.rewrite.reference import Reference, reference_of
from accelsim.cascade.rewrite.running import Step, extended, factor, live, run, stated
from accelsim.cascade.rewrite.trees import (
    binary,
    exp,
    made_equation,
    plains,
    read,
)


def online(program: Program, chain: Chain) -> Program:
    """Run a sum whose terms are multiplied by exp(k*d) when its statistics shift by d.

    Raise RefusedError where they are not: then no factor makes up for a maximum that was too low.
    """
    target, reduce = chain.target, chain.target.reduce
    assert reduce is not None
    if reduce.op != "+":
        raise RefusedError  # maxima are for other rules
    if chain.guards:
        raise RefusedError(f"{target.id} has a condition on a late value")
    program, reference = reference_of(program, chain)
    program = run(program, reference.tensor)
    running = program.running[reference.tensor]
    step = Step(coord=program.rank[0])
    new = read(running.state, (step.next, *reference.indices))

    def change(node: ast.Read) -> Expr | None:
        multiple = reference.replaced.get(node.tensor)
        if multiple is None:
            return None
        if multiple == 0:
            return ZERO
        moved = new if reference.is_own else read(running.state, (step.next, *node.indices))
        return moved if multiple == 1 else ast.Unary(op="-", arg=moved)

    made = copies(program, chain, change)
    origin = program.origin(target.tensor)
    outer = _outer(reduce, reference)
    left = (*target.left_coords, *outer)
    inner = tuple(c for c in reduce.coords if c not in (*outer, step.coord))
    rescale = factor(program, reference.tensor, reference.power)
    scale = program.find(rescale)
    added = [*made.equations, *([] if scale else [rescale])]
    scale = scale or rescale.tensor
    part, state = program.fresh(f"L{origin}", f"R{origin}")
    term = replace(target, right=made.right, where=made.where)
    points = presence(extended(program, added), term)
    place = dict(zip(running.left, reference.indices, strict=True))
    if not {p.at(place) for p in running.points} <= points:
        raise RefusedError(f"{target.id} also has terms where its maximum has none")
    value, may_lack = made.right, bool(points)
    if inner or made.where:
        local = replace(
            term,
            id=part,
            tensor=part,
            left=plains((step.coord, *left)),
            reduce=Reduce(op="+", coords=inner) if inner else None,
        )
        added.append(local)
        value = read(part, (step.coord, *left))
        may_lack = bool(presence(extended(program, added), made_equation(part, (), value)))
    if may_lack:
        value = ast.Default(value=value, other=ZERO)
    kept = binary("*", read(state, (step.now, *left)), read(scale, (step.now, *reference.indices)))
    init, iterated = stated(state, left, step, ZERO, binary("+", kept, value))
    right: Expr = read(state, (program.extent(step.coord), *left))
    if reference.rest != ZERO:
        right = binary("*", right, exp(reference.rest))
    where, extra = _presence(program, chain, reference, points, outer, inner)
    final = replace(
        target,
        right=right,
        where=where,
        reduce=Reduce(op="+", coords=outer) if outer else None,
    )
    names = {**made.made, part: origin, state: origin}
    names[scale] = program.origin(reference.tensor)
    names |= {e.tensor: origin for e in extra}
    applied = Applied(
        rule="online",
        einsum=origin,
        does=f"{origin} runs along {program.name} as {state}, rescaled by {scale} whenever the running "
        f"{running.op} {running.state} moves",
        why=f"every term of {origin} is multiplied by exp({_times(reference.power)}d) when "
        f"{_listed(reference.replaced)} shifts by d, so a sum against a lower maximum is right up to "
        "one factor",
    )
    return program.changed(
        target, [*added, iterated, *extra, final], inits=[init], applied=applied, made=names
    )


def _times(power: int) -> str:
    return {1: "", -1: "-"}.get(power, f"{power}*")


def _listed(names: Mapping[str, int]) -> str:
    return " + ".join(names)


def _outer(reduce: Reduce, reference: Reference) -> tuple[str, ...]:
    coords = ast.coords_in(*reference.indices, reference.rest)
    return tuple(c for c in reduce.coords if c in coords)


def _presence(
    program: Program,
    chain: Chain,
    reference: Reference,
    points: frozenset[Point],
    outer: tuple[str, ...],
    inner: tuple[str, ...],
) -> tuple[tuple[Expr, ...], list[Equation]]:
    """Return the condition under which the sum has a term, and an Einsum that finds out if need be."""
    running = program.running[reference.tensor]
    target = chain.target
    place = dict(zip(running.left, reference.indices, strict=True))
    known = frozenset(point.at(place) for point in running.points)
    met = live(program, running.state, running.op, reference.indices)
    over = {program.rank[0], *inner}
    if (points == known and over >= set(running.equation.reduce_coords)) or zero_is_absent(
        program, target.tensor
    ):
        return (met,), []
    (name,) = program.fresh(f"E{program.origin(target.tensor)}")
    left = (*target.left_coords, *outer)
    conditions = tuple(c for point in sorted(points, key=str) for c in point.conditions)
    exists = replace(
        made_equation(name, left, number(1)),
        where=conditions,
        reduce=Reduce(op="max", coords=(program.rank[0], *inner)),
    )
    return (met, binary("==", read(name, left), number(1))), [exists]
