"""Expands softmax and ln into equations (grammar section 7); their meaning is the expansion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from accelsim.cascade import ast
from accelsim.cascade.ast import Binary, Call, Coord, Expr, Number, Read, Symbol
from accelsim.cascade.lexer import Source
from accelsim.cascade.model import Block, Equation, Plain, Reduce


def extent_symbol(coord: str) -> str:
    """Return the name under which ``|d|``, the extent of a coordinate, is a symbol."""
    return f"|{coord}|"


def expand(block: Block, source: Source) -> Block:
    """Return the block without macros; raise SpecError where one cannot be expanded."""
    equations: list[Equation] = []
    for equation in block.equations:
        if isinstance(equation.right, ast.Macro):
            equations += _Expansion(equation, equation.right, source).equations()
        else:
            equations.append(equation)
    return replace(block, equations=tuple(equations))


class _Expansion:
    def __init__(self, equation: Equation, macro: ast.Macro, source: Source) -> None:
        self.equation, self.macro = equation, macro
        self.coords = ast.coords_in(macro.arg)
        self.outer = tuple(c for c in self.coords if c != macro.coord)
        if macro.coord not in self.coords:
            has = ", ".join(self.coords) or "none"
            call = f"{macro.name}{{{macro.coord}}}"
            message = f"{call} needs an argument with rank {macro.coord!r}; it has: {has}"
            raise source.error(macro.at, message)

    def equations(self) -> list[Equation]:
        return _FORMS[self.macro.name](self)

    def read(self, suffix: str, coords: tuple[str, ...]) -> Expr:
        at = self.macro.at
        indices = tuple(Coord(name=c, at=at) for c in coords)
        return Read(tensor=f"{self.equation.tensor}__{suffix}", indices=indices, at=at)

    def temporary(
        self, suffix: str, coords: tuple[str, ...], right: Expr, op: str = ""
    ) -> Equation:
        name = f"{self.equation.tensor}__{suffix}"
        return Equation(
            id=name,
            tensor=name,
            left=tuple(Plain(coord=c) for c in coords),
            right=right,
            reduce=Reduce(op=op, coords=(self.macro.coord,), at=self.macro.at) if op else None,
            is_init=self.equation.is_init,
            at=self.equation.at,
        )

    def binary(self, op: str, left: Expr, right: Expr) -> Expr:
        return Binary(op=op, left=left, right=right, at=self.macro.at)

    def result(self, right: Expr) -> Equation:
        return replace(self.equation, right=right)


def _softmax(x: _Expansion) -> list[Equation]:
    top, row, total = x.read("GM", x.outer), x.read("SN", x.coords), x.read("SD", x.outer)
    weight = Call(function="exp", args=(x.binary("-", x.macro.arg, top),), at=x.macro.at)
    return [
        x.temporary("GM", x.outer, x.macro.arg, "max"),
        x.temporary("SN", x.coords, weight),
        x.temporary("SD", x.outer, row, "+"),
        x.result(x.binary("/", row, total)),
    ]


def _ln(x: _Expansion) -> list[Equation]:
    length = Symbol(name=extent_symbol(x.macro.coord), at=x.macro.at)
    mean, centered, variance = x.read("MU", x.outer), x.read("DV", x.coords), x.read("VR", x.outer)
    shifted = x.binary("+", variance, Number(value=1e-5))
    square = x.binary("*", centered, centered)
    return [
        x.temporary("MU", x.outer, x.binary("/", x.macro.arg, length), "+"),
        x.temporary("DV", x.coords, x.binary("-", x.macro.arg, mean)),
        x.temporary("VR", x.outer, x.binary("/", square, length), "+"),
        x.result(x.binary("*", centered, Call(function="rsqrt", args=(shifted,), at=x.macro.at))),
    ]


_FORMS: dict[str, Callable[[_Expansion], list[Equation]]] = {"softmax": _softmax, "ln": _ln}
