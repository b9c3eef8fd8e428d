"""The netlist bit by bit, many runs at once: as the netlist word by word, one run at a time."""

import random

import pytest

from accelsim.engines.batcher import Batcher
from accelsim.engines.mac import Mac
from accelsim.engines.number import Float
from accelsim.engines.quick_select import QuickSelect
from accelsim.rtl.block import block
from accelsim.rtl.pins import signals
from tests.rtl.exhaustive import Exhaustive, every_request
from tests.rtl.netlist import Compiled, cells_of
from tests.rtl.sliced import Sliced

RUNS, CYCLES = 9, 40


@pytest.mark.parametrize(
    "engine",
    [
        QuickSelect(lanes=3, width=2, elements=5),
        Mac(form=Float(3, 2), accumulator=Float(4, 4), stages=1),
    ],
    ids=lambda engine: engine.name,
)
def test_every_bit_is_that_of_the_words(engine):
    netlist = cells_of(block(engine))
    pins = signals(engine)
    into = [("rst", 1), *((name, width) for name, width, inward in pins if inward)]
    outputs = [(name, width) for name, width, inward in pins if not inward]
    draw = random.Random(3)
    vectors = [
        [
            [int(cycle == 0) if name == "rst" else draw.getrandbits(width) for name, width in into]
            for cycle in range(CYCLES)
        ]
        for _ in range(RUNS)
    ]
    names = [name for name, _ in into], [name for name, _ in outputs]
    words = [Compiled(netlist, *names).run(run) for run in vectors]
    sliced = Sliced(netlist, *names)
    full = (1 << RUNS) - 1
    state = sliced.start(full)
    for cycle in range(CYCLES):
        given = [
            sum((vectors[run][cycle][place] >> n & 1) << run for run in range(RUNS))
            for place, (_, width) in enumerate(into)
            for n in range(width)
        ]
        found, state = sliced.step(given, state, full)
        expected = [
            sum((words[run][cycle][place] >> n & 1) << run for run in range(RUNS))
            for place, (_, width) in enumerate(outputs)
            for n in range(width)
        ]
        assert list(found) == expected


def test_every_request_is_there():
    engine = Batcher(lanes=1, width=1, elements=2)
    every = every_request(engine)
    assert len(every) == len(set(every)) == 4 * (1 + 2 + 4 + 4)
    pairs = Exhaustive(engine, cells_of(block(engine)), times=3)
    assert pairs.runs == 3 * len(every)
    assert not pairs.caught(pairs.netlist)
