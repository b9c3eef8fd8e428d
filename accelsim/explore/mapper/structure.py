"""The structures that are looked at: how Einsums are grouped, cut to tiles, looped and placed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from accelsim.errors import InfeasibleError
from accelsim.explore.mapper.bound import is_masked
from accelsim.mapping import Problem
from accelsim.mapping.auto import STYLES, Case, Draft, Style

MULTIPLES = (1, 2, 4)  # tile sizes of the cascade in widths of an array
NEAR = (None, 2, 4, 8, 16)  # tiles that share what is loaded, while heads alternate inside

AHEAD = (0, 1)  # operand tiles more, where a mask ends rows early: what is skipped has slots too


def structures(problem: Problem) -> Iterator[Draft]:
    """Yield drafts, each different: those with the pipeline in full first, then the rule's other styles."""
    base = list(STYLES)
    first = base[0]
    seen: set[object] = set()
    for style in [*_variants(problem, first), *base[1:], *_coarser(problem, base[1:])]:
        try:
            draft = Draft.of(Case.of(problem, style))
        except InfeasibleError:
            continue
        if draft.shape not in seen:
            seen.add(draft.shape)
            yield draft


def _variants(problem: Problem, style: Style) -> Iterator[Style]:
    heads = [name for name, count in problem.leading.items() if count > 1]
    inner: list[tuple[str, ...]] = [(), *((name,) for name in heads[-1:])]
    masked = is_masked(Case.of(problem, style))
    for params, inside in product(tile_sizes(problem), inner):
        for near, ahead in product(
            NEAR if inside else NEAR[:1], AHEAD if inside and masked else AHEAD[:1]
        ):
            name = "-".join(
                [
                    style.name,
                    *(f"{n} {text}" for n, text in params),
                    *inside,
                    *([str(near)] if near else []),
                    *([f"ahead {ahead}"] if ahead else []),
                ]
            )
            yield replace(style, name=name, params=params, inner=inside, near=near, ahead=ahead)


def _coarser(problem: Problem, base: list[Style]) -> Iterator[Style]:
    for params, style in product(tile_sizes(problem)[1:], base):
        yield replace(style, name=f"{style.name}-{params[0][1]}", params=params)


def tile_sizes(problem: Problem) -> list[tuple[tuple[str, str], ...]]:
    """Return choices for the tile sizes that the cascade leaves open: its own, then widths of arrays."""
    cascade = problem.cascade
    extents = cascade.sizes(
        **{n: v for n, v in problem.ranks.items() if n in {*cascade.shape_names, *cascade.params}}
    ).extents
    open_ = [n for n in cascade.params if n not in problem.ranks and n.lower() in extents]
    found: list[tuple[tuple[str, str], ...]] = [()]
    if not open_:
        return found
    widths = [
        f"{name}.{'rows' if array.rows is not None else 'lanes'}"
        for name, array in problem.arch.arrays.items()
    ]
    wide = widths[0]
    for multiple in MULTIPLES:
        text = wide if multiple == 1 else f"{multiple}*{wide}"
        found.append(tuple((name, text) for name in open_))
    return found
