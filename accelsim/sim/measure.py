"""Turns a run's counters into the exact counts of reports: time by unit, traffic, actions, occupancy."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import prod

from accelsim.arch import Dram
from accelsim.cascade.live import live_points
from accelsim.replay.exact import apply, fraction, integer, larger, present, smaller
from accelsim.sim.activity import Action, Activity, BufferUse, Transfer, UnitActivity
from accelsim.sim.lower import Lowered
from accelsim.sim.lower.accesses import accesses, holder
from accelsim.sim.lower.draft import Amount, Draft, Exact, whole
from accelsim.sim.lower.nest import Classes
from accelsim.sim.program import Outcome

# Operands that an operation reads from the register file; each writes one result.
OPERANDS = {"mac": 3, "exp": 1}


def measure(lowered: Lowered, outcome: Outcome, design: str, mapping: str) -> Activity:
    """Return what a run did."""
    return _Measure(lowered, outcome).activity(design, mapping)


class _Measure:
    def __init__(self, lowered: Lowered, outcome: Outcome) -> None:
        self.lowered = lowered
        self.plan = lowered.plan
        self.arch = lowered.plan.arch
        self.outcome = outcome
        self.points = live_points(lowered.plan.cascade, lowered.plan.sizes)
        self.leading = prod(lowered.plan.leading.values())
        self.transfers: dict[tuple[str, str], Exact] = {}
        self.actions: dict[tuple[str, str, str, str, str], Exact] = {}
        self.ops: dict[str, Exact] = {}
        self.lane_ticks: dict[str, dict[str, int]] = {}
        self.tile_points: dict[str, Exact] = {}  # of the phase at hand, by Einsum

    def activity(self, design: str, mapping: str) -> Activity:
        for number, phase in enumerate(self.lowered.phases):
            done = self.outcome.phases[number]
            groups = self.lowered.classes[number]
            counters = [_counter(*pair) for pair in zip(done.instances, groups, strict=True)]
            points = [
                count(draft.points) if draft.points is not None else 0
                for count, draft in zip(counters, phase.drafts, strict=True)
            ]
            self.tile_points = {}
            for draft, more in zip(phase.drafts, points, strict=True):
                self.tile_points[draft.einsum] = self.tile_points.get(draft.einsum, 0) + more
            for draft, count, more in zip(phase.drafts, counters, points, strict=True):
                if draft.kind == "compute":
                    self._compute(number, draft, count, more)
                else:
                    self._move(number, draft, count)
        units = self._units()
        plan = self.plan
        ticks = self.lowered.program.ticks_per_cycle
        busy = {u.name: sum(u.busy_ticks.values()) for u in units if u.kind == "array"}
        traffic = sum(self.transfers.values())
        compute = fraction(larger(0, *busy.values()), ticks)
        memory = traffic / self.arch.bytes_per_cycle
        dram = self.arch.dram_name
        return Activity(
            design=design,
            cascade=plan.cascade.name,
            arch=self.arch.name,
            mapping=mapping,
            ranks=dict(plan.ranks),
            word_bytes=plan.word_bytes,
            clock_hz=fraction(self.arch.spec.clock),
            ticks=self.outcome.ticks,
            ticks_per_cycle=ticks,
            units=units,
            transfers=tuple(
                Transfer(memory=dram, direction=way, tensor=tensor, bytes=fraction(n))
                for (way, tensor), n in sorted(self.transfers.items())
            ),
            actions=tuple(
                Action(component=c, part=p, action=a, einsum=e, tensor=t, count=fraction(n))
                for (c, p, a, e, t), n in sorted(self.actions.items())
                if n
            ),
            buffers=self._buffers(),
            ops={kind: integer(n) for kind, n in sorted(self.ops.items())},
            compute_cycles=compute,
            memory_cycles=memory,
            bottleneck=self._bottleneck(units, busy),
            assumptions=(
                *self.arch.spec.assumptions,
                *plan.spec.assumptions,
                *plan.expanded,
                *plan.selected,
                *plan.begun,
                *plan.unpaid,
            ),
        )

    def _compute(
        self, number: int, draft: Draft, count: Callable[[Amount], Exact], points: Exact
    ) -> None:
        phase = self.lowered.phases[number]
        block = phase.blocks[draft.block]
        binding = block.binding(draft.einsum)
        assert binding is not None
        assert draft.lanes is not None
        unit = binding.bind.unit
        array = self.arch.arrays[unit]
        live = self._live(binding.id, self.tile_points[binding.id])
        ticks = self.lowered.program.ticks_per_cycle
        used = count(draft.lanes) * live * max(1, binding.cycles) * ticks
        mine = self.lane_ticks.setdefault(unit, {})
        mine[binding.id] = mine.get(binding.id, 0) + integer(used)
        points *= live
        for kind, times in binding.ops.ops.items():
            total = points * times
            self.ops[kind] = self.ops.get(kind, 0) + total
            self._act(unit, kind, "compute", binding.id, draft.tensor, total)
            steps = array.ops[kind]
            operands = OPERANDS["mac"] if steps > 1 else OPERANDS.get(kind, 2)
            self._act(unit, "register", "read", binding.id, draft.tensor, total * operands * steps)
            self._act(unit, "register", "write", binding.id, draft.tensor, total * steps)
        for access in accesses(phase, draft.block, binding):
            self._rows(access.buffer, access.action, binding.id, access.tensor, count(access.words))

    def _live(self, einsum: str, points: Exact) -> Exact:
        """Return the share of the points of the tiles that exists: what masks and data leave of them."""
        exact = self.points.get(einsum)
        share = self.plan.presence.share(einsum)
        if exact is None or not points:
            return whole(share)
        return whole(share * smaller(Fraction(1), fraction(exact * self.leading) / points))

    def _move(self, number: int, draft: Draft, count: Callable[[Amount], Exact]) -> None:
        if draft.moved is None or draft.kind == "access":
            return
        moved = count(draft.moved)
        way = "read" if draft.kind == "load" else "write"
        key = (way, draft.tensor)
        self.transfers[key] = self.transfers.get(key, 0) + moved
        self._act(self.arch.dram_name, "dram", way, draft.einsum, draft.tensor, moved)
        if draft.kind == "load" and self.arch.spec.scale == "charged":
            self._scale(number, draft, self._words(moved))
        buffer = holder(self.lowered.phases[number], draft.block, draft.tensor)
        if buffer is not None:
            other = "write" if way == "read" else "read"
            self._rows(buffer, other, draft.einsum, draft.tensor, self._words(moved))

    def _words(self, moved: Exact) -> Exact:
        return whole(fraction(moved) / self.plan.word_bytes)

    def _scale(self, number: int, draft: Draft, words: Exact) -> None:
        """A constant factor folds into the first operand as it is loaded: one multiply a word."""
        block = self.lowered.phases[number].blocks[draft.block]
        binding = block.binding(draft.einsum)
        if binding is None or not binding.equation.has_folded_factor:
            return
        if binding.equation.reads[0].tensor != draft.tensor:
            return
        unit = binding.bind.unit
        kind = next((k for k in ("mul", "mac") if k in self.arch.arrays[unit].ops), None)
        if kind is not None:
            self._act(unit, kind, "compute", binding.id, draft.tensor, words)

    def _rows(self, buffer: str, action: str, einsum: str, tensor: str, words: Exact) -> None:
        rows = fraction(words * self.plan.word_bytes) / self.arch.buffers[buffer].row
        self._act(buffer, "buffer", action, einsum, tensor, whole(rows))

    def _act(
        self, component: str, part: str, action: str, einsum: str, tensor: str, n: Exact
    ) -> None:
        key = (component, part, action, einsum, tensor)
        self.actions[key] = self.actions.get(key, 0) + n

    def _units(self) -> tuple[UnitActivity, ...]:
        total = self.outcome.ticks
        busy: dict[str, dict[str, int]] = {}
        stalls: dict[str, dict[str, int]] = {}
        for number, phase in enumerate(self.lowered.program.phases):
            done = self.outcome.phases[number]
            drafts = self.lowered.phases[number].drafts
            for draft, ticks in zip(drafts, done.busy, strict=True):
                name = draft.einsum if draft.kind == "compute" else draft.name
                mine = busy.setdefault(draft.resource, {})
                mine[name] = mine.get(name, 0) + ticks
            for queue, causes in zip(phase.queues, done.stalls, strict=True):
                mine = stalls.setdefault(phase.resources[queue.resource], {})
                for cause, ticks in causes.items():
                    mine[cause] = mine.get(cause, 0) + ticks
        found: list[UnitActivity] = []
        for name in busy:
            component = self.arch.spec.components.get(name)
            array = self.arch.arrays.get(name)
            kind = "array" if array else "dram" if isinstance(component, Dram) else "ports"
            spent = sum(busy[name].values()) + sum(stalls.get(name, {}).values())
            found.append(
                UnitActivity(
                    name=name,
                    kind=kind,
                    lanes=prod(array.dimensions.values()) if array else 1,
                    busy_ticks=busy[name],
                    stall_ticks=present(stalls.get(name, {})),
                    idle_ticks=total - spent,
                    lane_ticks=self.lane_ticks.get(name, {}),
                )
            )
        return tuple(found)

    def _buffers(self) -> tuple[BufferUse, ...]:
        found: list[BufferUse] = []
        for name, buffer in self.arch.buffers.items():
            peak, integral = 0, 0
            by_tensor: dict[str, int] = {}
            for draft, phase, done in zip(
                self.lowered.phases,
                self.lowered.program.phases,
                self.outcome.phases,
                strict=True,
            ):
                held = {t: n for t, n in draft.reserved.items() if draft.holder(t) == name}
                throughout = sum(held.values())
                peak = larger(peak, done.buffer_peak.get(name, 0) + throughout)
                integral += done.buffer_integral.get(name, 0) + throughout * done.ticks
                for pool, most in zip(phase.pools, done.pool_peak, strict=True):
                    if pool.buffer == name:
                        held[pool.name] = held.get(pool.name, 0) + most
                for tensor, most in held.items():
                    by_tensor[tensor] = larger(by_tensor.get(tensor, 0), most)
            found.append(
                BufferUse(
                    name=name,
                    capacity_bytes=buffer.size,
                    charged_bytes=self.plan.charged_bytes.get(name, 0),
                    peak_bytes=peak,
                    by_tensor=by_tensor,
                    integral=integral,
                )
            )
        return tuple(found)

    def _bottleneck(self, units: tuple[UnitActivity, ...], busy: dict[str, int]) -> str:
        """Return the busiest unit; if none is busy 9 cycles in 10, what the busiest array waits for."""
        if not units:
            return "nothing"
        spent = tuple((u.name, sum(u.busy_ticks.values())) for u in units)
        stalls = tuple((u.name, tuple(u.stall_ticks.items())) for u in units)
        words: str = apply(_busiest, self.outcome.ticks, spent, tuple(busy), stalls)
        return words


def _busiest(
    ticks: int,
    busy: tuple[tuple[str, int], ...],
    arrays: tuple[str, ...],
    stalls: tuple[tuple[str, tuple[tuple[str, int], ...]], ...],
) -> str:
    """Return the busiest unit, or what the busiest array waits for; the first of equals."""
    spent = dict(busy)
    top = max(spent, key=lambda name: spent[name])
    if 10 * spent[top] >= 9 * (ticks or 1):
        return top
    unit = max(arrays, key=lambda name: spent[name])
    causes = {cause: n for cause, n in dict(stalls)[unit] if n}
    cause = max(causes, key=lambda c: causes[c], default="data")
    return f"{unit} waits ({cause})"


def _counter(instances: tuple[int, ...], group: Classes) -> Callable[[Amount], Exact]:
    """Return a function that sums an amount over all instances of a task."""
    done = [(n, at) for n, at in zip(instances, group.at, strict=True) if type(n) is not int or n]

    def count(amount: Amount) -> Exact:
        return whole(sum([n * amount.at(at) for n, at in done]))

    return count
