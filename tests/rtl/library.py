"""Machines in C of modules that are made once: those of an earlier machine serve where it has the same."""

import ctypes
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

from amaranth.back import rtlil
from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, _nir
from amaranth.lib.wiring import In

from accelsim.rtl.array2d import Bank
from accelsim.rtl.bench import Bench
from accelsim.rtl.block import block, module_name, pins_of
from accelsim.rtl.in_order import Arbiter, Queue
from accelsim.rtl.outputs import Outputs
from accelsim.rtl.walker import Tokens, Walker
from tests.rtl import modules
from tests.rtl.native import HEAD, WIDE, WORD, Native, _load, narrow
from tests.rtl.native_bench import NativeBench, _many_objects
from tests.rtl.netlist import _initial, _plain
from tests.rtl.prove import _ENDED, _SCRIPT

# What the text of a block that is no engine's depends on.
KEYS = {
    Walker: lambda block: (
        block.levels,
        block.walked,
        block.shape.last,
        tuple(tuple((p.level, p.sign) for p in wait.planes) for wait in block.shape.waits),
        block.count_bits,
        block.digit_bits,
    ),
    Tokens: lambda block: len(block.count),
    Queue: lambda block: (
        block.shape.shared,
        tuple((t.duration, tuple(wait.cause for wait in t.waits)) for t in block.tasks),
        block.causes,
        block.count_bits,
    ),
    Arbiter: lambda block: (block.queues, block.count_bits, block.age_bits),
    Bank: lambda block: (block.width, block.words, block.slots, block.groups, len(block.element)),
    Outputs: lambda block: (block.lane, block.words),
}
AGAIN = 16  # of so many modules that are there already one is converted again, to compare its text
COMMANDS = "proc; memory_map; pmuxtree; dffunmap; flatten; opt_clean -purge"


class Library:
    """Modules in C by what they are made from: a class and its key, an engine."""

    def __init__(self):
        self._made, self._names, self._digests, self._met = {}, {}, {}, 0

    def assembled(self, component, machine=None):
        """Return a component, compiled; of a ``machine`` that is made apart its arrays' parts come along."""
        with _many_objects(), _unchecked():
            top = self._top(component, machine)
            names = {"input": ["rst"], "output": []}
            for name, _, _ in pins_of(component):
                names[top.ports[name]["direction"]].append(name)
            return Assembled(top, names["input"], names["output"])

    def _top(self, component, machine):
        missing, again = {}, []

        def elaborate(component, platform):
            key = type(component), KEYS[type(component)](component)
            name = self._names.setdefault(key, f"part_{len(self._names)}")
            if key not in self._made:
                missing.setdefault(key, component)
            else:
                self._met += 1
                if self._met % AGAIN == 0:
                    again.append((key, component))
            return _instance(name, component)

        with ExitStack() as stack:
            for kind in KEYS:
                stack.enter_context(patch.object(kind, "elaborate", elaborate))
            top = _text(component, "top")
        texts = {key: _text(component, self._names[key]) for key, component in missing.items()}
        self._digests |= {key: _digest(text) for key, text in texts.items()}
        for key, component in again:
            assert _digest(_text(component, self._names[key])) == self._digests[key], key
        keys = {name: key for key, name in self._names.items()}
        for engine, name in _engines(machine) if machine else ():
            if engine not in self._made:
                texts[engine] = _text(block(engine, machine.within), name)
            keys[name] = engine
        names = {key: name for name, key in keys.items()}
        *new, whole = _netlists(
            [*((names[key], text) for key, text in texts.items()), ("top", top)]
        )
        for key, netlist in zip(texts, new, strict=True):
            self._made[key] = self._module(f"m{len(self._made)}", netlist, keys)
        return self._module("top", whole, keys)

    def _module(self, name, netlist, keys):
        types = {cell["type"] for cell in netlist["cells"].values()}
        parts = {module: self._made[key] for module, key in keys.items() if module in types}
        return modules.Module(name, netlist, parts)


