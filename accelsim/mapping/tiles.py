"""Atoms: the pieces that coordinates are split into, and how many words of a tensor a tile holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import prod

from accelsim.cascade.linear import Linear


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

    def positions(self, present: Iterable[str], fixed: frozenset[str], edge: frozenset[str]) -> int:
        """Return how many positions the free atoms among ``present`` cover.

        ``fixed`` are the atoms that stand still, ``edge`` those of them that are at their last digit.
        """
        names = set(present)
        here = [atom for atom in self.atoms if atom.name in names]
        free = [atom for atom in here if atom.name not in fixed]
        still = [atom for atom in self.atoms if atom.name in fixed]
        full = prod(atom.size for atom in free)
        if any(atom.name not in edge for atom in still):
            return full
        base = sum((atom.size - 1) * atom.stride for atom in still)
        left = max(0, self.total - base)
        step = min((atom.stride for atom in free), default=0)
        if not free:
            return 1 if left > 0 else 0
        return min(full, -(-left // step))

    def is_ragged(self, fixed: frozenset[str]) -> bool:
        """Return whether the tile at the last digits is smaller than the others."""
        everything = [atom.name for atom in self.atoms]
        mine = fixed & set(everything)
        whole = self.positions(everything, mine, frozenset())
        return bool(mine) and self.positions(everything, mine, mine) < whole


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis of a tensor as a reader walks it: an affine index and the size of the axis."""

    index: Linear | None
    size: int


@dataclass(frozen=True, kw_only=True)
class Space:
    """The atoms of a block: by coordinate, in families, and the leading ranks."""

    families: tuple[Family, ...]
    atoms_of: Mapping[str, tuple[Atom, ...]]  # coordinate -> its atoms, outer to inner
    leading: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)  # atom -> size

    def atoms(self, coords: Iterable[str]) -> tuple[str, ...]:
        """Return the names of the atoms of coordinates."""
        return tuple(atom.name for coord in coords for atom in self.atoms_of[coord])

    def family(self, atom: str) -> Family:
        return next(f for f in self.families if any(a.name == atom for a in f.atoms))

    def words(self, axes: tuple[Axis, ...], fixed: frozenset[str], edge: frozenset[str]) -> int:
        """Return the words of a tile: the points of the axes that the free atoms reach.

        An axis whose index is not affine (a gather, a floor) counts the points of its coordinates.
        """
        count = 1
        grouped: dict[int, set[str]] = {}
        for axis in axes:
            coords = tuple(axis.index.coefs) if axis.index else ()
            owners: dict[int, set[str]] = {}
            for coord in coords:
                for atom in self.atoms_of[coord]:
                    owners.setdefault(id(self.family(atom.name)), set()).add(atom.name)
            if len(owners) == 1:  # plain coordinates of one family may stand on several axes
                ((owner, names),) = owners.items()
                grouped.setdefault(owner, set()).update(names)
                continue
            if axis.index is None:
                count *= axis.size
                continue
            parts = [self._positions(owner, names, fixed, edge) for owner, names in owners.items()]
            reach = 1 + sum(part - 1 for part in parts)
            count *= min(prod(parts), max(reach, 1), axis.size)
        for owner, names in grouped.items():
            count *= self._positions(owner, names, fixed, edge)
        return count

    def _positions(
        self, owner: int, names: set[str], fixed: frozenset[str], edge: frozenset[str]
    ) -> int:
        family = next(f for f in self.families if id(f) == owner)
        return family.positions(names, fixed, edge)

    def ragged(self, atoms: Iterable[str], fixed: frozenset[str]) -> tuple[str, ...]:
        """Return the fixed atoms whose last digits make a tile over ``atoms`` smaller."""
        found: list[str] = []
        names = set(atoms)
        for family in self.families:
            mine = [a.name for a in family.atoms if a.name in fixed]
            if names & {a.name for a in family.atoms} and family.is_ragged(fixed):
                found += mine
        return tuple(dict.fromkeys(found))
