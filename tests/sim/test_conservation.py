"""What every run must keep: time, bytes, space and energy, over random machines and lengths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from accelsim.energy.account import energy
from accelsim.energy.components import attributes
from accelsim.energy.tables import CostTable
from accelsim.errors import InfeasibleError, SpecError
from accelsim.job import Job, Run
from accelsim.mapping import Mapping, Problem, Workload
from accelsim.mapping.capacity import demand
from accelsim.sim import jump, reference
from accelsim.sim.lower import Lowered, lower
from accelsim.sim.observe import record
from accelsim.sim.plan import compile_plan
from accelsim.sim.program import Phase, Program
from accelsim.specs import Document
from tests.conftest import CAMPAIGN

FAMILIES = ("fusemax", "fusemax_serial", "flat", "flat_1pass", "unfused")
DESIGNS = (*FAMILIES, *(f"{name}_micro24" for name in FAMILIES))
ATTENTION = Workload.load("bert").stage("attention")
EXAMPLES = 1000 if CAMPAIGN else 15
few = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Setup:
    design: str
    ranks: dict[str, int]
    batch: int
    arch_set: dict[str, Any]

    def run(self, *, batch: int | None = None, **changes: Any) -> Run | None:
        """Simulate; None if the design cannot run there (a deadlock, or nothing fits)."""
        job = Job.of(self.design, arch_set=self.arch_set | changes)
        leading = {"b": batch or self.batch, "h": 1}
        stage = replace(ATTENTION, ranks=self.ranks, leading=leading)
        try:
            return job.run(stage)
        except InfeasibleError:
            return None
        except SpecError as error:  # FLAT's fixed strips of 4 tiles
            assert "must divide the" in str(error)
            return None


@st.composite
def setups(draw: st.DrawFn, designs: tuple[str, ...] = DESIGNS) -> Setup:
    n = draw(st.sampled_from([8, 16, 24]))
    e = draw(st.sampled_from([4, 8, n - 3]))  # FLAT lays E along rows and F along columns
    f = draw(st.sampled_from([e, e, 8]))
    seq = draw(st.integers(1, 7 * n))
    keys = draw(st.one_of(st.just(seq), st.integers(1, 5 * n)))
    arch_set = {
        "PE2D.rows": n,
        "PE2D.cols": n,
        "PE1D.lanes": n,
        "DRAM.bandwidth": draw(st.sampled_from(["2 GiB/s", "13 GB/s", "60 GiB/s", "400 GiB/s"])),
        "GLB.size": draw(st.sampled_from(["4 KiB", "16 KiB", "100000 B", "1 MiB"])),
        "DRAM.latency": draw(st.sampled_from(["0 ns", "30 ns"])),
        "GLB.ports": draw(st.sampled_from([None, 1, 4])),
    }
    return Setup(
        design=draw(st.sampled_from(designs)),
        ranks={"P": seq, "M": keys, "E": e, "F": f},
        batch=draw(st.integers(1, 2)),
        arch_set=arch_set,
    )


def found(setup: Setup) -> Run:
    run = setup.run()
    assume(run is not None)
    assert run is not None
    return run


@few
@given(setups())
def test_time_is_busy_or_stalled_or_idle(setup: Setup) -> None:
    """Against a list of every start: no unit does two things at once, and the counters add up to it."""
    run = found(setup)
    ticks = run.activity.ticks
    for unit in run.activity.units:
        spent = sum(unit.busy_ticks.values()) + sum(unit.stall_ticks.values())
        assert min((*unit.busy_ticks.values(), *unit.stall_ticks.values(), unit.idle_ticks)) >= 0
        assert spent + unit.idle_ticks == ticks
        lanes = sum(unit.lane_ticks.values())
        assert lanes <= unit.lanes * sum(unit.busy_ticks.values())
    outcome = reference.run(run.lowered.program)
    assert outcome == jump.run(run.lowered.program)
    assert outcome.ticks == ticks
    for phase, done in zip(run.lowered.program.phases, outcome.phases, strict=True):
        starts = record(phase)
        owners = [phase.queues[task.queue].resource for task in phase.tasks]
        for resource in range(len(phase.resources)):
            mine = sorted((s.start, s.end) for s in starts if owners[s.task] == resource)
            assert all(a[1] <= b[0] for a, b in pairwise(mine))
            busy = sum(end - start for start, end in mine)
            tasks = [t for t, owner in enumerate(owners) if owner == resource]
            assert busy == sum(done.busy[t] for t in tasks)
            queues = [q for q, queue in enumerate(phase.queues) if queue.resource == resource]
            if len(queues) == 1 and mine:  # waits from 0 to the last start
                before = busy - (mine[-1][1] - mine[-1][0])
                assert sum(done.stalls[queues[0]].values()) == mine[-1][0] - before
        assert done.ticks == max(s.end for s in starts)


@few
@given(setups())
def test_bytes(setup: Setup) -> None:
    """At least the inputs come in, exactly the results go out, and the bus is busy for all of it."""
    run = found(setup)
    ranks, heads = setup.ranks, setup.batch
    moved = {(t.direction, t.tensor): t.bytes for t in run.activity.transfers}
    word = run.activity.word_bytes
    assert moved["read", "Q"] >= heads * ranks["P"] * ranks["E"] * word
    assert moved["read", "K"] >= heads * ranks["M"] * ranks["E"] * word
    assert moved["read", "V"] >= heads * ranks["M"] * ranks["F"] * word
    assert moved["write", "AV"] == heads * ranks["P"] * ranks["F"] * word
    scores = heads * ranks["P"] * ranks["M"] * word
    for (way, tensor), amount in moved.items():
        if way == "write":  # what is made, or a share of it: never twice
            assert amount <= scores or tensor == "AV"
            assert tensor in ("AV", "QK", "SN", "A")
    total = sum(moved.values())
    bus = next(u for u in run.activity.units if u.kind == "dram")
    rate = run.lowered.plan.arch.bytes_per_cycle
    assert sum(bus.busy_ticks.values()) >= total / rate * run.activity.ticks_per_cycle
    assert run.activity.memory_cycles == total / rate


@few
@given(setups())
def test_work(setup: Setup) -> None:
    """Operations are the algorithm's, whatever the machine: one mac a product, one max a score."""
    run = found(setup)
    p, m, e, f = (setup.ranks[r] for r in "PMEF")
    macs = setup.batch * p * m * (e + f)
    ops = run.activity.ops
    assert ops["exp"] >= setup.batch * p * m
    assert ops["max"] >= setup.batch * p * m
    assert ops["mac"] >= macs
    if "1pass" not in run.activity.cascade:
        assert ops["mac"] == macs
        assert ops["exp"] == ops["max"] == ops["div"] == setup.batch * p * m
    else:
        assert ops["div"] == setup.batch * p * f


