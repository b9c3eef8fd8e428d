"""Splits ranks into parts: the atoms of a block, and the families that walk one axis together."""

from __future__ import annotations

from collections.abc import Mapping as Table
from functools import lru_cache
from math import prod

from accelsim.cascade import Cascade
from accelsim.cascade.sizes import Sizes
from accelsim.errors import nearest
from accelsim.mapping.binding import FaultAt
from accelsim.mapping.selection import UNIFORM, Selection
from accelsim.mapping.tiles import Atom, Family, Space


def space_of(
    cascade: Cascade,
    sizes: Sizes,
    leading: Table[str, int],
    partition: Table[str, list[str]],
    fixed: Table[str, int],
    fault: FaultAt,
    selection: Selection = UNIFORM,
) -> Space:
    """Return the atoms of a block; ``fixed`` are the sizes of parts, outer ones follow from them."""
    atoms_of: dict[str, tuple[Atom, ...]] = {}
    for rank, parts in partition.items():
        coord = rank.lower()
        if coord not in sizes.extents:
            fault(
                ("partition", rank),
                f"partition must name a rank of the cascade, not {rank!r}"
                f"{nearest(rank, [c.upper() for c in sizes.extents])}",
            )
            continue
        atoms_of[coord] = _parts(rank, parts, sizes.extents[coord], fixed, fault)
    for coord, extent in sizes.extents.items():
        atoms_of.setdefault(coord, (Atom(name=coord, size=extent),))
    for name, count in leading.items():
        atoms_of.setdefault(name, (Atom(name=name, size=count),))
    return Space(
        families=_families(cascade, sizes, atoms_of),
        atoms_of=atoms_of,
        leading=tuple(leading),
        sizes={a.name: a.size for atoms in atoms_of.values() for a in atoms},
        selection=selection,
    )


def _parts(
    rank: str, parts: list[str], extent: int, fixed: Table[str, int], fault: FaultAt
) -> tuple[Atom, ...]:
    stride = 1
    atoms: list[Atom] = []
    for place, name in reversed(list(enumerate(parts))):
        left = -(-extent // stride)
        size = fixed.get(name)
        if size is None:
            if place:
                fault(
                    ("partition", rank),
                    f"size of part {name} must be given (sizes: {name}:"
                    " ...): only the outermost part of a rank follows from the others",
                )
            size = left
        elif 0 < place < len(parts) - 1 and left % size:
            fault(
                ("sizes", name),
                f"size {name} must divide the {left} tiles of {rank} that are left, not {size}",
            )
        elif place == 0 and size * stride < extent:
            fault(
                ("sizes", name),
                f"size {name} must cover {rank} = {extent}, not {size * stride}",
            )
        atoms.append(Atom(name=name.lower(), size=size, stride=stride))
        stride *= size
    return tuple(reversed(atoms))


@lru_cache(maxsize=1024)
def divisors(number: int) -> list[int]:
    """Return the divisors of a number, the largest first; nobody changes the list."""
    small = [d for d in range(1, int(number**0.5) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)}, reverse=True)


def _families(
    cascade: Cascade, sizes: Sizes, atoms_of: dict[str, tuple[Atom, ...]]
) -> tuple[Family, ...]:
    """Join a tiled pair (m1, m0) into one family over the axis that it walks."""
    totals = _tiled_totals(cascade, sizes)
    families: list[Family] = []
    taken: set[str] = set()
    for (outer, inner), total in totals.items():
        if {outer, inner} & taken:
            continue
        scale = sizes.extents[inner]
        stretched = tuple(
            Atom(name=a.name, size=a.size, stride=a.stride * scale) for a in atoms_of[outer]
        )
        families.append(Family(total=total, atoms=(*stretched, *atoms_of[inner])))
        taken |= {outer, inner}
    for coord, atoms in atoms_of.items():
        if coord not in taken:
            total = sizes.extents.get(coord, prod(a.size for a in atoms))
            families.append(Family(total=total, atoms=atoms))
    return tuple(families)


def _tiled_totals(cascade: Cascade, sizes: Sizes) -> dict[tuple[str, str], int]:
    return sizes.kept.once(_tiled_totals, lambda: _walked(cascade, sizes), cascade.block)


def _walked(cascade: Cascade, sizes: Sizes) -> dict[tuple[str, str], int]:
    """Return the length of the axis that each tiled pair walks."""
    found: dict[tuple[str, str], int] = {}
    tiled = set(cascade.tiles)
    for read in (read for equation in cascade.equations for read in equation.reads):
        for index, size in zip(read.affine(sizes.symbols), sizes.shapes[read.tensor], strict=True):
            if index is None or len(index.coefs) != 2 or index.const:
                continue
            (a, b) = sorted(index.coefs, key=lambda c: -index.coefs[c])
            if (a, b) in tiled and index.coefs[b] == 1 and index.coefs[a] == sizes.extents[b]:
                found.setdefault((a, b), size)
    return found
