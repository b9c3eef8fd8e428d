"""Orders equations by dependence; what depends on itself runs step by step along an iterative rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accelsim.cascade import ast
from accelsim.cascade.linear import constant
from accelsim.cascade.model import Block, Const, Equation, Plain, Shift
from accelsim.cascade.sizes import Sizes


@dataclass(frozen=True, kw_only=True)
class Step:
    """Equations that are computed together: one, or a loop over ``rank`` in this order."""

    equations: tuple[Equation, ...]
    rank: str | None = None


def steps(block: Block, sizes: Sizes) -> list[Step] | None:
    """Return the steps in order, or None if a loop over one iterative rank does not suffice."""
    equations = block.equations
    writers: dict[str, list[int]] = {}
    for i, equation in enumerate(equations):
        writers.setdefault(equation.tensor, []).append(i)
    needs = [sorted({j for r in e.reads for j in writers.get(r.tensor, ())}) for e in equations]
    result: list[Step] = []
    for group in components(needs):
        if len(group) == 1 and group[0] not in needs[group[0]]:
            result.append(Step(equations=(equations[group[0]],)))
            continue
        step = _loop([equations[i] for i in sorted(group)], sizes)
        if step is None:
            return None
        result.append(step)
    return result


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


def _loop(group: list[Equation], sizes: Sizes) -> Step | None:
    ranks = {a.coord for e in group for a in e.left if isinstance(a, Shift)}
    if len(ranks) != 1:
        return None
    rank = ranks.pop()
    axes: dict[str, int] = {}
    for equation in group:
        places = [
            i
            for i, a in enumerate(equation.left)
            if isinstance(a, Plain | Shift) and a.coord == rank
        ]
        if (
            len(places) != 1
            or equation.is_init
            or axes.setdefault(equation.tensor, places[0]) != places[0]
        ):
            return None
        if equation.reduce and equation.reduce.op == "scatter":
            return None
    needs: list[list[int]] = []
    for reader in group:
        same: set[int] = set()
        for read in reader.reads:
            for j, writer in enumerate(group):
                if writer.tensor != read.tensor:
                    continue
                kind = _when(
                    read.indices[axes[writer.tensor]], writer.left[axes[writer.tensor]], rank, sizes
                )
                if kind is None:
                    return None
                if kind == "now":
                    same.add(j)
        needs.append(sorted(same))
    parts = components(needs)
    if any(len(p) > 1 or p[0] in needs[p[0]] for p in parts):
        return None
    return Step(equations=tuple(group[p[0]] for p in parts), rank=rank)


def _when(index: ast.Expr, axis: object, rank: str, sizes: Sizes) -> str | None:
    """Return whether a read meets what is written 'now', in this step, or 'before'; None: neither."""
    if ast.has_reads(index) or set(ast.coords_in(index)) - {rank} or isinstance(axis, Const):
        return None
    written = 1 if isinstance(axis, Shift) else 0
    kinds: set[str] = set()
    if index == ast.Coord(name=rank):
        return "before" if written else "now"
    if sizes.extents[rank] > 2**24:
        return None
    for step in range(sizes.extents[rank]):
        symbols = {**sizes.symbols, rank: step}
        ahead = constant(as_symbols(index), symbols) - (step + written)
        if ahead > 0:
            return None
        kinds.add("before" if ahead < 0 else "now")
    if len(kinds) > 1:
        return "now"  # some steps read what the same step writes: the writer goes first
    return kinds.pop() if kinds else "before"


def as_symbols(index: ast.Expr) -> ast.Expr:
    return ast.rebuild(index, lambda n: ast.Symbol(name=n.name) if isinstance(n, ast.Coord) else n)
