"""Expressions of the cascade notation as immutable trees; ``at`` is the character offset in the text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, kw_only=True)
class Node:
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Number(Node):
    value: int | float


@dataclass(frozen=True, kw_only=True)
class Word(Node):
    value: str


@dataclass(frozen=True, kw_only=True)
class Symbol(Node):
    """A bare name; the parser calls every bare name a symbol, ``resolve`` then knows the coordinates."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Coord(Node):
    name: str


@dataclass(frozen=True, kw_only=True)
class Read(Node):
    """``T[i, j]``: the value of a tensor at a point."""

    tensor: str
    indices: tuple[Expr, ...]

    @property
    def gathers(self) -> tuple[Gather, ...]:
        return tuple(n for index in self.indices for n in walk(index) if isinstance(n, Gather))


@dataclass(frozen=True, kw_only=True)
class Gather(Node):
    """``@I[n, i]:m``: the value of a tensor as an index of rank ``label``."""

    tensor: str
    indices: tuple[Expr, ...]
    label: str


@dataclass(frozen=True, kw_only=True)
class Call(Node):
    function: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True)
class Unary(Node):
    op: str
    arg: Expr


@dataclass(frozen=True, kw_only=True)
class Binary(Node):
    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, kw_only=True)
class Default(Node):
    """``value ? other``: the only way to turn absence into a value."""

    value: Expr
    other: Expr


@dataclass(frozen=True, kw_only=True)
class Macro(Node):
    """``softmax{m}(S)``: a whole right side, expanded before anything else."""

    name: str
    coord: str
    arg: Expr


Expr = Number | Word | Symbol | Coord | Read | Gather | Call | Unary | Binary | Default | Macro


def children(node: Expr) -> tuple[Expr, ...]:
    match node:
        case Read(indices=parts) | Gather(indices=parts) | Call(args=parts):
            return parts
        case Unary(arg=arg) | Macro(arg=arg):
            return (arg,)
        case Binary(left=a, right=b) | Default(value=a, other=b):
            return (a, b)
    return ()


def walk(node: Expr) -> Iterator[Expr]:
    """Yield the nodes of a tree, parents first, left to right."""
    yield node
    for child in children(node):
        yield from walk(child)


def rebuild(node: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """Return the tree with ``change`` applied to every node, leaves first."""
    match node:
        case Read(indices=parts) | Gather(indices=parts):
            node = replace(node, indices=tuple(rebuild(p, change) for p in parts))
        case Call(args=parts):
            node = replace(node, args=tuple(rebuild(p, change) for p in parts))
        case Unary(arg=arg) | Macro(arg=arg):
            node = replace(node, arg=rebuild(arg, change))
        case Binary(left=a, right=b):
            node = replace(node, left=rebuild(a, change), right=rebuild(b, change))
        case Default(value=a, other=b):
            node = replace(node, value=rebuild(a, change), other=rebuild(b, change))
    return change(node)


def coords_in(*nodes: Expr) -> tuple[str, ...]:
    """Return the coordinates in trees in order of appearance."""
    found = {n.name: None for node in nodes for n in walk(node) if isinstance(n, Coord)}
    return tuple(found)


def has_reads(node: Expr) -> bool:
    return any(isinstance(n, Read | Gather) for n in walk(node))


def is_constant(node: Expr) -> bool:
    """Whether a tree consists of numbers and symbols only."""
    return not any(isinstance(n, Read | Gather | Coord) for n in walk(node))


def show(node: Expr) -> str:
    """Return a tree as text of the notation (with all brackets that it needs, and some more)."""
    match node:
        case Number(value=v):
            return str(v)
        case Word(value=v):
            return f"'{v}'"
        case Symbol(name=n) | Coord(name=n):
            return n
        case Read(tensor=t, indices=parts):
            return f"{t}[{','.join(map(show, parts))}]"
        case Gather(tensor=t, indices=parts, label=label):
            return f"@{t}[{','.join(map(show, parts))}]:{label}"
        case Call(function=f, args=parts):
            return f"{f}({', '.join(map(show, parts))})"
        case Unary(op=op, arg=arg):
            return f"{op}{' ' if op == 'not' else ''}{_bracket(arg)}"
        case Binary(op=op, left=a, right=b):
            gap = "" if op in ("*", "//", "%") else " "
            return f"{_bracket(a, op)}{gap}{op}{gap}{_bracket(b)}"
        case Default(value=a, other=b):
            return f"{_bracket(a)}?{_bracket(b)}"
        case Macro(name=n, coord=c, arg=arg):
            return f"{n}{{{c}}}({show(arg)})"


def _bracket(node: Expr, op: str = "") -> str:
    same = (
        isinstance(node, Binary) and op != "" and (node.op == op or (op == "+" and node.op == "*"))
    )
    loose = isinstance(node, Binary | Default | Unary) and not same
    return f"({show(node)})" if loose else show(node)
