"""Seeded bugs in every engine's netlist: its lock-step stimuli must catch them.

What lives must be shown to change nothing, or is counted. A row per engine; the campaign seeds
every bug there is, the others a share.
"""

import random
import sys
from dataclasses import dataclass
from functools import cached_property, partial

import pytest
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
from tests.rtl.bugs import Bug, bugs, is_seen, seen_bits, with_bug
from tests.rtl.elements import anything, priced, working
from tests.rtl.equivalent import same, same_for
from tests.rtl.exhaustive import Exhaustive
from tests.rtl.mutation import Campaign
from tests.rtl.numbers import hard, hard_triple
from tests.rtl.prove import PROVEN, REFUTED
from tests.rtl.seeded import stimulus
from tests.rtl.selects import draw_stimulus
from tests.rtl.sequential import same_reachable
from tests.shares import share as cases_of

CAUGHT = 0.95
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
    lean: bool = False
    """Much of it does nothing on operands of its formats: bugs are seeded in what is left."""
    caught: float = CAUGHT
    most: int = None
    """Bugs that the campaign seeds, if not all."""

    @cached_property
    def campaign(self):
        one = self.driven or partial(stimulus, self.engine, values=self.values, offers=self.offers)
        driven = [one(seed) for seed in range(self.stimuli)]
        return Campaign(self.engine, block(self.engine), driven, own=self.own, lean=self.lean)

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


