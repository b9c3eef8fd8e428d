"""Safe expressions over names, as specs write them: ``ceil_div(M, M0)``, ``PE2D.cols * 2``.

Whole numbers, decimals and their quotients stay exact (int, Fraction); a size such as ``16 MiB``
is its number of bytes. Nothing but arithmetic can be written, and no expression takes long to evaluate.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

from accelsim.errors import nearest
from accelsim.replay.exact import fraction, larger, smaller
from accelsim.units import brief, parse_size

Number: TypeAlias = int | float | Fraction

MAX_LENGTH = 1000
MAX_DEPTH = 80
MAX_BITS = 4096
KEPT = 4096  # expressions that were read last are kept

_ALPHABET = re.compile(r"[A-Za-z0-9_ \t\n.,+\-*/%()<>=!]*")
_QUANTITY = re.compile(r"\b(\d+(?:\.\d+)?)\s*((?:[KMGT]i?)?B)\b", re.ASCII)


def _log2(value: Number) -> Number:
    if value <= 0:
        raise ValueError("log2 must have a number above zero")
    if isinstance(value, int) and value & (value - 1) == 0:
        return value.bit_length() - 1
    return math.log2(value)


def _sqrt(value: Number) -> Number:
    if value < 0:
        raise ValueError("sqrt must have a number of zero or more")
    exact = Fraction(value) if isinstance(value, int | Fraction) else None
    if exact is None:
        return math.sqrt(value)
    root = Fraction(math.isqrt(exact.numerator), math.isqrt(exact.denominator))
    return root if root * root == exact else math.sqrt(value)


def _ceil_div(dividend: Number, divisor: Number) -> int:
    return -math.floor(
        -dividend / (Fraction(divisor) if isinstance(divisor, float) else fraction(divisor))
    )


FUNCTIONS: Mapping[str, tuple[Callable[..., Number], int, int]] = {
    "min": (smaller, 1, 64),
    "max": (larger, 1, 64),
    "ceil": (math.ceil, 1, 1),
    "floor": (math.floor, 1, 1),
    "abs": (abs, 1, 1),
    "ceil_div": (_ceil_div, 2, 2),
    "log2": (_log2, 1, 1),
    "sqrt": (_sqrt, 1, 1),
}
"""The functions every expression has: (function, fewest arguments, most arguments)."""

_BINARY: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: Mapping[type, Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: operator.not_,
}
_COMPARE: Mapping[type, Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_PLAIN = (ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.Name, ast.Attribute)
_ALLOWED = (*_BINARY, *_UNARY, *_COMPARE, ast.Div, ast.Pow, ast.And, ast.Or, ast.Load)


@dataclass(frozen=True)
class Expression:
    """One checked expression.

    ``names`` are the symbols it reads, dotted ones as written (``PE2D.cols``). ``functions`` are
    the calls that the caller has to supply, and ``arguments`` the bare names handed to those.
    """

    text: str
    names: frozenset[str] = field(compare=False)
    functions: frozenset[str] = field(compare=False)
    arguments: frozenset[str] = field(compare=False)
    _tree: ast.expr = field(compare=False, repr=False)

    def __str__(self) -> str:
        return self.text

    @property
    def tree(self) -> ast.expr:
        """The checked syntax tree: numbers, names, operators and calls of plain names only."""
        return self._tree

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Check and keep an expression; ValueError says what is wrong with it."""
        return _expression(text)

    def evaluate(
        self,
        symbols: Mapping[str, Number] | None = None,
        functions: Mapping[str, Callable[..., Number]] | None = None,
    ) -> Number:
        """Return the value; a whole Fraction is returned as int, a truth as bool.

        A function of the caller's gets a bare name without a value as a string, so that
        ``max_fit(GLB)`` can name a component. ValueError for a missing name, a division by zero
        or a result of more than MAX_BITS bits.
        """
        run = _Run(symbols=symbols or {}, functions=functions or {})
        try:
            return run.value(self._tree)
        except ValueError as error:
            raise ValueError(f"{self.text!r}: {error}") from None
        except ZeroDivisionError:
            raise ValueError(f"{self.text!r}: must not divide by zero") from None
        except OverflowError:
            raise ValueError(f"{self.text!r}: must stay a finite number") from None
        except TypeError as error:
            raise ValueError(f"{self.text!r}: must be arithmetic: {error}") from None


@lru_cache(maxsize=KEPT)
def _expression(text: str) -> Expression:
    tree = _parse(text)
    names: set[str] = set()
    functions: set[str] = set()
    arguments: set[str] = set()
    pending: list[tuple[ast.AST, int]] = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise _wrong(text, f"it is nested more than {MAX_DEPTH} levels deep")
        if isinstance(node, ast.Name | ast.Attribute):
            names.add(_dotted(node, text))
            continue
        children = list(_children(node, text))
        if isinstance(node, ast.Call):
            name = _called(node, text)
            if name not in FUNCTIONS:
                functions.add(name)
                bare = [c for c in children if isinstance(c, ast.Name | ast.Attribute)]
                arguments.update(_dotted(child, text) for child in bare)
                children = [child for child in children if child not in bare]
            else:
                _, fewest, most = FUNCTIONS[name]
                if not fewest <= len(node.args) <= most:
                    raise _wrong(text, f"{name} must have {_arity(fewest, most)}")
        pending += [(child, depth + 1) for child in children]
    return Expression(
        text=text.strip(),
        names=frozenset(names),
        functions=frozenset(functions),
        arguments=frozenset(arguments),
        _tree=tree,
    )


