"""Seeded bugs in a whole machine: the pins of good runs are replayed, any other output catches one.

Bugs inside the arrays are those of their engines, which are seeded there, under any instructions.
"""

import random

from amaranth.hdl import Cat
from amaranth.sim import Simulator

from accelsim.rtl.bench import Bench
from accelsim.rtl.fusemax import FuseMax
from tests.rtl.bugs import bugs, is_seen, seen_bits
from tests.rtl.many import Many
from tests.rtl.native import narrow
from tests.rtl.netlist import STATE, cells_of

# Registers as wide as small runs need: in wider ones most bits never change.
WIDTHS = {"count_bits": 7, "digit_bits": 3, "age_bits": 9}
INPUTS = ("rst", "go", "write", "address", "value", "load__ready", "filled", "fill", "fill_words")
INPUTS += ("store__ready",)
OUTPUTS = ("start", "stalled", "working", "finished", "load__valid", "store__valid")
PAYLOADS = {"load__payload": "load__valid", "store__payload": "store__valid"}


def machine_of(build):
    return FuseMax(build, **WIDTHS)


class Shuffled(Bench):
    """Writes anything, then the registers in any order."""

    async def _write(self, ctx, values):
        names = self.machine.registers
        draw = random.Random(str(values))
        for stale in (True, False):
            for address in draw.sample(range(len(names)), len(names)):
                value = draw.getrandbits(16) if stale else values[names[address]]
                await self._write_one(ctx, address, value)


def recorded(machine, works):
    """Return (inputs, outputs) by cycle of runs without a reset between them, and their records."""
    bench = Shuffled(machine)
    into = [_signal(machine, name) for name in INPUTS[1:]]
    out = [_signal(machine, name) for name in (*OUTPUTS, *PAYLOADS)]
    pins, shown, records = [], [], []

    async def drive(ctx):
        for work in works:
            records.append(await bench._one(ctx, work))
        await ctx.tick()

    async def watch(ctx):
        while True:
            _, _, a, b = await ctx.tick().sample(Cat(*into), Cat(*out))
            pins.append([0, *_split(a, into)])
            shown.append(_masked(_split(b, out)))

    sim = Simulator(machine)
    sim.add_clock(1e-9)
    sim.add_testbench(drive)
    sim.add_testbench(watch, background=True)
    sim.run()
    return pins, shown, records


def _signal(machine, name):
    found = machine
    for part in name.split("__"):
        found = getattr(found, part)
    return found.as_value() if hasattr(found, "as_value") else found


def _split(bits, signals):
    found = []
    for signal in signals:
        found.append(bits & ((1 << len(signal)) - 1))
        bits >>= len(signal)
    return found


def _masked(row):
    """Blank the payloads that are not offered."""
    names = (*OUTPUTS, *PAYLOADS)
    levels = dict(zip(names, row, strict=True))
    return [v if levels.get(PAYLOADS.get(n, ""), 1) else 0 for n, v in levels.items()]


class MachineCampaign:
    """Bugs of a machine's own logic against runs, one after another."""

    def __init__(self, build, works):
        self.netlist = narrow(cells_of(machine_of(build)))
        self.pins, self.shown, self.records = recorded(machine_of(build), works)
        outputs = (*OUTPUTS, *PAYLOADS)
        self._names = {
            bit: f"{name}.{n}"
            for name, bits in self.netlist["nets"].items()
            for n, bit in enumerate(bits)
        }
        seen = seen_bits(self.netlist, outputs)
        self.bugs = [
            bug
            for bug in bugs(self.netlist)
            if own(bug.cell) and is_seen(self.netlist, bug, seen) and not _odd(self.netlist, bug)
        ]

    def about(self, bug):
        """Say where a bug is: the cell, what it reads and drives."""
        cell = self.netlist["cells"][bug.cell]
        ends = {
            port: " ".join(str(self._names.get(bit, bit)) for bit in (bits[0], bits[-1]))
            for port, bits in cell["connections"].items()
            if port != "CLK"
        }
        return f"{bug} {cell['type']} {ends}"

    def survivors(self, count, seed):
        """Seed so many bugs; return (those seeded, those that live)."""
        chosen = random.Random(seed).sample(self.bugs, min(count, len(self.bugs)))
        caught = Many(self.netlist, INPUTS, (*OUTPUTS, *PAYLOADS), chosen).run(
            self.pins, self.shown
        )
        return chosen, [bug for bug, found in zip(chosen, caught, strict=True) if not found]


def own(cell):
    """Whether a cell is the machine's own, not one inside an engine that it is built of."""
    return not any(f"{array}." in cell.replace("\\", "") for array in ("array", "lanes"))


def _odd(netlist, bug):
    """A flip-flop has but its input; its clock and enables are the cells before it."""
    cell = netlist["cells"][bug.cell]
    return cell["type"] == STATE and bug.kind not in ("start", "stuck0", "stuck1", "inverted")