def events(phase: Phase) -> dict[int, list[tuple[int, int]]]:
    """Per pool, (tick, amount) of every take (at a start) and give (at an end)."""
    plans = [compile_plan(phase, task) for task in phase.tasks]
    result: dict[int, list[tuple[int, int]]] = {n: [] for n in range(len(phase.pools))}
    for start in record(phase):
        task = phase.tasks[start.task]
        place = plans[start.task](start.iteration, start.k)
        assert place is not None
        for pool, amounts in task.takes:
            result[pool].append((start.start, amounts[place[0]]))
        for pool, amounts in task.gives:
            result[pool].append((start.end, -amounts[place[0]]))
    return result


@few
@given(setups())
def test_space(setup: Setup) -> None:
    """What is taken is given back, and no buffer holds more than its mapping says it holds.

    That is: every copy of every held tile. Where the assumptions name copies that are not paid for,
    the peak may pass the capacity by these; else only by the rounding of spilled shares.
    """
    run = found(setup)
    plan = run.lowered.plan
    for phase in run.lowered.program.phases:
        for pool, changes in events(phase).items():
            level, levels = 0, {}
            for tick, amount in sorted(changes):
                level += amount
                levels[tick] = level
            name = phase.pools[pool].name
            assert min(levels.values(), default=0) >= 0, name
            if name not in plan.spilled:
                assert level == 0, f"{name} keeps {level} bytes"
    bare = plan.spec.model_copy(
        update={
            "charge": {},
            "blocks": [b.model_copy(update={"charge": {}}) for b in plan.spec.blocks],
        }
    )
    blocks = tuple(replace(b, block=b.block.model_copy(update={"charge": {}})) for b in plan.blocks)
    everything = demand(bare, blocks, plan.arch, plan.sizes)
    for use in run.activity.buffers:
        full = everything.charged.get(use.name, 0)
        assert use.peak_bytes <= full
        if not plan.unpaid and not plan.spilled:
            assert full == use.charged_bytes
            assert use.peak_bytes <= use.capacity_bytes
        elif not plan.spilled:
            unpaid = full - use.charged_bytes
            assert use.peak_bytes <= use.capacity_bytes + max(0, unpaid)