@dataclass(frozen=True, kw_only=True)
class _Run:
    symbols: Mapping[str, Number]
    functions: Mapping[str, Callable[..., Number]]

    def value(self, node: ast.expr) -> Number:
        return _bounded(self._value(node))

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant():
                # A decimal is what it says: 0.8 is 4/5, and 1e9 an integer.
                value: Any = node.value
                return Fraction(repr(value)) if isinstance(value, float) else value
            case ast.Name() | ast.Attribute():
                return self._symbol(_dotted(node, ""))
            case ast.UnaryOp():
                return _UNARY[type(node.op)](self.value(node.operand))
            case ast.BinOp():
                return _operate(node.op, self.value(node.left), self.value(node.right))
            case ast.BoolOp(op=ast.And()):
                return all(self.value(part) for part in node.values)
            case ast.BoolOp():
                return any(self.value(part) for part in node.values)
            case ast.IfExp():
                return self.value(node.body if self.value(node.test) else node.orelse)
            case ast.Compare():
                return self._compare(node)
            case ast.Call():
                return self._call(node)
        raise ValueError("must be arithmetic")

    def _symbol(self, name: str) -> Number:
        if name not in self.symbols:
            raise ValueError(f"unknown name {name!r}{nearest(name, self.symbols)}")
        return self.symbols[name]

    def _compare(self, node: ast.Compare) -> bool:
        left = self.value(node.left)
        for op, operand in zip(node.ops, node.comparators, strict=True):
            right = self.value(operand)
            if not _COMPARE[type(op)](left, right):
                return False
            left = right
        return True

    def _call(self, node: ast.Call) -> Any:
        name = _called(node, "")
        if name in FUNCTIONS:
            return FUNCTIONS[name][0](*(self.value(argument) for argument in node.args))
        if name not in self.functions:
            known = [*FUNCTIONS, *self.functions]
            raise ValueError(f"unknown function {name!r}{nearest(name, known)}")
        return self.functions[name](*(self._argument(argument) for argument in node.args))

    def _argument(self, node: ast.expr) -> Number | str:
        if isinstance(node, ast.Name | ast.Attribute):
            name = _dotted(node, "")
            if name not in self.symbols:
                return name
        return self.value(node)


def _parse(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise _wrong(text, f"it is longer than {MAX_LENGTH} characters")
    if not _ALPHABET.fullmatch(text):
        strange = next(c for c in text if not _ALPHABET.fullmatch(c))
        raise _wrong(text, f"it has the character {strange!a}")
    plain = _QUANTITY.sub(lambda found: str(parse_size(found[0])), text)
    flat = " ".join(plain.split())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as "1if" on the way to a SyntaxError
            return ast.parse(flat, mode="eval").body
    except SyntaxError as error:
        raise _wrong(text, error.msg) from None
    except (RecursionError, MemoryError, ValueError):
        raise _wrong(text, "it is nested too deep") from None


def _children(node: ast.AST, text: str) -> Iterator[ast.AST]:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise _wrong(text, f"it has {brief(node.value)}")
        if isinstance(node.value, float) and math.isinf(node.value):
            raise _wrong(text, "it has a number that is not finite")
    elif isinstance(node, ast.Call):
        yield from node.args
    elif isinstance(node, _PLAIN + _ALLOWED):
        yield from ast.iter_child_nodes(node)
    else:
        raise _wrong(text, f"it has a {type(node).__name__.lower()}")


def _called(node: ast.Call, text: str) -> str:
    if not isinstance(node.func, ast.Name):
        raise _wrong(text, "it calls something that is not a plain name")
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        raise _wrong(text, f"{node.func.id} must have plain arguments")
    if node.func.id.startswith("_"):
        raise _wrong(text, f"it calls {node.func.id!r}")
    return node.func.id


def _dotted(node: ast.AST, text: str) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise _wrong(text, "it reads a field of something that is not a name")
    return ".".join([node.id, *reversed(parts)])


def _operate(op: ast.operator, left: Number, right: Number) -> Any:
    if isinstance(op, ast.Div):
        if isinstance(left, int | Fraction) and isinstance(right, int | Fraction):
            return fraction(left, right)
        return left / right
    if isinstance(op, ast.Pow):
        return _power(left, right)
    return _BINARY[type(op)](left, right)


def _power(base: Number, exponent: Number) -> Any:
    if isinstance(base, int | Fraction) and isinstance(exponent, int):
        exact = fraction(base)
        bits = max(exact.numerator.bit_length(), exact.denominator.bit_length())
        if bits > 1 and bits * abs(exponent) > 2 * MAX_BITS:
            raise ValueError(f"must have a result of at most {MAX_BITS} bits")
        return exact**exponent
    result = float(base) ** float(exponent)
    if isinstance(result, complex):
        raise ValueError("must be a real number")
    return result


def _bounded(value: Any) -> Number:
    if isinstance(value, int):
        bits = value.bit_length()
    elif isinstance(value, Fraction):
        if value.denominator == 1:
            return _bounded(value.numerator)
        bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    elif isinstance(value, float):
        bits = 64
    else:
        # NumPy's numbers come from callers; anything else is the caller's mistake.
        return _bounded(operator.index(value))
    if bits > MAX_BITS:
        raise ValueError(f"must have a result of at most {MAX_BITS} bits")
    result: Number = value
    return result


def _arity(fewest: int, most: int) -> str:
    if fewest == most:
        return f"{fewest} argument{'s' if fewest > 1 else ''}"
    return f"{fewest} to {most} arguments"


def _wrong(text: str, why: str) -> ValueError:
    return ValueError(f"must be an expression such as 'ceil_div(M, M0)', not {brief(text)}: {why}")
