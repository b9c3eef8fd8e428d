"""Seeded bugs in a block's netlist: which of them does a stimulus, held against the model, catch?"""

import copy
import random
from dataclasses import dataclass, replace

from accelsim.rtl.pins import signals
from tests.rtl import replay
from tests.rtl.netlist import STATE, Compared, cells_of

# An operator and what a slip of the pen makes of it.
SLIPS = {
    "$add": ["$sub", "$or"],
    "$sub": ["$add", "$xor"],
    "$mul": ["$add"],
    "$and": ["$or", "$xnor"],
    "$or": ["$and", "$xor"],
    "$xor": ["$or", "$xnor"],
    "$eq": ["$ne", "$le"],
    "$ne": ["$eq", "$gt"],
    "$lt": ["$le", "$gt"],
    "$le": ["$lt"],
    "$gt": ["$ge", "$lt"],
    "$ge": ["$gt"],
    "$not": ["$pos"],
    "$shl": ["$shr"],
    "$shr": ["$shl"],
    "$sshr": ["$shr"],
    "$reduce_or": ["$reduce_and"],
    "$reduce_bool": ["$reduce_and"],
    "$reduce_and": ["$reduce_or"],
    "$reduce_xor": ["$reduce_or"],
    "$logic_not": ["$reduce_bool"],
    "$logic_and": ["$logic_or"],
    "$logic_or": ["$logic_and"],
}
COMPARISONS = {"$eq", "$ne", "$lt", "$le", "$gt", "$ge", "$logic_not", "$reduce_bool"}


@dataclass(frozen=True)
class Bug:
    """One change of one cell: its operator, one bit of an operand, a constant, a register's start."""

    cell: str
    kind: str  # operator, stuck0, stuck1, inverted, constant, swapped or start
    detail: tuple

    def __str__(self):
        return f"{self.kind} {' '.join(map(str, self.detail))} at {self.cell}"


def bugs(netlist):
    """Return every bug that can be made, in the order of the netlist."""
    found = []
    reset = netlist["ports"].get("rst", {"bits": [None]})["bits"][0]
    muxes = [cell["connections"] for cell in netlist["cells"].values() if cell["type"] == "$mux"]
    kept = {bit for pins in muxes if reset in pins["S"] for bit in pins["Y"]}
    for name, cell in netlist["cells"].items():
        found += [Bug(name, "operator", (new,)) for new in SLIPS.get(cell["type"], ())]
        if cell["type"] == "$mux":
            found.append(Bug(name, "swapped", ()))
        # What a register that has no reset starts with is nobody's promise.
        if cell["type"] == STATE and set(cell["connections"]["D"]) <= kept:
            found += [Bug(name, "start", (n,)) for n in range(len(cell["connections"]["Q"]))]
        for port, bits in cell["connections"].items():
            if port in "YQ" or port == "CLK":
                continue
            if all(isinstance(bit, str) for bit in bits):
                if len(bits) > 1:
                    found += [Bug(name, "constant", (port, step)) for step in (1, -1)]
                continue
            for n, bit in enumerate(bits):
                if not isinstance(bit, str):
                    found += [
                        Bug(name, kind, (port, n)) for kind in ("stuck0", "stuck1", "inverted")
                    ]
    return found


def with_bug(netlist, bug):
    """Return the netlist with one bug in it."""
    cell = copy.deepcopy(netlist["cells"][bug.cell])
    init = netlist["init"]
    extra = {}
    connections = cell["connections"]
    if bug.kind == "operator":
        cell["type"] = bug.detail[0]
    elif bug.kind == "swapped":
        connections["A"], connections["B"] = connections["B"], connections["A"]
    elif bug.kind == "start":
        bit = connections["Q"][bug.detail[0]]
        init = init | {bit: 1 - init.get(bit, 0)}
    elif bug.kind == "constant":
        port, step = bug.detail
        old = int("".join(reversed(connections[port])).replace("x", "0"), 2)
        new = (old + step) % (1 << len(connections[port]))
        connections[port] = [str(new >> n & 1) for n in range(len(connections[port]))]
    elif bug.kind in {"stuck0", "stuck1"}:
        port, n = bug.detail
        connections[port][n] = bug.kind[-1]
    else:
        port, n = bug.detail
        inverse = ("inverted", bug.cell)
        extra["the bug"] = {
            "type": "$not",
            "parameters": {},
            "connections": {"A": [connections[port][n]], "Y": [inverse]},
        }
        connections[port][n] = inverse
    return netlist | {"cells": netlist["cells"] | {bug.cell: cell} | extra, "init": init}


class Campaign:
    """Bugs of one engine against stimuli: the first that shows a difference catches."""

    def __init__(self, engine, block, stimuli, *, breaks=True):
        self.engine = engine
        self.netlist = cells_of(block, engine.ports)
        pins = signals(engine)
        self._inputs = [name for name, _, inward in pins if inward]
        self.outputs = [name for name, _, inward in pins if not inward]
        self._into, self._expected = [], []
        model = engine.model()
        for n, stimulus in enumerate(stimuli):
            if breaks and n % 2:  # break off with values on their way
                stimulus = replace(stimulus, cycles=stimulus.cycles // 4)
            into, out = replay.record(engine, stimulus, model)
            model = _after_reset(engine, model)
            # A cycle of reset after each, whose outputs do not count: the next one starts afresh.
            self._into += [[0, *levels] for levels in into] + [[1, *([0] * len(self._inputs))]]
            self._expected += [*out, None]

    def caught(self, netlist):
        """Return whether some stimulus tells the netlist from the model."""
        compared = Compared(netlist, ["rst", *self._inputs], self.outputs)
        return compared.run(self._into, self._expected)

    def survivors(self, count=None, seed=0):
        """Seed ``count`` different bugs (all, without); return (how many, those that live)."""
        every = bugs(self.netlist)
        chosen = (
            every if count is None else random.Random(seed).sample(every, min(count, len(every)))
        )
        return len(chosen), [b for b in chosen if not self.caught(with_bug(self.netlist, b))]


def _after_reset(engine, model):
    if not hasattr(model, "reset"):
        return engine.model()
    model.reset()
    return model
