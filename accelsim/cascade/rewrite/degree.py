"""How a value answers when a statistic is scaled or shifted: its degree of homogeneity.

Let B be a statistic that is complete only after a pass. Write ``B -> s*B`` for scaling it and
``B -> B + d`` for shifting it. A value T

* has scale degree k in B if it becomes ``s**k * T`` (for ``B -> s*B``) or ``exp(k*d) * T`` (for
  ``B -> B + d``): a sum over the rank of such values has the same degree, for the factor does not
  depend on the rank. So B may be replaced inside the sum by anything else, and the sum corrected
  by one factor after it. With 1 for a divisor that is the deferred division; with a running maximum
  for the maximum inside ``exp(x - B)`` it is the online softmax;
* has shift degree k in B if it becomes ``T + k*d``: a maximum over the rank has the same degree.

The rules below follow from the algebra of each operation; what has no rule has no degree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NoReturn

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.model import Equation
from accelsim.cascade.rewrite.program import Program
from accelsim.cascade.rewrite.trees import substitute
from accelsim.cascade.text import expression

Key = tuple[str, tuple[Expr, ...]]
"""A statistic at a point: its tensor and indices."""


class NotHomogeneousError(Exception):
    """A value has no degree; the message says where and why."""


@dataclass(frozen=True, kw_only=True)
class Degree:
    is_scale: bool = True
    powers: Mapping[Key, Fraction] = field(default_factory=dict)
    is_any: bool = False
    """0 has every scale degree, an infinity every degree."""

    @property
    def is_constant(self) -> bool:
        return not self.powers

    def same(self, other: Degree) -> bool:
        kind = self.is_scale == other.is_scale or self.is_constant or other.is_constant
        return kind and dict(self.powers) == dict(other.powers)


CONSTANT = Degree()
_ANY = Degree(is_any=True)


def _shift(powers: Mapping[Key, Fraction]) -> Degree:
    return Degree(is_scale=False, powers=powers) if powers else CONSTANT


_MONOTONE_SCALE = ("abs", "relu", "sqrt", "rsqrt")


def _scaled(powers: Mapping[Key, Fraction], by: Fraction) -> dict[Key, Fraction]:
    return {key: power * by for key, power in powers.items() if by}


def _joined(a: Degree, b: Degree, sign: int = 1) -> dict[Key, Fraction]:
    found = dict(a.powers)
    for key, power in b.powers.items():
        found[key] = found.get(key, Fraction(0)) + sign * power
    return {key: power for key, power in found.items() if power}


class Degrees:
    """Degrees of the values between some statistics and the statements that use them.

    ``kind`` says for each statistic whether it is scaled or shifted. ``positive`` says of a tensor
    whether it is surely above 0; a scaling through a maximum needs that.
    """

    def __init__(
        self,
        program: Program,
        chain: Mapping[str, Equation],
        kind: Mapping[str, str],
        positive: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.program, self.chain, self.kind, self.positive = program, chain, kind, positive
        self._known: dict[str, Degree] = {}

    def equation(self, equation: Equation) -> Degree:
        """Return the degree of the values that an equation reduces, or gives."""
        found = self.of(equation.right)
        for condition in equation.where:
            self._constant(condition, f"the condition '{expression(condition)}'")
        op = equation.reduce.op if equation.reduce else ""
        if op == "+" and not found.is_scale:
            self._fail(equation.right, "is shifted, and a sum counts its terms")
        if op in ("*", "scatter") and not found.is_constant:
            self._fail(equation.right, f"stands under '{op}'")
        if op in ("max", "min", "top", "topval"):
            self._need_positive(found, equation.right)
        return found

    def tensor(self, name: str) -> Degree:
        """Return the degree of a tensor of the chain, in its own left coordinates."""
        if name not in self._known:
            equation = self.chain[name]
            found = self.equation(equation)
            reduced = set(equation.reduce_coords)
            for key in found.powers:
                if reduced & set(ast.coords_in(*key[1])):
                    self._fail(equation.right, f"sums over the rank of {key[0]}")
            if equation.reduce and equation.reduce.op == "top":
                found = CONSTANT
            self._known[name] = found
        return self._known[name]

    def of(self, node: Expr) -> Degree:
        match node:
            case ast.Number(value=value):
                return _ANY if value == 0 or value in (float("inf"), float("-inf")) else CONSTANT
            case ast.Word() | ast.Symbol() | ast.Coord():
                return CONSTANT
            case ast.Read():
                return self._read(node)
            case ast.Unary(op="-", arg=arg):
                inner = self.of(arg)
                if inner.is_scale:
                    return inner
                return _shift(_scaled(inner.powers, Fraction(-1)))
            case ast.Binary(op=("*" | "/") as op, left=a, right=b):
                return self._product(node, op, a, b)
            case ast.Binary(op=("+" | "-") as op, left=a, right=b):
                return self._sum(node, op, a, b)
            case ast.Binary(op=("<" | "<=" | ">" | ">=" | "==" | "!="), left=a, right=b):
                self._alike(node, a, b)
                return CONSTANT
            case ast.Call(function=function, args=args):
                return self._call(node, function, args)
            case ast.Default(value=value, other=other):
                if self.of(value).is_constant and self.of(other).is_constant:
                    return CONSTANT
                self._fail(node, "is chosen by whether a value is present")
        for child in ast.children(node):
            self._constant(child, f"'{expression(node)}'")
        return CONSTANT

    def _read(self, node: ast.Read) -> Degree:
        for gather in node.gathers:
            if gather.tensor in self.kind or gather.tensor in self.chain:
                self._fail(node, f"takes indices from {gather.tensor}")
        if node.tensor in self.kind:
            own = {(node.tensor, node.indices): Fraction(1)}
            return Degree(is_scale=self.kind[node.tensor] == "scale", powers=own)
        if node.tensor not in self.chain:
            return CONSTANT
        found = self.tensor(node.tensor)
        place = dict(zip(self.chain[node.tensor].left_coords, node.indices, strict=True))
        powers: dict[Key, Fraction] = {}
        for (tensor, indices), power in found.powers.items():
            key = (tensor, tuple(substitute(i, place) for i in indices))
            powers[key] = powers.get(key, Fraction(0)) + power
        return Degree(is_scale=found.is_scale, powers=powers, is_any=found.is_any)

    def _product(self, node: Expr, op: str, a: Expr, b: Expr) -> Degree:
        left, right = self.of(a), self.of(b)
        sign = 1 if op == "*" else -1
        if left.is_scale and right.is_scale:
            anything = left.is_any or (right.is_any and op == "*")
            return Degree(powers=_joined(left, right, sign), is_any=anything)
        shifted, tree = (right, a) if isinstance(a, ast.Number) else (left, b)
        if not isinstance(tree, ast.Number) or not tree.value or (op == "/" and tree is a):
            self._fail(node, "multiplies a shifted value")
        return _shift(_scaled(shifted.powers, Fraction(tree.value) ** sign))

    def _sum(self, node: Expr, op: str, a: Expr, b: Expr) -> Degree:
        left, right = self.of(a), self.of(b)
        if not left.is_scale or not right.is_scale:
            for side in (left, right):
                if side.is_scale and not side.is_constant:
                    self._fail(node, "adds a scaled to a shifted value")
            return _shift(_joined(left, right, 1 if op == "+" else -1))
        return self._alike(node, a, b)

    def _alike(self, node: Expr, *parts: Expr) -> Degree:
        found = [self.of(part) for part in parts]
        fixed = [degree for degree in found if not degree.is_any]
        if not all(degree.same(fixed[0]) for degree in fixed):
            self._fail(node, "joins values that scale differently")
        if not fixed:
            return _ANY
        if isinstance(node, ast.Call) or (isinstance(node, ast.Binary) and node.op not in "+-"):
            self._need_positive(fixed[0], node)
        return fixed[0]

    def _call(self, node: Expr, function: str, args: tuple[Expr, ...]) -> Degree:
        if function in ("max", "min"):
            return self._alike(node, *args)
        if function == "select":
            self._constant(args[0], f"the condition '{expression(args[0])}'")
            if any(self.of(a).is_any != self.of(args[1]).is_any for a in args[1:]):
                self._fail(node, "does not need the statistic at every point")
            return self._alike(node, *args[1:])
        found = self.of(args[0])
        if function == "exp" and not found.is_scale:
            return Degree(powers=found.powers)
        if function == "log" and found.is_scale and self._only(found, "shift"):
            return _shift(found.powers)
        if function in _MONOTONE_SCALE and found.is_scale:
            self._need_positive(found, node)
            halves = {"sqrt": Fraction(1, 2), "rsqrt": Fraction(-1, 2)}
            return Degree(powers=_scaled(found.powers, halves.get(function, Fraction(1))))
        if function == "pow" and found.is_scale and isinstance(args[1], ast.Number):
            self._need_positive(found, node)
            return Degree(powers=_scaled(found.powers, Fraction(args[1].value)))
        for arg in args:
            self._constant(arg, f"'{function}(..)'")
        return CONSTANT

    def _only(self, degree: Degree, kind: str) -> bool:
        return all(self.kind[tensor] == kind for tensor, _ in degree.powers)

    def _need_positive(self, degree: Degree, node: Expr) -> None:
        for tensor, _ in degree.powers:
            if degree.is_scale and self.kind[tensor] == "scale" and not self.positive(tensor):
                self._fail(node, f"needs {tensor} > 0, which is not sure")

    def _constant(self, node: Expr, what: str) -> None:
        if not self.of(node).is_constant:
            self._fail(node, f"stands in {what}")

    def _fail(self, node: Expr, why: str) -> NoReturn:
        raise NotHomogeneousError(f"'{expression(node)}' {why}")
