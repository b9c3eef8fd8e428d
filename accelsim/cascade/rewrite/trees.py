"""Small pieces of trees and Einsums that the rules put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation, Plain, Shift


def binary(op: str, left: Expr, right: Expr) -> Expr:
    return ast.Binary(op=op, left=left, right=right)


def exp(arg: Expr) -> Expr:
    return ast.Call(function="exp", args=(arg,))


def substitute(node: Expr, place: Mapping[str, Expr]) -> Expr:
    """Return a tree with coordinates replaced by expressions."""

    def change(part: Expr) -> Expr:
        if isinstance(part, ast.Coord):
            return place.get(part.name, part)
        return part

    return ast.rebuild(node, change)


def read(tensor: str, indices: Iterable[Expr | str]) -> ast.Read:
    return ast.Read(
        tensor=tensor,
        indices=tuple(ast.Coord(name=i) if isinstance(i, str) else i for i in indices),
    )


def plains(coords: Iterable[str]) -> tuple[Plain, ...]:
    return tuple(Plain(coord=c) for c in coords)


def made_equation(tensor: str, coords: Iterable[str], right: Expr) -> Equation:
    return Equation(id=tensor, tensor=tensor, left=plains(coords), right=right)


def is_state(equation: Equation) -> bool:
    return equation.is_init or any(isinstance(a, Shift) for a in equation.left)
