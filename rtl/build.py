"""What a machine is built for: a mapping on an architecture at its largest problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from accelsim.engines.fusemax import FuseMax
from accelsim.errors import InfeasibleError
from accelsim.mapping import Mapping, Problem
from accelsim.mapping.plan import BlockPlan
from accelsim.rtl.operations import (
    GROUPED,
    HEADS,
    KEY_TILES,
    LANE_TASKS,
    POWERS,
    QUERY_TILES,
    STRIPS,
    WIDE_TASKS,
)
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
            query_tiles=self.engine.query_tiles,
        )

    def run(self, sizes: Attention) -> Lowered:
        """Return the program of a run within the largest, as the simulator has it."""
        together = self.engine.together
        if sizes.query_tiles % together:
            raise InfeasibleError(
                f"{self.engine.name}: a strip must be a multiple of the {together} query tiles whose"
                f" exponentials are interleaved, not {sizes.query_tiles}"
            )
        parts = {QUERY_TILES.upper(): sizes.query_tiles // together}
        if GROUPED in self.block.loops:
            parts[GROUPED.upper()] = together
        ranks = {**self.problem.ranks, "P": sizes.queries, "M": sizes.keys}
        leading = {**self.problem.leading, HEADS: sizes.heads}
        mapping = Mapping.from_document(
            self.mapping.document,
            self.mapping.name,
            {"sizes": parts},
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
    loops = [loop for loop in block.loops if loop != GROUPED]
    apart = GROUPED in block.loops[:-1]
    if apart or set(loops[-2:]) != {KEY_TILES, QUERY_TILES} or loops[-3:-2] != [STRIPS]:
        raise InfeasibleError(
            f"{machine.name}: the last loops must be {STRIPS}, then {KEY_TILES} and {QUERY_TILES}"
            f" in either order (then {GROUPED}), not {', '.join(block.loops)}"
        )
    names = [task.name for phase in found.program.phases for task in phase.tasks]
    known = {*WIDE_TASKS, *LANE_TASKS, *LOADS, STORE}
    extra, missing = [n for n in names if n not in known], sorted(known - set(names))
    if extra or missing:
        what = f"has no hardware for {extra[0]}" if extra else f"must have the task {missing[0]}"
        raise InfeasibleError(f"{machine.name}: a machine {what}: hold states on the chip")
    _check_units(block, WIDE_TASKS, {"rows": "m0", "cols": "p0"}, machine)
    _check_units(block, LANE_TASKS, {"lanes": "p0"}, machine)
    _check_taken(block, machine)
    _check_held(block, machine)
    _check_times(block, machine)


def _check_taken(block: BlockPlan, machine: FuseMax) -> None:
    """Exponentials are interleaved over one loop, or not at all; all else is done tile by tile."""
    grouped = [loop for loop in block.loops if loop == GROUPED]
    tiles = block.count(QUERY_TILES) * (block.count(GROUPED) if grouped else 1)
    for binding in block.bindings:
        name, taken = binding.id, list(block.taken(binding))
        wanted = grouped if name in POWERS else []
        if taken != wanted:
            raise InfeasibleError(
                f"{machine.name}: {name} must take {', '.join(wanted) or 'no loop'} at once,"
                f" not {', '.join(taken) or 'none'}"
            )
    if machine.query_tiles != tiles:
        raise InfeasibleError(
            f"{machine.name}: query_tiles must be the {tiles} of a strip, not {machine.query_tiles}"
        )
    if machine.together != (block.count(GROUPED) if grouped else 1):
        raise InfeasibleError(
            f"{machine.name}: together must be the query tiles that SLN takes at once,"
            f" not {machine.together}"
        )


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
        cycles = machine.cycles.get(name, binding.cycles // binding.slots)
        if binding.cycles != cycles:
            raise InfeasibleError(
                f"{machine.name}: {name} must take {cycles} cycles, not {binding.cycles}"
            )
        latency = machine.latencies.get(name, 0)
        if binding.latency != latency:
            raise InfeasibleError(
                f"{machine.name}: the latency of {name} must be {latency}, not {binding.latency}"
            )
