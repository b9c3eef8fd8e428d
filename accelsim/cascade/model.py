"""A cascade as data: declarations and equations, with what a scheduler asks of one equation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.linear import Linear, half_planes, linear


@dataclass(frozen=True, kw_only=True)
class Plain:
    """A left axis ``x``."""

    coord: str

    @property
    def coords(self) -> tuple[str, ...]:
        return (self.coord,)


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A left axis ``x+1``: the axis is iterative."""

    coord: str

    @property
    def coords(self) -> tuple[str, ...]:
        return (self.coord,)


@dataclass(frozen=True, kw_only=True)
class Const:
    """A left axis that is one integer: the equation defines only that slice."""

    value: int

    @property
    def coords(self) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A left axis ``outer*size+inner``."""

    outer: str
    size: Expr
    inner: str

    @property
    def coords(self) -> tuple[str, ...]:
        return (self.outer, self.inner)


Axis = Plain | Shift | Const | Merged


@dataclass(frozen=True, kw_only=True)
class Reduce:
    """What stands after ``::``: ``op`` is ``+ * max min top topval scatter``.

    ``coords`` are the reduced coordinates (for a scatter: all that are not on the left), ``slot``
    is k of ``top(m->k)``, ``gathers`` and ``combine`` belong to a scatter.
    """

    op: str
    coords: tuple[str, ...]
    slot: str | None = None
    gathers: tuple[ast.Gather, ...] = ()
    combine: str = ""
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class TensorRead:
    """One read of a tensor by an equation; ``node`` is a ``Read`` or the ``Gather`` inside an index."""

    node: ast.Read | ast.Gather
    is_gather: bool
    in_where: bool

    @property
    def tensor(self) -> str:
        return self.node.tensor

    @property
    def indices(self) -> tuple[Expr, ...]:
        return self.node.indices

    @property
    def gathered_axes(self) -> tuple[int, ...]:
        """The axes of the tensor whose index holds a gather."""
        return tuple(
            i
            for i, e in enumerate(self.indices)
            if any(isinstance(n, ast.Gather) for n in ast.walk(e))
        )

    def affine(self, symbols: Mapping[str, object]) -> tuple[Linear | None, ...]:
        """Return every index as coefficients by coordinate and a constant; None where it is not affine."""
        return tuple(linear(index, symbols) for index in self.indices)


def _sure(node: Expr) -> Iterator[ast.Read]:
    """Yield the reads that a tree surely evaluates."""
    if isinstance(node, ast.Default):
        return
    if isinstance(node, ast.Read):
        yield node
    inside = node.args[:1] if isinstance(node, ast.Call) and node.function == "select" else None
    for child in inside or ast.children(node):
        yield from _sure(child)


@dataclass(frozen=True, kw_only=True)
class Equation:
    """One Einsum: ``tensor[left] = right where .. :: reduce``."""

    id: str
    tensor: str
    left: tuple[Axis, ...]
    right: Expr
    where: tuple[Expr, ...] = ()
    reduce: Reduce | None = None
    is_init: bool = False
    at: int = field(default=0, compare=False, repr=False)

    @cached_property
    def left_coords(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c for axis in self.left for c in axis.coords))

    @cached_property
    def reduce_coords(self) -> tuple[str, ...]:
        return self.reduce.coords if self.reduce else ()

    @cached_property
    def coords(self) -> tuple[str, ...]:
        """The coordinates of the iteration space: those of the left, then the reduced ones.

        The slot of a top-k and the target of a scatter are results, not loops.
        """
        left = self.left_coords
        if self.reduce and self.reduce.slot:
            left = tuple(c for c in left if c != self.reduce.slot)
        if self.reduce and self.reduce.op == "scatter":
            targets = {g.label for g in self.reduce.gathers}
            left = tuple(c for c in left if c not in targets)
        return tuple(dict.fromkeys(left + self.reduce_coords))

    @cached_property
    def iterative(self) -> str | None:
        """The coordinate of the ``+1`` axis."""
        return next((axis.coord for axis in self.left if isinstance(axis, Shift)), None)

    @cached_property
    def reads(self) -> tuple[TensorRead, ...]:
        gathers = self.reduce.gathers if self.reduce else ()
        found = []
        for part in (self.right, *self.where, *gathers):
            for node in ast.walk(part):
                if isinstance(node, ast.Read | ast.Gather):
                    found.append(
                        TensorRead(
                            node=node,
                            is_gather=isinstance(node, ast.Gather),
                            in_where=any(part is w for w in self.where),
                        )
                    )
        return tuple(found)

    @cached_property
    def factors(self) -> tuple[Expr, ...]:
        """The factors of the right side."""
        return tuple(_factors(self.right))

    @cached_property
    def factor_coords(self) -> tuple[frozenset[str], ...]:
        """The coordinates of each factor and of each condition."""
        return tuple(frozenset(ast.coords_in(n)) for n in (*self.factors, *self.where))

    @cached_property
    def sure_reads(self) -> tuple[ast.Read, ...]:
        """The reads without which a point does not exist: not those under ``?``, nor in a branch."""
        return tuple(read for node in (self.right, *self.where) for read in _sure(node))

    @cached_property
    def is_unconditional(self) -> bool:
        """Whether a point exists where all that it reads does: no condition, choice or gather."""
        return not self.where and len(self.sure_reads) == len(self.reads)

    @cached_property
    def slots_ops(self) -> tuple[tuple[str, int], ...]:
        """The operations of one point as hardware executes them, as (kind, count), sorted by kind.

        A multiply that feeds a sum reduction is one ``mac``; constant factors fold into operands.
        """
        from accelsim.cascade.slots import slots_ops

        return slots_ops(self)

    @cached_property
    def has_folded_factor(self) -> bool:
        """Whether a factor of symbols and numbers only folds into an operand as it is loaded."""
        from accelsim.cascade.slots import has_folded_factor

        return has_folded_factor(self)

    def half_planes(self, symbols: Mapping[str, object]) -> list[Linear] | None:
        """Return the ``where`` conditions as linear forms that must be >= 0; None if they are not affine."""
        return half_planes(self.where, symbols)

    @property
    def text(self) -> str:
        axes = ",".join(_axis_text(axis) for axis in self.left)
        words = [f"{self.tensor}[{axes}] = {ast.show(self.right)}"]
        if self.where:
            words.append("where " + ", ".join(map(ast.show, self.where)))
        if self.reduce:
            words.append(":: " + _reduce_text(self.reduce))
        return " ".join(words)

    def __str__(self) -> str:
        return self.text


def _factors(node: Expr) -> list[Expr]:
    if isinstance(node, ast.Binary) and node.op == "*":
        return [*_factors(node.left), *_factors(node.right)]
    return [node]


def _axis_text(axis: Axis) -> str:
    match axis:
        case Plain(coord=c):
            return c
        case Shift(coord=c):
            return f"{c}+1"
        case Const(value=v):
            return str(v)
        case Merged(outer=o, size=s, inner=i):
            return f"{o}*{ast.show(s)}+{i}"


def _reduce_text(reduce: Reduce) -> str:
    if reduce.slot:
        return f"{reduce.op}({','.join(reduce.coords)}->{reduce.slot})"
    if reduce.op == "scatter":
        return f"scatter({', '.join(map(ast.show, reduce.gathers))}, {reduce.combine})"
    return f"{reduce.op}({','.join(reduce.coords)})"


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """A declared tensor; the axes of an input are shape expressions."""

    name: str
    axes: tuple[Expr, ...]
    is_int: bool = False
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A ``param``, ``fixed``, ``let`` or ``rank`` line: ``name = value``."""

    kind: str
    name: str
    value: Expr
    at: int = field(default=0, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Block:
    """Everything that a cascade's text says, macros not yet expanded."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    settings: tuple[Setting, ...]
    equations: tuple[Equation, ...]

    @property
    def coords(self) -> frozenset[str]:
        """The coordinates of the block (grammar section 2)."""
        found = {s.name for s in self.settings if s.kind == "rank"}
        for equation in self.equations:
            found.update(equation.left_coords, equation.reduce_coords)
        return frozenset(found)
