"""Seeded bugs in a block's netlist: which of them does a stimulus, held against the model, catch?"""

import random
from dataclasses import replace

from accelsim.rtl.pins import signals
from tests.rtl import replay
from tests.rtl.bugs import bugs, described, with_bug
from tests.rtl.native import Native, narrow
from tests.rtl.netlist import Compared, cells_of

MANY = 60  # bugs from which on it is quicker to compile them


class Campaign:
    """Bugs of one engine against stimuli: the first that shows a difference catches."""

    def __init__(self, engine, block, stimuli, *, breaks=True, own=lambda cell: True):
        """``own`` says of a cell whether bugs are seeded in it."""
        self.engine, self.own = engine, own
        self.netlist = narrow(cells_of(block))
        pins = signals(engine)
        self.inputs = [name for name, _, inward in pins if inward]
        self._widths = {name: width for name, width, inward in pins if inward}
        self.outputs = [name for name, _, inward in pins if not inward]
        self.vectors, self.expected = [], []
        self._draw = random.Random(3)
        model = engine.model()
        for n, stimulus in enumerate(stimuli):
            if breaks and n % 2:  # break off with values on their way
                stimulus = replace(stimulus, cycles=stimulus.cycles // 4)
            into, out = replay.record(engine, stimulus, model)
            model = _after_reset(engine, model)
            # A cycle of reset after each, whose outputs do not count: the next one starts afresh.
            nothing = [0] * len(self.inputs)
            self.vectors += [[0, *self._anything(levels)] for levels in into] + [[1, *nothing]]
            self.expected += [*out, None]

    def _anything(self, levels):
        """Put anything, for a cycle in two, on inputs that mean nothing as they are not valid."""
        named = dict(zip(self.inputs, levels, strict=True))
        draw = self._draw
        if draw.random() < 0.5:
            for name in named:
                port, _, signal = name.rpartition("__")
                if signal == "payload" and not named.get(f"{port}__valid", 1):
                    named[name] = draw.getrandbits(self._widths[name])
        return list(named.values())

    def about(self, bug):
        return described(self.netlist, bug)

    def caught(self, netlist):
        """Return whether some stimulus tells the netlist from the model."""
        compared = Compared(netlist, ["rst", *self.inputs], self.outputs)
        return compared.run(self.vectors, self.expected)

    def survivors(self, count=None, seed=0):
        """Seed ``count`` different bugs (all, without); return (how many, those that live)."""
        every = [bug for bug in bugs(self.netlist) if self.own(bug.cell)]
        chosen = (
            every if count is None else random.Random(seed).sample(every, min(count, len(every)))
        )
        if len(chosen) < MANY:
            return len(chosen), [b for b in chosen if not self.caught(with_bug(self.netlist, b))]
        living = []
        for first in range(0, len(chosen), 4000):
            part = chosen[first : first + 4000]
            living += [bug for bug, found in zip(part, self.all(part), strict=True) if not found]
        return len(chosen), living

    def all(self, chosen):
        """Return of each bug whether it is caught, all of them in one compiled netlist."""
        native = Native(self.netlist, ["rst", *self.inputs], self.outputs, chosen, optimize=1)
        cycles = native.caught(self.vectors, self.expected)
        native.close()
        return [cycle >= 0 for cycle in cycles]


def _after_reset(engine, model):
    if not hasattr(model, "reset"):
        return engine.model()
    model.reset()
    return model


def signal_counts(name, levels):
    """Return whether what a signal shows counts: a payload, or readiness, beside a valid that is high."""
    port, signal = name.split("__")
    return signal == "valid" or bool(levels.get(f"{port}__valid", 1))
