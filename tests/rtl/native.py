"""A block's netlist as C, compiled and called: a cycle in microseconds, a seeded bug as quick as none.

Bugs stand in the text beside the cells that they are in, and a number says which of them is made: one
compilation serves them all.
"""

import _ctypes
import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.rtl.bugs import with_bug
from tests.rtl.netlist import STATE, Compiled

WORD = 64
PIECE = 60  # bits of the pieces of what is wider and can be cut
PART = 400  # cells of a function: the compiler's time grows faster than a function
HEAD = """typedef unsigned long long u64; typedef long long i64;
static int bug = -1, bug_cell = -1;
static u64 odd(u64 word) {
  for (int n = 32; n; n >>= 1) word ^= word >> n;
  return word & 1;
}
static u64 picked(const u64 *words, int count, u64 place) {
  u64 word = place >> 6, bit = place & 63;
  if (word >= count) return 0;
  u64 low = words[word] >> bit;
  return bit && word + 1 < count ? low | words[word + 1] << (64 - bit) : low;
}
"""
WIDE = "typedef unsigned __int128 u128; typedef __int128 i128;\n"
TAIL = """
void seed(int number, int cell) { bug = number; bug_cell = cell; begin(); }
void step(const u64 *in, u64 *out) { take(in); settle(); show(out); }
void tick(void) { advance(); }
long run(const u64 *in, const u64 *wanted, const unsigned char *counts, long cycles) {
  u64 out[OUT];
  for (long c = 0; c < cycles; c++, in += IN, wanted += OUT) {
    take(in); settle();
    if (counts[c]) {
      show(out);
      for (int n = 0; n < OUT; n++) if (out[n] != wanted[n]) return c;
    }
    advance();
  }
  return -1;
}
"""


def narrow(netlist):
    """Return the netlist with words of few bits: multiplexers and registers in pieces."""
    cells = {}
    for name, cell in netlist["cells"].items():
        wide = max(map(len, cell["connections"].values()))
        if wide <= PIECE or cell["type"] not in PIECEWISE:
            cells[name] = cell
            continue
        for low in range(0, wide, PIECE):
            pins = {
                port: bits if port in ("S", "CLK") else bits[low : low + PIECE]
                for port, bits in cell["connections"].items()
            }
            cells[f"{name} {low}"] = cell | {"connections": pins}
    return netlist | {"cells": cells}


def _alive(netlist, outputs):
    """Return the netlist without cells on which no output depends."""
    cells = netlist["cells"]
    driver = {
        bit: name
        for name, cell in cells.items()
        for bit in cell["connections"]["Q" if cell["type"] == STATE else "Y"]
    }
    open_ = [bit for name in outputs for bit in netlist["ports"][name]["bits"]]
    alive = set()
    while open_:
        name = driver.get(open_.pop())
        if name is not None and name not in alive:
            alive.add(name)
            for port, bits in cells[name]["connections"].items():
                if port not in "YQ":
                    open_ += bits
    return netlist | {"cells": {name: cell for name, cell in cells.items() if name in alive}}


PIECEWISE = {"$mux", "$and", "$or", "$xor", "$not", STATE}


def compiler(source):
    """Return a C compiler: one that is quick to compile, if it knows the words that are needed."""
    quick = "" if WIDE in source else shutil.which("tcc")
    return quick or shutil.which("cc") or pytest.skip("there is no C compiler")


