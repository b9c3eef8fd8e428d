"""Reads the text of a cascade into a block: recursive descent, one method per kind of line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.expressions import Expressions
from accelsim.cascade.grammar import (
    COMBINE_OPS,
    DECLARATIONS,
    REDUCE_OPS,
)
from accelsim.cascade.lexer import Source
from accelsim.cascade.model import (
    Axis,
    Block,
    Const,
    Equation,
    Merged,
    Plain,
    Reduce,
    Setting,
    Shift,
    Tensor,
)
from accelsim.errors import Fault, SpecError, nearest


def parse(source: Source) -> Block:
    """Return the block that a text says; raise SpecError with every faulty line's first fault."""
    return _Parser(source).block()


class _Parser(Expressions):
    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.settings: list[Setting] = []
        self.equations: list[Equation] = []

    def block(self) -> Block:
        faults: list[Fault] = []
        while self.token.kind != "end":
            if self.token.kind == "newline":
                self.take()
                continue
            try:
                self.line()
                if self.token.kind not in ("newline", "end"):
                    raise self.error(
                        f"expected an operator or the end of the line, not {self.found()}"
                    )
            except SpecError as error:
                faults.extend(error.faults)
                while self.token.kind not in ("newline", "end"):
                    self.take()
        if faults:
            raise SpecError(faults)
        return Block(
            inputs=tuple(self.inputs),
            outputs=tuple(self.outputs),
            settings=tuple(self.settings),
            equations=tuple(self.equations),
        )

    def line(self) -> None:
        keyword = self.token.text
        if keyword in DECLARATIONS and self.ahead().kind == "name":
            self.take()
            items: dict[str, Callable[[], None]] = {
                "in": lambda: self.inputs.append(self.tensor()),
                "out": lambda: self.outputs.append(self.tensor()),
                "init": lambda: self.equations.append(self.equation(is_init=True)),
            }
            item = items.get(keyword, lambda: self.settings.append(self.setting(keyword)))
        elif self.token.kind == "name" and self.ahead().kind == "name":
            known = nearest(keyword, DECLARATIONS)
            raise self.error(f"{keyword!r} does not start a line{known}")
        else:
            item = lambda: self.equations.append(self.equation())  # noqa: E731
        item()
        while self.accept(";"):
            if self.token.kind in ("newline", "end"):
                break
            item()

    def tensor(self) -> Tensor:
        name = self.tensor_name("a tensor")
        axes = self.listed("]", self.expr)
        is_int = self.token.text == "int" and self.take() is not None
        return Tensor(name=name.text, axes=axes, is_int=is_int, at=name.at)

    def setting(self, kind: str) -> Setting:
        name = self.name(f"a name after {kind!r}")
        self.expect("=", f"after {name.text!r}")
        return Setting(kind=kind, name=name.text, value=self.expr(), at=name.at)

    def equation(self, *, is_init: bool = False) -> Equation:
        name = self.tensor_name("an equation's tensor")
        lefts = self.listed("]", self.left)
        self.expect("=", f"after the left side of {name.text!r}")
        right = self.macro() if self.starts_macro() else self.expr()
        where: list[Expr] = []
        word = self.token
        if self.accept("where"):
            where.append(self.expr())
            while self.accept(","):
                where.append(self.expr())
        reduce = self.reduce() if self.accept("::") else None
        if isinstance(right, ast.Macro) and (where or reduce):
            message = (
                f"the macro {right.name!r} must be the whole right side: no 'where' and no '::'"
            )
            raise self.error(message, word.at if where else right.at)
        return Equation(
            id=name.text,
            tensor=name.text,
            left=lefts,
            right=right,
            where=tuple(where),
            reduce=reduce,
            is_init=is_init,
            at=name.at,
        )

    def left(self) -> Axis:
        at = self.token.at
        expr = self.expr()
        match expr:
            case _ if any(isinstance(n, ast.Symbol) and n.name[0] == "|" for n in ast.walk(expr)):
                pass  # an extent is a number, not a coordinate
            case ast.Symbol(name=name):
                return Plain(coord=name)
            case ast.Number(value=int() as value):
                return Const(value=value)
            case ast.Binary(op="+", left=ast.Symbol(name=name), right=ast.Number(value=1)):
                return Shift(coord=name)
            case ast.Binary(
                op="+",
                left=ast.Binary(op="*", left=ast.Symbol(name=outer), right=size),
                right=ast.Symbol(name=inner),
            ):
                return Merged(outer=outer, size=size, inner=inner)
        raise self.error(
            f"a left axis must be x, x+1, an integer or x*C+y, not {ast.show(expr)!r}", at
        )

    def reduce(self) -> Reduce:
        token = self.take()
        op = token.text
        if op not in REDUCE_OPS:
            raise self.error(f"{op!r} is not a reduction{nearest(op, REDUCE_OPS)}", token.at)
        self.expect("(", f"after ':: {op}'")
        if op in ("top", "topval"):
            coord = self.name("the rank to select from")
            if not self.accept("->"):
                raise self.error(f"'{op}' must name the rank of its slots: {op}({coord.text}->k)")
            slot = self.name("the rank of the slots")
            self.expect(")", f"after the ranks of {op!r}")
            return Reduce(op=op, coords=(coord.text,), slot=slot.text, at=token.at)
        if op == "scatter":
            gathers = [self.gather()]
            while self.accept(",") and self.token.text == "@":
                gathers.append(self.gather())
            combine = self.take()
            if combine.text not in COMBINE_OPS:
                known = nearest(combine.text, COMBINE_OPS)
                raise self.error(
                    f"{combine.text!r} is not how a scatter combines{known}", combine.at
                )
            self.expect(")", "after the scatter")
            return Reduce(
                op=op, coords=(), gathers=tuple(gathers), combine=combine.text, at=token.at
            )
        coords = [self.name("a rank to reduce").text]
        while self.accept(","):
            coords.append(self.name("a rank to reduce").text)
        self.expect(")", "after the reduced ranks")
        return Reduce(op=op, coords=tuple(coords), at=token.at)


def resolve(block: Block) -> Block:
    """Return the block with every bare name that is a coordinate as such."""
    coords = block.coords

    def change(node: Expr) -> Expr:
        if isinstance(node, ast.Symbol) and node.name in coords:
            return ast.Coord(name=node.name, at=node.at)
        return node

    def equation(old: Equation) -> Equation:
        reduce = old.reduce
        if reduce is not None and reduce.gathers:
            gathers = tuple(ast.rebuild(g, change) for g in reduce.gathers)
            reduce = replace(reduce, gathers=tuple(g for g in gathers if isinstance(g, ast.Gather)))
        return replace(
            old,
            right=ast.rebuild(old.right, change),
            where=tuple(ast.rebuild(w, change) for w in old.where),
            reduce=reduce,
        )

    return replace(block, equations=tuple(equation(e) for e in block.equations))
