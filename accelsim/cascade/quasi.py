"""Conditions as unions of convex sets: what ``or``, ``abs``, ``max``, ``//`` and ``%`` make of half planes.

A quotient of a coordinate by a whole number is a name of its own (``n//64``) in a linear form; whoever
counts or projects a set splits the coordinate in digits (``split``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise, product
from typing import Any

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.lattice import UncountableError
from accelsim.cascade.linear import Linear, constant, half_planes
from accelsim.replay.exact import integer, settled

Planes = tuple[Linear, ...]
Case = tuple[Planes, Linear]
ONE = Linear(coefs={}, const=1)
NEVER: Planes = (Linear(coefs={}, const=-1),)
_NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


class Conditions:
    """Reads conditions and indices; ``atom`` names what is neither a coordinate nor an operation.

    The sets of a union do not overlap, unless ``apart`` is False: then an ``or`` has two sides, no more.
    """

    def __init__(
        self,
        symbols: Mapping[str, Any],
        extents: Mapping[str, int],
        atom: Callable[[Expr], str | None] = lambda _: None,
        *,
        apart: bool = True,
    ) -> None:
        self.symbols, self.extents, self.atom, self.apart = symbols, extents, atom, apart

    def union(self, expr: Expr, *, holds: bool = True) -> list[Planes]:
        """Return the sets of points at which a condition holds (or does not)."""
        if ast.is_constant(expr):
            return [()] if bool(constant(expr, self.symbols)) == holds else []
        match expr:
            case ast.Unary(op="not", arg=arg):
                return self.union(arg, holds=not holds)
            case ast.Binary(op=("and" | "or") as op, left=a, right=b):
                first, second = self.union(a, holds=holds), self.union(b, holds=holds)
                if (op == "and") == holds:
                    return [x + y for x, y in product(first, second)]
                if not self.apart:
                    return first + second
                return first + [x + y for x, y in product(self.union(a, holds=not holds), second)]
            case ast.Binary(op=op, left=a, right=b) if op in _NEGATED:
                return self._compared(op if holds else _NEGATED[op], a, b)
        return self._compared("!=" if holds else "==", expr, ast.Number(value=0))

    def _compared(self, op: str, a: Expr, b: Expr) -> list[Planes]:
        if op == "!=":
            return self._compared("<", a, b) + self._compared(">", a, b)
        plain = half_planes([ast.Binary(op=op, left=a, right=b)], self.symbols)
        if plain is not None:
            return [tuple(plain)]
        found: list[Planes] = []
        for (here, x), (there, y) in product(self.forms(a), self.forms(b)):
            up, down = y.plus(x, -1), x.plus(y, -1)
            part: Planes = {
                "<=": (up,),
                "<": (up.plus(ONE, -1),),
                ">=": (down,),
                ">": (down.plus(ONE, -1),),
                "==": (up, down),
            }[op]
            found.append(here + there + part)
        return found

    def forms(self, expr: Expr) -> list[Case]:
        """Return an expression as linear forms, each with the part of the points in which it is that."""
        if ast.is_constant(expr):
            value = settled(constant(expr, self.symbols))
            if not isinstance(value, int | float) or value != value // 1:
                raise UncountableError(ast.show(expr))
            return [((), Linear(coefs={}, const=integer(value)))]
        name = self.atom(expr)
        if name is not None:
            return [((), Linear(coefs={name: 1}, const=0))]
        match expr:
            case ast.Coord(name=n):
                return [((), Linear(coefs={n: 1}, const=0))]
            case ast.Unary(op="-", arg=arg):
                return [(planes, form.times(-1)) for planes, form in self.forms(arg)]
            case ast.Binary(op=("+" | "-") as op, left=a, right=b):
                sign = 1 if op == "+" else -1
                return self._pairs(a, b, lambda x, y: [((), x.plus(y, sign))])
            case ast.Binary(op="*", left=a, right=b):
                return self._pairs(a, b, _times)
            case ast.Binary(op=("//" | "%") as op, left=a, right=b):
                return self._pairs(a, b, lambda x, y: [((), self._divided(op, x, y))])
            case ast.Call(function=("max" | "min") as function, args=(a, b)):
                sign = 1 if function == "max" else -1
                return self._pairs(a, b, lambda x, y: _larger(x, y, sign))
            case ast.Call(function="abs", args=(arg,)):
                return self._pairs(arg, arg, lambda x, _: _larger(x, x.times(-1), 1))
            case ast.Call(function="select", args=(condition, yes, no)):
                return [
                    (where + planes, form)
                    for branch, holds in ((yes, True), (no, False))
                    for where in self.union(condition, holds=holds)
                    for planes, form in self.forms(branch)
                ]
        raise UncountableError(ast.show(expr))

    def _pairs(
        self, a: Expr, b: Expr, combine: Callable[[Linear, Linear], list[Case]]
    ) -> list[Case]:
        same = a is b
        pairs = [(x, x) for x in self.forms(a)] if same else product(self.forms(a), self.forms(b))
        return [
            (here + (() if same else there) + planes, form)
            for (here, x), (there, y) in pairs
            for planes, form in combine(x, y)
        ]

    def _divided(self, op: str, form: Linear, divisor: Linear) -> Linear:
        by = divisor.const
        if divisor.coefs or by <= 0:
            raise UncountableError("a quotient by what is no positive number")
        quotient = self.quotient(form, by)
        return quotient if op == "//" else form.plus(quotient.times(by), -1)

    def quotient(self, form: Linear, by: int) -> Linear:
        """Return ``form // by``: what is a multiple of it leaves the floor."""
        whole = Linear(
            coefs={x: k // by for x, k in form.coefs.items() if k % by == 0},
            const=form.const // by,
        )
        rest = {x: k for x, k in form.coefs.items() if k % by}
        over = form.const % by
        low = over + sum(min(0, k * (self.size(x) - 1)) for x, k in rest.items())
        high = over + sum(max(0, k * (self.size(x) - 1)) for x, k in rest.items())
        if low // by == high // by:
            return whole.plus(ONE, low // by)
        if by == 1:
            return form
        if list(rest.values()) == [1] and over == 0:
            (name,) = rest
            base, divided = parts_of(name)
            return whole.plus(Linear(coefs={f"{base}//{divided * by}": 1}, const=0))
        raise UncountableError("a quotient of a sum")

    def size(self, name: str) -> int:
        return size_of(name, self.extents)


def _times(x: Linear, y: Linear) -> list[Case]:
    if x.coefs and y.coefs:
        raise UncountableError("a product of coordinates")
    return [((), y.times(x.const) if not x.coefs else x.times(y.const))]


def _larger(x: Linear, y: Linear, sign: int) -> list[Case]:
    """Return the larger (``sign`` 1) or the smaller of two forms."""
    gap = x.plus(y, -1).times(sign)
    return [((gap,), x), ((gap.times(-1).plus(ONE, -1),), y)]


def parts_of(name: str) -> tuple[str, int]:
    """Return the coordinate and the divisor of a quotient's name; of another name itself and 1."""
    base, _, by = name.rpartition("//")
    return (base, int(by)) if base and by.isdigit() else (name, 1)


def size_of(name: str, extents: Mapping[str, int]) -> int:
    """Return how many values a coordinate or a quotient of it takes."""
    if name in extents:
        return extents[name]
    base, by = parts_of(name)
    return -(-extents[base] // by)


def put_in(planes: Iterable[Linear], values: Mapping[str, Linear]) -> Planes:
    """Return conditions with forms in place of names; names without one stay."""
    found = []
    for plane in planes:
        total = Linear(coefs={}, const=plane.const)
        for name, k in plane.coefs.items():
            total = total.plus(values.get(name, Linear(coefs={name: 1}, const=0)).times(k))
        found.append(total)
    return tuple(found)


class Digits:
    """Coordinates with quotients, split in digits: linear in these, whatever the quotients."""

    def __init__(self, planes: Iterable[Linear], extents: Mapping[str, int]) -> None:
        divisors: dict[str, set[int]] = {}
        for name in dict.fromkeys(n for plane in planes for n in plane.coefs):
            base, by = parts_of(name)
            if by > 1 and name not in extents:
                divisors.setdefault(base, set()).add(by)
        self.sizes = dict(extents)
        self.of: dict[str, tuple[str, ...]] = {}
        """The digits of each split coordinate, the lowest first."""
        self.values: dict[str, Linear] = {}  # coordinates and quotients by digits
        self.back: dict[str, Linear] = {}  # digits by coordinates and quotients
        self.ragged: list[tuple[str, int, Linear]] = []
        """(highest digit, its last value, what holds of the others there)."""
        for base, found in divisors.items():
            self._split(base, [1, *sorted(found)], extents[base])

    def _split(self, base: str, steps: list[int], size: int) -> None:
        if any(b % a for a, b in pairwise(steps)):
            raise UncountableError(f"quotients of {base} by {steps[1:]}")
        names = (*(f"{base}%{b}" for b in steps[1:]), f"{base}//{steps[-1]}")
        self.of[base] = names
        for n, (name, step) in enumerate(zip(names, steps, strict=True)):
            quotient = Linear(coefs={base if step == 1 else f"{base}//{step}": 1}, const=0)
            if n + 1 < len(steps):
                self.sizes[name] = steps[n + 1] // step
                above = Linear(coefs={f"{base}//{steps[n + 1]}": 1}, const=0)
                quotient = quotient.plus(above.times(self.sizes[name]), -1)
            else:
                self.sizes[name] = -(-size // step)
            self.back[name] = quotient
            self.values[base if step == 1 else f"{base}//{step}"] = Linear(
                coefs={m: s // step for m, s in zip(names[n:], steps[n:], strict=True)}, const=0
            )
        if size % steps[-1]:
            last = self.sizes[names[-1]] - 1
            rest = Linear(
                coefs={m: -s for m, s in zip(names[:-1], steps[:-1], strict=True)},
                const=size - 1 - last * steps[-1],
            )
            self.ragged.append((names[-1], last, rest))

    def parts(self, planes: Planes) -> list[Planes]:
        """Return the conditions in digits, in disjoint parts: before the last step and in it."""
        found = [put_in(planes, self.values)]
        for top, last, rest in self.ragged:
            before = Linear(coefs={top: -1}, const=last - 1)
            at = Linear(coefs={top: 1}, const=-last)
            fixed = {top: Linear(coefs={}, const=last)}
            found = [
                part for old in found for part in ((*old, before), (*put_in(old, fixed), rest, at))
            ]
        return found

    def joined(self, planes: Planes) -> Planes:
        """Return conditions on digits in coordinates and quotients again."""
        return put_in(planes, self.back)
