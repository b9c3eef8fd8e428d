"""Random expressions of the cascade notation, from a source of random choices.

Values are kept harmless rather than realistic: inputs are multiples of 1/8, so that sums and products
of them are exact and whatever jumps (comparisons, rounding, ``top``) is applied to exact values only;
everything else is bounded (``tanh``, ``exp(-abs())``), so that no result hangs on the order of a sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

_T = TypeVar("_T")
WIDTH = 30  # bits of an exact value: products and sums of a few of them still fit a double


@dataclass(frozen=True, kw_only=True)
class Made:
    """A tensor that later statements may read; ``axes`` are shape expressions, ``bits`` 0 if inexact."""

    name: str
    axes: tuple[str, ...]
    coords: tuple[str, ...]
    bits: int = 0
    is_index: bool = False


@dataclass(frozen=True, kw_only=True)
class Term:
    text: str
    bits: int

    @property
    def is_exact(self) -> bool:
        return 0 < self.bits <= WIDTH


@dataclass
class Terms:
    """Random expressions over what is there so far.

    ``sizes`` binds the shape names, ``coords`` maps a coordinate to its extent.
    """

    random: Random
    is_affine: bool = False
    """Whether to keep to what has closed counts: no data-dependent presence, affine indices and masks."""
    sizes: dict[str, int] = field(default_factory=dict)
    coords: dict[str, str] = field(default_factory=dict)
    inputs: list[Made] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    serial: int = 0

    # choices

    def pick(self, items: Sequence[_T]) -> _T:
        return items[self.random.randrange(len(items))]

    def often(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def some(self, items: Sequence[_T], least: int, most: int) -> tuple[_T, ...]:
        """Return distinct items in random order."""
        left, found = list(items), []
        for _ in range(min(least + self.random.randrange(most - least + 1), len(left))):
            found.append(left.pop(self.random.randrange(len(left))))
        return tuple(found)

    def fresh(self, stem: str = "X") -> str:
        self.serial += 1
        return f"{stem}{self.serial}"

    # parts of expressions

    def index(self, axis: str, coord: str, free: Sequence[str]) -> str:
        """Return an index for an axis that ``coord`` usually walks."""
        own = [c for c in free if self.coords[c] == axis]
        x = self.pick(own) if own else self.pick(free) if free else "0"
        if coord in free and self.often(70):
            return coord
        if x == "0":
            return self.pick(["0", "1"])
        match self.random.randrange(5 if self.is_affine else 9):
            case 0:
                return f"{x}+{self.pick([1, 2])}"
            case 1:
                return f"{x}-{self.pick([1, 2])}"
            case 2:
                return f"{self.coords[x]}-1-{x}"
            case 3 if len(free) > 1:
                return f"{x}*2+{self.pick([c for c in free if c != x])}"
            case 4 if len(free) > 1:
                return f"{x}-{self.pick([c for c in free if c != x])}"
            case 5:
                return f"{x}//2"
            case 6:
                gathers = [t for t in self.inputs if t.is_index]
                if gathers and coord in self.coords:
                    table = self.pick(gathers)
                    return f"@{self.bare(table, free)}:{coord}"
        return x

    def bare(self, tensor: Made, free: Sequence[str]) -> str:
        parts = [c if c in free else "0" for c in tensor.coords]
        return f"{tensor.name}[{','.join(parts)}]"

    def read(self, free: Sequence[str], *, exact: bool = False) -> Term | None:
        pool = [t for t in (*self.inputs, *self.made) if not t.is_index and (t.bits or not exact)]
        pool = [t for t in pool if not exact or t.bits <= WIDTH]
        if not pool:
            return None
        near = [t for t in pool if set(t.coords) <= set(free)]
        tensor = self.pick(near) if near and self.often(60) else self.pick(pool)
        indices = [self.index(a, c, free) for a, c in zip(tensor.axes, tensor.coords, strict=True)]
        text = f"{tensor.name}[{','.join(indices)}]"
        if self.often(15):
            text = f"({text} ? {self.pick(['0', '0.5', '(-1)'])})"
        return Term(text=text, bits=tensor.bits)

    def atom(self, free: Sequence[str], *, exact: bool = False) -> Term:
        kind = self.random.randrange(10)
        if kind == 0:
            return Term(text=self.pick(["2", "0.5", "3", "R", "0.25"]), bits=4)
        if kind == 1 and free:
            return Term(text=self.pick(free), bits=4)
        return self.read(free, exact=exact) or Term(text="1", bits=1)

    def term(self, free: Sequence[str], depth: int = 2, *, exact: bool = False) -> Term:
        """Return an expression; an exact one has few enough bits to be compared."""
        if depth == 0 or self.often(25):
            return self.atom(free, exact=exact)
        kind = self.random.randrange(12)
        if kind < 6:
            op = self.pick(["+", "-", "*", "*"])
            a, b = (self.term(free, depth - 1, exact=exact) for _ in "ab")
            text, bits = f"({a.text} {op} {b.text})", 0
            if a.bits and b.bits:
                bits = a.bits + b.bits if op == "*" else max(a.bits, b.bits) + 1
            if exact and bits > WIDTH:
                return self.atom(free, exact=True)
            return Term(text=text, bits=bits)
        if kind < 8:
            name = self.pick(["max", "min"])
            a, b = (self.term(free, depth - 1, exact=exact) for _ in "ab")
            bits = max(a.bits, b.bits) if a.bits and b.bits else 0
            return Term(text=f"{name}({a.text}, {b.text})", bits=bits)
        if kind == 8:
            return self.jump(free, depth)
        a = self.term(free, depth - 1, exact=exact)
        if kind == 9 or exact:
            return Term(text=f"{self.pick(['abs', 'relu'])}({a.text})", bits=a.bits)
        smooth = ["tanh({})", "sigmoid({})", "exp(-abs({}))", "{} / (1 + abs({}))", "sqrt(abs({}))"]
        smooth += ["log(1 + abs({}))", "cos({})", "softplus(tanh({}))", "rsqrt(1 + abs({}))"]
        smooth += [
            "silu(tanh({}))",
            "gelu(tanh({}))",
            "elu1(tanh({}))",
            "pow(1 + abs(tanh({})), 1.5)",
        ]
        text = self.pick(smooth).replace("{}", a.text)
        return Term(text=f"({text})", bits=0)

    def jump(self, free: Sequence[str], depth: int) -> Term:
        """Return something that is not continuous, of exact values."""
        a = self.term(free, 1, exact=True)
        if not a.is_exact:
            return self.atom(free, exact=True)
        match self.random.randrange(3 if self.is_affine else 5):
            case 0:
                return Term(
                    text=f"{self.pick(['floor', 'ceil', 'round', 'sign'])}({a.text})", bits=a.bits
                )
            case 1:
                return Term(
                    text=f"({a.text} {self.pick(['//', '%'])} {self.pick([2, 3, 0.5])})",
                    bits=a.bits + 2,
                )
            case 2:
                b = self.term(free, 1, exact=True)
                compare = self.pick(["<", "<=", ">", ">=", "==", "!="])
                return Term(text=f"({a.text} {compare} {b.text})", bits=1)
            case _:
                yes, no = (self.term(free, depth - 1, exact=True) for _ in "ab")
                if not (yes.is_exact and no.is_exact):
                    return yes
                bits = max(yes.bits, no.bits)
                return Term(text=f"select({a.text} > 0.25, {yes.text}, {no.text})", bits=bits)

    def where(self, free: Sequence[str]) -> str:
        """Return a clause, mostly over coordinates, or nothing."""
        if not free or not self.often(30):
            return ""
        x, y = self.pick(free), self.pick(free)
        choices = [
            f"{x} <= {y}", f"{x} + 1 < 2*{y}", f"{x} >= {y} - 1, {x} <= {y} + 1", f"{x} % 2 == 0",
            f"{x} // 2 < {y} + 1", f"{x} > 0 or {y} == 0", f"not {x} == {y}", f"{x} < {self.coords[y]} - 1",
            f"{x} <= {y} + {self.coords[x]} - {self.coords[y]}", f"{x} + {y} < R", f"{x} < 0",
        ]  # fmt: skip
        if self.is_affine:
            choices = choices[:3] + choices[-4:]
        elif self.often(20):
            data = self.term(free, 1, exact=True)
            if data.is_exact:
                return f" where {data.text} {self.pick(['<', '>='])} 0.5"
        return f" where {self.pick(choices)}"
