"""Many bugs of one netlist at a time: every wire is an array with a place for each, in NumPy.

A cell is worked out for all bugs at once, then again in the place of those that are in it. Whoever has been
caught goes; the arrays get shorter. It says the same as ``Compared`` of each bug alone, and takes a
hundredth of the time for a thousand bugs.
"""

from functools import partial

import numpy as np

from tests.rtl.bugs import with_bug
from tests.rtl.netlist import MEANING, STATE, Compared

SIXTY = 60  # bits of a word that an array holds with room to spare


def narrow(netlist):
    """Return the netlist with words of few bits: multiplexers and registers in pieces."""
    cells = {}
    for name, cell in netlist["cells"].items():
        wide = max(map(len, cell["connections"].values()))
        if wide <= SIXTY or cell["type"] not in PIECEWISE:
            cells[name] = cell
            continue
        for low in range(0, wide, SIXTY):
            pins = {
                port: bits if port in ("S", "CLK") else bits[low : low + SIXTY]
                for port, bits in cell["connections"].items()
            }
            cells[f"{name} {low}"] = cell | {"connections": pins}
    return netlist | {"cells": cells}


PIECEWISE = {"$mux", "$and", "$or", "$xor", "$not", STATE}


def full(value, size):
    """Return an array of one number; of Python's if it is a long one."""
    return np.full(size, value, np.int64 if value < 1 << 62 else object)


class Many(Compared):
    """``run(vectors, expected)`` says which of the bugs an output tells, as an array."""

    def __init__(self, netlist, inputs, outputs, chosen):
        self._by_cell = {}
        for number, bug in enumerate(chosen):
            self._by_cell.setdefault(bug.cell, []).append((number, bug))
        self._one = False  # whether text is for one place of the arrays
        self._wide = False
        super().__init__(netlist, inputs, outputs)
        names = {"np": np, "full": full}
        exec(compile(self.source, "<netlist>", "exec"), names)
        self.run = partial(names["run"], count=len(chosen))

    def _around(self, given, outputs):
        _, _, show, _ = super()._around(given, outputs)
        self._given = [name for name in given.strip("(),").split(", ") if name != "_"]
        words = show.split("[", 1)[1].rsplit("]", 1)[0].split(", ")
        counted = []
        for n, word in enumerate(words):
            if " if " in word:
                value, valid = word[1:-1].split(" if ")
                word = f"np.where({valid.removesuffix(' else 0')}, {value}, 0)"
            counted.append(f"({word} != wanted[{n}])")
        self._shown = f"wrong = {' | '.join(counted)}"
        before = ["def run(vectors, expected, count):"]
        before += ["  size, who, caught = count, np.arange(count), np.zeros(count, bool)"]
        before += ["  at = list(range(count))"]
        return before, f"for {given}, wanted in zip(vectors, expected, strict=True):", "", ""

    def _write(self, inputs, outputs):
        lines = super()._write(inputs, outputs).split("\n")
        registers = [self._out[n] for n, c in self._netlist["cells"].items() if c["type"] == STATE]
        start = next(n for n, line in enumerate(lines) if line.startswith("  for "))
        lines[start + 1 : start + 1] = [f"    {name} = full({name}, size)" for name in self._given]
        shown = lines.index("    ")
        lines[shown : shown + 1] = [
            "    if wanted is not None:",
            f"      {self._shown}",
            "      caught[who[wrong]] = True",
        ]
        lines[-1:] = [
            "    keep = ~caught[who]",
            "    if keep.sum() < 0.8 * size:",
            *(f"      {name} = {name}[keep]" for name in registers),
            "      who = who[keep]",
            "      size, at = len(who), [-1] * count",
            "      for place, number in enumerate(who): at[number] = place",
            "      if not size: break",
            "  return caught",
        ]
        return "\n".join(lines)

    def _begun(self, name, q):
        lines = [f"  {q} = full({q}, size)"]
        for number, bug in self._by_cell.get(name, ()):
            if bug.kind == "start":
                lines.append(f"  {q}[{number}] ^= {1 << bug.detail[0]}")
        return lines

    def _worked_out(self, name, variable, port):
        bugs = [pair for pair in self._by_cell.get(name, ()) if pair[1].kind != "start"]
        lines = [f"    {variable} = {variable} + 0"] if bugs and port == "D" else []
        self._one = True
        for number, bug in bugs:
            other = with_bug(self._netlist, bug)
            cell = other["cells"][bug.cell]
            lines += [f"    i = at[{number}]", "    if i >= 0:"]
            if "the bug" in other["cells"]:
                extra = other["cells"]["the bug"]["connections"]
                self._where["inverted", bug.cell] = ("inverse", 0)
                self._widths["inverse"] = 1
                lines.append(f"      inverse = ~{self._word(extra['A'])} & 1")
            text = self._word(cell["connections"]["D"]) if port == "D" else self._value(cell)
            lines.append(f"      {variable}[i] = {text}")
        self._one = False
        return lines

    def _word(self, bits):
        """Wide words, as those of a memory out of which one is chosen, are Python's numbers."""
        before, self._wide = self._wide, self._wide or len(bits) > SIXTY
        found = super()._word(bits)
        self._wide = before
        return found

    def _named(self, variable):
        if self._one:
            return variable if variable == "inverse" else f"{variable}.item(i)"
        return f"{variable}.astype(object)" if self._wide else variable

    def _value(self, cell):
        if self._one:
            return super()._value(cell)
        pins = cell["connections"]
        varies = any(not isinstance(b, str) for port in "ABS" for b in pins.get(port, ()))
        if not varies:
            return f"full({super()._value(cell)}, size)"
        self._meaning = ARRAYS
        text = super()._value(cell)
        self._meaning = MEANING
        wide = max(len(pins[port]) for port in "AB" if port in pins) > SIXTY
        return f"({text}).astype(np.int64)" if wide else text


