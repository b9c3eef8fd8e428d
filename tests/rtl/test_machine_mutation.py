"""Seeded bugs in machines' own logic: sequencers, run registers, issue, transfers, tokens, output banks.

Bugs inside the arrays are seeded in their engines (test_mutation.py), under any instructions. A bug on
which no output depends is none, nor is one that its part is proven to show nothing of; the others that
live are printed.
"""

import sys
from random import Random

import pytest

from accelsim.rtl.build import Attention
from tests.rtl.machine_mutation import MachineCampaign
from tests.rtl.machines import assert_equal, built, trace, work

NARROW = {"operand": "e4m4", "accumulator": "e5m10", "digits": 7, "heads": 2, "strips": 2}
MACHINES = {
    "rows": NARROW
    | {"rows": 2, "cols": 1, "head": 2, "value": 2, "key_tiles": 5, "climb": 2}
    | {"ahead": 1, "behind": 1, "product_depth": 3},
    "cols": NARROW
    | {"rows": 1, "cols": 2, "head": 4, "value": 4, "words": 2, "key_tiles": 4, "climb": 1}
    | {"keys_innermost": True, "ahead": 2, "behind": 2, "late": True, "product_depth": 3}
    | {"stages": 2, "lane_stages": 2, "latency": 3, "key_depth": 3, "value_depth": 4}
    | {"chain": False},
    "together": NARROW
    | {"rows": 3, "cols": 1, "head": 1, "value": 2, "key_tiles": 3, "climb": 3}
    | {"query_tiles": 4, "together": 2, "ahead": 1, "behind": 1, "product_depth": 3}
    | {"stages": 2, "lane_stages": 3},
}
COUNT, SHARE = 400, 60
CAUGHT = 0.95


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


def check(name, count, capsys=None):
    machine = built(**MACHINES[name])
    jobs = list(works(machine))
    campaign = MachineCampaign(machine, jobs)
    for job, record in zip(jobs, campaign.records, strict=True):
        assert_equal(machine, job, record)
    seeded = Random(7).sample(campaign.bugs, count)
    living = campaign.living(seeded)
    harmless = campaign.harmless(living)
    counted = [bug for bug in living if bug not in harmless]
    if capsys is not None:
        lines = [
            f"{name}: {count} of {len(campaign.bugs)} bugs, {len(living)} live, {len(harmless)} of these"
            f" are proven to change nothing, {len(counted)} may matter",
            *(f"  proven: {campaign.about(bug)}" for bug in harmless),
            *(f"  may matter: {campaign.about(bug)}" for bug in counted),
        ]
        with capsys.disabled():
            sys.stdout.write("\n".join(["", *lines, ""]))
    assert len(counted) <= (1 - CAUGHT) * (count - len(harmless)), "\n".join(map(str, counted))


@pytest.mark.ci
def test_a_share_of_the_bugs_in_a_machine_is_caught():
    check("rows", SHARE)


@pytest.mark.campaign
@pytest.mark.parametrize("name", MACHINES)
def test_bugs_in_machines_are_caught(name, capsys):
    check(name, COUNT, capsys)
