"""What bugs are seeded in: engines, what drives each, and what helps to show that a bug changes nothing."""

import random
from dataclasses import dataclass
from functools import cached_property, partial

import z3

from accelsim.engines.arithmetic import Arithmetic
from accelsim.engines.array1d import Array1D
from accelsim.engines.array2d import Array2D
from accelsim.engines.batcher import Batcher
from accelsim.engines.buffer import Buffer
from accelsim.engines.column import Column
from accelsim.engines.divide import Divide
from accelsim.engines.fifo import Fifo
from accelsim.engines.insertion_queue import InsertionQueue
from accelsim.engines.mac import Mac
from accelsim.engines.number import Float
from accelsim.engines.pe1d import PE1D
from accelsim.engines.pe2d import PE2D
from accelsim.engines.quick_select import QuickSelect
from accelsim.engines.radix_select import RadixSelect
from accelsim.engines.running_max import RunningMax
from accelsim.rtl.block import block
from tests.conftest import CAMPAIGN
from tests.rtl.elements import anything, priced, working
from tests.rtl.equivalent import Twins
from tests.rtl.lane_probes import lane_probe
from tests.rtl.mutation import Campaign
from tests.rtl.numbers import hard, hard_triple
from tests.rtl.probes import column_probe, wide_probe
from tests.rtl.seeded import stimulus
from tests.rtl.selects import draw_stimulus

SHARE = 30  # bugs of each row that every run seeds, or fewer if the row says so


@dataclass(frozen=True)
class Row:
    """An engine, what it is driven with, and what helps to show that a bug changes nothing."""

    engine: object
    values: object = None
    invariant: object = None
    cares: object = None
    stimuli: int = 6
    offers: int = 60
    share: int = SHARE
    forgets: bool = False
    """A pipeline: after as many cycles as its latency nothing is left of what it had."""
    driven: object = None
    """What makes a stimulus of a seed, if not random values with gaps and stalls."""
    parts: tuple = ()
    """Names that begin the cells of engines which it is built of: their bugs are seeded there."""
    most: int | None = None
    """Bugs that the campaign seeds, if not all."""
    reach: int = 0
    """Seconds in which reachability may show that a bug changes nothing."""

    @cached_property
    def campaign(self):
        one = self.driven or partial(stimulus, self.engine, values=self.values, offers=self.offers)
        driven = [one(seed) for seed in range(self.stimuli)]
        return Campaign(self.engine, block(self.engine), driven, own=self.own)

    @cached_property
    def twins(self):
        campaign = self.campaign
        return Twins(campaign.netlist, campaign.outputs, self.invariant, self.cares)

    def own(self, cell):
        return not any(f"{part}" in cell.replace("\\", "") for part in self.parts)


def fifo(depth):
    """Proven in test_proofs: the pointers stay in the ring, and agree with the count."""

    def invariant(at):
        read, write, count = (byte(at(name)) for name in ("read", "write", "count"))
        end = read + count
        return z3.And(
            z3.ULT(read, depth), z3.ULT(write, depth), z3.ULE(count, depth),
            z3.If(z3.UGE(end, depth), end - depth, end) == write,
        )  # fmt: skip

    def held(n):
        def condition(at):
            read, count = byte(at("read")), byte(at("count"))
            ahead = z3.If(z3.ULE(read, n), n - read, n + depth - read)
            return z3.ULT(ahead, count)

        return condition

    return Row(
        engine=Fifo(width=4, depth=depth),
        invariant=invariant,
        cares={f"word_{n}": held(n) for n in range(depth)},
    )


def byte(value):
    return z3.ZeroExt(8 - value.size(), value)


def buffer(**parameters):
    engine = Buffer(**parameters)
    stages = [(n, k) for n in range(engine.reads) for k in range(engine.latency_cycles)]
    return Row(
        engine=engine,
        cares={
            f"d{n}_data_{k}": lambda at, n=n, k=k: at(f"d{n}_valid_{k}") == 1 for n, k in stages
        },
    )


