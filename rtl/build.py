"""What a machine is built for: a mapping on an architecture at its largest problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from accelsim.engines.fusemax import FuseMax
from accelsim.errors import InfeasibleError
from accelsim.mapping import Mapping, Problem
from accelsim.mapping.plan import BlockPlan
from accelsim.rtl.operations import HEADS, KEY_TILES, LANE_TASKS, QUERY_TILES, STRIPS, WIDE_TASKS
from accelsim.rtl.transfers import LOADS, STORE
from accelsim.sim.lower import Lowered, lower


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Sizes of a run: ``queries`` are walked in strips of ``query_tiles`` tiles."""

    heads: int
    queries: int
    keys: int
    query_tiles: int


@dataclass(frozen=True, kw_only=True)
class Build:
    """A machine by its specs, the same that the simulator runs.

    Raises InfeasibleError with a sentence if the machine cannot sequence the mapping.
    """

    mapping: Mapping
    problem: Problem  # the largest

    @cached_property
    def lowered(self) -> Lowered:
        """The program of the largest problem."""
        found = lower(self.mapping.plan(self.problem))
        _check(found)
        return found

    @property
    def block(self) -> BlockPlan:
        return self.lowered.plan.blocks[0]

    @property
    def engine(self) -> FuseMax:
        found = self.block.machine
        assert isinstance(found, FuseMax)  # checked
        return found

    @property
    def largest(self) -> Attention:
        return Attention(
            heads=self.problem.leading.get(HEADS, 1),
            queries=self.problem.ranks["P"],
            keys=self.problem.ranks["M"],
            query_tiles=self.block.count(QUERY_TILES),
        )

    def run(self, sizes: Attention) -> Lowered:
        """Return the program of a run within the largest, as the simulator has it."""
        ranks = {**self.problem.ranks, "P": sizes.queries, "M": sizes.keys}
        leading = {**self.problem.leading, HEADS: sizes.heads}
        mapping = Mapping.from_document(
            self.mapping.document,
            self.mapping.name,
            {"sizes": {QUERY_TILES.upper(): sizes.query_tiles}},
        )
        return lower(mapping.plan(replace(self.problem, ranks=ranks, leading=leading)))


def _check(found: Lowered) -> None:
    """Refuse what the machine has no hardware for."""
    block = found.plan.blocks[0]
    machine = block.machine
    if len(found.plan.blocks) != 1:
        raise InfeasibleError(f"a machine runs one block, not {len(found.plan.blocks)}")
    if not isinstance(machine, FuseMax):
        raise InfeasibleError(
            f"{found.plan.arch.name} must have an engine that runs {found.plan.cascade.name}"
        )
    if set(block.loops[-2:]) != {KEY_TILES, QUERY_TILES} or block.loops[-3:-2] != (STRIPS,):
        raise InfeasibleError(
            f"{machine.name}: the last loops must be {STRIPS}, then {KEY_TILES} and {QUERY_TILES}"
            f" in either order, not {', '.join(block.loops)}"
        )
    names = [task.name for phase in found.program.phases for task in phase.tasks]
    known = {*WIDE_TASKS, *LANE_TASKS, *LOADS, STORE}
    extra, missing = [n for n in names if n not in known], sorted(known - set(names))
    if extra or missing:
        what = f"has no hardware for {extra[0]}" if extra else f"must have the task {missing[0]}"
        raise InfeasibleError(f"{machine.name}: a machine {what}: hold states on the chip")
    _check_units(block, WIDE_TASKS, {"rows": "m0", "cols": "p0"}, machine)
    _check_units(block, LANE_TASKS, {"lanes": "p0"}, machine)
    _check_held(block, machine)
    _check_times(block, machine)


def _check_held(block: BlockPlan, machine: FuseMax) -> None:
    """The banks are numbered by these loops."""
    held = {"Q": STRIPS, "K": KEY_TILES, "V": KEY_TILES, "SLNV": block.loops[-1]}
    held |= dict.fromkeys(("RM", "RD", "RNV", "AV"), STRIPS)
    for tensor, loop in held.items():
        place = block.hold.get(tensor)
        if place is None or place.loop != loop:
            found = "not held" if place is None else f"held by {place.loop}"
            raise InfeasibleError(f"{machine.name}: {tensor} must be held by {loop}; it is {found}")
    for tensor, copies in (("Q", 2), ("AV", 1)):
        if (depth := block.depth.get(tensor, 1)) != copies:
            raise InfeasibleError(
                f"{machine.name}: {tensor} must have {copies} copies, not {depth}"
            )


def _check_units(
    block: BlockPlan, tasks: Iterable[str], space: dict[str, str], machine: FuseMax
) -> None:
    binds = [b.bind for b in block.bindings if b.id in tasks]
    for bind in binds:
        if bind.unit != binds[0].unit or dict(bind.space) != space:
            over = ", ".join(f"{name}: {rank}" for name, rank in space.items())
            raise InfeasibleError(
                f"{machine.name}: {bind.einsum} must be on {binds[0].unit} over {over}"
            )


def _check_times(block: BlockPlan, machine: FuseMax) -> None:
    """A mapping may not claim other times than the pipelines have."""
    for binding in block.bindings:
        name = binding.id
        own = {maker: lag for (maker, to), lag in machine.lags.items() if to == name}
        for maker, lag in binding.lags.items():
            if lag != own.get(maker):
                raise InfeasibleError(
                    f"{machine.name}: the lag of {name} from {maker} must be"
                    f" {own.get(maker, 'left open')}, as the pipelines have it, not {lag}"
                )
        slots = machine.slots.get(name, 1)
        if binding.slots != slots:
            raise InfeasibleError(
                f"{machine.name}: {name} must take {slots} slots, not {binding.slots}"
            )
        latency = machine.latencies.get(name, 0)
        if binding.latency != latency:
            raise InfeasibleError(
                f"{machine.name}: the latency of {name} must be {latency}, not {binding.latency}"
            )
