"""Where a task runs in a loop nest, and which instance of another task it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from math import gcd, prod

from accelsim.cascade.lattice import simplified
from accelsim.cascade.linear import Linear
from accelsim.sim.program import ALWAYS, Guard, HalfPlane

ALL, FIRST, LAST = "all", "first", "last"
Edge = tuple[str, str]  # (loop, "first" | "last")


@dataclass(frozen=True, kw_only=True)
class Classes:
    """The classes of a draft: the edges that each class is at, in the program's numbering."""

    ragged: tuple[int, ...]
    inner_class: tuple[int, ...]
    at: tuple[frozenset[Edge], ...]


@dataclass(frozen=True, kw_only=True)
class Level:
    """One loop of a block; an *inner* level is walked inside one slot of the phase."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Nest:
    """The loops of one block: the first ``outer`` are the phase's, the others are inner."""

    levels: tuple[Level, ...]
    outer: int

    @cached_property
    def position(self) -> dict[str, int]:
        return {level.name: place for place, level in enumerate(self.levels)}

    @cached_property
    def classes(self) -> dict[tuple[Edge, ...], Classes]:
        """The classes of instances that some edges of the loops make, as far as they are known."""
        return {}

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """Row-major strides within the phase loops, and within the inner loops."""
        found: list[int] = []
        for place in range(len(self.levels)):
            end = self.outer if place < self.outer else len(self.levels)
            found.append(prod(level.count for level in self.levels[place + 1 : end]))
        return tuple(found)

    @cached_property
    def inner(self) -> int:
        return prod(level.count for level in self.levels[self.outer :])

    @cached_property
    def inner_digits(self) -> tuple[tuple[int, ...], ...]:
        """The digits of the inner levels for each inner index k."""
        return tuple(product(*(range(level.count) for level in self.levels[self.outer :])))

    @cached_property
    def weights(self) -> tuple[int, ...]:
        """How many instance numbers one step of each level is worth."""
        return tuple(
            own * self.inner if place < self.outer else own
            for place, own in enumerate(self.strides)
        )

    @cached_property
    def same(self) -> dict[str, Digit]:
        """The digits of a producer that runs with its consumer."""
        return {level.name: SAME for level in self.levels}


