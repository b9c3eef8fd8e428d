"""Words of a tile, held to an enumeration of the places that its points read."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.cascade import Cascade
from accelsim.mapping.plan import alike, read_axes, result_axes
from accelsim.mapping.tiles import Atom, Axis, Family, Space

EXTENTS = {"p": 8, "w": 4, "h": 12, "m": 6, "k": 3, "e": 2}
SPLITS = {"p": (2, 4), "w": (4,), "h": (3, 4), "m": (6,), "k": (3,), "e": (2,)}


def space(splits: dict[str, tuple[int, ...]]) -> Space:
    """Coordinates p, .. split into p0 (innermost), p1, .. of the given sizes, outer to inner."""
    atoms_of: dict[str, tuple[Atom, ...]] = {}
    for coord, sizes in splits.items():
        atoms = []
        for place, size in enumerate(sizes):
            inner = prod(sizes[place + 1 :])
            name = f"{coord}{len(sizes) - 1 - place}"
            atoms.append(Atom(name=name, size=size, stride=inner))
        atoms_of[coord] = tuple(atoms)
    return Space(
        families=tuple(Family(total=EXTENTS[c], atoms=a) for c, a in atoms_of.items()),
        atoms_of=atoms_of,
        sizes={a.name: a.size for atoms in atoms_of.values() for a in atoms},
    )


def tiles(where: Space, fixed: frozenset[str]) -> list[list[dict[str, int]]]:
    """Return, for every value of the fixed atoms, the coordinates of the points of that tile."""
    atoms = [a for atoms in where.atoms_of.values() for a in atoms]
    still = [a for a in atoms if a.name in fixed]
    free = [a for a in atoms if a.name not in fixed]
    found = []
    for outer in product(*(range(a.size) for a in still)):
        tile = []
        for inner in product(*(range(a.size) for a in free)):
            digits = {a.name: d for a, d in zip([*still, *free], [*outer, *inner], strict=True)}
            tile.append(
                {
                    c: sum(digits[a.name] * a.stride for a in parts)
                    for c, parts in where.atoms_of.items()
                }
            )
        found.append(tile)
    return found


# index text -> the place it reads (a gather reads another place at every point)
INDICES: dict[str, Callable[[dict[str, int]], object]] = {
    "p": lambda x: x["p"],
    "2*p": lambda x: 2 * x["p"],
    "p+w": lambda x: x["p"] + x["w"],
    "2*p+w": lambda x: 2 * x["p"] + x["w"],
    "h//4": lambda x: x["h"] // 4,
    "h//3": lambda x: x["h"] // 3,
    "h%4": lambda x: x["h"] % 4,
    "(h//4)*4+w": lambda x: x["h"] // 4 * 4 + x["w"],
    "p+h//3": lambda x: x["p"] + x["h"] // 3,
    "@I[p,k]:m": lambda x: ("I", x["p"], x["k"]),
    "@I[p,k]:m*2+e": lambda x: (("I", x["p"], x["k"]), x["e"]),
}
LOOSE = ("h//3", "p+h//3")  # a tile may begin anywhere in a group of three: one more than there is


@cache
def axis(text: str, size: int) -> tuple[Axis, ...]:
    coords = ",".join(EXTENTS)
    ranks = "; ".join(f"{c} = {n}" for c, n in EXTENTS.items())
    one = Cascade.parse(
        f"in X[{size}]; I[8,3] int\nout Y[8,4,12,6,3,2]\nrank {ranks}\nY[{coords}] = X[{text}]"
    )
    (read,) = (r for r in one.equations[0].reads if r.tensor == "X")
    return read_axes(one.sizes(), read)


@pytest.mark.parametrize("text", INDICES)
@settings(max_examples=40)
@given(data=st.data())
def test_words_of_an_index(text: str, data: st.DataObject) -> None:
    walked = [c for c in SPLITS if c in text]
    splits = {c: data.draw(st.sampled_from([SPLITS[c], (EXTENTS[c],)])) for c in walked}
    where = space(splits)
    loops = []  # outer parts before inner parts of a coordinate, as loop nests have them
    for atoms in where.atoms_of.values():
        loops += [a.name for a in atoms[: data.draw(st.integers(0, len(atoms)))]]
    fixed = frozenset(loops)
    places = [{INDICES[text](x) for x in tile} for tile in tiles(where, fixed)]
    most = max(map(len, places))
    counted = where.words(axis(text, 64), fixed, frozenset())
    if text in LOOSE:
        assert most <= counted <= most + 1
    else:
        assert counted == most
    if text not in ("p", "2*p"):  # a bare coordinate is what the axis is as long as
        few = where.words(axis(text, 3), fixed, frozenset())
        step = 2 if text.startswith("@I") and "*2" in text and "e0" in fixed else 1
        assert few == min(counted, -(-3 // step))  # every second place


def test_k_rows_and_not_all() -> None:
    """A tile of four queries with three keys each reads twelve rows, of a short sequence all of it."""
    where = space(SPLITS)
    for keys, rows in ((100, 12), (7, 7)):
        axes = (*axis("@I[p,k]:m", keys), Axis(index=None, size=5))
        assert where.words(axes, frozenset({"p1"}), frozenset()) == rows * 5
        assert where.words(axes, frozenset({"p1", "p0"}), frozenset()) == min(3, keys) * 5


def test_axes_that_walk_together() -> None:
    """The block of a position and the position are not independent: S[h, h//4] is a strip."""
    text = "in S[12,3]\nout Y[12]\nY[h] = S[h, h//4]"
    one = Cascade.parse(text)
    axes = read_axes(one.sizes(), one.equations[0].reads[0])
    assert space({"h": (3, 4)}).words(axes, frozenset(), frozenset()) == 12
    assert space({"h": (3, 4)}).words(axes, frozenset({"h1"}), frozenset()) == 4


def test_reads_that_differ_in_constants() -> None:
    """Even and odd places are the whole axis; a place and the one before are one more than the tile."""
    text = "in X[16]; Z[9]\nout Y[8]\nrank p = 8\nY[p] = X[2*p] * X[2*p+1] + Z[p] * Z[p+1] + X[p]"
    one = Cascade.parse(text)
    sizes = one.sizes()
    x = [r for r in one.equations[0].reads if r.tensor == "X"]
    z = [r for r in one.equations[0].reads if r.tensor == "Z"]
    assert [len(group) for group in alike(sizes, x)] == [2, 1]
    where = space({"p": (2, 4)})
    for fixed, even_odd, run in ((frozenset[str](), 16, 9), (frozenset({"p1"}), 8, 5)):
        assert where.words(read_axes(sizes, *alike(sizes, x)[0]), fixed, frozenset()) == even_odd
        assert where.words(read_axes(sizes, *z), fixed, frozenset()) == run


RESULTS = """\
in S[P,M]; V[M,F]; N[P]
out Y[M,F]; Z[M]
param K = 3
rank k = K
I[p,k] = S[p,m] :: top(m->k)
Y[m,f] = V[@I[p,k]:m,f] :: scatter(@I[p,k]:m, +)
Z[m] = N[p] * 1 :: scatter(@I[p,k]:m, =)
"""


def test_results_of_selections_and_scatters() -> None:
    """A selection makes all its slots at once; a scatter that sums keeps all places till the end."""
    one = Cascade.parse(RESULTS)
    sizes = one.sizes(P=8, M=6, F=2)
    where = space({"p": (2, 4), "m": (6,), "k": (3,), "e": (2,)})
    where.atoms_of["f"] = where.atoms_of.pop("e")  # type: ignore[attr-defined]
    fixed = frozenset({"p1", "k0"})
    top, summed, placed = (result_axes(sizes, e) for e in one.equations)
    assert where.words(top, fixed, frozenset()) == 4 * 3
    assert where.words(summed, fixed, frozenset()) == 6 * 2
    assert where.words(placed, fixed, frozenset()) == 4
    assert where.words(placed, frozenset({"p1"}), frozenset()) == 6
