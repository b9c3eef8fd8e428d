"""Steps: a few lines of arithmetic that do an operation, counted by kind and evaluated.

``e = exp(flip(a)); 1 / (1 + e)`` is a sigmoid of ``a`` in an exp, an add and a div. Operands are ``a``,
``b``, ``c``; operators and functions are those of the cascades, and
``mac(x, y, z)`` is x*y + z; ``poly(x, c0, c1, ..)`` is a polynomial by Horner's rule, a mac a degree.
Bits of a word: x is ``fraction(x, k) * 2**(k * exponent(x, k))`` with a fraction of 3/4 up to
3/4 * 2**k. ``fraction``, ``flip`` (the sign inverted), ``signed(x, y)`` (x with the sign of y) and
``parity(x, n)`` (x with its sign inverted where n is odd) are wires and take no operation;
``exponent`` and ``scale(x, n)``, x * 2**n, add to the exponent field. ``magic`` is 1.5 * 2**52, which
rounds what is added to it (for a word of another significand: 1.5 times its last whole number's ulp).
"""

from __future__ import annotations

import ast
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from accelsim.errors import nearest
from accelsim.ops import BINARY, FUNCTIONS, UNARY
from accelsim.specs import Expression

Function = Callable[..., Any]

OPERANDS = ("a", "b", "c")
MAGIC = 1.5 * 2.0**52
_ASSIGN = re.compile(r"\s*([a-z][a-z0-9_]*)\s*=(?!=)(.*)", re.DOTALL)
_OPERATORS: Mapping[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


def _fraction(x: float, k: int) -> float:
    return float(math.ldexp(abs(x), -k * _exponent(x, k)))


def _exponent(x: float, k: int) -> int:
    significand, power = math.frexp(abs(x))  # 1/2 <= significand < 1
    return (power - (significand < 0.75)) // k


def _scale(x: float, n: float) -> float:
    return math.ldexp(x, int(n))


def _parity(x: float, n: float) -> float:
    return -x if n % 2 else x


# name -> (kinds that it takes, its meaning)
BITS: Mapping[str, tuple[tuple[str, ...], Function]] = {
    "flip": ((), lambda x: -x),
    "signed": ((), math.copysign),
    "parity": ((), _parity),
    "fraction": ((), _fraction),
    "exponent": (("add",), _exponent),
    "scale": (("add",), _scale),
}


def meanings() -> dict[str, Function]:
    """Return what each kind of operation means on numbers, by kind (a shift: to the left)."""
    found: dict[str, Function] = {"mac": lambda x, y, z: x * y + z}
    for row in (*UNARY.values(), *FUNCTIONS.values(), *BINARY.values()):
        if row.kind not in ("compare", "logic"):  # several operations each
            found.setdefault(row.kind, row.scalar)
    return found


@dataclass(frozen=True)
class Steps:
    """Checked steps: names with their values in order, the result last (its name is empty)."""

    lines: tuple[tuple[str, ast.expr], ...]

    @classmethod
    @cache
    def parse(cls, text: str, operands: int) -> Steps:
        """Return the steps of a text over the first operands; ValueError says what is wrong."""
        known = {"magic", *OPERANDS[:operands]}
        lines: list[tuple[str, ast.expr]] = []
        parts = text.split(";")
        for place, part in enumerate(parts):
            found = _ASSIGN.fullmatch(part)
            if (found is None) != (place == len(parts) - 1):
                raise ValueError(
                    f"steps must be 'name = value' and at last a value, not {part.strip()!r}"
                )
            name, value = found.groups() if found else ("", part)
            tree = Expression.parse(" ".join(value.split())).tree
            called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
            for node in ast.walk(tree):
                if id(node) not in called:
                    _check(node, known)
            known.add(name)
            lines.append((name, tree))
        return cls(lines=tuple(lines))

    def kinds(self) -> Counter[str]:
        """Return how often each kind of operation is done."""
        found: Counter[str] = Counter()
        for _, tree in self.lines:
            found.update(_kinds(tree))
        return found

    def evaluate(
        self,
        operands: tuple[float, ...],
        functions: Mapping[str, Function],
        besides: Callable[[str], None] | None = None,
    ) -> float:
        """Return the value, the operations done by ``functions`` (by kind).

        ``besides`` is told the kinds of those that ``functions`` are not asked for: comparisons and
        additions to the exponent field.
        """
        values: dict[str, Any] = {**dict(zip(OPERANDS, operands, strict=False)), "magic": MAGIC}
        for name, tree in self.lines:
            values[name] = _value(tree, values, functions, besides or _ignore)
        return float(values[""])


def _ignore(_: str) -> None:
    pass


def _check(node: ast.AST, known: set[str]) -> None:
    match node:
        case ast.Call(func=ast.Name(id=name), args=args):
            allowed = {*FUNCTIONS, *BITS, "mac", "poly"}
            if name not in allowed:
                raise ValueError(f"unknown function {name!r}{nearest(name, allowed)}")
            if name == "poly" and not (len(args) > 1 and all(map(_is_number, args[1:]))):
                raise ValueError("poly must have an operand and numbers: poly(x, 1, 0.5)")
            if name in ("fraction", "exponent") and not (len(args) == 2 and _is_number(args[1])):
                raise ValueError(f"{name} must have an operand and a number: {name}(a, 1)")
            want = {"mac": 3, "scale": 2, "signed": 2, "parity": 2, "flip": 1}.get(name)
            want = FUNCTIONS[name].arity[0] if name in FUNCTIONS else want
            if want is not None and len(args) != want:
                raise ValueError(f"{name} must have {want} operands, not {len(args)}")
        case ast.Name(id=name):
            if name not in known:
                raise ValueError(f"unknown name {name!r}{nearest(name, known)}")
        case ast.Compare(ops=ops) if len(ops) > 1:
            raise ValueError("a comparison must be of two operands")
        case ast.BoolOp() | ast.IfExp() | ast.Attribute() | ast.Pow() | ast.Not() | ast.UAdd():
            raise ValueError(f"steps must not hold a {type(node).__name__.lower()}")


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant)


