"""Atoms: the pieces that coordinates are split into, and how many words of a tensor a tile holds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from accelsim.kept import Kept
from accelsim.mapping.indices import FLOOR, OPAQUE, PLAIN, Index, Term
from accelsim.mapping.selection import UNIFORM, Selection
from accelsim.replay.exact import larger, smaller


@dataclass(frozen=True, kw_only=True)
class Atom:
    """One piece of a coordinate, as a loop, a spatial or a temporal rank; ``stride`` in the coordinate."""

    name: str
    size: int
    stride: int = 1


@dataclass(frozen=True, kw_only=True)
class Family:
    """Atoms, outer to inner, that together walk ``total`` positions; the last tile may be ragged."""

    total: int
    atoms: tuple[Atom, ...]

    def positions(
        self, present: Collection[str], fixed: frozenset[str], edge: frozenset[str]
    ) -> int:
        """Return how many positions the free atoms among ``present`` cover.

        ``fixed`` are the atoms that stand still, ``edge`` those of them that are at their last digit.
        """
        full, step, base, inside = 1, 0, 0, False
        for atom in self.atoms:
            if atom.name in fixed:
                inside = inside or atom.name not in edge
                base += (atom.size - 1) * atom.stride
            elif atom.name in present:
                full *= atom.size
                step = smaller(step, atom.stride) if step else atom.stride
        if inside:
            return full
        left = larger(0, self.total - base)
        if not step:
            return 1 if left > 0 else 0
        return smaller(full, -(-left // step))

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(atom.name for atom in self.atoms)

    def is_ragged(self, fixed: frozenset[str]) -> bool:
        """Return whether the tile at the last digits is smaller than the others."""
        mine = fixed & self.names
        whole = self.positions(self.names, mine, frozenset())
        return bool(mine) and self.positions(self.names, mine, mine) < whole


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis of a tensor as a reader walks it: an index and the size of the axis.

    Without an index all of the axis is meant, whatever stands still.
    """

    index: Index | None
    size: int

    @property
    def is_apart(self) -> bool:
        """Whether different values of the coordinates are different places."""
        if self.index is None:
            return True
        return self.index.is_plain and len(self.index.terms) < 2 and len(self.index.consts) == 1


