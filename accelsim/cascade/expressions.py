"""Reads expressions: one method per rule of the grammar, loosest first."""

from __future__ import annotations

from collections.abc import Callable

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.cursor import Cursor
from accelsim.cascade.grammar import COMPARISONS, MACROS, MAX_DEPTH
from accelsim.cascade.lexer import Source, Token
from accelsim.errors import nearest
from accelsim.ops import FUNCTIONS


class Expressions(Cursor):
    """A cursor that reads an expression where it is."""

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.depth = 0

    def tensor_name(self, what: str) -> Token:
        name = self.name(what)
        if not name.text[0].isupper():
            raise self.error(
                f"a tensor's name must start with an upper-case letter, not {name.text!r}", name.at
            )
        self.expect("[", f"after the tensor {name.text!r}")
        return name

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
