"""Which Einsums need not run in a tile that a mask leaves empty: their states stay as they are there."""

from __future__ import annotations

import math
from collections.abc import Mapping as Table
from typing import Any

from accelsim.cascade import ast
from accelsim.cascade.linear import constant
from accelsim.cascade.model import Equation
from accelsim.mapping.auto.group import Group
from accelsim.mapping.auto.shape import Case
from accelsim.mapping.masks import masks_of

ABSENT = ("absent",)


def idle(group: Group, case: Case, stored: frozenset[str]) -> dict[str, str]:
    """Return by Einsum the masked tensor without a point of which it changes nothing.

    Shown by algebra on what the Einsums say: with the masked values absent, each new state is the old
    one, as in ``max(x, -inf)``, ``x * 1 + 0`` or ``exp(x - x)``.
    """
    masks = masks_of(case.cascade, case.sizes)
    roots = [e for e in group.equations if masks[e.id] and group.iterative & set(e.coords)]
    if not roots or not group.iterative:
        return {}
    root = roots[0]
    empty = {e.tensor for e in group.equations if all(m in masks[e.id] for m in masks[root.id])}
    states = {e.tensor for e in group.equations if e.iterative}
    while True:
        values = _values(group, empty, states, case)
        kept = {
            e.tensor
            for e in group.equations
            if e.tensor in states and values[e.id] == ("state", e.tensor)
        }
        if kept == states:
            break
        states = kept
    skipped = {e.id for e in group.equations if e.tensor in states and e.iterative}
    users: dict[str, set[str]] = {}
    for dependence in group.dependences:
        users.setdefault(dependence.producer.id, set()).add(dependence.consumer.id)
    masked = {e.id for e in group.equations if e.tensor in empty}
    for equation in reversed(group.equations):
        mine = users.get(equation.id, set())
        walks = group.iterative <= set(equation.coords)
        if walks and mine and equation.tensor not in stored and mine <= skipped | masked:
            skipped.add(equation.id)
    return dict.fromkeys(skipped - masked, root.tensor)


def _values(group: Group, empty: set[str], states: set[str], case: Case) -> dict[str, Any]:
    """Return what each Einsum makes where the masked values are absent and the states do not change."""
    known: dict[str, Any] = dict.fromkeys(empty, ABSENT)
    known |= {tensor: ("state", tensor) for tensor in states}
    found: dict[str, Any] = {}
    for equation in group.equations:
        value = _value(equation.right, known, case.sizes.symbols)
        found[equation.id] = value
        if equation.reduce is None and equation.tensor not in known and _is_plain(equation):
            known[equation.tensor] = value
    return found


def _is_plain(equation: Equation) -> bool:
    return not equation.where and value_coords(equation.right) <= set(equation.left_coords)


def value_coords(node: ast.Expr) -> set[str]:
    return set(ast.coords_in(node))


def _value(node: ast.Expr, known: Table[str, Any], symbols: Table[str, Any]) -> Any:
    if ast.is_constant(node):
        try:
            return float(constant(node, symbols))
        except (KeyError, ValueError, TypeError, ArithmeticError):
            return ("term", ast.show(node))
    match node:
        case ast.Read(tensor=tensor):
            return known.get(tensor, ("term", ast.show(node)))
        case ast.Default(value=value, other=other):
            first = _value(value, known, symbols)
            return _value(other, known, symbols) if first == ABSENT else first
        case ast.Call(function="select", args=(condition, yes, no)):
            chosen = _value(condition, known, symbols)
            if chosen in (True, False):
                return _value(yes if chosen else no, known, symbols)
            return ("term", ast.show(node))
        case ast.Binary(op=op, left=left, right=right):
            return _binary(op, _value(left, known, symbols), _value(right, known, symbols))
        case ast.Call(function=function, args=args):
            return _call(function, [_value(arg, known, symbols) for arg in args])
    return ("term", ast.show(node))


def _binary(op: str, a: Any, b: Any) -> Any:
    if ABSENT in (a, b):
        return ABSENT
    if op == "==" and a == b:
        return True
    if op == "-" and a == b:
        return 0.0
    neutral = {"*": 1.0, "+": 0.0}.get(op)
    if neutral is not None and a == neutral:
        return b
    if b == {"*": 1.0, "+": 0.0, "-": 0.0, "/": 1.0}.get(op):
        return a
    return (op, a, b)


def _call(function: str, args: list[Any]) -> Any:
    if ABSENT in args:
        return ABSENT
    if function == "exp" and args == [0.0]:
        return 1.0
    worst = {"max": -math.inf, "min": math.inf}.get(function)
    rest = [arg for arg in args if arg != worst]
    if worst is not None and len(rest) == 1:
        return rest[0]
    return (function, *args)