def _kinds(node: ast.expr) -> Iterator[str]:
    if _is_number(node):
        return
    match node:
        case ast.UnaryOp(operand=operand):
            yield "neg"
            yield from _kinds(operand)
        case ast.BinOp(left=left, op=op, right=right):
            yield BINARY[_OPERATORS[type(op)]].kind
            yield from _kinds(left)
            yield from _kinds(right)
        case ast.Compare(left=left, comparators=[right]):
            yield "compare"
            yield from _kinds(left)
            yield from _kinds(right)
        case ast.Call(func=ast.Name(id=name), args=args):
            if name == "poly":
                yield from ["mac"] * (len(args) - 2)
            elif name in BITS:
                yield from BITS[name][0]
            else:
                yield FUNCTIONS[name].kind if name in FUNCTIONS else name
            for arg in args:
                yield from _kinds(arg)


def _value(
    node: ast.expr,
    values: Mapping[str, Any],
    functions: Mapping[str, Function],
    besides: Callable[[str], None],
) -> Any:
    def value(part: ast.expr) -> Any:
        return _value(part, values, functions, besides)

    match node:
        case ast.Constant(value=number):
            return number
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(operand=operand):
            number = value(operand)
            return -number if _is_number(node) else functions["neg"](number)
        case ast.BinOp(left=left, op=op, right=right):
            return functions[BINARY[_OPERATORS[type(op)]].kind](value(left), value(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            besides("compare")
            return BINARY[_OPERATORS[type(op)]].scalar(value(left), value(right))
        case ast.Call(func=ast.Name(id="poly"), args=[x, *coefficients]):
            point, (*rest, total) = value(x), [value(c) for c in coefficients]
            for coefficient in reversed(rest):
                total = functions["mac"](total, point, coefficient)
            return total
        case ast.Call(func=ast.Name(id=name), args=args):
            for kind in BITS[name][0] if name in BITS else ():
                besides(kind)
            function = BITS[name][1] if name in BITS else functions[name]
            return function(*map(value, args))
    raise ValueError("steps must be arithmetic")
