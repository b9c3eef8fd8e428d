"""What the mapper knows of a problem: sizes, the arrays by kind, the buffers by reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod

from accelsim.arch import Architecture, Array
from accelsim.cascade import Cascade
from accelsim.cascade.sizes import Sizes
from accelsim.errors import InfeasibleError
from accelsim.mapping.resolve import Problem
from accelsim.specs.expr import Expression


@dataclass(frozen=True, kw_only=True)
class Style:
    """What one candidate does otherwise than another.

    ``room``: the share of the buffer that ranks kept whole in the tile may take. ``fuse``: whether
    Einsums share nests; ``apart``: whether those of a recurrence share one only among themselves.
    ``tiles``: the most tiles that a parallel rank is cut into, so that a tile does several array widths
    one after another; ``thin``: only this part of the rows is used, so that tiles can be wider.
    ``share``: a tile of one tensor takes at most this part of the buffer. ``split``: whether operands
    serve several of these tiles, and ``near`` how many at most (None: as many as fit). ``inner``: leading
    loops that run inside the sequential ones. ``ahead``: so many operand tiles more are loaded ahead than the
    memory's latency asks for. ``away``, ``back``: the stages that the pipeline goes on
    with each way between arrays. ``params``: expressions for tile sizes that the cascade leaves open;
    ``units``: the array of an Einsum, where it is not the one that the rule takes.
    """

    name: str
    room: Fraction = Fraction(1, 2)
    fuse: bool = True
    apart: bool = False
    tiles: int | None = None
    share: int = 16
    thin: int = 1
    split: bool = True
    near: int | None = None
    inner: tuple[str, ...] = ()
    ahead: int = 0
    away: int = 0
    back: int = 0
    params: tuple[tuple[str, str], ...] = ()
    units: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A problem with its sizes, and the style of the mapping in the making."""

    problem: Problem
    sizes: Sizes
    style: Style

    @classmethod
    def of(cls, problem: Problem, style: Style) -> Case:
        known = {*problem.cascade.shape_names, *problem.cascade.params}
        given = {n: v for n, v in problem.ranks.items() if n in known}
        symbols = {**problem.arch.symbols(), **problem.ranks}
        for name, text in style.params:
            given.setdefault(name, int(Expression.parse(text).evaluate(symbols)))
        return cls(problem=problem, sizes=problem.cascade.sizes(**given), style=style)

    @property
    def cascade(self) -> Cascade:
        return self.problem.cascade

    @property
    def arch(self) -> Architecture:
        return self.problem.arch

    def extent(self, coord: str) -> int:
        return self.sizes.extents[coord]

    def points(self, coords: Iterable[str]) -> int:
        return prod(self.extent(c) for c in coords)

    @cached_property
    def grids(self) -> dict[str, Array]:
        """The arrays with rows and columns, by name."""
        return {n: a for n, a in self.arch.arrays.items() if a.rows is not None}

    @cached_property
    def vectors(self) -> dict[str, Array]:
        """The arrays with lanes, by name."""
        return {n: a for n, a in self.arch.arrays.items() if a.rows is None}

    @cached_property
    def side(self) -> tuple[int, int]:
        """Rows and columns of the largest grid; without one, the lanes of the largest vector, twice."""
        if self.grids:
            grid = max(self.grids.values(), key=lambda a: a.elements)
            return grid.rows or 1, grid.cols or 1
        if not self.vectors:
            raise InfeasibleError(f"{self.arch.name} must have an array to compute on")
        lanes = max(a.elements for a in self.vectors.values())
        return lanes, lanes

    @cached_property
    def buffer(self) -> str:
        """The buffer that tiles from the memory go to: the largest that is linked to it."""
        dram, buffers = self.arch.dram_name, self.arch.buffers
        linked = [b for b in buffers if self.arch.link(dram, b)] or list(buffers)
        if not linked:
            raise InfeasibleError(f"{self.arch.name} must have a buffer to hold tiles in")
        return max(linked, key=lambda b: buffers[b].size)

    @property
    def room(self) -> int:
        """Bytes of the buffer."""
        return self.arch.buffers[self.buffer].size

    @property
    def word(self) -> int:
        return self.arch.spec.word

    def between(self, one: str, other: str) -> str:
        """Return the buffer through which two arrays pass tiles: one of their own, else the main one."""
        own = [
            b
            for b in self.arch.buffers
            if b != self.buffer and self.arch.link(b, one) and self.arch.link(b, other)
        ]
        return own[0] if own else self.buffer
