"""Passes as written and fewest, and the state between tokens, of one cascade."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from accelsim.cascade import Cascade, ast
from accelsim.cascade.model import Plain, Shift
from accelsim.cascade.passes import extent_names


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """What is known of a cascade without running it."""

    passes: Mapping[str, int]
    """By the ranks that its file claims, the sequence rank first."""
    fewest: int
    """Over the sequence rank, of the forms that are known."""
    form: str
    """The cascade with the fewest passes; its own name if it is that one."""
    state: str
    """Words that the form with the fewest passes keeps from token to token or pass to pass."""


def analysis(cascade: Cascade, forms: Mapping[str, str]) -> Analysis:
    """Return the passes of a cascade and, of its form with the fewest, the state."""
    counted = cascade.passes()
    passes = {rank: counted[rank] for rank in cascade.claimed_passes or counted}
    best, least = cascade, counted[sequence_rank(cascade)]
    if cascade.name in forms:
        form = Cascade.load(forms[cascade.name])
        found = form.passes()[sequence_rank(form)]
        if found < least:
            best, least = form, found
    return Analysis(passes=passes, fewest=least, form=best.name, state=state(best))


def state(cascade: Cascade) -> str:
    """Return what lives between the tokens or passes of the sequence rank, as a sum of products of sizes.

    That is running values without the axis that they run over, what a reduction over the rank gathers,
    the window of a shifted read, and, of what is made in one pass and used in a later one, all of it.
    Inputs by themselves are not state: they can be read again.
    """
    rank = sequence_rank(cascade)
    parts = rank.split(".")
    inputs = {tensor.name for tensor in cascade.inputs}
    kept = {**_running(cascade), **_gathered(cascade, parts)}
    made = {e.tensor: e.left_coords for e in cascade.equations}
    for live in cascade.passes_explained(rank).live:
        if live.tensor not in inputs:
            kept.setdefault(live.tensor, _footprint(cascade, made[live.tensor]))
    return _sum([*kept.values(), *_windows(cascade, parts)])


def sequence_rank(cascade: Cascade) -> str:
    """Return the rank that a cascade's file claims first."""
    return next(iter(cascade.claimed_passes or cascade.passes()))


def _running(cascade: Cascade) -> dict[str, str]:
    """Return the footprint of every tensor that an iterative rank updates."""
    found: dict[str, str] = {}
    for equation in cascade.equations:
        if equation.iterative is not None:
            rest = [c for axis in equation.left if not isinstance(axis, Shift) for c in axis.coords]
            found[equation.tensor] = _footprint(cascade, rest)
    return found


def _gathered(cascade: Cascade, rank: Sequence[str]) -> dict[str, str]:
    """Return the footprint of what a reduction over a rank completes; a sum inside a tile does not."""
    return {
        equation.tensor: _footprint(cascade, equation.left_coords)
        for equation in cascade.equations
        if set(rank) & set(equation.reduce_coords) and rank[0] not in equation.left_coords
    }


def _windows(cascade: Cascade, rank: Sequence[str]) -> list[str]:
    """Return the footprint of what is read at a shift along a rank, such as p-w or a tile with its halo."""
    found: dict[str, str] = {}
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


def _footprint(cascade: Cascade, coords: Iterable[str]) -> str:
    sizes = _extents(cascade)
    return "*".join(_factor(sizes[c]) for c in dict.fromkeys(coords)) or "1"


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
    return (
        f"({size})" if re.search(r"[-+/]", size) and not re.fullmatch(r"\w+\(.*\)", size) else size
    )


def _sum(footprints: list[str]) -> str:
    """Return equal footprints as one with a factor, the longest product first."""
    counts = Counter(footprints)
    terms = sorted(counts, key=lambda text: (-text.count("*"), text))
    words = [
        t if n == 1 else str(n) if t == "1" else f"{n}*{t}"
        for t, n in ((t, counts[t]) for t in terms)
    ]
    return " + ".join(words) or "none"