class Native(Compiled):
    """A netlist (:func:`narrow`) with its bugs; ports are words of 64 bits side by side."""

    def __init__(self, netlist, inputs, outputs, chosen=(), optimize=0):
        self._netlist, self._where, self._widths = _alive(netlist, outputs), {}, {}
        self._bugs = {}
        for number, bug in enumerate(chosen):
            self._bugs.setdefault(bug.cell, []).append((number, bug))
        self.chosen = chosen
        self._cells = {name: n for n, name in enumerate(self._bugs)}
        self.inputs, self.outputs = self._places(inputs), self._places(outputs)
        self.source = self._text()
        self._library = _load(self.source, optimize)
        self._in = (ctypes.c_uint64 * self._count(self.inputs))()
        self._out = (ctypes.c_uint64 * self._count(self.outputs))()
        self._library.run.restype = ctypes.c_long
        self.seed(None)

    def close(self):
        """Give the code's memory back."""
        _ctypes.dlclose(self._library._handle)

    def _places(self, names):
        """Return (first word, words) of each port."""
        found, first = {}, 0
        for name in names:
            port = self._netlist["ports"].get(name)
            count = -(-len(port["bits"]) // WORD) if port else 1
            found[name] = (first, count)
            first += count
        return found

    def _count(self, places):
        return max(1, sum(count for _, count in places.values()))

    # What it does.

    def seed(self, number):
        """Begin at the initial state, with one of the bugs or with none."""
        if number is None:
            self._library.seed(-1, -1)
        else:
            self._library.seed(number, self._cells[self.chosen[number].cell])

    def step(self, levels):
        """Let inputs by name settle (those not given are as before); return a function for outputs."""
        for name, value in levels.items():
            first, count = self.inputs[name]
            for n in range(count):
                self._in[first + n] = value >> WORD * n & (1 << WORD) - 1
        self._library.step(self._in, self._out)

    def level(self, name):
        first, count = self.outputs[name]
        return sum(self._out[first + n] << WORD * n for n in range(count))

    def tick(self):
        self._library.tick()

    def packed(self, rows, names):
        """Return levels by cycle as :meth:`caught` takes them; a row of None does not count."""
        places = self.inputs if names is self.inputs else self.outputs
        found = np.zeros((len(rows), self._count(places)), np.uint64)
        for c, row in enumerate(rows):
            if row is None:
                continue
            for (first, count), value in zip(places.values(), row, strict=True):
                for n in range(count):
                    found[c, first + n] = value >> WORD * n & (1 << WORD) - 1
        return found

    def caught(self, vectors, expected):
        """Say of each bug in which cycle an output tells it from what is expected, -1: in none."""
        given = self.packed(vectors, self.inputs)
        wanted = self.packed(expected, self.outputs)
        counts = np.array([row is not None for row in expected], np.uint8)
        pointers = [
            array.ctypes.data_as(ctypes.POINTER(ctypes.c_uint64)) for array in (given, wanted)
        ]
        counted = counts.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))

        def one(number):
            self.seed(number)
            return self._library.run(*pointers, counted, ctypes.c_long(len(vectors)))

        assert one(None) == -1, "without a bug it must be as expected"
        return [one(number) for number in range(len(self.chosen))]

    # How it is written.

    def _text(self):
        cells, ports = self._netlist["cells"], self._netlist["ports"]
        take = []
        for name, (first, count) in self.inputs.items():
            for n in range(count):
                bits = ports[name]["bits"][WORD * n :][:WORD] if name in ports else ["0"]
                take.append(f"{self._variable(bits)} = in[{first + n}];")
        order, state = self._order(cells)
        settle, begin, advance = [], [], []
        for name in order:
            cell = cells[name]
            settle.append(f"{self._out[name]} = {self._value(cell)};")
            settle += self._with_bugs(name, self._out[name])
        for n, (name, q, init) in enumerate(state):
            self._widths[f"n{n}"] = self._widths[q]
            settle.append(f"n{n} = {self._word(cells[name]['connections']['D'])};")
            settle += self._with_bugs(name, f"n{n}")
            begin.append(f"{q} = {_number(init)};")
            begin += [
                f"if (bug == {number}) {q} ^= {_number(1 << each.detail[0])};"
                for number, each in self._bugs.get(name, ())
                if each.kind == "start"
            ]
            advance.append(f"{q} = n{n};")
        show = []
        for name, (first, count) in self.outputs.items():
            valid = f"{name.rpartition('__')[0]}__valid"
            for n in range(count):
                word = self._word(ports[name]["bits"][WORD * n :][:WORD])
                if valid != name and valid in ports:
                    word = f"({self._word(ports[valid]['bits'])} ? {word} : 0)"
                show.append(f"out[{first + n}] = {word};")
        declared = [
            f"static {'u64' if width <= WORD else 'u128'} {name};"
            for name, width in self._widths.items()
        ]
        sizes = f"enum {{ IN = {self._count(self.inputs)}, OUT = {self._count(self.outputs)} }};"
        parts = [
            _function("take", take, "const u64 *in", "in"),
            _function("settle", settle),
            _function("show", show, "u64 *out", "out"),
            _function("begin", begin),
            _function("advance", advance),
        ]
        text = "\n".join([HEAD, sizes, *declared, *parts, TAIL])
        return WIDE + text if "u128" in text else text

    def _with_bugs(self, name, variable):
        """Return the statement that works a cell's word out again with the bug that is made in it."""
        bugs = [pair for pair in self._bugs.get(name, ()) if pair[1].kind != "start"]
        if not bugs:
            return []
        cases = []
        for number, bug in bugs:
            other = with_bug(self._netlist, bug)
            cell, extra = other["cells"][bug.cell], other["cells"].get("the bug")
            inverse = ""
            if extra is not None:
                self._where["inverted", bug.cell] = ("inverse", 0)
                self._widths["inverse"] = 1
                inverse = f"inverse = ~{self._word(extra['connections']['A'])} & 1; "
            state = cell["type"] == STATE
            word = self._word(cell["connections"]["D"]) if state else self._value(cell)
            cases.append(f"case {number}: {inverse}{variable} = {word}; break;")
        return [f"if (bug_cell == {self._cells[name]}) switch (bug) {{ {' '.join(cases)} }}"]

    def _word(self, bits):
        """Write the word of at most 128 bits, least significant first."""
        kind = "u64" if len(bits) <= WORD else "u128"
        assert len(bits) <= 2 * WORD, len(bits)
        (ones, runs), parts = self._pieces(bits), []
        for n, variable, first, run in runs:
            part = f"({variable} >> {first})" if first else variable
            if first + run < self._widths[variable]:
                part = f"({part} & {_number((1 << run) - 1)})"
            if kind == "u128":
                part = f"(u128){part}"
            parts.append(f"({part} << {n})" if n else part)
        if ones or not parts:
            parts.append(_number(ones))
        return f"({' | '.join(parts)})" if len(parts) > 1 else parts[0]

    def _value(self, cell):
        pins, kind = cell["connections"], cell["type"]
        width = len(pins["Y"])
        a, b = pins["A"], pins.get("B", [])
        full = f" & {_number((1 << width) - 1)}"
        if max(len(a), len(b)) > 2 * WORD or (len(a) > WORD and kind in ("$shiftx", "$shift")):
            return self._long(kind, a, b, width) + full
        size = 2 * WORD if max(width, len(a), len(b)) > WORD else WORD
        signed = bool(cell["parameters"].get("A_SIGNED"))
        signed = signed and bool(cell["parameters"].get("B_SIGNED", 1))
        x, y = (self._operand(bits, size, signed) for bits in (a, b))
        plain = self._word(a)
        match kind:
            case "$mux":
                return f"{self._word(pins['S'])} ? {self._word(b)} : {plain}"
            case "$not" | "$neg" | "$pos":
                sign = {"$not": "~", "$neg": "-", "$pos": ""}[kind]
                return f"{sign}{x}{full}"
            case "$shl" | "$sshl":
                return f"({self._word(b)} >= {size} ? 0 : {x} << {self._word(b)}){full}"
            case "$shr" | "$shift" | "$shiftx":
                return f"({self._word(b)} >= {size} ? 0 : {plain} >> {self._word(b)}){full}"
            case "$sshr":
                most = f"({self._word(b)} >= {size} ? {size - 1} : {self._word(b)})"
                return f"({x} >> {most}){full}"
            case "$divfloor":
                assert not signed
                return f"({x} / ({y} ? {y} : 1)){full}"
            case "$logic_not":
                return f"{plain} == 0"
            case "$reduce_or" | "$reduce_bool":
                return f"{plain} != 0"
            case "$reduce_and":
                return f"{plain} == {_number((1 << len(a)) - 1)}"
            case "$reduce_xor" | "$reduce_xnor":
                wide = f" ^ odd({plain} >> {WORD})" if len(a) > WORD else ""
                return f"odd({plain}){wide} ^ {int(kind == '$reduce_xnor')}"
            case "$xnor":
                return f"~({x} ^ {y}){full}"
            case "$logic_and" | "$logic_or":
                sign = "&&" if kind == "$logic_and" else "||"
                return f"({x} {sign} {y})"
        return f"({x} {OPERATORS[kind]} {y}){full}"

    def _operand(self, bits, size, signed):
        word, kind = self._word(bits), "i64" if size == WORD else "i128"
        if not (signed and bits):
            return word if size == WORD else f"(u128){word}"
        left = size - len(bits)
        return f"(({kind})(({kind}){word} << {left}) >> {left})" if left else f"({kind}){word}"

    def _long(self, kind, a, b, width):
        """Write what is made of words that no variable holds."""

        def cut(bits):
            return [self._word(bits[low : low + WORD]) for low in range(0, len(bits), WORD)]

        if kind in ("$shiftx", "$shift", "$shr"):
            assert width <= WORD, (kind, width)
            words = cut(a)
            return f"picked((u64[]){{{', '.join(words)}}}, {len(words)}, {self._word(b)})"
        if kind in ("$eq", "$ne"):
            size = max(len(a), len(b))
            pairs = zip(
                *(cut([*bits, *["0"] * (size - len(bits))]) for bits in (a, b)), strict=True
            )
            differ = " | ".join(f"({p} ^ {q})" for p, q in pairs)
            return f"(({differ}) {'==' if kind == '$eq' else '!='} 0)"
        if kind in ("$logic_not", "$reduce_or", "$reduce_bool"):
            return f"(({' | '.join(cut(a))}) {'==' if kind == '$logic_not' else '!='} 0)"
        if kind == "$reduce_and":
            lacks = " | ".join(
                f"({p} ^ {_number((1 << n) - 1)})" for p, n in zip(cut(a), _sizes(a), strict=True)
            )
            return f"(({lacks}) == 0)"
        raise NotImplementedError(kind)


