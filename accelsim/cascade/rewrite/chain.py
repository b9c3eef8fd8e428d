"""The statements between late statistics and a reduction, and copies of them for other statistics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation, TensorRead
from accelsim.cascade.rewrite.algebra import simplified
from accelsim.cascade.rewrite.program import Program
from accelsim.cascade.rewrite.trees import is_state


class RefusedError(Exception):
    """A rewrite is not legal here; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Chain:
    """What forces a reduction into its pass: statistics that are complete only after the pass before."""

    target: Equation
    level: int
    links: Mapping[str, Equation]
    """The results that keep the rank and depend on the statistics, by tensor."""
    statistics: tuple[str, ...]
    guards: tuple[Expr, ...]
    """The conditions of the target itself that read a statistic."""


def chain_of(program: Program, target: Equation, level: int) -> Chain:
    """Return the chain of a reduction; raise RefusedError where it cannot be rewritten as a whole."""
    links: dict[str, Equation] = {}
    statistics: dict[str, None] = {}
    guards: list[Expr] = []

    def follow(equation: Equation) -> None:
        for read in equation.reads:
            if program.needs_pass(read) < level:
                continue
            if read.is_gather:
                raise RefusedError(
                    f"{equation.id} gathers by {read.tensor}, whose indices are complete only "
                    f"after pass {level - 1}"
                )
            if not program.keeps_rank(read.tensor):
                if read.in_where:
                    if equation is not target:
                        raise RefusedError(
                            f"{equation.id} is computed only where {read.tensor} allows it, "
                            f"which is complete only after pass {level - 1}"
                        )
                    guards.extend(w for w in equation.where if _reads(w, read))
                else:
                    statistics[read.tensor] = None
                continue
            writer = program.sole(read.tensor)
            if writer is None or is_state(writer):
                raise RefusedError(
                    f"{equation.id} needs {read.tensor}, which several or iterative Einsums define"
                )
            if read.tensor not in links:
                links[read.tensor] = writer
                follow(writer)

    follow(target)
    return Chain(
        target=target,
        level=level,
        links=links,
        statistics=tuple(statistics),
        guards=tuple(dict.fromkeys(guards)),
    )


def _reads(condition: Expr, read: TensorRead) -> bool:
    return any(node is read.node for node in ast.walk(condition))


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Copies of links with something in place of the statistics, and the target's own map."""

    equations: tuple[Equation, ...]
    right: Expr
    where: tuple[Expr, ...]
    made: Mapping[str, str]
    names: Mapping[str, str]
    """What is read in place of each link."""


def copies(program: Program, chain: Chain, change: Callable[[ast.Read], Expr | None]) -> Copies:
    """Return copies of all links with reads changed, in order of need.

    ``change`` gives what stands for a read of a statistic, or None to keep it. A link that it does
    not touch is not copied. A copy that would only repeat another tensor is left out.
    """
    names: dict[str, str] = {}
    done: list[Equation] = []
    made: dict[str, str] = {}
    seen: set[str] = set()
    taken = program

    def rewritten(node: Expr) -> Expr:
        def at(part: Expr) -> Expr:
            if isinstance(part, ast.Read):
                found = change(part)
                if found is not None:
                    return found
                if part.tensor in names:
                    return replace(part, tensor=names[part.tensor])
            return part

        return simplified(ast.rebuild(node, at))

    def follow(equation: Equation) -> None:
        nonlocal taken
        for read in equation.reads:
            link = chain.links.get(read.tensor)
            if link is None or read.tensor in seen:
                continue
            seen.add(read.tensor)
            follow(link)
            right = rewritten(link.right)
            where = tuple(map(rewritten, link.where))
            if right == simplified(link.right) and where == tuple(map(simplified, link.where)):
                continue
            whole = replace(link, right=right, where=where)
            again = _repeats(whole) or program.find(whole)
            if again is not None:
                names[read.tensor] = again
                continue
            (name,) = taken.fresh(f"{program.origin(read.tensor)}__R")
            made[name] = program.origin(read.tensor)
            taken = replace(taken, made={**taken.made, name: made[name]})
            names[read.tensor] = name
            done.append(replace(whole, id=name, tensor=name))

    follow(chain.target)
    return Copies(
        equations=tuple(done),
        right=rewritten(chain.target.right),
        where=tuple(map(rewritten, chain.target.where)),
        made=made,
        names=names,
    )


def _repeats(equation: Equation) -> str | None:
    """Return the tensor that a map only repeats, point by point."""
    right = equation.right
    if not isinstance(right, ast.Read) or equation.where or equation.reduce:
        return None
    own = tuple(ast.Coord(name=c) for c in equation.left_coords)
    return right.tensor if right.indices == own else None