@contextmanager
def _unchecked():
    """Convert without Amaranth's checks of types and loops, a fourth of the time: C needs neither."""

    def value(kind, nets=()):
        return tuple.__new__(kind, (nets,) if isinstance(nets, _nir.Net) else nets)

    with (
        patch.object(_nir.Value, "__new__", value),
        patch.object(_nir.Netlist, "check_comb_cycles", lambda netlist: None),
    ):
        yield


def _text(component, name):
    return rtlil.convert(component, ports=pins_of(component), name=name, emit_src=False)


def _digest(text):
    return sha256(text.encode()).digest()


def _engines(machine):
    """Yield (engine, module) of what the arrays have instances of, parts before what has them."""
    for array in (machine.engine.array, machine.engine.lanes):
        found, engine = [], array
        while (engine := engine.part) is not None:
            found.insert(0, engine)
        yield from ((engine, module_name(machine.within, engine)) for engine in found)


def _instance(name, component):
    """Return a module that has nothing but an instance, on a component's own pins."""
    m = Module()
    ports = {"i_clk": ClockSignal(), "i_rst": ResetSignal()}
    flows = {"__".join(map(str, p)): v.flow for p, v, _ in component.signature.flatten(component)}
    for pin, signal, _ in pins_of(component):
        ports[f"{'i' if flows[pin] == In else 'o'}_{pin}"] = signal
    m.submodules.inner = Instance(name, **ports)
    return m


def _netlists(texts):
    """Return the netlist of each (module, text): flat, but for instances of what is in no text of its own."""
    with tempfile.TemporaryDirectory() as folder:
        commands = []
        for n, (name, text) in enumerate(texts):
            (file := Path(folder) / f"{n}.il").write_text(text)
            commands += ["design -reset", f"read_rtlil {file}", f"hierarchy -top {name}"]
            commands += [*COMMANDS.split("; "), f"write_json {folder}/{n}.json"]
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, *commands], capture_output=True, text=True, check=False
        )
        assert _ENDED in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
        files = [Path(folder) / f"{n}.json" for n in range(len(texts))]
        read = [json.loads(file.read_text())["modules"] for file in files]
    return [_netlist(found[name]) for found, (name, _) in zip(read, texts, strict=True)]


def _netlist(module):
    cells = {n: _plain(cell) for n, cell in module["cells"].items() if cell["type"] != "$scopeinfo"}
    init = _initial(module["netnames"])
    return narrow({"ports": module["ports"], "cells": cells, "init": init})


class Assembled(Native):
    """A machine's modules, compiled together, with the calls of :class:`Native`."""

    def __init__(self, top, inputs, outputs):
        self._netlist = {"ports": top.ports}
        self.inputs, self.outputs = self._places(inputs), self._places(outputs)
        self._library = _load(self._source(top), 0)
        self._in = (ctypes.c_uint64 * self._count(self.inputs))()
        self._out = (ctypes.c_uint64 * self._count(self.outputs))()
        self.seed(None)

    def _source(self, top):
        take, show = [], [f"out[{n}] = 0;" for n in range(self._count(self.outputs))]
        for name, (first, _) in self.inputs.items():
            for n, variable in enumerate(top.inputs.get(name, [])):
                take.append(f"s->{variable} = in[{first + n}];")
        for piece in top.pieces:
            word, place = divmod(piece.low, WORD)
            word += self.outputs[piece.port][0]
            show.append(f"out[{word}] |= s->{piece.variable} << {place};")
            if place + piece.width > WORD:
                show.append(f"out[{word + 1}] |= s->{piece.variable} >> {WORD - place};")
        settle = [f"{top.called(waits)}(s);" for waits in top.functions]
        text = "\n".join(
            [
                HEAD,
                *(module.text for module in top.all_parts()),
                "static struct top whole, *s = &whole;",
                "void seed(int number, int cell) { top_begin(s); }",
                "void step(const u64 *in, u64 *out) {",
                *(f"  {line}" for line in [*take, *settle, *show]),
                "}",
                "void tick(void) { top_follow(s); top_advance(s); }",
            ]
        )
        return WIDE + text if "u128" in text else text


class AssembledBench(NativeBench):
    """The bench of a machine made of a library's modules."""

    def __init__(self, machine, library, patience=3000):
        Bench.__init__(self, machine, patience)
        self.native = library.assembled(machine, machine)
