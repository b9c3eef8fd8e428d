"""Walkers of machines: with any numbers of a run they show what the formula says, cycle by cycle."""

import random

import pytest

from accelsim.rtl.skeleton import skeleton
from accelsim.rtl.walker import Walker
from tests.rtl.machines import sample
from tests.rtl.native import Native, narrow
from tests.rtl.netlist import cells_of
from tests.rtl.walkers import INPUTS, OUTPUTS, lockstep


def walkers(seed):
    """Return the walkers of a machine, their registers of few bits."""
    shape = skeleton(sample(random.Random(seed)).lowered.program)
    return [Walker(task, len(shape.loops), 7, 3) for task in shape.tasks]


@pytest.mark.parametrize("seed", range(2))
def test_walkers_follow_the_formula(seed):
    for number, walker in enumerate(walkers(seed)):
        if number % 3 == seed:
            netlist = narrow(cells_of(walker))
            Native(netlist, INPUTS, OUTPUTS).caught(*lockstep(walker, number, 2000))
