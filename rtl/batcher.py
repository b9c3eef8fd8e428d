"""Batcher's merge sorter: a network that sorts rows as they come, one that merges runs of them."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Module, Mux, Signal, Value
from amaranth.lib.memory import Memory

from accelsim.engines.batcher import SORT_STAGES
from accelsim.engines.networks import Layers, merge_network, sort_network
from accelsim.rtl.rows import lanes, named, packed
from accelsim.rtl.select import SelectBlock


class _Pass:
    """The registers of a pass; rows are counted from the start of a memory.

    A pair of runs is rows ``a`` to ``middle`` and ``b`` to ``end``; ``left`` rows of it are still to
    be read. ``cut``: it has more rows than can matter, so that its rest is not given.
    """

    def __init__(self, rows: int) -> None:
        def pointer(name: str) -> Signal:
            return Signal(range(2 * rows + 1), name=name)

        self.source = Signal(name="source")
        self.total, self.run, self.most = pointer("total"), pointer("run"), pointer("most")
        self.a, self.middle, self.b, self.end = (
            pointer(name) for name in ("a", "middle", "b", "end")
        )
        self.left, self.written, self.read = pointer("left"), pointer("written"), pointer("read")
        self.cut, self.has_rest, self.flush = (
            Signal(name=name) for name in ("cut", "has_rest", "flush")
        )
        self.reads, self.gives = Signal(name="reads"), Signal(name="gives")

    def pair(self, m: Module, start: Any) -> None:
        """Set the pointers to the two runs that begin at a row."""
        middle, end = start + self.run, start + self.run + self.run
        middle = Mux(middle > self.total, self.total, middle)
        end = Mux(end > self.total, self.total, end)
        rows = end - start
        cuts = rows > self.most
        m.d.sync += [
            self.a.eq(start),
            self.middle.eq(middle),
            self.b.eq(middle),
            self.end.eq(end),
            self.cut.eq(cuts),
            self.left.eq(Mux(cuts, self.most + 1, rows)),
        ]


class Batcher(SelectBlock):
    """Twin of :class:`accelsim.engines.batcher.Batcher`.

    Two memories of sorted rows, source and target of a pass by turns. ``a`` and ``b`` are the next
    rows of two runs; ``rest`` is the lower half of the merge before, and what the next is merged with.
    """

    def core(self, m: Module) -> None:
        engine, number, width = self.engine, self.engine.lanes, self.engine.width
        memories = [Memory(shape=number * width, depth=engine.rows, init=[]) for _ in range(2)]
        m.submodules.even, m.submodules.odd = memories
        writes = [each.write_port() for each in memories]
        a_reads, b_reads = ([each.read_port(domain="comb") for each in memories] for _ in range(2))

        now = _Pass(engine.rows)
        rest = [Signal(width, name=f"rest_{n}") for n in range(number)]
        m.d.comb += [port.addr.eq(now.read) for port in a_reads]
        m.d.comb += [port.addr.eq(now.b) for port in b_reads]
        a_row = _split(m, Array([port.data for port in a_reads])[now.source], number, "a_row")
        b_row = _split(m, Array([port.data for port in b_reads])[now.source], number, "b_row")

        # The row that comes next, and its merge with the rest.
        takes_a = Signal()
        has_b = now.b != now.end
        m.d.comb += takes_a.eq((now.a != now.middle) & (~has_b | (a_row[0] >= b_row[0])))
        chosen = named(m, [Mux(takes_a, x, y) for x, y in zip(a_row, b_row, strict=True)], "chosen")
        layers, order = merge_network(number)
        merged = _through(m, [*rest, *chosen], layers, "merge")
        upper, lower = ([merged[n] for n in half] for half in (order[:number], order[number:]))

        # The rows on their way in.
        sorting = sort_network(number)
        half = (len(sorting) + 1) // 2
        live = self.live(self.fill_row)
        wires = [
            Mux(on, value, 0) for on, value in zip(live, lanes(self.i.payload, number), strict=True)
        ]
        coming, coming_row = self.accepts, self.fill_row
        for stage, part in enumerate((sorting[:half], sorting[half:])):
            wires = _registered(m, _through(m, wires, part, f"sort_{stage}"), f"sorted_{stage}")
            came, came_row = Signal(name=f"came_{stage}"), Signal.like(self.fill_row)
            m.d.sync += [came.eq(coming), came_row.eq(coming_row)]
            coming, coming_row = came, came_row

        # What is written: sorted rows into the even memory, merged ones into the target.
        out = named(m, [Mux(now.flush, r, u) for r, u in zip(rest, upper, strict=True)], "out")
        for n, port in enumerate(writes):
            m.d.comb += [
                port.en.eq((now.gives & (now.source != n)) | (coming if n == 0 else 0)),
                port.addr.eq(Mux(now.gives, now.written, coming_row)),
                port.data.eq(Mux(now.gives, packed(out), packed(wires))),
            ]
        with m.If(now.reads):
            begins = ~now.has_rest | now.flush
            m.d.sync += [
                r.eq(Mux(begins, c, low)) for r, c, low in zip(rest, chosen, lower, strict=True)
            ]
            with m.If(takes_a):
                m.d.sync += now.a.eq(now.a + 1)
            with m.Else():
                m.d.sync += now.b.eq(now.b + 1)
        self.passes_of(m, now, a_row)

    def passes_of(self, m: Module, now: _Pass, a_row: list[Value]) -> None:
        number = self.engine.lanes
        lane, greater = Signal(range(number)), Signal(len(self.k))
        above = Signal(len(self.k))
        m.d.comb += [
            now.most.eq((self.k + (number - 1)) // number),
            lane.eq(self.k - 1 - (now.most - 1) * number),
            above.eq(greater + sum(value > self.threshold for value in a_row)),
            now.read.eq(now.a),
            now.gives.eq((now.reads | now.flush) & now.has_rest),
        ]
        with m.If(now.gives):
            m.d.sync += now.written.eq(now.written + 1)
        with m.FSM(name="pass"):
            with m.State("wait"):
                m.d.sync += [now.source.eq(0), now.run.eq(1), now.has_rest.eq(0), greater.eq(0)]
                m.d.sync += now.total.eq(self.last_row + 1)
                with m.If(self.accepts & (self.fill_row == self.last_row) & (self.k != 0)):
                    m.next = "sort_0"
            for stage in range(SORT_STAGES - 1):
                with m.State(f"sort_{stage}"):
                    m.next = f"sort_{stage + 1}"
            with m.State(f"sort_{SORT_STAGES - 1}"):
                m.next = "begin"
                with m.If(now.total == 1):
                    m.next = "pick"
            with m.State("begin"):
                now.pair(m, 0)
                m.d.sync += [now.written.eq(0), self.passes.eq(self.passes + 1)]
                m.next = "merge"
            with m.State("merge"):
                m.d.comb += now.reads.eq(1)
                m.d.sync += [now.left.eq(now.left - 1), now.has_rest.eq(1), now.flush.eq(0)]
                with m.If(now.left == 1):
                    m.d.sync += [now.has_rest.eq(~now.cut), now.flush.eq(~now.cut)]
                    with m.If(now.end != now.total):
                        now.pair(m, now.end)
                    with m.Elif(now.cut):
                        self.end_pass(m, now)
                    with m.Else():
                        m.next = "flush"
            with m.State("flush"):
                m.d.sync += [now.flush.eq(0), now.has_rest.eq(0)]
                self.end_pass(m, now)
            with m.State("pick"):
                m.d.comb += now.read.eq(now.most - 1)
                m.d.sync += [self.threshold.eq(Array(a_row)[lane]), now.a.eq(0)]
                m.next = "count"
            with m.State("count"):
                m.d.sync += [now.a.eq(now.a + 1), greater.eq(above)]
                with m.If(now.a == now.most - 1):
                    m.d.comb += self.found.eq(1)
                    m.d.sync += self.ties.eq(self.k - above)
                    m.next = "wait"

    def end_pass(self, m: Module, now: _Pass) -> None:
        """Turn the target into the source; with one run left, look for the k-th."""
        double = now.run + now.run
        m.d.sync += [
            now.source.eq(~now.source),
            now.run.eq(Mux(double > now.most, now.most, double)),
            now.total.eq(now.written + now.gives),
        ]
        m.next = "begin"
        with m.If(double >= now.total):
            m.next = "pick"


def _split(m: Module, row: Value, number: int, name: str) -> list[Value]:
    width = len(row) // number
    return named(m, [row[n * width : (n + 1) * width] for n in range(number)], name)


def _registered(m: Module, values: list[Value], name: str) -> list[Value]:
    held = [Signal(len(value), name=f"{name}_{n}") for n, value in enumerate(values)]
    m.d.sync += [signal.eq(value) for signal, value in zip(held, values, strict=True)]
    return list(held)


def _through(m: Module, wires: list[Value], layers: Layers, name: str) -> list[Value]:
    """Return the wires after layers of comparators."""
    wires = list(wires)
    for n, layer in enumerate(layers):
        for a, b in layer:
            swaps = Signal(name=f"{name}_{n}_swaps_{a}")
            m.d.comb += swaps.eq(wires[a] < wires[b])
            pair = [Mux(swaps, wires[b], wires[a]), Mux(swaps, wires[a], wires[b])]
            wires[a], wires[b] = named(m, pair, f"{name}_{n}_{a}")
    return wires
