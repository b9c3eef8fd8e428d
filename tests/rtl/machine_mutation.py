"""Seeded bugs in a whole machine: the pins of good runs are replayed, any other output catches one.

All bugs stand in one compiled function, each behind its number: a machine is compiled once.
"""

import random

from amaranth.hdl import Cat
from amaranth.sim import Simulator

from accelsim.rtl.bench import Bench
from accelsim.rtl.fusemax import FuseMax
from tests.rtl.mutation import bugs, with_bug
from tests.rtl.netlist import STATE, Compiled, cells_of

INPUTS = ("go", "write", "address", "value", "load__ready", "filled", "fill", "fill_words")
INPUTS += ("store__ready",)
OUTPUTS = ("start", "stalled", "working", "finished", "load__valid", "store__valid")
PAYLOADS = {"load__payload": "load__valid", "store__payload": "store__valid"}


def recorded(machine, works):
    """Return (inputs, outputs) by cycle of runs without a reset between them, and their records."""
    bench = Bench(machine)
    into = [_signal(machine, name) for name in INPUTS]
    out = [_signal(machine, name) for name in (*OUTPUTS, *PAYLOADS)]
    pins, shown, records = [], [], []

    async def drive(ctx):
        for work in works:
            records.append(await bench._one(ctx, work))
        await ctx.tick()

    async def watch(ctx):
        while True:
            _, _, a, b = await ctx.tick().sample(Cat(*into), Cat(*out))
            pins.append(_split(a, into))
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


class Switched(Compiled):
    """A netlist with bugs: ``run(vectors, expected, number)`` gives (excited, caught).

    ``excited``: the bug changed what its cell gives in some cycle; ``caught``: an output differed.
    """

    def __init__(self, netlist, chosen):
        self._chosen = chosen
        super().__init__(netlist, INPUTS, (*OUTPUTS, *PAYLOADS))

    def _write(self, inputs, outputs):
        netlist, ports = self._netlist, self._netlist["ports"]
        into = [self._variable(ports[name]["bits"]) if name in ports else "_" for name in inputs]
        if "rst" in ports:
            self._variable(ports["rst"]["bits"])
            reset = self._where[ports["rst"]["bits"][0]][0]
        order, state = self._order(netlist["cells"])
        by_cell = {}
        for number, bug in enumerate(self._chosen):
            by_cell.setdefault(bug.cell, []).append((number, bug))
        lines = ["def run(vectors, expected, which):", "  excited = False", f"  {reset} = 0"]
        for name, q, init in state:
            lines.append(f"  {q} = {init}")
            for number, bug in by_cell.get(name, ()):
                if bug.kind == "start":
                    place = 1 << bug.detail[0]
                    lines.append(f"  if which == {number}: {q} ^= {place}; excited = True")
        lines.append(f"  for ({', '.join(into)},), wanted in zip(vectors, expected):")
        for name in order:
            out = self._out[name]
            lines.append(f"    {out} = {self._value(netlist['cells'][name])}")
            lines += self._bugs(by_cell.get(name, ()), out, "Y")
        shown = [self._word(ports[name]["bits"]) for name in outputs]
        for place, (name, valid) in enumerate(PAYLOADS.items(), len(OUTPUTS)):
            shown[place] = f"({shown[place]} if {self._word(ports[valid]['bits'])} else 0)"
            assert outputs[place] == name
        lines.append(f"    if [{', '.join(shown)}] != wanted: return excited, True")
        news = []
        for number, (name, q, _) in enumerate(state):
            lines.append(
                f"    n{number} = {self._word(netlist['cells'][name]['connections']['D'])}"
            )
            lines += self._bugs(by_cell.get(name, ()), f"n{number}", "D")
            news.append((q, f"n{number}"))
        lines += [f"    {q} = {new}" for q, new in news]
        return "\n".join([*lines, "  return excited, False"])

    def _bugs(self, chosen, out, port):
        lines = []
        for number, bug in chosen:
            if bug.kind == "start":
                continue
            other = with_bug(self._netlist, bug)
            cell = other["cells"][bug.cell]
            lines.append(f"    if which == {number}:")
            if "the bug" in other["cells"]:
                extra = other["cells"]["the bug"]["connections"]
                self._where["inverted", bug.cell] = ("inverse", 0)
                self._widths["inverse"] = 1
                lines.append(f"      inverse = ~{self._word(extra['A'])} & 1")
            text = self._word(cell["connections"]["D"]) if port == "D" else self._value(cell)
            lines += [f"      wrong = {text}", f"      excited = excited or wrong != {out}"]
            lines.append(f"      {out} = wrong")
        return lines


def seeded(machine, works, count, seed, kinds):
    """Return ([(bug, excited, caught)], records) of so many bugs of some kinds."""
    pins, shown, records = recorded(machine, works)
    netlist = cells_of(FuseMax(machine.build), ())
    every = [b for b in bugs(netlist) if not _odd(netlist, b) and b.kind in kinds]
    chosen = random.Random(seed).sample(every, count)
    run = Switched(netlist, chosen).run
    assert run(pins, shown, -1) == (False, False), "the machine without a bug is the recorded one"
    return [(bug, *run(pins, shown, number)) for number, bug in enumerate(chosen)], records


def _odd(netlist, bug):
    """A flip-flop has but its input; its clock and enables are the cells before it."""
    cell = netlist["cells"][bug.cell]
    return cell["type"] == STATE and bug.kind not in ("start", "stuck0", "stuck1", "inverted")
