"""A block's cells as Yosys sees them, and a simulator of them that is compiled to Python.

It is a third reading of the block, beside Amaranth's simulator and the Verilog; and it is quick
enough to run a seeded bug in milliseconds.
"""

import json
import subprocess
import sys
import tempfile
from graphlib import TopologicalSorter
from pathlib import Path

from amaranth.back import rtlil

from accelsim.rtl.block import pins_of
from tests.rtl.prove import _ENDED, _SCRIPT

STATE = "$dff"


def cells_of(block, parts=(), clean=True):
    """Return the flat netlist: {"ports", "cells", "netnames"} of Yosys's JSON, words, $dff only.

    ``parts`` are the texts (RTLIL) of modules that it has instances of; ``clean`` leaves out what no
    output depends on.
    """
    text = rtlil.convert(block, ports=pins_of(block), name="top")
    with tempfile.TemporaryDirectory() as folder:
        out, commands = Path(folder) / "top.json", []
        for n, each in enumerate([*parts, text]):
            (file := Path(folder) / f"{n}.il").write_text(each)
            commands.append(f"read_rtlil {file}")
        # Flattened last, so that every cell has the name of the part that it stands in.
        commands += ["hierarchy -top top", "proc", "memory_map", "pmuxtree", "dffunmap", "flatten"]
        commands += ["opt_clean"] if clean else []
        commands.append(f"write_json {out}")
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, *commands], capture_output=True, text=True, check=False
        )
        assert _ENDED in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
        top = json.loads(out.read_text())["modules"]["top"]
    cells = {n: _plain(cell) for n, cell in top["cells"].items() if cell["type"] != "$scopeinfo"}
    return {
        "ports": top["ports"],
        "nets": {name: net["bits"] for name, net in top["netnames"].items() if name[0] != "$"},
        "cells": cells,
        "init": _initial(top["netnames"]),
    }


def _plain(cell):
    parameters = {
        name: int(value, 2) for name, value in cell["parameters"].items() if set(value) <= set("01")
    }
    return {"type": cell["type"], "parameters": parameters, "connections": cell["connections"]}


def _initial(netnames):
    """Return the initial value of each bit that has one."""
    found = {}
    for net in netnames.values():
        init = net["attributes"].get("init")
        if init is not None:
            for bit, value in zip(net["bits"], reversed(init), strict=False):
                found[bit] = int(value == "1")
    return found


class Compiled:
    """A netlist as a Python function from input words by cycle to output words by cycle."""

    def __init__(self, netlist, inputs, outputs):
        self._netlist, self._meaning = netlist, MEANING
        self._where = {}  # bit -> (variable, index)
        self._widths = {}
        self.source = self._write(inputs, outputs)
        names = {}
        exec(compile(self.source, "<netlist>", "exec"), names)
        self.run = names["run"]

    def _write(self, inputs, outputs):
        cells = self._netlist["cells"]
        ports = self._netlist["ports"]
        into = [self._variable(ports[name]["bits"]) if name in ports else "_" for name in inputs]
        order, state = self._order(cells)
        given = f"({', '.join(into)},)"
        before, loop, show, after = self._around(given, outputs)
        lines = [*before]
        for name, q, init in state:
            lines += [f"  {q} = {init}", *self._begun(name, q)]
        lines.append(f"  {loop}")
        for name in order:
            lines.append(f"    {self._out[name]} = {self._value(cells[name])}")
            lines += self._worked_out(name, self._out[name], "Y")
        lines.append(f"    {show}")
        news = []
        for n, (name, q, _) in enumerate(state):
            news.append(f"    {q} = n{n}")
            lines.append(f"    n{n} = {self._word(cells[name]['connections']['D'])}")
            lines += self._worked_out(name, f"n{n}", "D")
        return "\n".join([*lines, *news, f"  {after}"])

    def _begun(self, name, q):
        """Return lines that change what a register starts with."""
        del name, q
        return []

    def _worked_out(self, name, variable, port):
        """Return lines that change what has just been worked out: a cell's output, a register's input."""
        del name, variable, port
        return []

    def _around(self, given, outputs):
        """Return what stands before the cycles, their loop, what a cycle shows, what comes after them."""
        shown = ", ".join(self._word(self._netlist["ports"][name]["bits"]) for name in outputs)
        before = ["def run(vectors):", "  found = []"]
        return before, f"for {given} in vectors:", f"found.append([{shown}])", "return found"

    def _variable(self, bits):
        name = f"v{len(self._widths)}"
        self._widths[name] = len(bits)
        for n, bit in enumerate(bits):
            self._where[bit] = (name, n)
        return name

    def _order(self, cells):
        self._out, state = {}, []
        for name, cell in cells.items():
            port = "Q" if cell["type"] == STATE else "Y"
            bits = cell["connections"][port]
            self._out[name] = self._variable(bits)
            if port == "Q":
                init = sum(self._netlist["init"].get(bit, 0) << n for n, bit in enumerate(bits))
                state.append((name, self._out[name], init))
        return in_order(cells), state

    def _word(self, bits):
        """Write the word of some bits, least significant first: runs of one variable at a time."""
        ones, runs = self._pieces(bits)
        parts = [str(ones)] if ones or not runs else []
        for n, variable, first, run in runs:
            whole, word = first == 0 and run == self._widths[variable], self._named(variable)
            part = word if whole else f"({word} >> {first} & {(1 << run) - 1})"
            parts.append(f"({part} << {n})" if n else part)
        return f"({' | '.join(parts)})" if len(parts) > 1 else parts[0]

    def _pieces(self, bits):
        """Return the bits that are 1, and (place, variable, its first bit, bits) of each run of one."""
        ones, runs, n = 0, [], 0
        while n < len(bits):
            place = self._where.get(bits[n]) if not isinstance(bits[n], str) else None
            if place is None:
                ones |= (bits[n] == "1") << n
                n += 1
                continue
            variable, first = place
            run = 1
            while n + run < len(bits) and self._where.get(bits[n + run]) == (variable, first + run):
                run += 1
            runs.append((n, variable, first, run))
            n += run
        return ones, runs

    def _named(self, variable):
        """Return the text that stands for the value of a variable."""
        return variable

    def _value(self, cell):
        connections, parameters = cell["connections"], cell["parameters"]
        width = len(connections["Y"])
        signed = bool(parameters.get("A_SIGNED")) and bool(parameters.get("B_SIGNED", 1))
        words = {}
        for port in "AB":
            if port in connections:
                bits = connections[port]
                words[port] = self._signed(bits) if signed else self._word(bits)
        if "S" in connections:
            words["S"] = self._word(connections["S"])
        full = (1 << width) - 1
        sizes = {port: (1 << len(connections[port])) - 1 for port in words}
        return self._meaning[cell["type"]](words, full, sizes)

    def _signed(self, bits):
        half = 1 << (len(bits) - 1)
        return f"(({self._word(bits)} ^ {half}) - {half})"


