"""Clears up after the rules: what nobody reads, what is there twice, final states, names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation
from accelsim.cascade.rewrite.algebra import ONE, ZERO, simplified
from accelsim.cascade.rewrite.program import Applied, Program
from accelsim.cascade.rewrite.trees import is_state, substitute

_SUFFIX = re.compile(r"__[NRXZM][0-9]*$")


def swept(program: Program) -> Program:
    """Return the program without results that only a rewritten Einsum needed."""
    written = program.written or program
    first = {r.tensor for e in written.equations for r in e.reads}
    wanted = {t.name for t in program.block.outputs}
    wanted |= {e.tensor for e in written.equations if e.tensor not in first}
    while True:
        read = {
            r.tensor for e in program.equations for r in e.reads if e.tensor != r.tensor
        } | wanted
        kept = tuple(e for e in program.equations if e.tensor in read)
        if len(kept) == len(program.equations):
            return program
        program = replace(program, block=replace(program.block, equations=kept))


def merged(program: Program) -> Program:
    """Return the program with new tensors that repeat another one read from that."""
    while True:
        twin = _twin(program)
        if twin is None:
            return program
        gone, kept = twin
        program = renamed(program, {gone: kept})
        left = tuple(e for i, e in enumerate(program.equations) if i != _first(program, kept, gone))
        program = replace(program, block=replace(program.block, equations=left))


def _twin(program: Program) -> tuple[str, str] | None:
    seen: dict[tuple[object, ...], str] = {}
    for equation in program.equations:
        if program.sole(equation.tensor) is None:
            continue
        body = (equation.left, equation.right, equation.where, equation.reduce)
        other = seen.setdefault(body, equation.tensor)
        if other != equation.tensor and equation.tensor in program.made:
            return equation.tensor, other
    return None


def _first(program: Program, kept: str, gone: str) -> int:
    """Return which of the two equal equations, now of one name, to drop: the later one."""
    del gone
    return max(i for i, e in enumerate(program.equations) if e.tensor == kept)


def inlined(program: Program) -> Program:
    """Return the program with final states, and new maps after the last pass, where they are read."""
    outputs = {t.name for t in program.block.outputs}
    while True:
        for equation in program.equations:
            if equation.tensor in outputs or program.sole(equation.tensor) is not equation:
                continue
            if equation.reduce is None and (
                _is_final(program, equation) or _is_step(program, equation)
            ):
                after = _inlined(program, equation)
                if after is not program:
                    program = swept(after)
                    break
        else:
            return program


def settled(program: Program) -> Program:
    """Return the program without differences of a value and itself where that is surely finite."""

    def equation(old: Equation) -> Equation:
        finite = {c.left for c in old.where if isinstance(c, ast.Binary) and _is_infinite(c.right)}

        def change(node: Expr) -> Expr:
            match node:
                case ast.Binary(op="-", left=a, right=b) if a == b and a in finite:
                    return ZERO
                case ast.Call(function="exp", args=(arg,)) if arg == ZERO:
                    return ONE
            return node

        return replace(old, right=simplified(ast.rebuild(old.right, change)))

    block = replace(program.block, equations=tuple(equation(e) for e in program.equations))
    return replace(program, block=block)


def _is_infinite(node: Expr) -> bool:
    inner = node.arg if isinstance(node, ast.Unary) else node
    return isinstance(inner, ast.Number) and inner.value == float("inf")


def _is_final(program: Program, equation: Equation) -> bool:
    """Whether a map is the last value of a state."""
    right = equation.right
    if not isinstance(right, ast.Read) or program.keeps_rank(equation.tensor):
        return False
    return any(is_state(program.equations[i]) for i in program.writers.get(right.tensor, ()))


def _is_step(program: Program, equation: Equation) -> bool:
    """Whether a map is new, lacks the rank, and is read once."""
    reads = [r for e in program.equations for r in e.reads if r.tensor == equation.tensor]
    new = equation.tensor in program.made and not program.keeps_rank(equation.tensor)
    return new and len(reads) == 1


def _inlined(program: Program, final: Equation) -> Program:
    """Return the program with a map read in place, where it is evaluated at every point."""
    result: list[Equation] = []
    for equation in program.equations:
        reads = [r for r in equation.reads if r.tensor == final.tensor]
        plain = [r for r in _always(equation.right) if r.tensor == final.tensor]
        if not reads or len(plain) != len(reads) or equation.is_init:
            result.append(equation)
            continue
        places = [dict(zip(final.left_coords, r.indices, strict=True)) for r in plain]

        def change(node: Expr) -> Expr:
            if isinstance(node, ast.Read) and node.tensor == final.tensor:
                place = dict(zip(final.left_coords, node.indices, strict=True))
                return substitute(final.right, place)
            return node

        where = [substitute(w, place) for place in places for w in final.where]
        result.append(
            replace(
                equation,
                right=ast.rebuild(equation.right, change),
                where=tuple(dict.fromkeys((*equation.where, *where))),
            )
        )
    if tuple(result) == program.equations:
        return program
    return replace(program, block=replace(program.block, equations=tuple(result)))


def _always(node: Expr) -> list[ast.Read]:
    """Return the reads of an expression that are evaluated at every point."""
    match node:
        case ast.Read():
            return [node]
        case ast.Default(other=_):
            return []
        case ast.Call(function="select", args=(condition, _, _)):
            return _always(condition)
    return [r for child in ast.children(node) for r in _always(child)]


def renamed(program: Program, names: Mapping[str, str]) -> Program:
    """Return the program with tensors under other names, which may be those of others."""
    gone = {old for old, new in names.items() if new in program.writers}

    def change(node: Expr) -> Expr:
        if isinstance(node, ast.Read | ast.Gather) and node.tensor in names:
            return replace(node, tensor=names[node.tensor])
        return node

    def equation(old: Equation) -> Equation:
        reduce = old.reduce
        if reduce is not None and reduce.gathers:
            gathers = tuple(ast.rebuild(g, change) for g in reduce.gathers)
            reduce = replace(reduce, gathers=tuple(g for g in gathers if isinstance(g, ast.Gather)))
        name = names.get(old.tensor, old.tensor)
        return replace(
            old,
            id=name if old.id == old.tensor else old.id.replace(old.tensor, name, 1),
            tensor=name,
            right=ast.rebuild(old.right, change),
            where=tuple(ast.rebuild(w, change) for w in old.where),
            reduce=reduce,
        )

    block = replace(program.block, equations=tuple(equation(e) for e in program.equations))
    running = {
        names.get(name, name): replace(r, state=names.get(r.state, r.state))
        for name, r in program.running.items()
    }
    made = {names.get(new, new): old for new, old in program.made.items() if new not in gone}
    return replace(program, block=block, running=running, made=made)


def plainly_named(program: Program) -> Program:
    """Return the program with the suffixes of new tensors dropped where the short name is free."""
    taken = {t.name for t in (*program.block.inputs, *program.block.outputs)}
    taken |= {s.name for s in program.block.settings} | set(program.writers)
    names: dict[str, str] = {}
    for equation in program.equations:
        tensor = equation.tensor
        short = _SUFFIX.sub("", tensor)
        if (
            tensor in program.made
            and tensor not in names
            and short not in taken
            and short != tensor
        ):
            names[tensor] = short
            taken.add(short)
    return renamed(program, names) if names else program


def recomputed(program: Program) -> tuple[Applied, ...]:
    """Return what is computed twice: against running statistics, and again against complete ones."""
    found: list[Applied] = []
    for equation, status in zip(program.equations, program.levels or (), strict=True):
        copied = [new for new, old in program.made.items() if old == equation.tensor]
        again = any((e := program.sole(c)) is not None and e.left == equation.left for c in copied)
        if status.visits and status.level > 1 and status.forced is not None and again:
            needs = status.forced.tensor
            found.append(
                Applied(
                    rule="recompute",
                    einsum=equation.tensor,
                    does=f"{equation.tensor} is computed again in pass {status.level} from {needs}",
                    why="its values are wanted one by one, against the complete statistics; a pointwise "
                    "function of them and of what pass 1 read gives the same",
                )
            )
    return tuple(found)