@few
@given(setups())
def test_energy_is_the_sum_of_its_parts(setup: Setup) -> None:
    job = Job.of(setup.design, arch_set=setup.arch_set)
    run = found(setup)
    try:
        spent = energy(run.activity, CostTable.load(job.costs), attributes(job.arch.spec))
    except SpecError as error:
        assert "size_bytes" in str(error) or "GLB" in str(error)  # no row for a size of our own
        assume(condition=False)
        return
    assert spent.total_pj > 0
    assert all(c.pj >= 0 for c in spent.charges)
    assert spent.total_pj == sum(c.pj for c in spent.by_action)
    for parts in (spent.by_component, spent.by_einsum, spent.by_part):
        assert spent.total_pj == sum(parts.values())
    counts = {(a.component, a.part, a.action, a.einsum, a.tensor): a.count
              for a in run.activity.actions}  # fmt: skip
    assert counts == {(c.component, c.part, c.action, c.einsum, c.tensor): c.count
                      for c in spent.charges}  # fmt: skip


@few
@given(setups())
def test_twice_the_batch_is_twice_the_work(setup: Setup) -> None:
    once, twice = setup.run(), setup.run(batch=2 * setup.batch)
    assume(once is not None)
    assume(twice is not None)
    assert once is not None
    assert twice is not None
    assume(once.activity.mapping == twice.activity.mapping)  # a design may choose another
    assert twice.activity.ops == {kind: 2 * n for kind, n in once.activity.ops.items()}
    for a, b in zip(once.activity.units, twice.activity.units, strict=True):
        assert a.name == b.name
        assert Fraction(sum(b.busy_ticks.values()), twice.activity.ticks_per_cycle) >= 2 * Fraction(
            sum(a.busy_ticks.values()), once.activity.ticks_per_cycle
        )
    assert twice.activity.ticks > once.activity.ticks
    moved = {(t.direction, t.tensor): t.bytes for t in once.activity.transfers}
    assert {(t.direction, t.tensor): t.bytes for t in twice.activity.transfers} == {
        key: 2 * n for key, n in moved.items()
    }


# -- shorter tasks never end later -------------------------------------------------------------


def own_resources(program: Program) -> Program:
    """Give every queue its resource.

    The claim holds there: a start is a maximum of sums of durations and lags. On a shared bus it does
    not: what is ready earlier goes first, and another order may end later (Graham's anomalies).
    """
    phases = []
    for phase in program.phases:
        queues = tuple(replace(q, resource=n) for n, q in enumerate(phase.queues))
        names = tuple(q.name for q in phase.queues)
        phases.append(replace(phase, queues=queues, resources=names))
    return replace(program, phases=tuple(phases))


