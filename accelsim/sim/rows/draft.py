"""What each task of a pipeline does in each step: how long, what it moves, what it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from accelsim.arch import Architecture, Fetcher, Pipeline, Roofline, Select
from accelsim.rows.pipeline import Moves, Selects, TaskSpec, Works
from accelsim.rows.pipeline import Pipeline as PipelineFile
from accelsim.rows.places import kept_places
from accelsim.rows.row import Indices
from accelsim.sim.program import Program
from accelsim.sim.rows.channels import ChannelTimes, Fetched
from accelsim.sim.rows.selecting import selected
from accelsim.sim.rows.steps import Steps
from accelsim.sim.trace import Subject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTHING = Fetched(occupied=0, finished=0, bursts=0, busiest=0, pages=0)


@dataclass(frozen=True, kw_only=True)
class TaskTimes:
    """A task by step. ``first`` and ``ready``: cycles from its start to its first and last result.

    ``streamed``: to its last result for those who follow it element by element, if that is sooner.
    ``serves[i]`` is the step whose instance serves step i: another one where a load is for several heads
    or queries. Where a step is not ``active`` its other entries say nothing.
    """

    spec: TaskSpec
    active: list[bool]
    serves: list[int]
    duration: list[int]
    first: list[int]
    ready: list[int]
    elements: list[int]  # a unit's elements; what a selection visits; bytes moved
    needed_bits: list[int] = field(default_factory=list)  # of what is moved, nothing rounded up
    fetched: list[Fetched] = field(default_factory=list)
    passes: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)

    @property
    def streamed(self) -> list[int]:
        return self.last or self.ready


@dataclass(frozen=True, kw_only=True)
class Drafted:
    """A program of rows with all that reports need."""

    program: Program
    arch: Architecture
    pipeline: PipelineFile
    steps: Steps
    tasks: tuple[TaskTimes, ...]
    seed: int
    held_rows: dict[str, int]  # by buffer: the most rows that fit at once


class Drafter:
    """Works out the times of every task."""

    def __init__(self, arch: Architecture, pipeline: PipelineFile, steps: Steps, seed: int) -> None:
        self.arch, self.pipeline, self.steps, self.seed = arch, pipeline, steps, seed
        self.channels: dict[str, ChannelTimes] = {}
        self._places: tuple[list[Indices], list[Indices]] | None = None

    def times(self, spec: TaskSpec) -> TaskTimes:
        steps = self.steps
        active = [bool(n) for n in steps.of_steps(steps.whole(spec.when))]
        if spec.moves is not None:
            return self._moves(spec, spec.moves, active)
        if spec.selects is not None:
            return self._selects(spec, spec.selects, active)
        if spec.works is not None:
            return self._works(spec, spec.works, active)
        assert spec.elements is not None
        unit = self.arch.spec.components[spec.unit]
        assert isinstance(unit, Pipeline)
        elements = steps.whole(spec.elements)
        cycles = [unit.cycles(n) for n in elements]
        active = [on and cycles[s.kind] > 0 for on, s in zip(active, steps.steps, strict=True)]
        duration = steps.of_steps(cycles)
        return TaskTimes(
            spec=spec,
            active=active,
            serves=list(range(len(steps))),
            duration=duration,
            first=[unit.latency] * len(steps),
            ready=[n + unit.latency for n in duration],
            elements=steps.of_steps(elements),
        )

    def _works(self, spec: TaskSpec, what: Works, active: list[bool]) -> TaskTimes:
        """All of a layer's work, at its last step."""
        steps = self.steps
        unit = self.arch.spec.components[spec.unit]
        assert isinstance(unit, Roofline)
        macs, moved = steps.exact(what.macs), steps.exact(what.bytes)
        count = len(steps)
        ends = [n == count - 1 or steps.layer_ends[n + 1] == n for n in range(count)]
        duration, work = [0] * count, [0] * count
        sums = [Fraction(0), Fraction(0)]
        for n, step in enumerate(steps.steps):
            if active[n]:
                sums = [sums[0] + macs[step.kind], sums[1] + moved[step.kind]]
            if ends[n]:
                duration[n] = max(1, unit.cycles(*sums, self.arch.spec.clock))  # type: ignore[call-arg]
                work[n] = int(sums[0])
                sums = [Fraction(0), Fraction(0)]
        return TaskTimes(
            spec=spec,
            active=ends,
            serves=list(range(count)),
            duration=duration,
            first=duration,
            ready=duration,
            elements=work,
        )

    def _selects(self, spec: TaskSpec, what: Selects, active: list[bool]) -> TaskTimes:
        steps = self.steps
        unit = self.arch.spec.components[spec.unit]
        assert isinstance(unit, Select)
        among, keep = (
            steps.of_steps(steps.whole(what.among)),
            steps.of_steps(steps.whole(what.keep)),
        )
        lanes = [unit.model.lanes] * len(steps)
        feed, drain = (
            lanes if rate is None else steps.of_steps(steps.whole(rate))
            for rate in (what.feed, what.drain)
        )
        mine = [n for n, on in enumerate(active) if on]
        found = selected(
            unit,
            [among[n] for n in mine],
            [keep[n] for n in mine],
            [feed[n] for n in mine],
            [drain[n] for n in mine],
            self.seed,
            self._known(what, mine),
        )
        duration, visited, passes, first, last = ([0] * len(steps) for _ in range(5))
        for place, n in enumerate(mine):
            duration[n], last[n] = found.cycles[place], found.last[place] + 1
            first[n] = last[n] - -(-min(keep[n], among[n]) // drain[n])
            visited[n] = found.elements[place]
            passes[n] = found.passes[place]
        return TaskTimes(
            spec=spec,
            active=active,
            serves=list(range(len(steps))),
            duration=duration,
            first=duration if what.drain is None else first,
            ready=duration,
            elements=visited,
            passes=passes,
            last=[] if what.drain is None else last,
        )

    def _known(self, what: Selects, mine: Sequence[int]) -> list[NDArray[np.float64]]:
        """The numbers that are selected from, where the rows have them."""
        rows, steps = self.steps.rows, self.steps.steps
        if what.of == "weights" and rows.weights:
            return [rows.weights[steps[n].row][steps[n].query] for n in mine]
        if what.of == "importance" and rows.importance is not None:
            return [rows.importance[steps[n].row] for n in mine]
        return []

    def _moves(self, spec: TaskSpec, what: Moves, active: list[bool]) -> TaskTimes:
        steps = self.steps
        unit = self.arch.spec.components[spec.unit]
        assert isinstance(unit, Fetcher)
        channels = self.channels.setdefault(spec.unit, ChannelTimes(self.arch, unit))
        vectors, bits = steps.whole(what.vectors), steps.whole(what.bits)
        serves, width = self._served(what, active, bits)
        fetched = [NOTHING] * len(steps)
        scattered: dict[int, list[int]] = {}
        for n, step in enumerate(steps.steps):
            if not active[n] or serves[n] != n or not vectors[step.kind]:
                continue
            size = bits[step.kind] * steps.row(n).features * width[n]
            if self._is_contiguous(what, n, vectors[step.kind]):
                fetched[n] = channels.contiguous(vectors[step.kind], size)
            else:
                scattered.setdefault(size, []).append(n)
        for size, mine in scattered.items():
            # All heads of a layer keep the same keys: equal places are worked out once.
            places = [self._where(what, n) for n in mine]
            unique = {id(place): place for place in places}
            times = channels.scattered(list(unique.values()), size)
            by_place = dict(zip(unique, times, strict=True))
            for n, place in zip(mine, places, strict=True):
                fetched[n] = by_place[id(place)]
        active = [one.bursts > 0 for one in fetched]
        memory = channels.memory
        return TaskTimes(
            spec=spec,
            active=active,
            serves=serves,
            duration=[one.occupied for one in fetched],
            first=[channels.latency + 1] * len(steps),
            ready=[channels.latency + one.finished for one in fetched],
            elements=[one.bursts * memory.burst for one in fetched],
            needed_bits=[
                vectors[s.kind] * bits[s.kind] * steps.row(n).features * width[n] * active[n]
                for n, s in enumerate(steps.steps)
            ],
            fetched=fetched,
        )

    def _is_contiguous(self, what: Moves, step: int, vectors: int) -> bool:
        row = self.steps.row(step)
        if not what.places or vectors == row.tokens:
            return True
        return len(self._where(what, step)) != vectors  # a whole matrix is read for several queries

    def _where(self, what: Moves, step: int) -> Indices:
        if self._places is None:
            self._places = kept_places(self.steps.rows, self.seed)
        return self._places[what.places == "values"][self.steps.steps[step].row]

    def _served(
        self, what: Moves, active: list[bool], bits: list[int]
    ) -> tuple[list[int], list[int]]:
        """By step: the step whose load serves it, and how many heads a load is for."""
        steps = self.steps.steps
        serves, width = list(range(len(steps))), [1] * len(steps)
        first = 0
        for n, step in enumerate(steps):
            if step.query == 0:
                first = n
            elif not active[n] and active[first]:
                serves[n] = serves[first]
        n = 0
        ends = self.steps.layer_ends
        while n < len(steps):
            fused = what.fused.get(bits[steps[n].kind], 1)
            if fused > 1 and active[n]:
                last = n
                while (
                    last + 1 < len(steps)
                    and last + 1 - n < fused
                    and steps[last + 1].kind == steps[n].kind
                    and ends[last + 1] == ends[n]
                    and active[last + 1]
                ):
                    last += 1
                for other in range(n, last + 1):
                    serves[other] = n
                width[n] = last + 1 - n
                n = last
            n += 1
        return serves, width


def subject(drafted: Drafted) -> Subject:
    """Return the program as a timeline shows it: each slice says whose query it is."""
    rows, steps = drafted.steps.rows, drafted.steps.steps

    def words(step: int) -> dict[str, int]:
        row = drafted.steps.row(step)
        place = {"iteration": row.iteration, "layer": row.layer, "head": row.head}
        return {**place, "query": steps[step].query, "keys": row.keys, "values": row.values}

    about = {"rows": rows.name, "arch": drafted.arch.name, "pipeline": drafted.pipeline.name}
    return Subject(program=drafted.program, about=about, words=words)


def exact_sum(values: Sequence[Fraction], steps: Steps, active: Sequence[bool]) -> Fraction:
    """Return the sum of a quantity of each kind over the active steps."""
    count = [0] * len(values)
    for step, on in zip(steps.steps, active, strict=True):
        count[step.kind] += on
    return sum((v * n for v, n in zip(values, count, strict=True)), Fraction(0))


__all__ = ["Drafted", "Drafter", "TaskTimes", "exact_sum", "subject"]
