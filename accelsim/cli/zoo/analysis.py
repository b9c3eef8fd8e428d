"""Passes as written and fewest, and the state between tokens, of one cascade."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from accelsim.cascade import Cascade, ast
from accelsim.cascade.model import Plain, Shift
from accelsim.cascade.passes import extent_names

Footprint = tuple[str, ...]  # sizes, to be multiplied


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What is known of a cascade without running it; passes are by the ranks that its file claims."""

    passes: Mapping[str, int]
    fewest: Mapping[str, int]
    """After the rewrites of ``accelsim passes --rewrite``, and in the shipped form with fewer."""
    state: str
    """Words that the form with the fewest passes keeps from token to token or pass to pass."""


def analysis(cascade: Cascade, forms: Mapping[str, str]) -> Analysis:
    """Return the passes of a cascade, as written and fewest, and the state at the fewest.

    ``forms`` names shipped forms; one counts if its sequence rank takes still fewer passes than the
    rewrites reach.
    """
    counted = cascade.passes()
    passes = {rank: counted[rank] for rank in cascade.claimed_passes or counted}
    rewriting = cascade.rewritten()
    fewest = passes | {row.rank: row.after for row in rewriting.ranks if row.rank in passes}
    best, rank = rewriting.cascade, sequence_rank(cascade)
    if cascade.name in forms:
        form = Cascade.load(forms[cascade.name])
        along = sequence_rank(form)
        if form.passes()[along] < fewest[rank]:
            fewest[rank] = form.passes()[along]
            best, rank = form, along
    return Analysis(passes=passes, fewest=fewest, state=state(best, rank))


def state(cascade: Cascade, rank: str) -> str:
    """Return what lives between the tokens or passes of a rank, as a sum of products of sizes.

    That is running values without the axis that they run over, what a reduction over the rank gathers,
    the window of a shifted read, and, of what is made in one pass and used in a later one, all of it.
    Inputs by themselves are not state: they can be read again.
    """
    parts = rank.split(".")
    inputs = {tensor.name for tensor in cascade.inputs}
    kept = {**_running(cascade, parts), **_gathered(cascade, parts)}
    made = {e.tensor: e.left_coords for e in cascade.equations}
    for live in cascade.passes_explained(rank).live:
        if live.tensor not in inputs:
            kept.setdefault(live.tensor, _footprint(cascade, made[live.tensor]))
    return _sum([*kept.values(), *_windows(cascade, parts)])


def sequence_rank(cascade: Cascade) -> str:
    """Return the rank that a cascade's file claims first."""
    return next(iter(cascade.claimed_passes or cascade.passes()))


def _running(cascade: Cascade, rank: Sequence[str]) -> dict[str, Footprint]:
    """Return the footprint of every tensor that an iteration over the rank updates."""
    found: dict[str, Footprint] = {}
    for equation in cascade.equations:
        if equation.iterative in rank:
            rest = [c for axis in equation.left if not isinstance(axis, Shift) for c in axis.coords]
            found[equation.tensor] = _footprint(cascade, rest)
    return found


def _gathered(cascade: Cascade, rank: Sequence[str]) -> dict[str, Footprint]:
    """Return the footprint of what a reduction over a rank completes; a sum inside a tile does not."""
    return {
        equation.tensor: _footprint(cascade, equation.left_coords)
        for equation in cascade.equations
        if set(rank) & set(equation.reduce_coords) and rank[0] not in equation.left_coords
    }


def _windows(cascade: Cascade, rank: Sequence[str]) -> list[Footprint]:
    """Return the footprint of what is read at a shift along a rank, such as p-w or a tile with its halo."""
    found: dict[str, Footprint] = {}
    for equation in cascade.equations:
        for read in equation.reads:
            for index in read.indices:
                coords = ast.coords_in(index)
                moves = [c for c in coords if c not in rank]
                if moves and set(rank) & set(coords) and not _is_tile(index):
                    others = [other for other in read.indices if other is not index]
                    rest = ast.coords_in(*others)
                    found.setdefault(read.tensor, _footprint(cascade, [*moves, *rest]))
    return list(found.values())


def _is_tile(index: ast.Expr) -> bool:
    """Whether an index is outer*size+inner: tiles that do not overlap."""
    return (
        isinstance(index, ast.Binary)
        and index.op == "+"
        and isinstance(index.left, ast.Binary)
        and index.left.op == "*"
        and isinstance(index.right, ast.Coord)
    )


def _footprint(cascade: Cascade, coords: Iterable[str]) -> Footprint:
    sizes = _extents(cascade)
    return tuple(_factor(sizes[c]) for c in dict.fromkeys(coords))


def _extents(cascade: Cascade) -> dict[str, str]:
    """Return how long each coordinate is; one that indexes only results is as long as their axis."""
    names = extent_names(cascade.block)
    lefts = {e.tensor: e.left for e in cascade.block.equations}
    for _ in names:
        for equation in cascade.block.equations:
            for read in equation.reads:
                for index, axis in zip(read.indices, lefts.get(read.tensor, ()), strict=False):
                    if not (isinstance(index, ast.Coord) and isinstance(axis, Plain)):
                        continue
                    if names[index.name] == f"|{index.name}|":
                        names[index.name] = names[axis.coord]
    return names


def _factor(size: str) -> str:
    size = re.sub(r"(?<!\w)\((\w+ ?\* ?\w+)\)", r"\1", size)
    return (
        f"({size})" if re.search(r"[-+/]", size) and not re.fullmatch(r"\w+\(.*\)", size) else size
    )


def _sum(footprints: Iterable[Footprint]) -> str:
    """Return equal products as one with a factor, the longest first, each as it was first met."""
    counts: Counter[Footprint] = Counter()
    shown: dict[Footprint, Footprint] = {}
    for factors in footprints:
        key = tuple(sorted(factors))
        counts[key] += 1
        shown.setdefault(key, factors)
    keys = sorted(counts, key=lambda key: (-len(key), shown[key]))
    terms = [[str(counts[key])] * (counts[key] > 1 or not key) + [*shown[key]] for key in keys]
    return " + ".join("*".join(term) for term in terms) or "none"
