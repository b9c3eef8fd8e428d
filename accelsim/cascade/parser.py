"""Reads the text of a cascade into a block: recursive descent, one method per rule of the grammar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.grammar import (
    COMBINE_OPS,
    COMPARISONS,
    DECLARATIONS,
    MACROS,
    MAX_DEPTH,
    REDUCE_OPS,
    WORDS,
)
from accelsim.cascade.lexer import Source, Token, tokens
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
from accelsim.ops import FUNCTIONS

_T = TypeVar("_T")


def parse(source: Source) -> Block:
    """Return the block that a text says; raise SpecError with every faulty line's first fault."""
    return _Parser(source).block()


class _Parser:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = tokens(source)
        self.position = 0
        self.depth = 0
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        self.settings: list[Setting] = []
        self.equations: list[Equation] = []

    # tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    def ahead(self, count: int = 1) -> Token:
        return self.tokens[min(self.position + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.position += 1
        return token

    def accept(self, *texts: str) -> Token | None:
        if self.token.text in texts and self.token.kind in ("mark", "name"):
            return self.take()
        return None

    def expect(self, text: str, where: str) -> Token:
        found = self.accept(text)
        if found is None:
            raise self.error(f"expected {text!r} {where}, not {self.found()}")
        return found

    def found(self) -> str:
        kind, text = self.token.kind, self.token.text
        return "the end of the line" if kind in ("end", "newline") else repr(text)

    def error(self, message: str, at: int | None = None) -> SpecError:
        return self.source.error(self.token.at if at is None else at, message)

    def name(self, what: str) -> Token:
        if self.token.kind != "name":
            raise self.error(f"expected {what}, not {self.found()}")
        if self.token.text in WORDS:
            raise self.error(
                f"{self.token.text!r} is a word of the notation and cannot name {what}"
            )
        return self.take()

    # lines

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

    def tensor_name(self, what: str) -> Token:
        name = self.name(what)
        if not name.text[0].isupper():
            raise self.error(
                f"a tensor's name must start with an upper-case letter, not {name.text!r}", name.at
            )
        self.expect("[", f"after the tensor {name.text!r}")
        return name

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

    def starts_macro(self) -> bool:
        return self.token.kind == "name" and self.ahead().text == "{"

    def macro(self) -> ast.Macro:
        name = self.take()
        if name.text not in MACROS:
            raise self.error(f"{name.text!r} is not a macro{nearest(name.text, MACROS)}", name.at)
        self.expect("{", "after the macro")
        coord = self.name("the macro's rank")
        self.expect("}", "after the macro's rank")
        self.expect("(", "before the macro's argument")
        arg = self.expr()
        self.expect(")", "after the macro's argument")
        return ast.Macro(name=name.text, coord=coord.text, arg=arg, at=name.at)

    # expressions

    def listed(self, end: str, item: Callable[[], _T]) -> tuple[_T, ...]:
        """Return the items up to the closing bracket, which may be none."""
        items: list[_T] = []
        if self.accept(end):
            return ()
        while True:
            items.append(item())
            if self.accept(end):
                return tuple(items)
            self.expect(",", f"or {end!r}")

    def binary(self, ops: tuple[str, ...], operand: Callable[[], Expr]) -> Expr:
        left = operand()
        count = 0
        while token := self.accept(*ops):
            count += 1
            if count > 8 * MAX_DEPTH:
                raise self.error("the expression is too long", token.at)
            left = ast.Binary(op=token.text, left=left, right=operand(), at=token.at)
        return left

    def expr(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.depth = 0
            raise self.error(f"brackets must nest at most {MAX_DEPTH} deep")
        try:
            return self.binary(("or",), lambda: self.binary(("and",), self.negation))
        finally:
            self.depth = max(0, self.depth - 1)

    def negation(self) -> Expr:
        return self.prefixed("not", self.compare)

    def prefixed(self, op: str, operand: Callable[[], Expr]) -> Expr:
        marks: list[Token] = []
        while mark := self.accept(op):
            marks.append(mark)
            if len(marks) > MAX_DEPTH:
                raise self.error(f"{op!r} is repeated too often", mark.at)
        expr = operand()
        for mark in reversed(marks):
            expr = ast.Unary(op=op, arg=expr, at=mark.at)
        return expr

    def compare(self) -> Expr:
        left = self.shift()
        if token := self.accept(*COMPARISONS):
            left = ast.Binary(op=token.text, left=left, right=self.shift(), at=token.at)
            if self.token.text in COMPARISONS and self.token.kind == "mark":
                raise self.error("comparisons cannot be chained; write 'a < b and b < c'")
        return left

    def shift(self) -> Expr:
        return self.binary(("<<", ">>"), lambda: self.binary(("+", "-"), self.product))

    def product(self) -> Expr:
        return self.binary(("*", "/", "//", "%"), self.unary)

    def unary(self) -> Expr:
        return self.prefixed("-", self.default)

    def default(self) -> Expr:
        value = self.atom()
        if token := self.accept("?"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self.depth = 0
                raise self.error(f"'?' must nest at most {MAX_DEPTH} deep")
            value = ast.Default(value=value, other=self.unary(), at=token.at)
            self.depth = max(0, self.depth - 1)
        return value

    def atom(self) -> Expr:
        token = self.token
        if token.kind == "number":
            self.take()
            is_int = token.text.isdigit()
            if is_int and len(token.text) > 18:
                raise self.error("an integer must have at most 18 digits", token.at)
            return ast.Number(value=int(token.text) if is_int else float(token.text), at=token.at)
        if token.kind == "word":
            self.take()
            return ast.Word(value=token.text[1:-1], at=token.at)
        if self.accept("("):
            inner = self.expr()
            self.expect(")", "after the bracketed expression")
            return inner
        if token.text == "@":
            return self.gather()
        if token.text == "inf":
            self.take()
            return ast.Number(value=float("inf"), at=token.at)
        if token.kind == "extent":
            self.take()
            return ast.Symbol(name=token.text, at=token.at)
        name = self.name("a value")
        if self.accept("["):
            return ast.Read(tensor=name.text, indices=self.listed("]", self.expr), at=name.at)
        if self.token.text == "{":
            if name.text in MACROS:
                raise self.error(f"the macro {name.text!r} must be the whole right side", name.at)
            raise self.error(f"{name.text!r} is not a macro{nearest(name.text, MACROS)}", name.at)
        if self.accept("("):
            return self.call(name)
        if name.text in ("True", "False"):
            return ast.Number(value=int(name.text == "True"), at=name.at)
        return ast.Symbol(name=name.text, at=name.at)

    def call(self, name: Token) -> Expr:
        args = self.listed(")", self.expr)
        row = FUNCTIONS.get(name.text)
        if row is None:
            raise self.error(
                f"{name.text!r} is not a function{nearest(name.text, FUNCTIONS)}", name.at
            )
        least, most = row.arity
        if not least <= len(args) <= most:
            wanted = f"{least} argument{'s' if least != 1 else ''}"
            raise self.error(f"{name.text!r} must have {wanted}, not {len(args)}", name.at)
        return ast.Call(function=name.text, args=args, at=name.at)

    def gather(self) -> ast.Gather:
        at = self.token.at
        self.expect("@", "before a gather")
        name = self.tensor_name("a gather's tensor")
        indices = self.listed("]", self.expr)
        self.expect(":", "and the walked rank after a gather")
        label = self.name("the rank that a gather walks")
        gather = ast.Gather(tensor=name.text, indices=indices, label=label.text, at=at)
        if any(isinstance(n, ast.Gather) for i in indices for n in ast.walk(i)):
            raise self.error(
                "gathers cannot nest: name the inner one in an equation of its own", at
            )
        return gather


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
