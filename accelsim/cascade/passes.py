"""Counts the passes over a rank that every mapping of a cascade must make, and says why.

One fiber of the rank is followed, all other coordinates fixed. A value that lost the rank (a
complete reduction, the final state of an iterative rank, a list of selected indices) is usable
only after the pass that made it; running values carry the rank and are no barrier. A tiled rank
counts over the flattened pair: what is reduced inside one tile only needs a buffer of that tile.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accelsim.cascade import ast
from accelsim.cascade.check import offset
from accelsim.cascade.model import Block, Equation, Shift, TensorRead
from accelsim.cascade.tiles import tiles
from accelsim.errors import nearest

if TYPE_CHECKING:
    from accelsim.cascade.cascade import Cascade

Rank = tuple[str, ...]
"""One coordinate, or the outer and the inner one of a tiled pair."""


@dataclass(frozen=True, kw_only=True)
class Forced:
    """Why an equation runs in its pass: the value that it needs, and whether that value is complete."""

    tensor: str
    after: bool


@dataclass(frozen=True, kw_only=True)
class Status:
    """When a result appears along the rank; ``late``: only after that pass has ended."""

    level: int = 0
    late: bool = False
    visits: bool = False
    forced: Forced | None = None


@dataclass(frozen=True, kw_only=True)
class LiveTensor:
    """A tensor that is read in a later pass than it appears: a whole fiber is live or reloaded."""

    tensor: str
    footprint: str
    passes: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    rank: str
    passes: int
    equations: tuple[tuple[str, int], ...]
    """(Einsum, pass) of all that visit the rank."""
    chain: tuple[str, ...]
    """One sentence for each pass, first to last."""
    live: tuple[LiveTensor, ...]
    states: tuple[tuple[str, str], ...]
    """(tensor, footprint) of the states that run along the rank."""
    deferred: int
    """The passes if divisions and factors that do not have the rank leave the sums over it."""
    fewest: int
    """The passes if sums are made iterative as well (``Cascade.rewritten``)."""

    def __str__(self) -> str:
        lines = [
            f"{self.rank}: {self.passes} {'pass' if self.passes == 1 else 'passes'}",
            *(f"  {sentence}" for sentence in self.chain),
        ]
        lines += [
            f"  live over passes {t.passes}: {t.tensor}, {t.footprint} words" for t in self.live
        ]
        if self.states:
            states = ", ".join(f"{tensor} {footprint}" for tensor, footprint in self.states)
            lines.append(f"  running states, in words: {states}")
        if self.deferred < self.passes:
            lines.append(f"  deferring by distributivity would give {self.deferred}")
        if self.fewest < self.deferred:
            lines.append(f"  running sums would give {self.fewest} (--rewrite)")
        return "\n".join(lines)


def ranks(block: Block) -> dict[str, Rank]:
    """Return all ranks by name: coordinates and tiled pairs ``outer.inner``."""
    used = dict.fromkeys(c for e in block.equations for c in (*e.left_coords, *e.coords))
    labels = [
        r.node.label for e in block.equations for r in e.reads if isinstance(r.node, ast.Gather)
    ]
    found: dict[str, Rank] = {c: (c,) for c in (*used, *labels)}
    found.update({f"{o}.{i}": (o, i) for o, i in tiles(block) if o != i})
    return found


def passes(cascade: Cascade) -> dict[str, int]:
    """Return the passes of every rank; a rank on which an equation reads its own past has none."""
    found: dict[str, int] = {}
    for name, rank in ranks(cascade.block).items():
        levels = statuses(cascade.block.equations, rank)
        if levels is not None:
            found[name] = _most(levels)
    return found


def _most(levels: Sequence[Status]) -> int:
    return max((s.level for s in levels if s.visits), default=0)


def statuses(equations: Sequence[Equation], rank: Rank) -> list[Status] | None:
    """Return the status of every equation, or None if no number of passes suffices."""
    writers: dict[str, list[int]] = {}
    for i, equation in enumerate(equations):
        writers.setdefault(equation.tensor, []).append(i)
    found = [Status() for _ in equations]
    for _ in range(2 * len(equations) + 3):
        changed = False
        for i, equation in enumerate(equations):
            status = _status(equation, rank, equations, writers, found)
            if status != found[i]:
                found[i], changed = status, True
        if not changed:
            return found
    return None


def carries(coords: Sequence[str], rank: Rank) -> bool:
    """Whether something with these coordinates keeps its place on the rank (a tile counts as a place)."""
    return rank[0] in coords


def on_axis(read: TensorRead) -> tuple[str, ...]:
    """The coordinates by which a read moves: those in its indices and the ranks that its gathers walk."""
    own: list[str] = []
    for index in read.indices:
        own += _direct(index)
    return tuple(own)


def _direct(index: ast.Expr) -> list[str]:
    if isinstance(index, ast.Gather):
        return [index.label]
    if isinstance(index, ast.Coord):
        return [index.name]
    return [name for child in ast.children(index) for name in _direct(child)]


def _status(
    equation: Equation,
    rank: Rank,
    equations: Sequence[Equation],
    writers: dict[str, list[int]],
    found: list[Status],
) -> Status:
    coords = set(equation.left_coords) | set(equation.coords)
    coords |= {n.label for r in equation.reads for n in [r.node] if isinstance(n, ast.Gather)}
    visits = all(c in coords for c in rank)
    level, late, forced = (1, False, None) if visits else (0, False, None)
    for read in equation.reads:
        for j in writers.get(read.tensor, ()):
            writer, status = equations[j], found[j]
            if is_old_state(read, writer, rank):
                continue
            after = status.late or (status.level > 0 and not carries(on_axis(read), rank))
            source = status.level
            if isinstance(read.node, ast.Gather) and read.node.label in rank:
                after = True  # a list of indices is needed whole
            if source == 0:
                continue
            need = source + 1 if visits and after else source
            late = late or (after and not visits)
            if need > level or (
                need == level and forced is None and need > 0 and (after or need > 1)
            ):
                level, forced = need, Forced(tensor=read.tensor, after=after)
    if visits or level:
        late = late or not carries(equation.left_coords, rank)
    return Status(level=level, late=late, visits=visits, forced=forced)


def is_old_state(read: TensorRead, writer: Equation, rank: Rank) -> bool:
    """Whether a read takes the state before this step of an iterative rank that is not the one followed."""
    for axis, index in zip(writer.left, read.indices, strict=True):
        if (
            isinstance(axis, Shift)
            and axis.coord not in rank
            and axis.coord in ast.coords_in(index)
        ):
            step = offset(index, axis.coord)
            return step is None or step < 1
    return False


def explained(cascade: Cascade, name: str) -> Explanation:
    """Return why a rank needs its passes; raise SpecError for an unknown rank."""
    from accelsim.cascade.rewrite import reached

    block = cascade.block
    known = ranks(block)
    if name not in known:
        raise cascade.source_text.error(0, f"unknown rank {name!r}{nearest(name, known)}")
    levels = statuses(block.equations, known[name])
    if levels is None:
        raise cascade.source_text.error(
            0, f"rank {name!r} has no number of passes: a result reads its own past"
        )
    visiting = [(e.id, s.level) for e, s in zip(block.equations, levels, strict=True) if s.visits]
    found = _most(levels)
    return Explanation(
        rank=name,
        passes=found,
        equations=tuple(visiting),
        chain=_chain(block.equations, levels, name),
        live=_live(block, levels, known[name]),
        states=_states(block, known[name]),
        deferred=reached(block, known[name], name, ("defer",)) if found > 1 else found,
        fewest=reached(block, known[name], name) if found > 1 else found,
    )


def _chain(equations: Sequence[Equation], levels: Sequence[Status], name: str) -> tuple[str, ...]:
    best = max(
        range(len(levels)), key=lambda i: levels[i].level if levels[i].visits else -1, default=None
    )
    sentences: list[str] = []
    seen: set[int] = set()
    while best is not None and best not in seen:
        seen.add(best)
        status, equation = levels[best], equations[best]
        forced = status.forced
        if forced is None:
            if status.visits:
                sentences.append(f"pass {status.level}: {equation.id} reads {name}")
            break
        previous = max(
            (i for i, e in enumerate(equations) if e.tensor == forced.tensor),
            key=lambda i: levels[i].level,
        )
        if status.visits and forced.after:
            sentences.append(
                f"pass {status.level}: {equation.id} reads {name} again, for it needs {forced.tensor}, "
                f"which is complete only after pass {status.level - 1}"
            )
        elif not status.visits:
            sentences.append(f"after pass {status.level}: {equation.id} comes from {forced.tensor}")
        else:
            sentences.append(
                f"pass {status.level}: {equation.id} takes {forced.tensor} as it appears"
            )
        best = previous
    return tuple(reversed(sentences))


def _live(block: Block, levels: Sequence[Status], rank: Rank) -> tuple[LiveTensor, ...]:
    inputs = {t.name for t in block.inputs}
    made: dict[str, int] = {}
    used: dict[str, set[int]] = {}
    shapes: dict[str, str] = {t.name: _product(map(ast.show, t.axes)) for t in block.inputs}
    names = extent_names(block)
    for equation, status in zip(block.equations, levels, strict=True):
        made[equation.tensor] = max(made.get(equation.tensor, 1), status.level)
        coords = dict.fromkeys(equation.left_coords)
        shapes.setdefault(equation.tensor, _product(names[c] for c in coords))
        for read in equation.reads:
            if status.visits and carries(on_axis(read), rank):
                used.setdefault(read.tensor, set()).add(status.level)
    live: list[LiveTensor] = []
    for tensor, at in used.items():
        spans = sorted(at if tensor in inputs else at | {made[tensor]})
        if len(spans) > 1:
            live.append(LiveTensor(tensor=tensor, footprint=shapes[tensor], passes=tuple(spans)))
    return tuple(live)


def _states(block: Block, rank: Rank) -> tuple[tuple[str, str], ...]:
    """Return what runs along the rank and how many words of it one step keeps."""
    names = extent_names(block)
    found: dict[str, str] = {}
    for equation in block.equations:
        if equation.iterative in rank:
            rest = [c for c in equation.left_coords if c not in rank]
            found[equation.tensor] = _product(names[c] for c in rest)
    return tuple(found.items())


def _product(sizes: Iterable[str]) -> str:
    """Return sizes multiplied, sums in brackets."""
    factors = [f"({s})" if re.search(r" [-+/] ", s) and not s.endswith(")") else s for s in sizes]
    return "*".join(factors) or "1"


def extent_names(block: Block) -> dict[str, str]:
    """Return how long each coordinate is, in words of the cascade (``M``, ``M1``, ``ceil(N / L)``)."""
    axes = {t.name: t.axes for t in block.inputs}
    names = {s.name: ast.show(s.value) for s in block.settings if s.kind == "rank"}
    for equation in block.equations:
        for read in equation.reads:
            for index, axis in zip(read.indices, axes.get(read.tensor, ()), strict=False):
                if isinstance(index, ast.Coord):
                    names.setdefault(index.name, ast.show(axis))
    return {**{c: f"|{c}|" for c in block.coords}, **names}
