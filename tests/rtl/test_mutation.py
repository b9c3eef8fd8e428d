"""Seeded bugs in every engine's netlist: its lock-step stimuli must catch them.

What lives must be shown to change nothing, or is counted. A row per engine; the campaign seeds
every bug there is, the others a share.
"""

import random
import sys

import pytest

from accelsim.engines.quick_select import QuickSelect
from accelsim.rtl.block import block
from tests.conftest import CAMPAIGN
from tests.rtl.bugs import Bug, bugs, is_seen, seen_bits, with_bug
from tests.rtl.equivalent import same, same_for
from tests.rtl.exhaustive import Exhaustive
from tests.rtl.mutation_rows import LANES, ROWS, SELECTS, buffer, fifo, select
from tests.rtl.netlist import cells_of
from tests.rtl.prove import PROVEN, REFUTED
from tests.rtl.sequential import same_reachable
from tests.shares import share as cases_of

CAUGHT = 0.95


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
    harmful = seeded - (len(living) - len(counted))
    if CAMPAIGN:
        share = 1 - len(counted) / max(1, harmful)
        lines = [
            f"{row.engine}: {seeded} bugs, {len(living)} live, {len(living) - len(counted)} of them are"
            f" proven to change nothing, {len(counted)} may matter: {share:.1%} of {harmful} caught",
            *(f"  may matter: {campaign.about(bug)}" for bug in counted),
        ]
        with capsys.disabled():
            sys.stdout.write("\n".join(["", *lines, ""]))
    assert len(counted) <= (1 - CAUGHT) * harmful, "\n".join(map(str, counted))


def harmless(row, campaign, bug):
    """Return whether a bug is shown to change nothing, the cheap way first."""
    if not is_seen(campaign.netlist, bug, seen_bits(campaign.netlist, campaign.outputs)):
        return True
    other = with_bug(campaign.netlist, bug)
    if row.twins.same(other, 1 if row.reach else 10):
        return True
    if row.forgets:
        cycles = row.engine.latency + 2
        return same_for(campaign.netlist, other, campaign.outputs, cycles)
    reach = row.reach and same_reachable(campaign.netlist, other, campaign.outputs, row.reach)
    return reach == PROVEN


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


@pytest.mark.ci
def test_the_array_of_lanes_has_nothing_of_its_own():
    assert all(
        ".lane_" in f".{cell}".replace("\\", "").replace("$flatten", "")
        for cell in cells_of(block(LANES))["cells"]
    )


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
