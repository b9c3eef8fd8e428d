"""Turns a maximum (or minimum) over the rank into a running state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Axis, Const, Equation, Reduce, Shift
from accelsim.cascade.rewrite.algebra import number
from accelsim.cascade.rewrite.chain import RefusedError
from accelsim.cascade.rewrite.presence import presence
from accelsim.cascade.rewrite.program import Program, Running
from accelsim.cascade.rewrite.trees import binary, exp, is_state, made_equation, plains, read

INFINITY = ast.Number(value=float("inf"))
_START: dict[str, Expr] = {"max": ast.Unary(op="-", arg=INFINITY), "min": INFINITY}
_BEYOND = {"max": ">", "min": "<"}


@dataclass(frozen=True, kw_only=True)
class Step:
    """The coordinate along which states run, as an index now and one further."""

    coord: str

    @property
    def now(self) -> Expr:
        return ast.Coord(name=self.coord)

    @property
    def next(self) -> Expr:
        return binary("+", self.now, ast.Number(value=1))


def can_run(program: Program, tensor: str) -> bool:
    """Whether a tensor is a maximum or minimum over the rank that can be made a running state."""
    if tensor in program.running:
        return True
    equation = program.sole(tensor)
    if equation is None or equation.reduce is None or is_state(equation):
        return False
    return equation.reduce.op in _START and program.rank[0] in equation.reduce.coords


def run(program: Program, tensor: str) -> Program:
    """Return the program with the running state of a maximum; its final value is the maximum."""
    if tensor in program.running:
        return program
    equation = program.sole(tensor)
    assert equation is not None
    assert equation.reduce is not None
    op, left = equation.reduce.op, equation.left_coords
    step = Step(coord=program.rank[0])
    origin = program.origin(tensor)
    inner = tuple(c for c in equation.reduce.coords if c != step.coord)
    points = presence(program, equation)
    part, state = program.fresh(f"L{origin}", f"R{origin}")
    before: list[Equation] = []
    value = equation.right
    if inner or equation.where:
        local = replace(
            equation,
            id=part,
            tensor=part,
            left=plains((step.coord, *left)),
            reduce=Reduce(op=op, coords=inner) if inner else None,
        )
        before.append(local)
        value = read(part, (step.coord, *left))
        points = presence(extended(program, before), made_equation(part, (), value))
    if points:
        value = ast.Default(value=value, other=_START[op])
    joined = ast.Call(function=op, args=(read(state, (step.now, *left)), value))
    init, running = stated(state, left, step, _START[op], joined)
    final = replace(
        equation,
        right=read(state, (program.extent(step.coord), *left)),
        where=(live(program, state, op, left),),
        reduce=None,
    )
    return program.changed(
        equation,
        [*before, running, final],
        inits=[init],
        made={part: origin, state: origin},
        running={
            tensor: Running(
                state=state,
                equation=equation,
                points=presence(program, equation),
                is_sure=not points,
            )
        },
    )


def live(program: Program, state: str, op: str, indices: tuple[Expr | str, ...]) -> Expr:
    """Return the condition that a running state has met a value."""
    final = read(state, (program.extent(program.rank[0]), *indices))
    return binary(_BEYOND[op], final, _START[op])


def stated(
    state: str, left: tuple[str, ...], step: Step, start: Expr, value: Expr
) -> tuple[Equation, Equation]:
    """Return the initial state and the iterative Einsum."""
    first = made_equation(state, left, start)
    zero: tuple[Axis, ...] = (Const(value=0), *first.left)
    shift: tuple[Axis, ...] = (Shift(coord=step.coord), *first.left)
    init = replace(first, left=zero, is_init=True)
    return init, replace(first, left=shift, right=value)


def factor(program: Program, tensor: str, power: int) -> Equation:
    """Return by what states of degree ``power`` are rescaled when the running value moves.

    The factor is exp(power * (new - old)), at most 1; before the first value both are infinite
    and it is 1. Raise RefusedError where it would grow.
    """
    running = program.running[tensor]
    if power == 0 or (power < 0) != (running.op == "max"):
        raise RefusedError(f"values grow with {tensor}: a running {running.op} would overflow")
    step = Step(coord=program.rank[0])
    old = read(running.state, (step.now, *running.left))
    new = read(running.state, (step.next, *running.left))
    moved = binary("-", old, new) if running.op == "max" else binary("-", new, old)
    if abs(power) != 1:
        moved = binary("*", number(abs(power)), moved)
    right = exp(moved)
    if not running.is_sure:
        same = binary("==", old, new)
        right = ast.Call(function="select", args=(same, number(1), right))
    (name,) = program.fresh(f"P{program.origin(tensor)}")
    return made_equation(name, (step.coord, *running.left), right)


def extended(program: Program, equations: Sequence[Equation]) -> Program:
    """Return the program with more equations, to ask about them."""
    block = replace(program.block, equations=(*program.equations, *equations))
    return replace(program, block=block)
