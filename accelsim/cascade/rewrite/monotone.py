"""A maximum, or a selection, of increasing functions is that of their arguments."""

from __future__ import annotations

from dataclasses import replace

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation
from accelsim.cascade.rewrite.chain import Chain, RefusedError
from accelsim.cascade.rewrite.program import Applied, Program
from accelsim.cascade.rewrite.trees import plains, read, substitute

_STRICTLY = ("exp", "log", "sqrt", "tanh", "sigmoid", "softplus", "elu1")
_INCREASING = (*_STRICTLY, "relu", "floor", "ceil", "round", "sign")


def monotone(program: Program, chain: Chain) -> Program:
    """Apply an increasing function after the maximum or selection that it was inside of.

    Raise RefusedError if there is none. Of values that differ but whose images underflow to the
    same number a selection then still sees the difference.
    """
    target, reduce = chain.target, chain.target.reduce
    assert reduce is not None
    if reduce.op not in ("max", "min", "top", "topval"):
        raise RefusedError  # sums are for other rules
    right, where = target.right, target.where
    while True:
        link = _inlined(program, chain, right)
        if link is None:
            break
        right, where = link[0], (*where, *link[1])
    known = _INCREASING if reduce.op in ("max", "min") else _STRICTLY
    if not isinstance(right, ast.Call) or right.function not in known:
        raise RefusedError(f"{target.id} is a {reduce.op} of no increasing function")
    name = program.origin(target.tensor)
    inner = replace(target, right=right.args[0], where=tuple(dict.fromkeys(where)))
    applied = Applied(
        rule="monotone",
        einsum=name,
        does=f"{name} takes its {_WORD[reduce.op]} before {right.function}",
        why=f"{right.function} is increasing",
    )
    if reduce.op == "top":
        return program.changed(target, [inner], applied=applied)
    (fresh,) = program.fresh(f"{name}__X")
    left = target.left_coords
    inner = replace(inner, id=fresh, tensor=fresh, left=plains(left))
    after = replace(
        target,
        right=ast.Call(function=right.function, args=(read(fresh, left),)),
        where=(),
        reduce=None,
    )
    return program.changed(target, [inner, after], applied=applied, made={fresh: name})


def _inlined(program: Program, chain: Chain, node: Expr) -> tuple[Expr, tuple[Expr, ...]] | None:
    """Return what a map stands for where it is read at bare coordinates of the same extents."""
    if not isinstance(node, ast.Read):
        return None
    link: Equation | None = chain.links.get(node.tensor)
    if link is None or link.reduce is not None:
        return None
    for index, coord in zip(node.indices, link.left_coords, strict=True):
        if not isinstance(index, ast.Coord) or program.extent(index.name) != program.extent(coord):
            return None
    place = dict(zip(link.left_coords, node.indices, strict=True))
    return substitute(link.right, place), tuple(substitute(w, place) for w in link.where)


_WORD = {"max": "maximum", "min": "minimum", "top": "selection", "topval": "selection"}
