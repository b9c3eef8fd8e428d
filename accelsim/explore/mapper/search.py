"""The search: structures by what they can reach, a modulo schedule for each, the best by simulation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice

from accelsim.errors import InfeasibleError, SpecError, nearest
from accelsim.explore.mapper.bound import Bound, is_masked, lower_bound, structure_cycles
from accelsim.explore.mapper.exhaustive import SPACE as WHOLE_SPACE
from accelsim.explore.mapper.exhaustive import all_drafts, all_schedules
from accelsim.explore.mapper.graph import arcs, operations
from accelsim.explore.mapper.modulo import modulo_schedule
from accelsim.explore.mapper.objective import Objective
from accelsim.explore.mapper.operation import Arc, Operation
from accelsim.explore.mapper.registers import fits_registers
from accelsim.explore.mapper.structure import structures, tile_sizes
from accelsim.mapping import Mapping, Problem
from accelsim.mapping.auto import Case, Draft, Schedule, Style
from accelsim.sim import jump
from accelsim.sim.activity import Activity
from accelsim.sim.lower import Lowered, lower
from accelsim.sim.measure import measure
from accelsim.sim.walk import work

EFFORT = {"quick": 40_000, "normal": 400_000, "thorough": 8_000_000}
WHOLE = "exhaustive"
MOST = 20_000_000  # effort after which even an exhaustive search ends, and says what is left
LOWERING = 2_500  # what it costs to lower a mapping, in ticks walked
ENOUGH = Fraction(1, 1000)  # a gap to the bound that is not worth more search
CHUNK = 8  # structures whose work is looked at before one of them is simulated
FIRST = Fraction(1, 2)  # of the effort goes to many structures, the rest to schedules of the best
Graph = tuple[list[Operation], list[Arc]]
SLACK = (
    0,
    Fraction(1, 2),
    1,
)  # intervals that values from other units may come later than they must


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A mapping that was simulated to its end."""

    mapping: Mapping
    lowered: Lowered
    activity: Activity
    figures: tuple[Fraction, ...]  # of the objective: less is better