def shortened(program: Program, shares: list[int]) -> Program:
    """Scale durations and lags down to ``shares`` percent, task after task."""
    phases = []
    for phase in program.phases:
        tasks = []
        for n, task in enumerate(phase.tasks):
            share = shares[n % len(shares)]
            tasks.append(
                replace(
                    task,
                    durations=tuple(max(1, d * share // 100) for d in task.durations),
                    waits=tuple(
                        replace(w, lag=w.lag * share // 100) if w.anchor == "end" else w
                        for w in task.waits
                    ),
                )
            )
        phases.append(replace(phase, tasks=tuple(tasks)))
    return replace(program, phases=tuple(phases))


@few
@given(setups(), st.lists(st.integers(0, 100), min_size=1, max_size=7))
def test_shorter_tasks_never_end_later(setup: Setup, shares: list[int]) -> None:
    run = found(setup)
    alone = own_resources(run.lowered.program)
    assert jump.run(shortened(alone, shares)).ticks <= jump.run(alone).ticks


BETTER: list[dict[str, Any]] = [
    {"DRAM.bandwidth": "800 GiB/s"},
    {"DRAM.latency": "0 ns"},
    {"PE1D.ops.exp": 1},
    {"links": ["DRAM - GLB", "GLB - PE2D", {"PE2D - PE1D": {"down": 1, "up": 0}}]},
]


@few
@given(setups(("fusemax", "fusemax_serial", "fusemax_micro24")), st.sampled_from(BETTER))
def test_a_faster_machine_never_ends_later(setup: Setup, change: dict[str, Any]) -> None:
    """Fewer slots, more bandwidth, less latency, a smaller drain: with the same mapping and tiles."""
    assume("links" not in change or not setup.design.endswith("_micro24"))  # there it is 0
    setup = replace(setup, arch_set=setup.arch_set | {"GLB.ports": None})
    first = found(setup)
    job = Job.of(setup.design, arch_set=setup.arch_set | change)
    plan = first.lowered.plan
    assert plan.name
    mapping = Mapping.load(first.activity.mapping)
    problem = Problem(
        cascade=plan.cascade, arch=job.arch, ranks=setup.ranks, leading={"b": setup.batch, "h": 1}
    )
    second: Lowered = lower(mapping.plan(problem))

    def time(lowered: Lowered) -> Fraction:
        program = own_resources(lowered.program)
        return Fraction(jump.run(program).ticks, program.ticks_per_cycle)

    # another number of ticks a cycle rounds transfers up otherwise: at most a tick each
    slack = sum(sum(counts) for done in jump.run(first.lowered.program).phases
                for counts in done.instances) if "DRAM.bandwidth" in change else 0  # fmt: skip
    assert time(second) <= time(first.lowered) + Fraction(
        slack, first.lowered.program.ticks_per_cycle
    )


# -- the same again ----------------------------------------------------------------------------


def reordered(value: Any) -> Any:
    """Reverse the keys of every table in a document; lists keep their order."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(value)}
    return [reordered(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("design", DESIGNS)
def test_the_order_of_keys_does_not_matter(design: str) -> None:
    """But for ``sizes``, which may use the ones before."""
    arch_set = {"PE2D.rows": 16, "PE2D.cols": 16, "PE1D.lanes": 16, "GLB.size": "256 KiB"}
    setup = Setup(design, {"P": 128, "M": 120, "E": 8, "F": 8}, 2, arch_set)
    first = setup.run()
    assert first is not None
    plan = first.lowered.plan
    source = Mapping.load(first.activity.mapping).document
    data = reordered(source.data)
    data["sizes"] = {**source.data.get("sizes", {})}
    for block, old in zip(data["blocks"], source.data["blocks"], strict=True):
        if "sizes" in old:
            block["sizes"] = old["sizes"]
    arch = type(plan.arch).from_document(
        replace(plan.arch.document, data=reordered(plan.arch.document.data))
    )
    again = Mapping.from_document(Document(path=source.path, data=data), first.activity.mapping)
    problem = Problem(
        cascade=plan.cascade,
        arch=arch,
        ranks=dict(reversed(setup.ranks.items())),
        leading={"b": 2, "h": 1},
    )
    same = Mapping.load(first.activity.mapping).plan(replace(problem, arch=plan.arch))
    one, two = lower(same).program, lower(again.plan(problem)).program
    a, b = jump.run(one), jump.run(two)
    assert a.ticks == b.ticks
    for x, y in zip(a.phases, b.phases, strict=True):
        assert (x.instances, x.busy, x.stalls) == (y.instances, y.busy, y.stalls)
        assert (x.buffer_peak, x.buffer_integral) == (y.buffer_peak, y.buffer_integral)


@few
@given(setups())
def test_the_same_again(setup: Setup) -> None:
    first, second = found(setup), found(setup)
    assert first.activity == second.activity
    assert first.lowered.program == second.lowered.program
