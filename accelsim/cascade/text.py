"""Writes a block, or a whole cascade, as text that parses to the same block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.grammar import COMPARISONS
from accelsim.cascade.model import Axis, Block, Const, Equation, Merged, Plain, Reduce, Shift

if TYPE_CHECKING:
    from accelsim.cascade.cascade import Cascade

_LEVELS = (
    ("or",),
    ("and",),
    ("not",),
    COMPARISONS,
    ("<<", ">>"),
    ("+", "-"),
    ("*", "/", "//", "%"),
)
_LEVEL = {op: level for level, ops in enumerate(_LEVELS) for op in ops}
_NEGATION, _DEFAULT, _ATOM = len(_LEVELS), len(_LEVELS) + 1, len(_LEVELS) + 2
_TIGHT = ("//", "%")


def expression(node: Expr, *, tight: bool = False) -> str:
    """Return a tree with no more brackets than the grammar needs; ``tight``: no spaces (an index)."""
    return _at(node, 0, tight)


def _at(node: Expr, least: int, tight: bool) -> str:
    """Return a tree where the grammar wants something that binds at least as tightly as ``least``."""
    level, text = _text(node, tight)
    return text if level >= least else f"({text})"


def _text(node: Expr, tight: bool) -> tuple[int, str]:
    match node:
        case ast.Number(value=value):
            return _number(value)
        case ast.Word(value=value):
            return _ATOM, f"'{value}'"
        case ast.Symbol(name=name) | ast.Coord(name=name):
            return _ATOM, name
        case ast.Read(tensor=tensor, indices=indices):
            return _ATOM, f"{tensor}[{_indices(indices)}]"
        case ast.Gather(tensor=tensor, indices=indices, label=label):
            return _ATOM, f"@{tensor}[{_indices(indices)}]:{label}"
        case ast.Call(function=function, args=args):
            return _ATOM, f"{function}({', '.join(_at(a, 0, tight) for a in args)})"
        case ast.Macro(name=name, coord=coord, arg=arg):
            return _ATOM, f"{name}{{{coord}}}({_at(arg, 0, tight)})"
        case ast.Unary(op="not", arg=arg):
            return _LEVEL["not"], f"not {_at(arg, _LEVEL['not'], tight)}"
        case ast.Unary(op=op, arg=arg):
            return _NEGATION, op + _at(arg, _DEFAULT, tight)
        case ast.Default(value=value, other=other):
            return _DEFAULT, f"{_at(value, _ATOM, tight)}?{_at(other, _NEGATION, tight)}"
        case ast.Binary(op=op, left=left, right=right):
            level = _LEVEL[op]
            first = level + 1 if op in COMPARISONS else level
            gap = "" if op in _TIGHT or (tight and not op.isalpha()) else " "
            return level, f"{_at(left, first, tight)}{gap}{op}{gap}{_at(right, level + 1, tight)}"
    raise AssertionError(node)


def _number(value: float) -> tuple[int, str]:
    if value < 0:
        return _NEGATION, "-" + _number(-value)[1]
    return _ATOM, repr(value)


def _indices(indices: Sequence[Expr]) -> str:
    return ",".join(expression(index, tight=True) for index in indices)


def _axis(axis: Axis) -> str:
    match axis:
        case Plain(coord=coord):
            return coord
        case Shift(coord=coord):
            return f"{coord}+1"
        case Const(value=value):
            return str(value)
        case Merged(outer=outer, size=size, inner=inner):
            return f"{outer}*{_at(size, _NEGATION, True)}+{inner}"


def _reduce(reduce: Reduce) -> str:
    if reduce.slot:
        return f"{reduce.op}({','.join(reduce.coords)}->{reduce.slot})"
    if reduce.op == "scatter":
        return f"scatter({', '.join(map(expression, reduce.gathers))}, {reduce.combine})"
    return f"{reduce.op}({','.join(reduce.coords)})"


def equation_text(equation: Equation) -> str:
    """Return one Einsum as it stands on a line, without ``init``."""
    left = ",".join(map(_axis, equation.left))
    words = [f"{equation.tensor}[{left}] = {expression(equation.right)}"]
    if equation.where:
        words.append("where " + ", ".join(map(expression, equation.where)))
    if equation.reduce:
        words.append(":: " + _reduce(equation.reduce))
    return " ".join(words)


def block_text(block: Block) -> str:
    """Return a block as text; parsing it gives an equal block."""
    return "\n".join(_lines(block)) + "\n"


def _lines(block: Block) -> Iterator[str]:
    if block.inputs:
        tensors = (
            f"{t.name}[{_indices(t.axes)}]{' int' if t.is_int else ''}" for t in block.inputs
        )
        yield "in " + "; ".join(tensors)
    if block.outputs:
        yield "out " + "; ".join(f"{t.name}[{_indices(t.axes)}]" for t in block.outputs)
    settings = [(s.kind, f"{s.name} = {expression(s.value)}") for s in block.settings]
    yield from _grouped(settings)
    yield from _grouped([("init" if e.is_init else "", equation_text(e)) for e in block.equations])


def _grouped(items: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Put neighbours with the same keyword on one line; what has none has a line of its own."""
    line: list[str] = []
    for i, (keyword, text) in enumerate(items):
        line.append(text)
        if not keyword or i + 1 == len(items) or items[i + 1][0] != keyword:
            yield f"{keyword} {'; '.join(line)}".strip()
            line = []


def cascade_yaml(cascade: Cascade) -> str:
    """Return a cascade as the text of a YAML file that loads as an equal cascade."""
    import json

    lines = [f"name: {json.dumps(cascade.name)}"]
    for key, value in (("summary", cascade.summary), ("source", cascade.source)):
        if value:
            lines.append(f"{key}: {json.dumps(value, ensure_ascii=False)}")
    if cascade.claimed_passes:
        claims = ", ".join(f"{rank}: {n}" for rank, n in cascade.claimed_passes.items())
        lines.append(f"passes: {{{claims}}}")
    lines.append("cascade: |")
    lines += [f"  {line}" for line in block_text(cascade.block).splitlines()]
    return "\n".join(lines) + "\n"
