"""Proofs of the row engines: nothing lost, doubled or out of order, the k largest kept.

Zero eliminator and realigner are proven by induction, for all inputs and stalls. The select engines
are proven at small sizes by property-directed reachability: for every sequence of requests, with any
gaps and stalls, and a reset at any time.
"""

import pytest

from accelsim.engines.batcher import Batcher
from accelsim.engines.insertion_queue import InsertionQueue
from accelsim.engines.quick_select import QuickSelect
from accelsim.engines.radix_select import RadixSelect
from accelsim.engines.realigner import Realigner
from accelsim.engines.zero_eliminator import ZeroEliminator
from tests.rtl import properties_rows as properties
from tests.rtl.prove import PROVEN, REFUTED, Mutant, Proof, verdict

CLOSING = (
    Mutant("sums[n] if n < step else", "sums[n] if n <= step else", "rows"),
    Mutant("stays = Mux(moves[n], 0, items[n])", "stays = items[n]", "rows"),
    Mutant("moves.eq(~held | free)", "moves.eq(1)"),
    Mutant("with m.If(free):", "with m.If(1):"),
    Mutant("count.eq(sum(keep))", "count.eq(self.dropped[-1])"),
)
PACKING = (
    Mutant("self.total >= number", "self.total > number", "packing"),
    Mutant("free & ~packing.flush", "free"),
)
ORDER = (*PACKING, Mutant("Mux(occupied[layer], ", "Mux(occupied[0], ", "rows"))
LISTS = (
    *PACKING,
    Mutant("self.flush.eq(ends & (self.total > number))", "self.flush.eq(0)", "packing"),
    Mutant("last.eq(ends & (self.total <= number))", "last.eq(ends)", "packing"),
    Mutant("Mux(ends, 0, self.total))", "self.total)", "packing"),
)
RATE = (
    Mutant("free.eq(~self.o.valid | self.o.ready)", "free.eq(~self.o.valid)"),
    Mutant("self.flush.eq(ends & (self.total > number))", "self.flush.eq(ends)", "packing"),
)

TIES = Mutant("used + ranks[n] < self.ties", "used + ranks[n] <= self.ties", "select_drain")
SMALL = {"lanes": 2, "width": 1, "elements": 3}
# Engine, mutants that keep a wrong value in some request, mutants that do not end one.
SELECT = (
    (
        RadixSelect(**SMALL, digit=1),
        (
            TIES,
            Mutant("left <= before[b] + counts[b]", "left < before[b] + counts[b]"),
            Mutant("self.ties.eq(left - before[b])", "self.ties.eq(left)"),
        ),
        (),
    ),
    (
        InsertionQueue(**SMALL, depth=2),
        (
            Mutant("at.eq(self.k - 1)", "at.eq(self.k)"),
            Mutant("self.ties.eq(self.k - greater)", "self.ties.eq(self.k)"),
            Mutant("waiting.eq(rest), fresh", "waiting.eq(0), fresh"),
        ),
        (Mutant("waiting.eq(rest), fresh", "waiting.eq(open_), fresh"),),
    ),
    (
        QuickSelect(lanes=2, width=1, elements=2),
        (
            Mutant("now.target <= above", "now.target < above"),
            Mutant("self.ties.eq(now.target - above)", "self.ties.eq(now.target)"),
        ),
        (Mutant("now.target - to_equal", "now.target - above"),),
    ),
    (
        Batcher(lanes=2, width=1, elements=2),
        (
            Mutant("lane.eq(self.k - 1 -", "lane.eq(self.k -"),
            Mutant("self.ties.eq(self.k - above)", "self.ties.eq(self.k)"),
        ),
        (),
    ),
)
# Larger, or of several digits, passes, runs: minutes each.
LARGER = (
    RadixSelect(lanes=2, width=2, elements=3, digit=1),
    QuickSelect(lanes=1, width=1, elements=3),
    QuickSelect(**SMALL),
    Batcher(lanes=1, width=1, elements=3),
    Batcher(**SMALL),
)
STUCK = Mutant("rows_open.eq(1), reads.eq(1)]", "rows_open.eq(1)]", "select_drain")

PROOFS = [
    # The mutants of the smaller size are enough.
    *(
        Proof(
            f"zero_eliminator-{lanes}",
            ZeroEliminator(lanes=lanes, width=2),
            properties.zero_eliminator_closes_up,
            CLOSING if lanes == 3 else (),
        )
        for lanes in (3, 8)
    ),
    *(
        Proof(
            f"{each.__name__}-{lanes}",
            Realigner(lanes=lanes, width=2),
            each,
            mutants if lanes == 3 else (),
        )
        for lanes in (3, 4)
        for each, mutants in (
            (properties.realigner_order, ORDER),
            (properties.realigner_lists, LISTS),
            (properties.realigner_rate, RATE),
        )
    ),
    *(
        Proof(f"{each.__name__}-{engine.name}", engine, each, mutants, reachable=True, seconds=300)
        for engine, wrong, endless in SELECT
        for each, mutants in (
            (properties.select_keeps_the_largest, wrong),
            (properties.select_ends_in_time, (STUCK, *endless)),
        )
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


@pytest.mark.campaign
@pytest.mark.parametrize("engine", LARGER, ids=repr)
@pytest.mark.parametrize(
    "each",
    [properties.select_keeps_the_largest, properties.select_ends_in_time],
    ids=lambda each: each.__name__,
)
def test_is_proven_of_more(engine, each):
    proof = Proof(each.__name__, engine, each, (), reachable=True, seconds=1800)
    assert verdict(proof) == PROVEN
