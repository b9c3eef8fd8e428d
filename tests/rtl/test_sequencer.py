"""The sequencers alone: with tokens after the program's lags they start what the kernel starts, when."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from amaranth.hdl import Cat
from amaranth.sim import Simulator

from accelsim.errors import InfeasibleError
from accelsim.rtl.bench import bits
from accelsim.rtl.build import Attention
from accelsim.rtl.sequencer import Sequencer
from accelsim.rtl.skeleton import COUNT_BITS, settings, skeleton
from accelsim.sim.plan import compile_plan
from accelsim.sim.program import Phase, Program
from tests.rtl.library import Library
from tests.rtl.machines import Starts, built, sample, simulated, sizes, with_lag
from tests.rtl.native_bench import Context, ended


def sequenced(
    built: Program,
    programs: Iterable[Program],
    patience: int = 400,
    library: Library | None = None,
) -> list[tuple[Starts, dict[tuple[int, str], int], bool]]:
    """Run sequencers with an environment that gives every token its lag after the start or the end.

    One program after another, without a reset between them; in Amaranth's simulator, or as C.
    """
    shape = skeleton(built)
    sequencer = Sequencer(shape)
    found = []

    async def drive(ctx: Any) -> None:
        for program in programs:
            numbers = settings(shape, program)
            ctx.set(sequencer.write, 1)
            for address, name in enumerate(shape.registers):
                ctx.set(sequencer.address, address)
                ctx.set(sequencer.value, numbers[name] & ((1 << COUNT_BITS) - 1))
                await ctx.tick()
            ctx.set(sequencer.write, 0)
            found.append(await _run(ctx, sequencer, program.phases[0], patience))

    if library is not None:
        native = library.assembled(sequencer)
        ended(drive(Context(native, sequencer)))
        native.close()
        return found
    sim = Simulator(sequencer)
    sim.add_clock(1e-9)
    sim.add_testbench(drive)
    sim.run()
    return found


async def _run(
    ctx: Any, sequencer: Sequencer, phase: Phase, patience: int
) -> tuple[Starts, dict[tuple[int, str], int], bool]:
    shape = sequencer.skeleton
    plans = [compile_plan(phase, task) for task in phase.tasks]
    active = [
        iter([item[0] for i in range(phase.iterations) if (item := plan(i, 0)) is not None])
        for plan in plans
    ]
    starts: Starts = []
    stalls: dict[tuple[int, str], int] = {}
    ctx.set(sequencer.tokens, 0)
    ctx.set(sequencer.freed, 0)
    ctx.set(sequencer.go, 1)
    await ctx.tick()
    ctx.set(sequencer.go, 0)
    outputs = Cat(sequencer.finished, sequencer.start, sequencer.stalled)
    inputs = Cat(sequencer.tokens, sequencer.freed)
    places = len(sequencer.tokens)
    tokens: dict[int, int] = {}
    cycle, quiet = 0, 0
    while not (seen := ctx.get(outputs)) & 1:
        started = seen >> 1 & ((1 << len(sequencer.start)) - 1)
        for n in bits(started):
            starts.append((cycle, n))
            lasts = phase.tasks[n].durations[next(active[n])]
            for place, (producer, anchor, lag) in enumerate(sequencer.keys):
                if producer == n:
                    met = cycle + lag + (lasts if anchor == "end" else 0)
                    tokens[met - 1] = tokens.get(met - 1, 0) | 1 << place
            queue = shape.queues[shape.tasks[n].queue]
            if queue.shared:
                end = cycle + lasts - 1
                tokens[end] = tokens.get(end, 0) | 1 << places + queue.resource
        ctx.set(inputs, tokens.pop(cycle, 0))
        stalled = ctx.get(sequencer.stalled)
        for number in bits(stalled):
            q, c = divmod(number, len(sequencer.causes))
            key = (q, sequencer.causes[c])
            stalls[key] = stalls.get(key, 0) + 1
        quiet = 0 if started else quiet + 1
        if quiet > patience:
            return sorted(starts), stalls, True
        await ctx.tick()
        cycle += 1
    return sorted(starts), stalls, False


def check(seed: int, runs: int = 1, library: Library | None = None) -> list[bool]:
    """Compare one sampled machine in several runs; say which deadlock."""
    r = Random(seed)
    machine = sample(r, most=8, sides=(1, 4, 8, 16))
    jobs = [sizes(r, machine) for _ in range(runs)]
    programs = [machine.run(job).program for job in jobs]
    found = sequenced(machine.lowered.program, programs, library=library)
    for job, program, (starts, stalls, hung) in zip(jobs, programs, found, strict=True):
        wanted, causes, _ = simulated(program)
        about = f"{seed}: {machine.engine} {machine.largest} {job}"
        assert starts == wanted, about
        assert hung == (causes is None), about
        if causes is not None:
            assert stalls == causes, about
    return [hung for _, _, hung in found]


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


def test_starts_stalls_and_deadlocks_are_the_kernels(library: Library) -> None:
    hung = check(0, runs=2)
    hung += [each for seed in range(1, 4) for each in check(seed, 2, library)]
    assert 0 < sum(hung) < len(hung)


@pytest.mark.campaign
@pytest.mark.parametrize("first", range(8, 208, 10))
def test_starts_stalls_and_deadlocks_are_the_kernels_at_length(
    first: int, library: Library
) -> None:
    for seed in range(first, first + 10):
        check(seed, 6, library)


BUILT: dict[str, Any] = {"ahead": 2, "behind": 2, "query_tiles": 4, "key_tiles": 4, "heads": 2} | {
    "product_depth": 3
}


def refusal(run: Attention, **changes: Any) -> str:
    shape = skeleton(built(**BUILT).lowered.program)
    with pytest.raises(InfeasibleError) as error:
        settings(shape, built(**BUILT | changes).run(run).program)
    return str(error.value)


def test_what_the_machine_was_not_built_for_is_refused() -> None:
    def run(keys: int = 8, heads: int = 1) -> Attention:
        return Attention(heads=heads, queries=16, keys=keys, query_tiles=4)

    assert refusal(run(keys=20), key_tiles=8) == "loop m1 must run at most 4 times, not 5"
    assert refusal(run(heads=3)) == "loop h must run at most 2 times, not 3"
    task = "SLN must be the task that the machine was built for"
    assert refusal(run(), ahead=3) == task
    other = "the mapping must have the loops and queues of the machine"
    assert refusal(run(), keys_innermost=True) == other
    assert refusal(run(), climb=9) == "SLN: a wait that the machine was not built for"
    assert refusal(run(), serial=True, ahead=0, behind=0) == task
    with pytest.raises(InfeasibleError, match=r"multiple of the 2 query tiles .* not 3"):
        built(**BUILT, together=2).run(Attention(heads=1, queries=12, keys=8, query_tiles=3))


def test_programs_that_no_machine_can_sequence_are_refused() -> None:
    machine = built(**BUILT)
    program = machine.lowered.program
    with pytest.raises(InfeasibleError, match="must start at least a cycle after RM"):
        skeleton(with_lag(program, "SLN", "RM", -machine.engine.up))
    with pytest.raises(InfeasibleError, match="one phase, not 2"):
        skeleton(Program(phases=program.phases * 2))
    with pytest.raises(InfeasibleError, match="whole cycles"):
        skeleton(Program(phases=program.phases, ticks_per_cycle=2))
