"""Sets of points as unions of convex pieces: met, joined, projected and counted, exactly.

A piece may hold a coordinate to a list of values that data choose (a top-k, say): how many these are
is known, which they are is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

from accelsim.cascade.lattice import UncountableError, count_points, projected, simplified
from accelsim.cascade.linear import Linear
from accelsim.cascade.quasi import ONE, Digits, Planes, parts_of, put_in, size_of
from accelsim.kept import Kept
from accelsim.replay.exact import grouped

MOST_PIECES = 64


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """``value`` is in a list of different numbers from 0 to ``size`` - 1, one in each of its slots.

    ``slots`` is how long the list is, ``filled`` the conditions on the slot (and on the coordinates that
    the list depends on) under which it has an entry.
    """

    name: str
    value: Linear
    size: int
    slots: int
    filled: Planes = ()

    @property
    def slot(self) -> str:
        return f"slot of {self.name}"


@dataclass(frozen=True, kw_only=True)
class Piece:
    """The points that meet all conditions (each >= 0)."""

    planes: Planes = ()
    chosen: tuple[Chosen, ...] = ()

    def put_in(self, values: Mapping[str, Linear]) -> Piece:
        return Piece(
            planes=put_in(self.planes, values),
            chosen=tuple(
                replace(
                    c,
                    value=put_in([c.value], values)[0],
                    filled=put_in(c.filled, values),
                )
                for c in self.chosen
            ),
        )

    @property
    def names(self) -> set[str]:
        return {n for plane in self.planes for n in plane.coefs}


Pieces = tuple[Piece, ...]
EVERYWHERE: Pieces = (Piece(),)
NOWHERE: Pieces = ()


class Box:
    """The extents of all coordinates; sets are sets of its points."""

    def __init__(self, extents: Mapping[str, int], mesh: int | None = None) -> None:
        self.extents = dict(extents)
        self.mesh = {} if mesh is None else {"mesh": mesh}
        self.known = Kept()

    def tidied(self, piece: Piece) -> Piece | None:
        """Return a piece without the conditions that say nothing; None if it has no point."""
        if not piece.planes:
            return piece
        digits = Digits(piece.planes, self.extents)
        planes = put_in(piece.planes, digits.values)
        sizes = {n: size_of(n, digits.sizes) for plane in planes for n in plane.coefs}
        tight = simplified(planes, sizes)
        if tight is None:
            return None
        joined = digits.joined(tight)
        return replace(piece, planes=tuple(sorted(joined, key=_order)))

    def both(self, one: Pieces, other: Pieces) -> Pieces:
        """Return the points in both sets."""
        if one == EVERYWHERE or other == EVERYWHERE:
            return other if one == EVERYWHERE else one
        found = []
        for a, b in product(one, other):
            chosen = {(c.name, c.value.const, *sorted(c.value.coefs.items())): c for c in a.chosen}
            for c in b.chosen:
                chosen[(c.name, c.value.const, *sorted(c.value.coefs.items()))] = c
            if len({c.name for c in chosen.values()}) < len(chosen):
                raise UncountableError("two values of one list")
            tidy = self.tidied(Piece(planes=a.planes + b.planes, chosen=tuple(chosen.values())))
            if tidy is not None:
                found.append(tidy)
        return _few(found)

    def either(self, one: Pieces, other: Pieces) -> Pieces:
        """Return the points in one of two sets."""
        return self.apart((*one, *other))

    def apart(self, pieces: Iterable[Piece]) -> Pieces:
        """Return a union as pieces that do not overlap."""
        listed = [alike[0] for alike in grouped(pieces, piece_key)]
        if any(not piece.planes and not piece.chosen for piece in listed):
            return EVERYWHERE
        found: list[Piece] = []
        for piece in listed:
            rest: Pieces = (piece,)
            for other in found:
                rest = self.without(rest, other)
            found += rest
        return _few(found)

    def without(self, pieces: Pieces, other: Piece) -> Pieces:
        """Return the points of a set that are not in a piece."""
        if other.chosen:
            if self.both(pieces, (replace(other, chosen=()),)):
                raise UncountableError("what is not in a list")
            return pieces
        found = []
        for piece in pieces:
            before: Planes = ()
            for plane in other.planes:
                against = plane.times(-1).plus(ONE, -1)
                tidy = self.tidied(replace(piece, planes=piece.planes + before + (against,)))
                if tidy is not None:
                    found.append(tidy)
                before += (plane,)
        return _few(found)

    def is_inside(self, pieces: Pieces, plane: Linear) -> bool:
        """Whether all points of a set meet a condition."""
        against = plane.times(-1).plus(ONE, -1)
        return all(self.tidied(Piece(planes=(*p.planes, against))) is None for p in pieces)

    def projected(self, pieces: Pieces, drop: Sequence[str]) -> Pieces:
        """Return for which values of the other coordinates a set has points."""
        if not drop:
            return pieces
        found = (self.tidied(p) for piece in pieces for p in self._projected(piece, drop))
        return self.apart(piece for piece in found if piece is not None)

    def _projected(self, piece: Piece, drop: Sequence[str]) -> Iterator[Piece]:
        planes, kept = piece.planes, []
        left = list(drop)
        for chosen in piece.chosen:
            lost = set(chosen.value.coefs) & set(drop)
            if not lost:
                kept.append(chosen)
                continue
            pivot, planes = self._freed(chosen, planes, lost)
            left.remove(pivot)
            planes += put_in(chosen.filled, {chosen.slot: Linear(coefs={}, const=0)})
            if not chosen.slots:
                return
        if any(c in (n, parts_of(n)[0]) for c in left for k in kept for n in _names(k)):
            raise UncountableError("a list that is different for each of what is summed over")
        if any(self.extents[c] == 0 for c in left):
            return
        digits = Digits(planes, self.extents)
        gone = [d for c in left for d in digits.of.get(c, (c,))]
        for part in digits.parts(planes):
            sizes = {n: size_of(n, digits.sizes) for plane in part for n in plane.coefs}
            sizes |= {d: size_of(d, digits.sizes) for d in gone}
            rest = digits.joined(tuple(projected(part, gone, sizes)))
            yield Piece(planes=rest, chosen=tuple(kept))

    def _freed(self, chosen: Chosen, planes: Planes, among: set[str]) -> tuple[str, Planes]:
        """Return the coordinate that a list decides, and the other conditions, which must be free of it."""
        pivot = next((n for n in sorted(among) if abs(chosen.value.coefs[n]) == 1), None)
        if pivot is None:
            raise UncountableError("a list of multiples")
        sign = chosen.value.coefs[pivot]
        rest = chosen.value.plus(Linear(coefs={pivot: sign}, const=0), -1)
        entry = f"entry of {chosen.name}"
        value = Linear(coefs={entry: 1}, const=0).plus(rest, -1).times(sign)
        inside = [value, Linear(coefs={}, const=self.extents[pivot] - 1).plus(value, -1)]
        changed = put_in((*planes, *inside), {pivot: value})
        sizes = {n: size_of(n, self.extents) for p in changed for n in p.coefs if n != entry}
        tight = simplified(changed, {**sizes, entry: chosen.size})
        if tight is None:
            return pivot, (Linear(coefs={}, const=-1),)
        if any(entry in plane.coefs for plane in tight):
            raise UncountableError("a condition on what data choose")
        return pivot, tight

    def count(self, pieces: Pieces, coords: Sequence[str]) -> int:
        """Return the number of points over some coordinates; the others must not matter."""
        total = 0
        for piece in pieces:
            key = (piece_key(piece), tuple(coords))
            total += self.known.once(key, partial(self._count, piece, coords))
        return total

    def _count(self, piece: Piece, coords: Sequence[str]) -> int:
        planes, walked = piece.planes, list(coords)
        extents = self.extents
        for chosen in piece.chosen:
            pivot, planes = self._freed(chosen, planes, set(chosen.value.coefs) & set(walked))
            walked.remove(pivot)
            walked.append(chosen.slot)
            extents = {**extents, chosen.slot: chosen.slots}
            planes += chosen.filled
        digits = Digits(planes, extents)
        names = [d for c in walked for d in digits.of.get(c, (c,))]
        sizes = {n: size_of(n, digits.sizes) for n in names}
        return sum(count_points(part, names, sizes, **self.mesh) for part in digits.parts(planes))


def piece_key(piece: Piece) -> object:
    return (
        tuple((p.const, *sorted(p.coefs.items())) for p in piece.planes),
        tuple((c.name, c.value.const, *sorted(c.value.coefs.items())) for c in piece.chosen),
    )


def _names(chosen: Chosen) -> set[str]:
    return {n for plane in (chosen.value, *chosen.filled) for n in plane.coefs}


def _order(plane: Linear) -> tuple[list[tuple[str, int]], int]:
    return (sorted(plane.coefs.items()), plane.const)


def _few(pieces: list[Piece]) -> Pieces:
    if len(pieces) > MOST_PIECES:
        raise UncountableError(f"{len(pieces)} pieces")
    return tuple(pieces)