def element(engine, *parts, share=0, length=150):
    """Any instructions, and between them those of what the engine is priced on."""

    def driven(seed):
        draw = random.Random(seed)
        if seed % 6 == 0 and len(engine.operations) > 1:
            operation = engine.operations[seed // 6 % len(engine.operations)].name
            return priced(engine, operation, "random" if seed % 4 else "attention")
        if seed % 6 < 5 and "op" in dict(engine.inputs[0].fields):
            return working(engine, draw, length)
        return anything(engine, draw, length, usual=0.8)

    return Row(
        engine,
        driven=driven,
        stimuli=600 if CAMPAIGN else 12,
        share=share,
        parts=parts,
        caught=CAUGHT if share else 0.9,  # of the exponential many bugs show in few operands only
        most=200,
        lean=CAMPAIGN,
    )


# Each run seeds some in the smallest; the campaign in all.
ELEMENTS = [
    element(
        RunningMax(tiles=2, rings=2, tag=2, operand=Float(4, 4), accumulator=Float(5, 10)),
        share=40,
        length=1200,
    ),
    element(PE2D(scores=2, tag=1, **NARROW)),
    element(PE1D(tiles=2, value=2, rings=2, vectors=2, digits=4, **NARROW), "running_max."),
    element(Column(rows=2, hop=2, scores=1, tag=1, **NARROW), "pe_"),
    element(Array1D(lanes=2, tiles=1, value=2, rings=1, vectors=1, digits=4, **NARROW), "lane_"),
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


PARAMS = [
    *cases_of([row for row in ROWS if row.share], 3, "ci"),
    *(pytest.param(row, marks=pytest.mark.campaign) for row in ROWS if not row.share),
]


@pytest.fixture(params=PARAMS, ids=lambda row: repr(row.engine))
def row(request):
    return request.param


def test_the_netlist_without_a_bug_equals_the_model(row):
    campaign = row.campaign
    assert not campaign.caught(campaign.netlist)


def check(row, count, capsys):
    campaign = row.campaign
    seeded, living = campaign.survivors(count)
    counted = [bug for bug in living if not harmless(row, campaign, bug)]
    if CAMPAIGN:
        lines = [
            f"{row.engine}: {seeded} bugs, {len(living)} live, {len(counted)} of them may matter"
        ]
        with capsys.disabled():
            sys.stdout.write("\n".join(["", *lines, *map(str, counted), ""]))
    bugs_that_matter = seeded - (len(living) - len(counted))
    assert len(counted) <= (1 - row.caught) * bugs_that_matter, "\n".join(map(str, counted))


def harmless(row, campaign, bug):
    if not is_seen(campaign.netlist, bug, seen_bits(campaign.netlist, campaign.outputs)):
        return True
    other = with_bug(campaign.netlist, bug)
    if same(campaign.netlist, other, campaign.outputs, row.invariant, row.cares):
        return True
    cycles = row.engine.latency + 2
    return row.forgets and same_for(campaign.netlist, other, campaign.outputs, cycles)


def test_a_seeded_share_of_bugs_is_caught(row, capsys):
    check(row, row.share, capsys)


def test_many_bugs_at_once_are_as_each_alone():
    """In words of all sizes, with registers, multiplexers and shifts."""
    for row, count in (
        (fifo(3), 40),
        (buffer(width=70, depth=2, reads=1, writes=1), 12),
    ):
        campaign = row.campaign
        chosen = random.Random(count).sample(bugs(campaign.netlist), count)
        alone = [campaign.caught(with_bug(campaign.netlist, bug)) for bug in chosen]
        assert campaign.all(chosen) == alone
        assert len(set(alone)) == 2


@pytest.mark.campaign
def test_all_bugs_are_caught(row, capsys):
    check(row, row.most, capsys)


def test_what_is_called_harmless_is():
    """A bug that is caught is never called harmless, and a copy of the netlist always is."""
    row = fifo(3)
    campaign = row.campaign
    assert same(campaign.netlist, campaign.netlist, campaign.outputs)
    caught = [
        bug
        for bug in bugs(campaign.netlist)[::7]
        if campaign.caught(with_bug(campaign.netlist, bug))
    ]
    assert len(caught) > 40
    assert not any(harmless(row, campaign, bug) for bug in caught)


def test_kinds_of_bugs():
    kinds = {bug.kind for row in ROWS[4:9] for bug in bugs(row.campaign.netlist)}
    assert kinds == {"operator", "stuck0", "stuck1", "inverted", "constant", "swapped", "start"}
    assert str(Bug("c", "stuck0", ("A", 1))) == "stuck0 A 1 at c"


def check_selects(row, count, times, seconds=0, capsys=None):
    """The stimuli catch nearly all bugs that some pair of requests tells from none.

    Of those that none tells, the campaign says how many are proven to change nothing for any input.
    """
    campaign = row.campaign
    assert not campaign.caught(campaign.netlist)
    seeded, living = campaign.survivors(count)
    pairs = Exhaustive(row.engine, campaign.netlist, times)
    assert not pairs.caught(campaign.netlist)
    told = [bug for bug in living if pairs.caught(with_bug(campaign.netlist, bug))]
    matter = seeded - len(living) + len(told)
    if capsys is not None:
        reason = {
            bug: same_reachable(
                campaign.netlist, with_bug(campaign.netlist, bug), campaign.outputs, seconds
            )
            for bug in living
            if bug not in told
        }
        proven = list(reason.values()).count(PROVEN)
        lines = [
            f"{row.engine}: {seeded} bugs, {len(living)} live. {len(told)} of them matter; {proven} are"
            f" proven to change nothing; {len(reason) - proven} change nothing in {pairs.runs} pairs of"
            " requests",
            *(f"  matters: {bug}" for bug in told),
            *(f"  {verdict}: {bug}" for bug, verdict in reason.items()),
        ]
        with capsys.disabled():
            sys.stdout.write("\n".join(["", *lines, ""]))
        assert REFUTED not in reason.values()
    assert len(told) <= (1 - CAUGHT) * matter, "\n".join(map(str, told))


@pytest.mark.parametrize(
    "row", cases_of(SELECTS, len(SELECTS), "ci"), ids=lambda row: row.engine.name
)
def test_a_share_of_the_bugs_of_top_k_engines_is_caught(row):
    check_selects(row, row.share, times=1)


@pytest.mark.campaign
@pytest.mark.parametrize(
    "row",
    [*SELECTS, select(QuickSelect(lanes=2, width=2, elements=6))],
    ids=lambda row: f"{row.engine.name}-{row.engine.elements}",
)
def test_the_bugs_of_top_k_engines_are_caught(row, capsys):
    check_selects(row, 200, times=3, seconds=2, capsys=capsys)


@pytest.mark.campaign  # as what it is for: the others are judged by pairs of requests
def test_what_is_called_harmless_in_reach_is():
    row = SELECTS[1]
    netlist = (campaign := row.campaign).netlist
    caught = next(bug for bug in bugs(netlist)[::401] if campaign.caught(with_bug(netlist, bug)))
    outputs = campaign.outputs
    assert same_reachable(netlist, with_bug(netlist, caught), outputs, 60) == REFUTED
    assert same_reachable(netlist, netlist, outputs, 60) == PROVEN
