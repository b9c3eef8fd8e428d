"""The equations while they are being rewritten along one rank, and what the rules ask of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from accelsim.cascade import ast
from accelsim.cascade.ast import Expr
from accelsim.cascade.macros import extent_symbol
from accelsim.cascade.model import Block, Equation, Plain, TensorRead
from accelsim.cascade.passes import Rank, Status, carries, is_old_state, on_axis, statuses
from accelsim.cascade.rewrite.positive import positive_tensors
from accelsim.cascade.rewrite.presence import Point


@dataclass(frozen=True, kw_only=True)
class Running:
    """A maximum or minimum that also exists as a running state along the rank."""

    state: str
    equation: Equation
    """How the maximum was defined before it ran."""
    points: frozenset[Point]
    """What must hold for a point of it to exist (see ``presence``)."""
    is_sure: bool
    """Whether every step has a value, so that the state is finite after the first step."""

    @property
    def op(self) -> str:
        assert self.equation.reduce is not None
        return self.equation.reduce.op

    @property
    def left(self) -> tuple[str, ...]:
        return self.equation.left_coords


@dataclass(frozen=True, kw_only=True)
class Applied:
    """One rewrite: which rule, on which Einsum, what it does and why that is legal."""

    rule: str
    einsum: str
    does: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Program:
    """A block, the rank that is followed, and what has been done so far."""

    block: Block
    rank: Rank
    name: str
    running: Mapping[str, Running] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)
    """New tensors and the tensor of the written cascade for which each was made."""
    applied: tuple[Applied, ...] = ()
    written: Program | None = None
    """The program before anything was done; its tensors keep their values all along."""
    positive: frozenset[str] = frozenset()

    @classmethod
    def of(cls, block: Block, rank: Rank, name: str) -> Program:
        first = cls(block=block, rank=rank, name=name, positive=positive_tensors(block.equations))
        return replace(first, written=first)

    @property
    def equations(self) -> tuple[Equation, ...]:
        return self.block.equations

    @cached_property
    def levels(self) -> tuple[Status, ...] | None:
        found = statuses(self.equations, self.rank)
        return None if found is None else tuple(found)

    @property
    def passes(self) -> int:
        levels = self.levels or ()
        return max((s.level for s in levels if s.visits), default=0)

    @cached_property
    def writers(self) -> Mapping[str, tuple[int, ...]]:
        found: dict[str, tuple[int, ...]] = {}
        for i, equation in enumerate(self.equations):
            found[equation.tensor] = (*found.get(equation.tensor, ()), i)
        return found

    def sole(self, tensor: str) -> Equation | None:
        """Return the only equation of a tensor if its axes are plain coordinates."""
        found = [self.equations[i] for i in self.writers.get(tensor, ())]
        if len(found) != 1 or not all(isinstance(a, Plain) for a in found[0].left):
            return None
        return found[0]

    def needs_pass(self, read: TensorRead) -> int:
        """Return the first pass in which a statement that visits the rank can use what is read."""
        first = 0
        assert self.levels is not None
        for i in self.writers.get(read.tensor, ()):
            writer, status = self.equations[i], self.levels[i]
            if is_old_state(read, writer, self.rank) or not status.level:
                continue
            after = status.late or not carries(on_axis(read), self.rank)
            after = after or (isinstance(read.node, ast.Gather) and read.node.label in self.rank)
            first = max(first, status.level + after)
        return first

    def keeps_rank(self, tensor: str) -> bool:
        """Whether a result has a place on the rank."""
        return any(
            carries(self.equations[i].left_coords, self.rank) for i in self.writers.get(tensor, ())
        )

    def fresh(self, *wanted: str) -> tuple[str, ...]:
        """Return names like those wanted that nothing has yet."""
        taken = {t.name for t in (*self.block.inputs, *self.block.outputs)}
        taken |= {s.name for s in self.block.settings} | set(self.writers) | set(self.made)
        found: list[str] = []
        for name in wanted:
            candidate, number = name, 2
            while candidate in taken:
                candidate, number = f"{name}{number}", number + 1
            taken.add(candidate)
            found.append(candidate)
        return tuple(found)

    def defined(self, tensor: str) -> tuple[Program, Equation] | None:
        """Return how a tensor was written, or else how it is defined now, and the program of that."""
        for program in (self.written or self, self):
            equation = program.sole(tensor)
            if equation is not None:
                return program, equation
        return None

    def origin(self, tensor: str) -> str:
        return self.made.get(tensor, tensor)

    def find(self, equation: Equation) -> str | None:
        """Return a tensor that is already defined as an equation would define its own."""
        for other in self.equations:
            same = (other.left, other.right, other.where, other.reduce) == (
                (equation.left, equation.right, equation.where, equation.reduce)
            )
            if same and not other.is_init and self.sole(other.tensor) is not None:
                return other.tensor
        return None

    def changed(
        self,
        old: Equation,
        new: Sequence[Equation],
        *,
        inits: Sequence[Equation] = (),
        applied: Applied | None = None,
        made: Mapping[str, str] | None = None,
        running: Mapping[str, Running] | None = None,
    ) -> Program:
        """Return the program with one equation replaced by others; initial states stand first."""
        at = next(i for i, e in enumerate(self.equations) if e is old)
        equations = (*inits, *self.equations[:at], *new, *self.equations[at + 1 :])
        return replace(
            self,
            block=replace(self.block, equations=equations),
            made={**self.made, **(made or {})},
            running={**self.running, **(running or {})},
            applied=(*self.applied, applied) if applied else self.applied,
        )

    # extents

    def extent(self, coord: str) -> Expr:
        """Return how long a coordinate is: its 'rank' line, the axis it indexes, else ``|coord|``."""
        return self.extents.get(coord, ast.Symbol(name=extent_symbol(coord)))

    @cached_property
    def extents(self) -> Mapping[str, Expr]:
        found = {s.name: s.value for s in self.block.settings if s.kind == "rank"}
        axes = {t.name: t.axes for t in self.block.inputs}
        for coord, tensor, axis in self._bare():
            if tensor in axes and axis < len(axes[tensor]):
                found.setdefault(coord, axes[tensor][axis])
        while True:
            more: dict[str, set[Expr]] = {}
            for coord, tensor, axis in self._bare():
                writer = self.sole(tensor)
                if coord in found or writer is None:
                    continue
                names = [a.coord for a in writer.left if isinstance(a, Plain)]
                if names[axis] in found:
                    more.setdefault(coord, set()).add(found[names[axis]])
            sure = {c: sizes.pop() for c, sizes in more.items() if len(sizes) == 1}
            if not sure:
                return found
            found.update(sure)

    def _bare(self) -> Iterator[tuple[str, str, int]]:
        for equation in self.equations:
            for read in equation.reads:
                for axis, index in enumerate(read.indices):
                    if isinstance(index, ast.Coord):
                        yield index.name, read.tensor, axis

    def resolved(self, node: Expr) -> Expr:
        """Return an expression with the 'let' symbols in it spelt out."""
        lets = {s.name: s.value for s in self.block.settings if s.kind == "let"}

        def change(part: Expr) -> Expr:
            if isinstance(part, ast.Symbol) and part.name in lets:
                return self.resolved(lets[part.name])
            return part

        return ast.rebuild(node, change)