def mac():
    """Small formats, so that sums cancel and round; the sum is normalised or has exponent 1."""
    engine = Mac(form=Float(3, 2), accumulator=Float(4, 4), stages=1)
    significand = engine.accumulator.mantissa + 3

    def values(draw, port, n):
        # What the first sum after a reset adds to is not defined.
        first = n == 0 or draw.random() < 0.3
        a, b, c = hard_triple(engine.form, engine.accumulator, draw)
        return port.pack(a=a, b=b, c=c, first=int(first), last=int(draw.random() < 0.8))

    def invariant(at):
        whole = at("sum")
        top = z3.Extract(significand - 1, significand - 1, whole)
        exponent = z3.Extract(whole.size() - 4, significand, whole)
        return z3.And(exponent != 0, z3.Or(top == 1, exponent == 1))

    return Row(engine=engine, values=values, invariant=invariant, stimuli=40, share=30)


def numbers(engine):
    """Hard operands of a small format, and any."""

    def values(draw, port, n):
        def field(name, bits):
            return hard(engine.form, draw) if draw.random() < 0.6 else draw.getrandbits(bits)

        return port.pack(**{name: field(name, bits) for name, bits in port.fields})

    return Row(engine, values, stimuli=4, offers=400, share=10, forgets=True)


def select(engine):
    """Requests of a small top-k engine; most of its registers mean nothing most of the time."""

    def driven(seed):
        return draw_stimulus(engine, seed, 8)[1]

    return Row(engine, driven=driven, stimuli=16, share=6)


NARROW = {"operand": Float(4, 4), "accumulator": Float(5, 10), "stages": 2}


PROBES = {"pe2d": wide_probe, "column": column_probe, "pe1d": lane_probe}


def element(engine, *parts, share=0, length=150):
    """Any instructions, tasks, those of what the engine is priced on, and hard numbers for each step."""

    def driven(seed):
        draw = random.Random(seed)
        if engine.name in PROBES and seed // 2 % 2 == 0:
            return PROBES[engine.name](engine, draw, 3 * length)
        if seed % 6 == 0 and len(engine.operations) > 1:
            operation = engine.operations[seed // 6 % len(engine.operations)].name
            return priced(engine, operation, "random" if seed % 4 else "attention")
        if seed % 6 < 5 and "op" in dict(engine.inputs[0].fields):
            return working(engine, draw, length)
        return anything(engine, draw, length, usual=0.8)

    return Row(
        engine,
        driven=driven,
        stimuli=400 if CAMPAIGN else 12,
        share=share,
        parts=parts,
        most=200,
        reach=8,
    )


# Each run seeds some in the smallest; the campaign in all. The array of lanes has nothing of its own.
LANES = Array1D(lanes=2, tiles=1, value=2, rings=1, vectors=1, digits=4, **NARROW)
ELEMENTS = [
    element(
        RunningMax(tiles=2, rings=2, tag=2, operand=Float(4, 4), accumulator=Float(5, 10)),
        share=40,
        length=1200,
    ),
    element(PE2D(scores=2, tag=1, **NARROW)),
    element(PE1D(tiles=2, value=2, rings=2, vectors=2, digits=4, **NARROW), "running_max."),
    element(Column(rows=2, hop=2, scores=1, tag=1, **NARROW), "pe_"),
    element(
        Array2D(
            rows=2, cols=2, head=2, value=2, key_slots=2, scores=1, rings=2, tag=1, words=2, **NARROW
        ),
        "column_",
    ),
]  # fmt: skip

SMALL = {"lanes": 2, "width": 2, "elements": 4}
SELECTS = [
    select(QuickSelect(**SMALL)),
    select(RadixSelect(**SMALL, digit=1)),
    # Four rows, merged twice; by the 0-1 principle one bit shows what a sorter does (Knuth, vol. 3, 5.3.4).
    select(Batcher(lanes=2, width=1, elements=8)),
    select(InsertionQueue(**SMALL, depth=3)),
]

TINY = Float(3, 2)
ROWS = [
    *(
        numbers(Arithmetic(operation=operation, form=TINY, stages=2))
        for operation in ("add", "maximum", "multiply")
    ),
    numbers(Divide(form=TINY, to=TINY)),
    fifo(3),
    fifo(4),
    buffer(width=3, depth=4, reads=1, writes=1),
    buffer(width=3, depth=3, reads=2, writes=2, access_ports=2, latency_cycles=2),
    mac(),
    *ELEMENTS,
]
