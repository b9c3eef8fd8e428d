"""What no mapping can beat: the cycles that the operations and the compulsory traffic take by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod

from accelsim.arch import Lacking
from accelsim.cascade.live import live_points
from accelsim.mapping.auto import Case, Draft
from accelsim.mapping.auto.placement import cycles_of
from accelsim.mapping.binding import unit_ops
from accelsim.mapping.masks import masks_of
from accelsim.mapping.presence import presence_of

MOST_CHOICES = 1 << 14  # assignments of Einsums to units that are looked at one by one


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Cycles that every mapping takes, and where they come from; 0 where nothing is known."""

    compute_cycles: Fraction
    memory_cycles: Fraction

    @property
    def cycles(self) -> Fraction:
        return max(self.compute_cycles, self.memory_cycles)

    @property
    def reason(self) -> str:
        return "operations" if self.compute_cycles >= self.memory_cycles else "compulsory traffic"


def lower_bound(cases: Sequence[Case]) -> Bound:
    """Return the bound over cases of one problem that differ in the tile sizes of the cascade.

    Every live point of an Einsum takes its issue slots on a lane of some unit that can do it, whatever
    the mapping; the best assignment keeps all lanes of every unit busy. Every input without a condition
    on it comes from the memory once and every output goes there once.
    """
    found = [Bound(compute_cycles=_compute(c), memory_cycles=_memory(c)) for c in cases]
    return min(found, key=lambda b: b.cycles)


def _compute(case: Case) -> Fraction:
    problem, sizes = case.problem, case.sizes
    points = live_points(case.cascade, sizes)
    masks = masks_of(case.cascade, sizes)
    events = presence_of(case.cascade, sizes, problem.selection).events
    masked = is_masked(case)
    heads = prod(problem.leading.values())
    work: list[dict[str, Fraction]] = []
    for equation in case.cascade.equations:
        planes = equation.half_planes(sizes.symbols)
        known = not masked or (masks[equation.id] and planes is not None)
        if not known or events.get(equation.id):
            continue  # conditions may leave out points that are not told apart here
        cost = {}
        for unit, array in problem.arch.arrays.items():
            ops = unit_ops(equation, problem.arch, unit)
            if not isinstance(ops, Lacking):
                slots = sum(array.ops[k] * n for k, n in ops.ops.items()) or 1
                cost[unit] = Fraction(points[equation.id] * heads * slots, array.elements)
        if cost:
            work.append(cost)
    return _balanced(work)


def _balanced(work: Sequence[dict[str, Fraction]]) -> Fraction:
    """Return the least time of the busiest unit over all assignments, or something below it."""
    total: dict[str, Fraction] = {}
    open_: list[dict[str, Fraction]] = []
    for cost in work:
        if len(cost) == 1:
            ((unit, time),) = cost.items()
            total[unit] = total.get(unit, Fraction(0)) + time
        else:
            open_.append(cost)
    if prod(len(cost) for cost in open_) > MOST_CHOICES:
        units = {unit for cost in open_ for unit in cost} | set(total)
        least = sum((min(c.values()) for c in open_), sum(total.values(), Fraction(0)))
        return max([least / max(1, len(units)), *total.values(), *(min(c.values()) for c in open_)])
    best: Fraction | None = None
    for choice in product(*(cost.items() for cost in open_)):
        load = dict(total)
        for unit, time in choice:
            load[unit] = load.get(unit, Fraction(0)) + time
        most = max(load.values(), default=Fraction(0))
        best = most if best is None else min(best, most)
    return best or Fraction(0)


def _memory(case: Case) -> Fraction:
    problem = case.problem
    free = not is_masked(case)
    read = {r.tensor for e in case.cascade.equations for r in e.reads}
    plain = {
        r.tensor
        for e in case.cascade.equations
        for r in e.reads
        if all(index is not None for index in r.affine(case.sizes.symbols))
    }
    heads = prod(problem.leading.values())
    words = 0
    for tensor in case.cascade.inputs if free else ():
        if tensor.name in read & plain:
            copies = 1 if tensor.name in problem.shared else heads
            words += prod(case.sizes.shapes[tensor.name]) * copies
    if free:
        words += sum(prod(case.sizes.shapes[t.name]) for t in case.cascade.outputs) * heads
    return Fraction(words * case.word) / problem.arch.bytes_per_cycle


def structure_cycles(draft: Draft) -> Fraction:
    """Return the cycles of the busiest unit or the bus in each nest, nest after nest.

    What one nest makes and another reads goes to the memory and comes back. Without conditions on points
    that is a bound on what the structure takes. With them it is a guess, for the order in which structures
    are tried: of the tiles across which a condition goes half is waste.
    """
    case = draft.case
    masks = masks_of(case.cascade, case.sizes) if is_masked(case) else {}
    heads = prod(case.problem.leading.values())
    total = Fraction(0)
    for number, nest in enumerate(draft.nests):
        load: dict[str, int] = {}
        for item in nest.items:
            tiles = prod(
                -(-case.extent(c) // nest.group.tile[c])
                for c in nest.group.loops
                if c in item.equation.coords
            )
            cycles = cycles_of(item.equation, item.unit, nest.group, case)
            load[item.unit] = load.get(item.unit, 0) + tiles * cycles
        crossed = {
            c
            for e in nest.group.equations
            for form in masks.get(e.id, ())
            for c in form.coefs
            if c in nest.group.loops
        }
        waste = sum((Fraction(nest.group.tile[c], case.extent(c)) for c in crossed), Fraction(1))
        moved = _passed(draft, number) * case.word / case.arch.bytes_per_cycle
        total += max(max(load.values(), default=0) * waste, moved)
    return total * heads


def _passed(draft: Draft, number: int) -> int:
    """Return the words that a nest takes from other nests and leaves for them, once each."""
    case, mine = draft.case, draft.nests[number].group.equations
    others = [e for n, nest in enumerate(draft.nests) if n != number for e in nest.group.equations]
    made, read = {e.tensor for e in mine}, {r.tensor for e in mine for r in e.reads}
    wanted = {r.tensor for e in others for r in e.reads}
    passed = [t for t in sorted(made) if t in wanted]
    passed += [t for t in sorted(read - made) if t in {e.tensor for e in others}]
    carried = {e.tensor: e.iterative for e in case.cascade.equations if e.iterative}
    words = 0
    for tensor in passed:
        size = prod(case.sizes.shapes[tensor])
        words += size // (case.extent(carried[tensor]) + 1) if tensor in carried else size
    return words


def is_masked(case: Case) -> bool:
    """Whether conditions leave out points of some Einsum."""
    for equation in case.cascade.equations:
        planes = equation.half_planes(case.sizes.symbols)
        if planes is None or any(plane.coefs for plane in planes):
            return True
    return False
