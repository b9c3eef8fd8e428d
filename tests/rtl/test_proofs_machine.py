"""Unbounded proofs of a machine's sequencers, part by part and of a small one whole, each with mutants."""

from dataclasses import dataclass

import pytest

from accelsim.rtl.skeleton import QueueShape, Skeleton, TaskShape, WaitShape
from tests.rtl import properties_machine as properties
from tests.rtl.prove import PROVEN, REFUTED, Mutant, Proof, verdict


@dataclass(frozen=True)
class Part:
    """A part of a machine: the module that has it, and how it is made from that."""

    name: str
    make: object


def wait(producer, anchor="start", cause="data"):
    return WaitShape(
        producer=producer, anchor=anchor, lag=anchor == "start", cause=cause, planes=()
    )


def task(name, queue, duration, *waits):
    return TaskShape(
        name=name, queue=queue, shift=0, first=(), last=(), duration=duration, waits=waits
    )


# load -> make -> use -> store; two tiles between load and make, one between make and use.
TASKS = (
    task("load", 0, None, wait(1, "end", "slot")),
    task("make", 1, 2, wait(0), wait(2, "end", "slot")),
    task("use", 2, 1, wait(1), wait(3, "end", "slot")),
    task("store", 3, None, wait(2)),
)
BEHIND = ((2,), (0, 1), (0, 1), (0,))  # tiles by which a wait is behind
LOOPS = (2, 2)


def machine(count_bits=4, digit_bits=2):
    queues = tuple(
        QueueShape(name=t.name, resource=(0, 1, 2, 0)[n], shared=n in (0, 3), tasks=(n,))
        for n, t in enumerate(TASKS)
    )
    return Skeleton(
        loops=("a", "b"),
        counts=LOOPS,
        resources=("bus", "maker", "user"),
        queues=queues,
        tasks=TASKS,
        count_bits=count_bits,
        digit_bits=digit_bits,
    )


@dataclass(frozen=True)
class Plan:
    """What is known of a run: registers, how often a task runs, its (token, tiles behind), the bus."""

    shape: Skeleton
    registers: tuple
    instances: int
    waits: tuple
    bus: int = 0


def sequencer(module):
    shape = machine()
    block = module.Sequencer(shape)
    # A step of either loop is the next tile: the slot and every need grow by one.
    registers = [count - 1 for count in LOOPS]
    waits = []
    for each, behind in zip(TASKS, BEHIND, strict=True):
        registers += [0b11, 0, 1, 1]
        for tiles in behind:
            registers += [1, -tiles, 1, 1]
        places = [block.keys.index((w.producer, w.anchor, w.lag)) for w in each.waits]
        waits.append(tuple(zip(places, behind, strict=True)))
    assert len(registers) == len(shape.registers)
    block.plan = Plan(shape, tuple(registers), LOOPS[0] * LOOPS[1], tuple(waits))
    return block


def queue(module):
    tasks = (
        task("p", 0, 1, wait(1)),
        task("q", 0, 3, wait(0), wait(2, cause="slot")),
        task("r", 0, 2),
    )
    shape = Skeleton(
        loops=("a",),
        counts=(2,),
        resources=("unit",),
        queues=(QueueShape(name="unit", resource=0, shared=False, tasks=(0, 1, 2)),),
        tasks=tasks,
        count_bits=3,
    )
    return module.Queue(shape, 0, ("data", "slot"))


WALKER = Part("walker", lambda m: m.Walker(task("t", 0, 1, wait(0)), 2, 4, 2))
TOKENS = Part("walker", lambda m: m.Tokens())
QUEUE = Part("in_order", queue)
ARBITERS = tuple(
    Part("in_order", lambda m, n=n: m.Arbiter(n, count_bits=2, age_bits=3)) for n in (2, 3)
)
SEQUENCER = Part("sequencer", sequencer)

UNFAIR = (
    Mutant("(ages[n] > ages[other])", "(ages[n] >= ages[other])"),
    Mutant("age.eq(Mux(fresh, self.was_ready[n], waited))", "age.eq(Mux(fresh, 0, waited))"),
    Mutant("age + 1, 0)", "age, 0)"),
    Mutant("earlier = mine <= theirs if n < other", "earlier = mine < theirs if n < other"),
)

PROOFS = [
    Proof(
        "tokens",
        TOKENS,
        properties.tokens_are_counted,
        (
            Mutant(
                "self.count.eq(self.count + self.pulse)", "self.count.eq(self.count | self.pulse)"
            ),
            Mutant(
                "m.d.sync += self.previous.eq(self.count)",
                "m.d.comb += self.previous.eq(self.count)",
            ),
        ),
    ),
    Proof(
        "walker",
        WALKER,
        properties.walker_follows_the_formula,
        (
            Mutant("steps.insert(0, inner & ~over)", "steps.insert(0, ~over)"),
            Mutant("inner = inner & over", "inner = inner"),
            Mutant("after.eq(value + delta)", "after.eq(value + 1)"),
            Mutant("[digits[n].eq(0) for n in walked[place + 1 :]]", "[]"),
            Mutant("self.done.eq(inner)", "self.done.eq(0)"),
        ),
    ),
    Proof(
        "queue",
        QUEUE,
        properties.queue_in_order,
        (
            Mutant("(following[a] <= still)", "(following[a] < still)"),
            Mutant("(slots[a] <= following[b])", "(slots[a] < following[b])"),
            Mutant("before = before & met", "before = met"),
            Mutant("begun.eq(free & self.ready & ~self.go)", "begun.eq(self.ready & ~self.go)"),
            Mutant("left.eq(duration - 1)", "left.eq(max(duration - 2, 0))"),
            Mutant("(running[n] & (left == 1))", "(running[n] & (left == 2))"),
        ),
        steps=6,
    ),
    *(
        Proof(
            f"arbiter-{n + 2}",
            arbiter,
            properties.arbiter_is_fair,
            UNFAIR[: 1 if n == 0 else None],
            reachable=True,
        )
        for n, arbiter in enumerate(ARBITERS)
    ),
    Proof(
        "sequencer",
        SEQUENCER,
        properties.sequencer_keeps_its_promises,
        (
            Mutant("(counter.count.as_signed() > need)", "(counter.count.as_signed() >= need)"),
            Mutant(
                "counter.pulse.eq(self.tokens[n])",
                "counter.pulse.eq(self.tokens[n] & ~self.start[0])",
            ),
            Mutant("m.d.sync += busy.eq(1)", "m.d.sync += busy.eq(0)"),
            Mutant("walker.go.eq(self.go)", "walker.go.eq(0)"),
            Mutant('"done": Out(1, init=1)', '"done": Out(1)', "walker"),
            Mutant("m.d.sync += self.done.eq(inner)", "m.d.sync += self.done.eq(0)", "walker"),
            Mutant("self.count.eq(self.count + self.pulse)", "self.count.eq(self.pulse)", "walker"),
        ),
        reachable=True,
        seconds=120,
    ),
]


@pytest.mark.ci
@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.name)
def test_is_proven(proof):
    assert verdict(proof) == PROVEN


@pytest.mark.ci
@pytest.mark.parametrize(
    ("proof", "mutant"),
    [(proof, mutant) for proof in PROOFS for mutant in proof.mutants],
    ids=lambda each: each.name if isinstance(each, Proof) else each.new,
)
def test_its_mutant_is_refuted(proof, mutant):
    assert verdict(proof, mutant) == REFUTED