OPERATORS = {
    "$add": "+", "$sub": "-", "$mul": "*", "$and": "&", "$or": "|", "$xor": "^",
    "$eq": "==", "$ne": "!=", "$lt": "<", "$le": "<=", "$gt": ">", "$ge": ">=",
}  # fmt: skip


def _sizes(bits):
    return [len(bits[low : low + WORD]) for low in range(0, len(bits), WORD)]


def _number(value):
    if value < 8:
        return f"{value}ULL"
    if value < 1 << WORD:
        return f"0x{value:x}ULL"
    return f"((u128)0x{value >> WORD:x}ULL << 64 | 0x{value & (1 << WORD) - 1:x}ULL)"


def _function(name, lines, takes="void", given=""):
    """Write a function in parts that a compiler is quick with."""
    parts = []
    for n in range(0, len(lines), PART):
        body = "\n  ".join(lines[n : n + PART])
        parts.append(f"static void {name}_{n // PART}({takes}) {{\n  {body}\n}}")
    calls = " ".join(f"{name}_{n}({given});" for n in range(len(parts)))
    return "\n".join([*parts, f"static void {name}({takes}) {{ {calls} }}"])


def _load(source, optimize):
    with tempfile.TemporaryDirectory() as folder:
        file, library = Path(folder) / "netlist.c", Path(folder) / "netlist.so"
        file.write_text(source)
        program = shutil.which("cc") if optimize else None
        command = [
            program or compiler(source),
            f"-O{optimize}",
            "-fwrapv",
            "-w",
            "-shared",
            "-fPIC",
        ]
        done = subprocess.run([*command, "-o", library, file], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return ctypes.CDLL(str(library))
