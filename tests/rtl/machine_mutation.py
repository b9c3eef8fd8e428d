"""Seeded bugs in a whole machine: in all of it but the arrays, whose bugs are seeded in their engines.

A bug is caught by runs of the machine, whose records are those of the models; or by what one of its parts
must show whatever the others do (:mod:`tests.rtl.parts`), as it stands in the machine.
"""

import random
from collections import Counter

from accelsim.rtl.fusemax import LAST, FuseMax
from tests.rtl.bugs import bugs, described, is_seen, seen_bits
from tests.rtl.native import Native
from tests.rtl.native_bench import Context, NativeBench, ended
from tests.rtl.netlist import STATE
from tests.rtl.parts import Part, parts_of, within

# Registers as wide as small runs need: in wider ones most bits never change.
WIDTHS = {"count_bits": 7, "digit_bits": 3, "age_bits": 9}
REGISTERS = "registers"  # a port of ours, with the registers of the runs
PART_CYCLES = 10000
# What stands on these pins means nothing while the first is low, and is anything.
TOLD = {"write": ("address", "value"), "filled": ("fill", "fill_words")}


class Recording(Context):
    """A context that keeps what stood on the pins in every cycle, and breaks a run off when asked to."""

    def __init__(self, bench):
        super().__init__(bench.native, bench.machine)
        self._bench, self._levels = bench, dict.fromkeys(bench.inputs, 0)
        self._registers = [0] * len(bench.machine.registers)
        self.given, self.shown, self.left = [], [], None
        self._draw = random.Random(11)
        self._widths = {name: len(value) for name, value in self._names.values()}

    def put(self, levels):
        self._levels |= levels
        super().put(levels)

    async def tick(self):
        levels = self._levels
        self.put(
            {
                name: self._draw.getrandbits(self._widths[name])
                for told, names in TOLD.items()
                if not levels[told]
                for name in names
            }
        )
        self.given.append(list(levels.values()))
        bits = self._bench.machine.skeleton.count_bits
        packed = sum(value << bits * n for n, value in enumerate(self._registers))
        self.shown.append([self._native.level(name) for name in self._bench.outputs] + [packed])
        if levels["write"] and levels["address"] < len(self._registers):
            self._registers[levels["address"]] = levels["value"]
        await super().tick()
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise BrokenOffError


class BrokenOffError(Exception):
    """A run that is not to end."""


class Shuffled(NativeBench):
    """Writes anything, then the registers in any order; breaks runs off by a reset."""

    _draw = random.Random(5)

    async def _write(self, ctx, values):
        names, draw = self.machine.registers, self._draw
        for stale in (True, True, False):
            for address in draw.sample(range(len(names)), len(names)):
                value = draw.getrandbits(16) if stale else values[names[address]]
                await self._write_one(ctx, address, value)

    def recorded(self, works):
        """Return (given, shown, records) of the works; before each but the first it is broken off once."""
        context, records = Recording(self), []
        for number, work in enumerate(works):
            if number:
                context.left = 3 * len(self.machine.registers) + 40 * number
                try:
                    self.one(work, context)
                except BrokenOffError:
                    context.left = None
                    self._reset(context)
                context.left = None  # the run was short
            records.append(self.one(work, context))
        return context.given, context.shown, records

    def _reset(self, context):
        """Reset: from then on nothing is shown, whatever was under way."""
        for rst in (1, 0, 0, 0):
            context.put({"rst": rst, "write": 0, "go": 0})
            ended(context.tick())
            if not rst:
                shown = dict(zip(self.outputs, context.shown[-1], strict=False))
                quiet = ("start", "issue", "working", "stalled", "finished")
                assert not any(shown[name] for name in quiet)
                assert not shown["load__valid"] | shown["store__valid"]


class MachineCampaign:
    """Bugs of a machine's own logic against runs, one after another, then against its parts."""

    def __init__(self, build, works):
        bench = Shuffled(FuseMax(build, apart=True, **WIDTHS), clean=True)
        self.given, self.shown, self.records = bench.recorded(works)
        bench.native.close()
        self.netlist, self.inputs = bench.netlist, bench.inputs
        self.outputs = [*bench.outputs, REGISTERS]
        nets, ports = self.netlist["nets"], self.netlist["ports"]
        names = [f"sequencer.r{n}" for n in range(len(bench.machine.skeleton.registers))]
        bits = [bit for name in (*names, *LAST) for bit in nets[name]]
        ports[REGISTERS] = {"direction": "output", "bits": bits}
        self.sequencer = bench.machine.sequencer
        seen = seen_bits(self.netlist, bench.outputs)
        self.bugs = [
            bug
            for bug in bugs(self.netlist)
            if own(bug.cell) and is_seen(self.netlist, bug, seen) and not _odd(self.netlist, bug)
        ]

    def about(self, bug):
        return described(self.netlist, bug)

    def living(self, chosen):
        """Return the bugs that neither the runs nor what is asked of the parts catches."""
        found = self._caught(
            self.netlist, self.inputs, self.outputs, chosen, self.given, self.shown
        )
        return self._parts(found)

    def harmless(self, bugs):
        """Return those of some bugs that change nothing their part shows, whatever the others do."""
        found = []
        for name, (inputs, outputs, _) in parts_of(self.sequencer).items():
            mine = [bug for bug in bugs if within(bug.cell, "sequencer", name)]
            if mine and name:
                part = Part(self.netlist, "sequencer", name, inputs, outputs)
                found += [bug for bug in mine if part.same(bug)]
        return found

    def _parts(self, bugs):
        left = list(bugs)
        for name, (inputs, outputs, rows) in parts_of(self.sequencer).items():
            mine = [bug for bug in left if within(bug.cell, "sequencer", name)]
            if mine:
                part = Part(self.netlist, "sequencer", name, inputs, outputs)
                given, shown = part.rows(*rows(1, PART_CYCLES))
                lives = self._caught(part.netlist, part.inputs, part.outputs, mine, given, shown)
                left = [bug for bug in left if bug not in mine or bug in lives]
        return left

    def _caught(self, netlist, inputs, outputs, chosen, given, shown):
        """Return those that are not caught."""
        native = Native(netlist, inputs, outputs, chosen, optimize=int(len(chosen) > 200))
        cycles = native.caught(given, shown)
        native.close()
        return [bug for bug, cycle in zip(chosen, cycles, strict=True) if cycle < 0]


def own(cell):
    """Whether a cell is the machine's own, not one inside an engine that it is built of."""
    plain = cell.replace("\\", "")
    return not any(f"{array}." in plain for array in ("array", "lanes"))


def _odd(netlist, bug):
    """A flip-flop has but its input; its clock and enables are the cells before it."""
    cell = netlist["cells"][bug.cell]
    return cell["type"] == STATE and bug.kind not in ("start", "stuck0", "stuck1", "inverted")


def where(bug):
    """Return the part of the machine that a bug is in."""
    return ".".join(bug.cell.replace("\\", "").replace("$flatten", "").split(".")[:-1])


def counted(bugs):
    return Counter(map(where, bugs))
