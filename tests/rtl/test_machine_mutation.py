"""Seeded bugs in a machine's own logic: sequencers, issue, transfers, tokens; runs of it catch some.

Bugs inside the arrays are seeded in their engines (test_mutation.py), under any instructions. A bug in
bits on which no output depends is none; the others that live are printed.
"""

import sys
from random import Random

import pytest

from accelsim.rtl.build import Attention
from tests.rtl.machine_mutation import MachineCampaign
from tests.rtl.machines import assert_equal, built, trace, work

MACHINE = {"rows": 2, "cols": 1, "head": 2, "value": 2, "heads": 2, "strips": 2} | {
    "operand": "e4m4",
    "accumulator": "e5m10",
    "ahead": 1,
    "behind": 1,
    "key_tiles": 5,
    "product_depth": 3,
    "climb": 2,
    "digits": 7,
}
COUNT = 400
CAUGHT = 0.6  # most that live are in walkers, which are proven, and in registers of a run


def works(machine):
    """Runs of few and of many tiles, ragged or not, the ports ready or stalling now and then."""
    r, most, engine = Random(1), machine.largest, machine.engine
    strip = most.query_tiles * engine.cols
    runs = [
        (1, strip, engine.rows, lambda _: True),
        (2, 2 * strip - (engine.cols > 1), most.keys - 1, trace(Random(3))),
        (most.heads, most.queries, 2 * engine.rows, lambda cycle: cycle % 5 < 2),
        (1, strip, most.keys, trace(Random(5))),
        (most.heads, most.queries, most.keys, lambda _: True),
    ]
    for heads, queries, keys, ready in runs:
        sizes = Attention(heads=heads, queries=queries, keys=keys, query_tiles=most.query_tiles)
        yield work(r, engine, sizes, ready)


@pytest.mark.campaign
def test_bugs_in_a_machine_are_caught(capsys):
    machine = built(**MACHINE)
    jobs = list(works(machine))
    campaign = MachineCampaign(machine, jobs)
    for job, record in zip(jobs, campaign.records, strict=True):
        assert_equal(machine, job, record)
    seeded, living = campaign.survivors(COUNT, seed=7)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(seeded)} bugs, {len(living)} live\n")
        for bug in living:
            sys.stdout.write(f"lives: {campaign.about(bug)}\n")
    assert len(living) <= (1 - CAUGHT) * len(seeded)