@dataclass(frozen=True, kw_only=True)
class Found:
    """The best mapping, or the Pareto set, with what is known of how good it is.

    ``is_optimal``: nothing in the space described can be better. ``tried`` mappings were simulated,
    ``pruned`` structures cannot be better than the best.
    """

    objective: str
    best: Tried
    front: tuple[Tried, ...]
    bound: Bound
    tried: int
    pruned: int
    left: int
    space: str
    is_optimal: bool

    @property
    def cycles(self) -> Fraction:
        return Fraction(self.best.activity.ticks, self.best.activity.ticks_per_cycle)

    @property
    def gap(self) -> Fraction | None:
        """How far the cycles are above what no mapping can beat; None where nothing is known."""
        return self.cycles / self.bound.cycles - 1 if self.bound.cycles else None

    def words(self) -> list[str]:
        """Return what was found, a sentence each."""
        cycles = -(-self.cycles.numerator // self.cycles.denominator)
        lines = [f"{cycles:,} cycles; objective: {self.objective}"]
        if self.gap is not None:
            bound = float(self.bound.cycles)
            lines.append(
                f"no mapping takes less than {bound:,.0f} cycles ({self.bound.reason}):"
                f" {float(self.gap):.2%} above that"
            )
        else:
            lines.append("no lower bound is known: conditions on data decide what is done")
        if self.is_optimal:
            lines.append(f"optimal within this space: {self.space}")
        else:
            lines.append(
                f"best of {self.tried} simulated, {self.pruned} structures cannot be better,"
                f" {self.left} not tried; space: {self.space}"
            )
        return lines


def find_mapping(
    problem: Problem, *, objective: str | Objective = "cycles", effort: str = "normal"
) -> Found:
    """Return the best mapping of a cascade on an architecture that the effort finds.

    ``objective``: cycles, energy, edp or pareto (cycles and energy). ``effort``: quick, normal or
    thorough; it is counted in steps of simulation, so the answer is always the same. Or exhaustive: every
    mapping of a space that is described, for small problems only. InfeasibleError: no mapping runs.
    """
    goal = Objective.of(objective, problem) if isinstance(objective, str) else objective
    known = (*EFFORT, WHOLE)
    if effort not in known:
        raise SpecError(
            f"effort must be one of {', '.join(known)}, not {effort!r}{nearest(effort, known)}"
        )
    if effort == WHOLE:
        return _Search(problem, goal, MOST).run_whole()
    return _Search(problem, goal, EFFORT[effort]).run()


class _Search:
    def __init__(self, problem: Problem, goal: Objective, effort: int) -> None:
        self.problem = problem
        self.goal = goal
        self.effort = effort
        self.spent = 0
        self.done: list[Tried] = []
        self.refused: list[InfeasibleError] = []
        self.seen: set[str] = set()
        self.graphs: dict[Draft, tuple[list[Graph], Fraction]] = {}
        self.reached: dict[Draft, tuple[Fraction, ...]] = {}  # the best of each structure
        self.full: set[Draft] = set()  # those that no other schedule makes faster
        cases = [Case.of(problem, Style(name="", params=params)) for params in tile_sizes(problem)]
        self.bound = lower_bound(cases)
        self.sound = not is_masked(cases[0])
        # Rows that a mask cuts off at another place each begin and end all the time: slack pays first.
        self.slacks = SLACK if self.sound else SLACK[::-1]

    def run(self) -> Found:
        drafts = list(structures(self.problem))
        drafts.sort(key=lambda d: (structure_cycles(d), not self.sound and not d.case.style.inner))
        pruned = left = 0
        for chunk in (drafts[n : n + CHUNK] for n in range(0, len(drafts), CHUNK)):
            for draft in self._by_work(chunk):
                if self.done and self._cannot_win(draft):
                    pruned += 1
                elif self.done and (self.spent >= self.effort * FIRST or self._is_enough()):
                    left += 1
                else:
                    self._try(draft, most=1)
        for draft in sorted(self.reached, key=lambda d: self.reached[d]):
            if draft not in self.full and self.spent < self.effort and not self._is_enough():
                self._try(draft)
        return self._found(pruned, left, SPACE)

    def _found(self, pruned: int, left: int, space: str, *, whole: bool = False) -> Found:
        if not self.done:
            raise self.refused[0] if self.refused else InfeasibleError("no mapping can be made")
        best = min(self.done, key=lambda t: t.figures)
        bound = self.bound.cycles
        reached = self.goal.is_time and best.figures[0] <= -(-bound.numerator // bound.denominator)
        return Found(
            objective=self.goal.name,
            best=best,
            front=self.goal.front(self.done, lambda t: t.figures),
            bound=self.bound,
            tried=len(self.done),
            pruned=pruned,
            left=left,
            space=space,
            is_optimal=whole or (bool(bound) and reached),
        )

    def run_whole(self) -> Found:
        """Look at all of a small space; a structure is left out only where its bound is no better."""
        drafts = sorted(all_drafts(self.problem), key=structure_cycles)
        pruned = left = 0
        for draft in drafts:
            if self.done and self._cannot_win(draft):
                pruned += 1
                continue
            for schedules in all_schedules(draft):
                pairs = zip(draft.nests, schedules, strict=True)
                if not all(fits_registers(nest, one, draft.case) for nest, one in pairs):
                    continue
                if self.spent >= self.effort:
                    left += 1
                    break
                self._simulate(draft.mapping(schedules))
        return self._found(pruned, left, WHOLE_SPACE, whole=not left)

    def _by_work(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Return drafts with the least work of the busiest unit, or bus, first."""
        if self.done and (self.spent >= self.effort * FIRST or self._is_enough()):
            return list(drafts)
        known = []
        for draft in drafts:
            try:
                known.append((self._graphs(draft)[1], draft))
            except InfeasibleError as error:
                self.refused.append(error)
        return [draft for _, draft in sorted(known, key=lambda pair: pair[0])]

    def _graphs(self, draft: Draft) -> tuple[list[Graph], Fraction]:
        """Return what the schedules are made for, and the cycles of the busiest unit nest after nest."""
        if draft not in self.graphs:
            serial = draft.mapping([Schedule() for _ in draft.nests]).plan(self.problem)
            lowered = lower(serial)
            self.spent += LOWERING
            busy = sum(max(work(phase), default=0) for phase in lowered.program.phases)
            self.graphs[draft] = (
                [(operations(phase), arcs(phase)) for phase in lowered.phases],
                Fraction(busy, lowered.program.ticks_per_cycle),
            )
        return self.graphs[draft]

    def _cannot_win(self, draft: Draft) -> bool:
        if not (self.goal.is_time and self.sound):
            return False
        return structure_cycles(draft) >= min(t.figures[0] for t in self.done)

    def _is_enough(self) -> bool:
        """Whether the best is so near to the bound that the search ends."""
        if not (self.goal.is_time and self.bound.cycles and self.done):
            return False
        best = min(t.figures[0] for t in self.done)
        return best <= self.bound.cycles * (1 + ENOUGH)

    def _try(self, draft: Draft, most: int | None = None) -> None:
        """Simulate a structure with its schedules, with the first ``most`` of them."""
        try:
            for schedules in islice(self._schedules(draft), most):
                if self.done and self.spent >= self.effort:
                    return
                tried = self._simulate(draft.mapping(schedules))
                if tried is not None:
                    least = self.reached.get(draft, tried.figures)
                    self.reached[draft] = min(least, tried.figures)
                    if self.goal.is_time and _is_full(tried.activity):
                        self.full.add(draft)
                        return
                if self._is_enough():
                    return
        except InfeasibleError as error:
            self.refused.append(error)

    def _schedules(self, draft: Draft) -> Iterator[Sequence[Schedule] | None]:
        """Yield modulo schedules that fit the registers, then None for the schedule by the rule."""
        graphs = self._graphs(draft)[0]
        for slack in self.slacks:
            found = []
            for nest, (ops, links) in zip(draft.nests, graphs, strict=True):
                made = modulo_schedule(ops, links)
                if slack:
                    unit = {op.name: op.unit for op in ops}
                    late = [_later(a, unit, int(slack * made.interval)) for a in links]
                    made = modulo_schedule(ops, late)
                begin = made.begin(links)
                schedule = Schedule(
                    order=made.order(begin), stage=made.stage(begin), copies=made.copies(links)
                )
                if not fits_registers(nest, schedule, draft.case):
                    break
                found.append(schedule)
            else:
                yield found
        if all(fits_registers(n, n.by_rule(draft.case.style), draft.case) for n in draft.nests):
            yield None

    def _simulate(self, mapping: Mapping) -> Tried | None:
        text = mapping.document.source
        if text in self.seen:
            return None
        self.seen.add(text)
        limit = max(LOWERING, self.effort - self.spent)
        statistics = jump.Statistics()
        self.spent += LOWERING
        try:
            lowered = lower(mapping.plan(self.problem))
            outcome = jump.run(lowered.program, statistics, limit if self.done else 3 * limit)
        except InfeasibleError as error:
            self.refused.append(error)
            return None
        finally:
            self.spent += statistics.effort
        activity = measure(lowered, outcome, self.problem.arch.name, mapping.name)
        if any(use.peak_bytes > use.capacity_bytes for use in activity.buffers):
            return None
        tried = Tried(
            mapping=mapping,
            lowered=lowered,
            activity=activity,
            figures=self.goal.figures(activity),
        )
        self.done.append(tried)
        return tried


def _is_full(activity: Activity) -> bool:
    """Whether a unit works all the time, or as good as."""
    busy = max(sum(unit.busy_ticks.values()) for unit in activity.units)
    return busy >= activity.ticks * (1 - ENOUGH)


def _later(arc: Arc, unit: dict[str, str], slack: int) -> Arc:
    """Return an arc with more time for what comes from another unit."""
    if unit[arc.producer] == unit[arc.consumer]:
        return arc
    return replace(arc, lag=arc.lag + slack)


SPACE = (
    "groupings of Einsums by the rules of mapping.auto, tiles of 1, 2 or 4 array widths where the cascade"
    " leaves them open, the last leading rank outside or inside, operands loaded one or two tiles ahead where"
    " a mask ends rows, modulo schedules with 0, 1/2 and 1 interval of slack"
)

__all__ = ["EFFORT", "Found", "Tried", "find_mapping"]