def in_order(cells):
    """Return the names of the cells that are no registers, each after those that it reads."""
    inner = {name: cell["connections"] for name, cell in cells.items() if cell["type"] != STATE}
    producer = {bit: name for name, pins in inner.items() for bit in pins["Y"]}
    needs = {
        name: {
            producer[bit]
            for port, bits in pins.items()
            if port != "Y"
            for bit in bits
            if bit in producer
        }
        for name, pins in inner.items()
    }
    return list(TopologicalSorter(needs).static_order())


def _two(symbol):
    return lambda w, full, sizes: f"({w['A']} {symbol} {w['B']}) & {full}"


def _compare(symbol):
    return lambda w, full, sizes: f"+({w['A']} {symbol} {w['B']})"


class Compared(Compiled):
    """A netlist held against what is wanted: ``run(vectors, expected)`` stops at the first difference.

    It says whether there is one. A row of None counts for nothing, and so do a payload without its
    valid and readiness for nothing, which are 0 in ``expected``.
    """

    def _around(self, given, outputs):
        ports = self._netlist["ports"]
        shown = []
        for name in outputs:
            word, valid = self._word(ports[name]["bits"]), f"{name.rpartition('__')[0]}__valid"
            counts = valid != name and valid in ports
            shown.append(
                f"({word} if {self._word(ports[valid]['bits'])} else 0)" if counts else word
            )
        show = f"if wanted is not None and [{', '.join(shown)}] != wanted: return True"
        loop = f"for {given}, wanted in zip(vectors, expected, strict=True):"
        return ["def run(vectors, expected):"], loop, show, "return False"


# What a cell's output is: (operands by port, mask of the output, masks of the operands) -> text.
MEANING = {
    "$add": _two("+"),
    "$sub": _two("-"),
    "$mul": _two("*"),
    "$divfloor": lambda w, full, sizes: f"({w['A']} // ({w['B']} or 1)) & {full}",
    "$and": _two("&"),
    "$or": _two("|"),
    "$xor": _two("^"),
    "$xnor": lambda w, full, sizes: f"~({w['A']} ^ {w['B']}) & {full}",
    "$shl": lambda w, full, sizes: f"({w['A']} << {w['B']}) & {full}",
    "$sshl": lambda w, full, sizes: f"({w['A']} << {w['B']}) & {full}",
    "$shift": lambda w, full, sizes: f"(({w['A']} & {sizes['A']}) >> {w['B']}) & {full}",
    "$shiftx": lambda w, full, sizes: f"(({w['A']} & {sizes['A']}) >> {w['B']}) & {full}",
    "$shr": lambda w, full, sizes: f"(({w['A']} & {sizes['A']}) >> {w['B']}) & {full}",
    "$sshr": lambda w, full, sizes: f"({w['A']} >> {w['B']}) & {full}",
    "$eq": _compare("=="),
    "$ne": _compare("!="),
    "$lt": _compare("<"),
    "$le": _compare("<="),
    "$gt": _compare(">"),
    "$ge": _compare(">="),
    "$not": lambda w, full, sizes: f"~{w['A']} & {full}",
    "$pos": lambda w, full, sizes: f"{w['A']} & {full}",
    "$neg": lambda w, full, sizes: f"-{w['A']} & {full}",
    "$mux": lambda w, full, sizes: f"{w['B']} if {w['S']} else {w['A']}",
    "$reduce_or": lambda w, full, sizes: f"+({w['A']} != 0)",
    "$reduce_bool": lambda w, full, sizes: f"+({w['A']} != 0)",
    "$reduce_and": lambda w, full, sizes: f"+(({w['A']} & {sizes['A']}) == {sizes['A']})",
    "$reduce_xor": lambda w, full, sizes: f"({w['A']} & {sizes['A']}).bit_count() & 1",
    "$reduce_xnor": lambda w, full, sizes: f"~({w['A']} & {sizes['A']}).bit_count() & 1",
    "$logic_not": lambda w, full, sizes: f"+({w['A']} == 0)",
    "$logic_and": lambda w, full, sizes: f"+bool({w['A']} and {w['B']})",
    "$logic_or": lambda w, full, sizes: f"+bool({w['A']} or {w['B']})",
}