@dataclass(frozen=True, kw_only=True)
class Space:
    """The atoms of a block: by coordinate, in families, and the leading ranks."""

    families: tuple[Family, ...]
    atoms_of: Mapping[str, tuple[Atom, ...]]  # coordinate -> its atoms, outer to inner
    leading: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)  # atom -> size
    selection: Selection = UNIFORM
    kept: Kept = field(default_factory=Kept, init=False, repr=False, compare=False)
    """What was asked of it before: many ask for the same tile."""

    def atoms(self, coords: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the atoms of coordinates."""
        return tuple(atom.name for coord in coords for atom in self.atoms_of[coord])

    def atoms_along(self, axes: tuple[Axis, ...]) -> tuple[str, ...]:
        """Return the names of the atoms that the axes of a tensor are walked by."""

        def along() -> tuple[str, ...]:
            return self.atoms(dict.fromkeys(c for a in axes if a.index for c in a.index.coords))

        return self.kept.once("along", along, axes)

    @cached_property
    def _family_of(self) -> dict[str, int]:
        return {atom.name: n for n, f in enumerate(self.families) for atom in f.atoms}

    def words(self, axes: tuple[Axis, ...], fixed: frozenset[str], edge: frozenset[str]) -> int:
        """Return the words of a tile: the points of the axes that the free atoms reach.

        Exact for sums of coordinates that run on without gaps, for quotients and rests of tiles that
        begin at a multiple; else the most there can be: a gather reaches a place for each point of its
        coordinates, and no index more places than the axis has.
        """
        return self.kept.once((fixed, edge), lambda: self._words(axes, fixed, edge), axes)

    def _walked(self, axes: tuple[Axis, ...]) -> tuple[tuple[Family, frozenset[str]], ...] | None:
        """Return the atoms by family if every axis is walked by those of one, None if not."""
        found: dict[int, frozenset[str]] = {}
        for axis in axes:
            index = axis.index
            if index is None or not index.terms or not index.is_plain or len(index.consts) != 1:
                return None
            owners = self._owners(index.coords)
            if len(owners) != 1:
                return None
            for owner, names in owners.items():
                found[owner] = found.get(owner, frozenset()) | names
        return tuple((self.families[owner], names) for owner, names in found.items())

    def _words(self, axes: tuple[Axis, ...], fixed: frozenset[str], edge: frozenset[str]) -> int:
        walked = self.kept.once("walked", lambda: self._walked(axes), axes)
        if walked is not None:
            return prod([family.positions(names, fixed, edge) for family, names in walked])
        count = prod(axis.size for axis in axes if axis.index is None)
        indexed = []
        for axis in axes:
            if axis.index is not None and axis.index.terms:
                indexed.append(axis)
            elif axis.index is not None:  # numbers only
                count *= smaller(len(axis.index.consts), axis.size)
        for group in self._joined(indexed):
            simple: dict[int, set[str]] = {}
            every: dict[int, set[str]] = {}
            complex_count, is_complex = 1, False
            for axis in group:
                assert axis.index is not None
                owners = self._owners(axis.index.coords)
                for owner, names in owners.items():
                    every.setdefault(owner, set()).update(names)
                if len(owners) == 1 and axis.index.is_plain and len(axis.index.consts) == 1:
                    ((owner, names),) = owners.items()
                    simple.setdefault(owner, set()).update(names)
                else:
                    is_complex = True
                    complex_count *= self._reach(axis, fixed, edge)
            words = complex_count
            for owner, names in simple.items():
                words *= self._positions(owner, names, fixed, edge)
            if is_complex:
                shifts = prod(len(a.index.consts) for a in group if a.index is not None)
                points = prod(self._positions(o, names, fixed, edge) for o, names in every.items())
                words = smaller(words, points * shifts)
            count *= words
        return count

    def points(self, coords: Iterable[str], fixed: frozenset[str]) -> int:
        """Return how many values the free atoms of some coordinates have together."""
        owners = self._owners(coords)
        return prod(self._positions(o, names, fixed, frozenset()) for o, names in owners.items())

    def _joined(self, axes: list[Axis]) -> list[list[Axis]]:
        """Return the axes in groups that share a family: their places are not independent."""
        groups: list[tuple[set[int], list[Axis]]] = []
        for axis in axes:
            assert axis.index is not None
            owners, members = set(self._owners(axis.index.coords)), [axis]
            apart = []
            for others, group in groups:
                if others & owners:
                    owners |= others
                    members = [*group, *members]
                else:
                    apart.append((others, group))
            groups = [*apart, (owners, members)]
        return [group for _, group in groups]

    def _owners(self, coords: Iterable[str]) -> dict[int, set[str]]:
        """Return the atoms of coordinates by the number of their family."""
        every = tuple(coords)

        def owners() -> dict[int, set[str]]:
            found: dict[int, set[str]] = {}
            for name in self.atoms(every):
                found.setdefault(self._family_of[name], set()).add(name)
            return found

        return self.kept.once(("owners", every), owners)

    def _reach(self, axis: Axis, fixed: frozenset[str], edge: frozenset[str]) -> int:
        """Return how many places of an axis a sum of terms takes, at most."""
        assert axis.index is not None
        index, count, span = axis.index, 1, max(axis.index.consts) - min(axis.index.consts)
        plain: dict[int, list[Term]] = {}
        for term in index.terms:
            if term.kind == PLAIN:
                (owner,) = self._owners(term.coords)
                plain.setdefault(owner, []).append(term)
                continue
            owners = self._owners(term.coords)
            points = prod(self._positions(o, n, fixed, edge) for o, n in owners.items())
            if term.kind == OPAQUE:
                count *= self._gathered(term, axis.size, points, fixed, edge)
                span += axis.size
                continue
            if term.kind == FLOOR:
                atoms = self.atoms(term.coords)
                still = any(name in fixed and self.sizes[name] > 1 for name in atoms)
                part = _quotients(points, term.by, anywhere=still)
                span += abs(term.coef) * (part - 1)
            else:
                part = smaller(points, term.by)
                span += abs(term.coef) * (term.by - 1 if part > 1 else 0)
            count *= part
        for owner, terms in plain.items():
            part = self._positions(
                owner, self._owners(term.coords[0] for term in terms)[owner], fixed, edge
            )
            count *= part
            span += self._step(terms, fixed) * (part - 1)
        return smaller(count * len(index.consts), 1 + span, axis.size)

    def _gathered(
        self, term: Term, size: int, points: int, fixed: frozenset[str], edge: frozenset[str]
    ) -> int:
        """Return how many values a term takes at its points: of a gather, by the selection."""
        if term.slots is None:
            return points
        each = prod(self._positions(o, n, fixed, edge) for o, n in self._owners(term.slots).items())
        rows = -(-size // abs(term.coef))
        return self.selection.rows(rows, each, -(-points // larger(each, 1)))

    def _step(self, terms: list[Term], fixed: frozenset[str]) -> int:
        """Return how far apart the places are that the free atoms of one family take."""
        steps = [
            abs(term.coef) * atom.stride
            for term in terms
            for atom in self.atoms_of[term.coords[0]]
            if atom.name not in fixed and atom.size > 1
        ]
        return min(steps, default=1)

    def _positions(
        self, owner: int, names: set[str], fixed: frozenset[str], edge: frozenset[str]
    ) -> int:
        return self.families[owner].positions(names, fixed, edge)

    def ragged(self, atoms: Iterable[str], fixed: frozenset[str]) -> tuple[str, ...]:
        """Return the fixed atoms whose last digits make a tile over ``atoms`` smaller."""
        names = set(atoms)
        known = self.kept.once(("ragged", fixed), lambda: self._ragged(fixed))
        return tuple(dict.fromkeys(x for family, mine in known if names & family for x in mine))

    def _ragged(self, fixed: frozenset[str]) -> list[tuple[frozenset[str], list[str]]]:
        """Return the names of each family that is ragged, and of those that stand still."""
        return [
            (family.names, [atom.name for atom in family.atoms if atom.name in fixed])
            for family in self.families
            if family.is_ragged(fixed)
        ]


def _quotients(points: int, by: int, *, anywhere: bool) -> int:
    """Return how many quotients ``points`` places in a row have, that begin at a multiple of themselves."""
    if not anywhere or points % by == 0 or by % points == 0:
        return -(-points // by)
    return (points + 2 * by - 2) // by
