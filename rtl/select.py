"""What the top-k blocks share: the memory of the values, the way in, the way out, the phases."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from accelsim.rtl.block import Block
from accelsim.rtl.rows import lanes, packed
from accelsim.rtl.select_drain import SelectDrain


class SelectBlock(Block):
    """Frame of a top-k block; a subclass adds the search in :meth:`core`.

    ``idle`` takes a request, ``fill`` a row a cycle into the memory, ``core`` is the subclass's,
    ``drain`` streams the memory past the threshold. The memory is read without a clock edge (a
    register file), by ``address`` while the core runs.
    """

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        count = len(Value.cast(self.request.payload.n))
        self.k = Signal(count)
        self.address = Signal(range(engine.rows))
        self.values = [Signal(engine.width, name=f"value_{n}") for n in range(engine.lanes)]
        self.last_row = Signal(range(engine.rows))
        self.in_last = Signal(engine.lanes)
        self.accepts = Signal()
        """A row comes in, ``fill_row`` is its number."""
        self.fill_row = Signal(range(engine.rows))
        self.holds = Signal()
        """No row can come in."""
        self.is_core = Signal()
        """The search runs; it begins the cycle after the last row came in."""
        self.found = Signal()
        """The last cycle of the search; threshold, ties and passes are there in the next."""
        self.threshold = Signal(engine.width)
        self.ties = Signal(count)
        self.passes = Signal(len(Value.cast(self.result.payload.passes)))

    @abstractmethod
    def core(self, m: Module) -> None:
        """Add the search."""

    def live(self, row: Value) -> list[Value]:
        """Return which lanes of a row of the memory hold a value."""
        return [(row != self.last_row) | each for each in self.in_last]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        number, width = self.engine.lanes, self.engine.width
        m.submodules.memory = memory = Memory(shape=number * width, depth=self.engine.rows, init=[])
        m.submodules.drain = drain = SelectDrain(self.engine)
        write, read = memory.write_port(), memory.read_port(domain="comb")
        m.d.comb += [
            write.addr.eq(self.fill_row),
            write.data.eq(packed(lanes(self.i.payload, number))),
            write.en.eq(self.accepts),
            read.addr.eq(Mux(drain.run, drain.row, self.address)),
            Cat(*self.values).eq(read.data),
            Value.cast(drain.values).eq(read.data),
            drain.is_last.eq(drain.row == self.last_row),
            drain.live.eq(Cat(self.live(drain.row))),
            drain.threshold.eq(self.threshold),
            drain.ties.eq(self.ties),
            drain.passes.eq(self.passes),
        ]
        wiring.connect(m, wiring.flipped(self.result), drain.result)
        wiring.connect(m, wiring.flipped(self.o), drain.o)
        self.phases(m, drain)
        self.core(m)
        return m

    def phases(self, m: Module, drain: SelectDrain) -> None:
        with m.FSM(name="phase"):
            with m.State("idle"):
                m.d.comb += self.request.ready.eq(1)
                with m.If(self.request.valid):
                    self.begin(m)
                    with m.If(self.request.payload.n == 0):
                        m.next = "drain"
                    with m.Else():
                        m.next = "fill"
            with m.State("fill"):
                m.d.comb += [
                    self.i.ready.eq(~self.holds),
                    self.accepts.eq(self.i.valid & ~self.holds),
                ]
                with m.If(self.accepts):
                    m.d.sync += self.fill_row.eq(self.fill_row + 1)
                    with m.If((self.fill_row == self.last_row) & (self.k == 0)):
                        m.next = "drain"
                    with m.Elif(self.fill_row == self.last_row):
                        m.next = "core"
            with m.State("core"):
                m.d.comb += self.is_core.eq(1)
                with m.If(self.found):
                    m.next = "drain"
            with m.State("drain"):
                m.d.comb += drain.run.eq(1)
                with m.If(drain.ended):
                    m.next = "idle"

    def begin(self, m: Module) -> None:
        """Take a request. As long as nothing is found the threshold is the greatest value."""
        asked, number, most = self.request.payload, self.engine.lanes, self.engine.elements
        n = Signal(len(self.k), name="asked")
        rows = (n + (number - 1)) // number
        in_last = n - (rows - 1) * number
        limit = Signal.like(n)
        kept = self.engine.most_kept
        m.d.comb += n.eq(Mux(asked.n > most, most, asked.n))
        m.d.comb += limit.eq(Mux(n > kept, kept, n) if kept < most else n)
        m.d.sync += [
            self.k.eq(Mux(asked.k > limit, limit, asked.k)),
            self.last_row.eq(Mux(n == 0, 0, rows - 1)),
            self.in_last.eq(Cat((n != 0) & (in_last > lane) for lane in range(number))),
            self.fill_row.eq(0),
            self.threshold.eq(-1),
            self.ties.eq(0),
            self.passes.eq(0),
        ]