def _compare(symbol):
    return lambda w, full, sizes: f"({w['A']} {symbol} {w['B']}) * 1"


def _shift(symbol):
    def text(w, full, sizes):
        most = max(62, sizes["A"].bit_length())
        moved = f"(({w['A']} & {sizes['A']}) {symbol} np.minimum({w['B']}, {most}))"
        return f"np.where({w['B']} > {most}, 0, {moved}) & {full}"

    return text


# Where the meaning of a number in MEANING is not that of an array.
ARRAYS = MEANING | {
    **{
        kind: _compare(symbol)
        for kind, symbol in (
            ("$eq", "=="),
            ("$ne", "!="),
            ("$lt", "<"),
            ("$le", "<="),
            ("$gt", ">"),
            ("$ge", ">="),
        )
    },
    **{kind: _shift("<<") for kind in ("$shl", "$sshl")},
    **{kind: _shift(">>") for kind in ("$shr", "$shift", "$shiftx")},
    "$sshr": lambda w, full, sizes: f"({w['A']} >> np.minimum({w['B']}, 62)) & {full}",
    "$mux": lambda w, full, sizes: f"np.where({w['S']}, {w['B']}, {w['A']})",
    "$divfloor": lambda w, full, sizes: f"({w['A']} // np.maximum({w['B']}, 1)) & {full}",
    "$reduce_or": lambda w, full, sizes: f"({w['A']} != 0) * 1",
    "$reduce_bool": lambda w, full, sizes: f"({w['A']} != 0) * 1",
    "$reduce_and": lambda w, full, sizes: f"(({w['A']} & {sizes['A']}) == {sizes['A']}) * 1",
    "$reduce_xor": lambda w, full, sizes: f"np.bitwise_count({w['A']} & {sizes['A']}) & 1",
    "$reduce_xnor": lambda w, full, sizes: f"~np.bitwise_count({w['A']} & {sizes['A']}) & 1",
    "$logic_not": lambda w, full, sizes: f"({w['A']} == 0) * 1",
    "$logic_and": lambda w, full, sizes: f"(({w['A']} != 0) & ({w['B']} != 0)) * 1",
    "$logic_or": lambda w, full, sizes: f"(({w['A']} != 0) | ({w['B']} != 0)) * 1",
}
