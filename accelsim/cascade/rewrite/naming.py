"""Gives late expressions without the rank a name, so that each can be treated as one statistic."""

from __future__ import annotations

from dataclasses import replace

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation, TensorRead
from accelsim.cascade.rewrite.program import Program
from accelsim.cascade.rewrite.trees import binary, exp, made_equation, read


def named(program: Program) -> Program:
    """Return the program with the largest late expressions that lack the rank as maps of their own.

    ``exp(x) / (D1[n]?0 + D2[n]?0)`` becomes ``exp(x) / Z[n]``. The values, and where they are
    present, stay. Before that ``exp(a) / exp(b)`` becomes ``exp(a - b)``, which overflows less.
    """
    levels = program.levels or ()
    for equation, status in zip(program.equations, levels, strict=True):
        right = ast.rebuild(equation.right, _one_exponential)
        if status.level > 1 and right != equation.right:
            return named(program.changed(equation, [replace(equation, right=right)]))
    while True:
        found = _first(program)
        if found is None:
            return program
        equation, part = found
        (name,) = program.fresh(f"{program.origin(equation.tensor)}__Z")
        coords = tuple(c for c in equation.coords if c in ast.coords_in(part))
        instead = read(name, coords)

        def change(node: Expr, part: Expr = part, instead: Expr = instead) -> Expr:
            return instead if node == part else node

        after = replace(equation, right=ast.rebuild(equation.right, change))
        program = program.changed(
            equation,
            [made_equation(name, coords, part), after],
            made={name: program.origin(equation.tensor)},
        )


def _one_exponential(node: Expr) -> Expr:
    match node:
        case ast.Binary(
            op="*" | "/",
            left=ast.Call(function="exp", args=(a,)),
            right=ast.Call(function="exp", args=(b,)),
        ):
            return exp(binary("+" if node.op == "*" else "-", a, b))
    return node


def _first(program: Program) -> tuple[Equation, Expr] | None:
    levels = program.levels or ()
    for equation, status in zip(program.equations, levels, strict=True):
        if status.visits and status.level > 1 and not equation.is_init:
            part = _largest(program, equation.right, status.level)
            if part is not None:
                return equation, part
    return None


def _largest(program: Program, node: Expr, level: int) -> Expr | None:
    if isinstance(node, ast.Read | ast.Gather) or not ast.has_reads(node):
        return None
    if not set(ast.coords_in(node)) & set(program.rank) and _is_late(program, node, level):
        return node
    for child in ast.children(node):
        found = _largest(program, child, level)
        if found is not None:
            return found
    return None


def _is_late(program: Program, node: Expr, level: int) -> bool:
    """Whether an expression reads a value that is complete only after a pass, and no place of the rank."""
    late = False
    for part in ast.walk(node):
        if not isinstance(part, ast.Read | ast.Gather):
            continue
        if isinstance(part, ast.Gather):
            return False
        found = TensorRead(node=part, is_gather=False, in_where=False)
        late = late or program.needs_pass(found) >= min(level, 2)
    return late
