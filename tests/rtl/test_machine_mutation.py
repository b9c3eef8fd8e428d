"""Seeded bugs in a whole machine, as far as one small machine and two runs can tell.

A survivor is not yet shown to change nothing: most are upper bits of counters, numbers of a run that are
overwritten, and operands that are not chosen. The engines' own bugs are in test_mutation.py.
"""

import sys
from collections import Counter
from random import Random

import pytest

from accelsim.rtl.build import Attention
from accelsim.rtl.fusemax import FuseMax
from tests.rtl.machine_mutation import seeded
from tests.rtl.machines import assert_equal, built, trace, work

SLIPS = ("operator", "swapped", "constant")
MACHINE = {"rows": 2, "cols": 1, "head": 2, "value": 2, "heads": 2, "strips": 2} | {
    "operand": "e4m4",
    "accumulator": "e5m10",
    "ahead": 1,
    "behind": 1,
    "key_tiles": 2,
    "product_depth": 3,
    "climb": 2,
    "digits": 7,
}
COUNT = 70


@pytest.mark.campaign
def test_slips_in_a_machine(capsys):
    """At least 60 of 100 slips that change what their cell gives change an output."""
    machine = built(**MACHINE)
    r = Random(1)
    ragged = Attention(heads=1, queries=4, keys=3, query_tiles=2)
    works = [work(r, machine.engine, sizes, trace(r)) for sizes in (machine.largest, ragged)]
    found, records = seeded(FuseMax(machine), works, COUNT, 7, SLIPS)
    for job, record in zip(works, records, strict=True):
        assert_equal(machine, job, record)
    kinds = Counter(
        "caught" if caught else "excited" if excited else "quiet" for _, excited, caught in found
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{dict(kinds)}\n")
        for bug, excited, caught in found:
            if excited and not caught:
                sys.stdout.write(f"lives: {bug}\n")
    assert kinds["caught"] >= 0.6 * (kinds["caught"] + kinds["excited"])
