"""The parts of machines' sequencers, each by itself: they show what they must, whatever the others do."""

import random

import pytest

from accelsim.rtl.sequencer import Sequencer
from accelsim.rtl.skeleton import skeleton
from tests.rtl.machines import sample
from tests.rtl.native import Native, narrow
from tests.rtl.netlist import cells_of
from tests.rtl.parts import Part, parts_of
from tests.shares import share

CYCLES = 800


def check(shape, seed):
    """Cut every part out of the sequencers of a machine, and drive it by itself."""
    sequencer = Sequencer(shape)
    netlist = narrow(cells_of(sequencer))
    for name, (inputs, outputs, rows) in parts_of(sequencer).items():
        part = Part(netlist, "", name, inputs, outputs)
        given, shown = part.rows(*rows(seed, CYCLES))
        assert part.outputs
        Native(part.netlist, part.inputs, part.outputs).caught(given, shown)


@pytest.mark.parametrize("seed", share(range(12), 12))
def test_parts_show_what_they_must(seed):
    check(skeleton(sample(random.Random(seed)).lowered.program), seed)
