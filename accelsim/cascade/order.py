"""Orders equations by dependence; what depends on itself runs step by step along some ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from accelsim.cascade import ast
from accelsim.cascade.linear import Linear, half_planes, linear
from accelsim.cascade.model import Block, Equation, Plain, Shift
from accelsim.cascade.sizes import Sizes
from accelsim.cascade.vector import Scope, UnsupportedError

MAX_STEPS = 2**24


@dataclass(frozen=True, kw_only=True)
class Step:
    """Equations that are computed together: one; or a loop over ``rank``, each iteration in this order.

    ``inner`` are the steps of an iteration where some of them are loops themselves. Equations
    that depend on one another along no rank (``is_opaque``) have no order but point by point.
    """

    equations: tuple[Equation, ...]
    rank: str | None = None
    inner: tuple[Step, ...] = ()
    is_opaque: bool = False

    @property
    def ranks(self) -> tuple[str, ...]:
        """The ranks of the loops, outermost first."""
        own = () if self.rank is None else (self.rank,)
        return own + tuple(dict.fromkeys(r for s in self.inner for r in s.ranks))


def steps(block: Block, sizes: Sizes) -> list[Step]:
    """Return the steps in order."""
    writers: dict[str, list[int]] = {}
    for i, equation in enumerate(block.equations):
        writers.setdefault(equation.tensor, []).append(i)
    needs = [
        sorted({j for r in e.reads for j in writers.get(r.tensor, ())}) for e in block.equations
    ]
    return _steps(list(block.equations), needs, sizes)


def _steps(
    group: list[Equation],
    needs: list[list[int]],
    sizes: Sizes,
    outer: frozenset[str] = frozenset(),
) -> list[Step]:
    found: list[Step] = []
    for part in components(needs):
        if len(part) == 1 and part[0] not in needs[part[0]]:
            found.append(Step(equations=(group[part[0]],)))
            continue
        members = [group[i] for i in sorted(part)]
        found.append(_loop(members, sizes, outer) or Step(equations=tuple(members), is_opaque=True))
    return found


def components(needs: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the strongly connected components, what is needed first (Tarjan, without recursion)."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    on_stack: set[int] = set()
    stack: list[int] = []
    found: list[list[int]] = []
    for root in range(len(needs)):
        if root in index:
            continue
        work = [(root, 0)]
        while work:
            node, turn = work.pop()
            if turn == 0:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            elif turn > 0:
                low[node] = min(low[node], low[needs[node][turn - 1]])
            for k in range(turn, len(needs[node])):
                other = needs[node][k]
                if other not in index:
                    work.append((node, k + 1))
                    work.append((other, 0))
                    break
                if other in on_stack:
                    low[node] = min(low[node], index[other])
            else:
                if low[node] == index[node]:
                    group = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        group.append(member)
                        if member == node:
                            break
                    found.append(group)
    return found


def _loop(group: list[Equation], sizes: Sizes, outer: frozenset[str]) -> Step | None:
    """Return a loop over some rank along which the equations need only what is before, or now.

    A rank of ``outer`` is walked already: equations that still need each other now, never end.
    """
    if any(e.is_init or (e.reduce and e.reduce.op == "scatter") for e in group):
        return None
    shifted = {a.coord: None for e in group for a in e.left if isinstance(a, Shift)}
    ranks = {**shifted, **dict.fromkeys(c for c in group[0].left_coords)}
    for rank in ranks:
        axes = _axes(group, rank)
        if axes is None or rank in outer or sizes.extents[rank] > MAX_STEPS:
            continue
        now: list[list[int]] | None = []
        carried = False
        for reader in group:
            same: set[int] = set()
            for read in reader.reads:
                for j, writer in enumerate(group):
                    if writer.tensor != read.tensor or now is None:
                        continue
                    axis = axes[writer.tensor]
                    written = 1 if isinstance(writer.left[axis], Shift) else 0
                    kind = _when(read.indices[axis], written, rank, reader, sizes)
                    if kind is None:
                        now = None
                    elif kind == "now":
                        same.add(j)
                    else:
                        carried = True
            if now is None:
                break
            now.append(sorted(same))
        if now is None or not carried:
            continue
        inner = _steps(group, now, sizes, outer | {rank})
        if any(s.is_opaque for s in inner):
            continue
        ordered = tuple(e for s in inner for e in s.equations)
        nested = tuple(inner) if any(s.rank for s in inner) else ()
        return Step(equations=ordered, rank=rank, inner=nested)
    return None


def _axes(group: list[Equation], rank: str) -> dict[str, int] | None:
    """Return which axis of every result the rank is, or None if it is not one axis of each."""
    axes: dict[str, int] = {}
    for equation in group:
        places = [i for i, a in enumerate(equation.left) if rank in a.coords]
        if len(places) != 1 or not isinstance(equation.left[places[0]], Plain | Shift):
            return None
        if axes.setdefault(equation.tensor, places[0]) != places[0]:
            return None
    return axes


def _when(index: ast.Expr, written: int, rank: str, reader: Equation, sizes: Sizes) -> str | None:
    """Return whether a read meets what is written 'now', in this step, or 'before'; None: neither."""
    if ast.has_reads(index):
        return None
    form = linear(index, sizes.symbols)
    if form is not None:
        past = Linear(coefs={rank: 1}, const=written).plus(form, -1)  # how far behind it reads
        if not past.coefs:
            return None if past.const < 0 else "before" if past.const else "now"
        if _is_met(past.plus(Linear(coefs={}, const=1), -1), reader, sizes):
            return "before"
        return "now" if _is_met(past, reader, sizes) else None
    if set(ast.coords_in(index)) != {rank}:
        return None
    if not sizes.extents[rank]:
        return "before"
    past_steps = behind(index, rank, sizes)
    if past_steps is None or past_steps[0] + written < 0:
        return None
    return "before" if past_steps[0] + written > 0 else "now"


def behind(index: ast.Expr, rank: str, sizes: Sizes) -> tuple[int, int] | None:
    """Return how far an index that depends on one coordinate is behind it, at least and at most.

    None if it is no integer somewhere.
    """
    form = linear(index, sizes.symbols)
    if form is not None and form.coefs == {rank: 1}:
        return -form.const, -form.const
    try:
        scope = Scope([rank], sizes, {})
        distances = scope.coord(rank) - np.asarray(scope.expr(index).data, float)
    except (UnsupportedError, ValueError, ArithmeticError, TypeError):
        return None
    if not distances.size:
        return 0, 0
    whole = np.isfinite(distances).all() and np.array_equal(distances, np.floor(distances))
    return (int(distances.min()), int(distances.max())) if whole else None


def _is_met(plane: Linear, reader: Equation, sizes: Sizes) -> bool:
    """Whether a form is at least 0 at all points of an equation, because of its sizes or a condition."""
    least = plane.const + sum(k * (sizes.extents[x] - 1) for x, k in plane.coefs.items() if k < 0)
    if least >= 0:
        return True
    conditions = [p for w in reader.where for p in half_planes([w], sizes.symbols) or ()]
    margins = [plane.plus(c, -1) for c in conditions]
    return any(not m.coefs and m.const >= 0 for m in margins)