@dataclass(frozen=True, kw_only=True)
class Plane:
    """``sum(coefs[level] * digit) + const >= 0`` over levels by name."""

    coefs: Mapping[str, int]
    const: int


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a task runs: per level in all iterations, only in the first or only in the last.

    Where its iterations are a union, each meets the conditions of one of the ``parts`` too; no two of
    these meet in an iteration.
    """

    nest: Nest
    at: tuple[str, ...]
    planes: tuple[Plane, ...] = ()
    parts: tuple[tuple[Plane, ...], ...] = ()

    def placed(self, name: str) -> str:
        return self.at[self.nest.position[name]]

    @cached_property
    def active(self) -> tuple[int, ...]:
        """The inner indices at which the task runs in some iteration of the phase."""
        nest = self.nest
        found = []
        for k, digits in enumerate(nest.inner_digits):
            for place, digit in enumerate(digits, start=nest.outer):
                edge = {FIRST: 0, LAST: nest.levels[place].count - 1}.get(self.at[place], digit)
                if digit != edge:
                    break
            else:
                found.append(k)
        return tuple(found)

    @cached_property
    def beside(self) -> Need:
        """What a task of the same loops needs of this one in its own iteration."""
        strides = [0] * self.nest.outer
        offset = 0
        for place, (level, weight) in enumerate(
            zip(self.nest.levels, self.nest.weights, strict=True)
        ):
            if self.at[place] == ALL:
                strides[place] += weight
            elif self.at[place] == LAST:
                offset += weight * (level.count - 1)
        return Need(strides=tuple(strides), offset=offset, inner=(), guard=ALWAYS)

    @cached_property
    def guard(self) -> Guard:
        outer = range(self.nest.outer)
        counts = [level.count for level in self.nest.levels]
        return Guard(
            first=tuple(p for p in outer if self.at[p] == FIRST and counts[p] > 1),
            last=tuple(p for p in outer if self.at[p] == LAST and counts[p] > 1),
            half_planes=tuple(half_plane(self.nest, plane) for plane in self._needed_planes),
        )

    @property
    def _needed_planes(self) -> Iterable[Plane]:
        """The planes that the loops and the other planes do not imply, in least terms.

        Two planes that differ by what an inner level adds, one of them implied, would hide from the
        kernel that rows are alike.
        """
        counts = {level.name: level.count for level in self.nest.levels}
        tight = simplified((_least(plane) for plane in self.planes), counts)
        if tight is None:  # it never runs
            return self.planes
        return [Plane(coefs=p.coefs, const=p.const) for p in tight]


def _least(plane: Plane) -> Linear:
    """Return a plane with its coefficients divided by what they have in common."""
    common = gcd(*plane.coefs.values()) or 1
    coefs = {name: c // common for name, c in plane.coefs.items() if c}
    return Linear(coefs=coefs, const=plane.const // common)


def half_plane(nest: Nest, plane: Plane) -> HalfPlane:
    """Return a plane in the form of the program, the inner levels as a table over k."""
    outer = tuple(plane.coefs.get(level.name, 0) for level in nest.levels[: nest.outer])
    inside = [plane.coefs.get(level.name, 0) for level in nest.levels[nest.outer :]]
    table: tuple[int, ...] = ()
    if any(inside):
        table = tuple(
            sum(c * d for c, d in zip(inside, digits, strict=True)) for digits in nest.inner_digits
        )
    return HalfPlane(coefficients=outer, constant=plane.const, inner=table)


@dataclass(frozen=True, kw_only=True)
class Digit:
    """A producer's digit: the consumer's minus ``back``, or a fixed one."""

    fixed: int | None = None
    back: int = 0


SAME = Digit()


@dataclass(frozen=True, kw_only=True)
class Need:
    """Which instance of a producer a consumer needs, in the form of ``Wait``."""

    strides: tuple[int, ...]
    offset: int
    inner: tuple[int, ...]
    guard: Guard


def need(consumer: Site, producer: Site, digits: Mapping[str, Digit], shift: int = 0) -> Need:
    """Return the producer's instance for the consumer's digits, ``shift`` instance numbers later.

    ``digits`` gives the producer's digit per level; where the producer runs only in the first or the
    last iteration of a level, that one holds. The need has a guard "digit >= back" where it looks back.
    """
    nest = producer.nest
    if digits is nest.same and consumer.nest is nest and nest.outer == len(nest.levels):
        near = producer.beside
        return replace(near, offset=near.offset + shift) if shift else near
    strides = [0] * consumer.nest.outer
    offset = shift
    table = [0] * consumer.nest.inner
    planes: list[HalfPlane] = []
    weights = nest.weights
    for place, level in enumerate(nest.levels):
        weight, digit, at = weights[place], digits[level.name], producer.at[place]
        fixed = digit.fixed if at == ALL else 0 if at == FIRST else level.count - 1
        if fixed is not None:
            offset += weight * fixed
            continue
        own = consumer.nest.position[level.name]
        offset -= weight * digit.back
        if own < consumer.nest.outer:
            strides[own] += weight
        else:
            slot = own - consumer.nest.outer
            for k, inner in enumerate(consumer.nest.inner_digits):
                table[k] += weight * inner[slot]
        if digit.back:
            plane = Plane(coefs={level.name: 1}, const=-digit.back)
            planes.append(half_plane(consumer.nest, plane))
    return Need(
        strides=tuple(strides),
        offset=offset,
        inner=tuple(table) if any(table) else (),
        guard=Guard(half_planes=tuple(planes)) if planes else ALWAYS,
    )
