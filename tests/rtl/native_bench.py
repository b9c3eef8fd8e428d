"""The bench of a machine on its netlist in C: the same records as from Amaranth's simulator, sooner."""

import functools
import gc
from contextlib import contextmanager

from amaranth.back import rtlil
from amaranth.hdl import Signal

from accelsim.rtl.bench import Bench
from accelsim.rtl.block import modules, pins_of
from tests.rtl.native import Native, narrow
from tests.rtl.netlist import cells_of


class Context:
    """What a test bench asks of a simulator: levels of the pins, and a cycle."""

    def __init__(self, native, block):
        self._native = native
        self._names = {id(value): (name, value) for name, value, _ in pins_of(block)}
        self._fields, self._settled = {}, False

    def _layout(self, value):
        """Return (port, place, bits) of a pin, or of pins side by side."""
        if id(value) in self._fields:
            return self._fields[id(value)][1]
        found, place = [], 0
        for signal in _signals(value):
            found.append((self._names[id(signal)][0], place, len(signal)))
            place += len(signal)
        self._fields[id(value)] = value, found  # the value is kept: its id stays its own
        return found

    def set(self, value, level):
        self.put(
            {name: level >> place & (1 << bits) - 1 for name, place, bits in self._layout(value)}
        )

    def put(self, levels):
        """Let levels by name stand on the pins."""
        self._native.step(levels)
        self._settled = True

    def settle(self):
        if not self._settled:
            self.put({})

    def get(self, value):
        self.settle()
        return sum(self._native.level(name) << place for name, place, _ in self._layout(value))

    async def tick(self):
        self.settle()
        self._native.tick()
        self._settled = False


def _signals(value):
    if isinstance(value, Signal):
        return [value]
    return [signal for part in value.parts for signal in _signals(part)]


class NativeBench(Bench):
    """Runs one after another, as :class:`Bench` does; of a machine that is made ``apart``."""

    def __init__(self, machine, patience=3000, clean=False):
        super().__init__(machine, patience)
        with _many_objects():
            self.netlist = narrow(cells_of(machine, parts_of(machine), clean=clean))
        names = {"input": ["rst"], "output": []}
        for name, _, _ in pins_of(machine):
            names[self.netlist["ports"][name]["direction"]].append(name)
        self.inputs, self.outputs = names["input"], names["output"]
        self.native = Native(self.netlist, self.inputs, self.outputs)

    def run(self, works, prepare=None, *, vcd=None):
        assert prepare is None
        assert vcd is None
        found = []
        for work in works:
            found.append(self.one(work, Context(self.native, self.machine)))
            if found[-1].hung:  # it would go on while the registers of the next run are written
                self.reset(Context(self.native, self.machine))
        return found

    def reset(self, context):
        """Pass a cycle of reset."""
        for rst in (1, 0):
            context.put({"rst": rst})
            ended(context.tick())

    def one(self, work, context):
        """Return the record of a run, through a context."""
        return ended(self._one(context, work))


def ended(coroutine):
    """Return what a coroutine of a bench returns: nothing in it waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("a bench must wait for cycles only")


@contextmanager
def _many_objects():
    """Do not look for garbage while there is none: a third of the time of a conversion."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def parts_of(machine):
    """Return the texts of the modules that a machine's arrays have instances of."""
    found = []
    for array in (machine.engine.array, machine.engine.lanes):
        name = f"{machine.within}_{array.part.name}"
        found += _texts(array.part, name, machine.within)
    return found


@functools.lru_cache(maxsize=400)
def _texts(engine, name, within):
    return [
        rtlil.convert(block, ports=pins_of(block), name=module)
        for block, _, module in modules(engine, name, within)
    ]
