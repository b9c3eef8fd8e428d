"""Insertion queue: a row waits in a register while its lanes that beat the k-th are inserted."""

from __future__ import annotations

from functools import reduce
from operator import or_

from amaranth.hdl import Array, Cat, Module, Mux, Signal

from accelsim.rtl.rows import lanes, named, total
from accelsim.rtl.select import SelectBlock


class InsertionQueue(SelectBlock):
    """Twin of :class:`accelsim.engines.insertion_queue.InsertionQueue`.

    The queue is sorted, greatest first. A cell that is less than what comes takes it, or what the
    cell before it has if that is less too. The row's lanes are compared with the k-th in the row's
    first cycle only, so that the time does not depend on the gaps between rows.
    """

    def core(self, m: Module) -> None:
        engine, number, depth = self.engine, self.engine.lanes, self.engine.most_kept
        cells = [Signal(engine.width, name=f"cell_{n}") for n in range(depth)]
        used = [Signal(name=f"used_{n}") for n in range(depth)]
        row = [Signal(engine.width, name=f"row_{n}") for n in range(number)]
        waiting, fresh, chosen = Signal(number), Signal(), Signal()

        # Which lanes are still to be inserted.
        at = Signal(range(depth))
        m.d.comb += at.eq(self.k - 1)
        least, full = Signal(engine.width), Signal()
        m.d.comb += [least.eq(Array(cells)[at]), full.eq(Array(used)[at])]
        beats = Cat(~full | (value > least) for value in row)
        open_ = Signal(number)
        m.d.comb += open_.eq(waiting & Mux(fresh, beats, ~0))
        first, rest = Signal(number), Signal(number)
        m.d.comb += [first.eq(open_ & (~open_ + 1)), rest.eq(open_ & ~first)]
        new, inserts = Signal(engine.width), Signal()
        m.d.comb += [
            inserts.eq(open_ != 0),
            new.eq(reduce(or_, (Mux(on, v, 0) for on, v in zip(first, row, strict=True)))),
            self.holds.eq(rest != 0),
        ]
        m.d.sync += [waiting.eq(rest), fresh.eq(0)]
        with m.If(self.accepts & (self.k != 0)):
            m.d.sync += [waiting.eq(Cat(self.live(self.fill_row))), fresh.eq(1)]
            m.d.sync += [a.eq(b) for a, b in zip(row, lanes(self.i.payload, number), strict=True)]

        # Insert.
        less = named(m, [~u | (cell < new) for u, cell in zip(used, cells, strict=True)], "less")
        with m.If(inserts):
            for n in range(depth):
                with m.If(less[n]):
                    moves = less[n - 1] if n else 0
                    m.d.sync += [
                        cells[n].eq(Mux(moves, cells[n - 1], new) if n else new),
                        used[n].eq(Mux(moves, used[n - 1], 1) if n else 1),
                    ]
        with m.If(self.request.valid & self.request.ready):
            m.d.sync += [each.eq(0) for each in used]

        # Choose: all cells that are used and exceed the k-th are among the k.
        above = [u & (cell > self.threshold) for u, cell in zip(used, cells, strict=True)]
        greater = total(m, above, "above")
        with m.If(self.is_core & chosen):
            m.d.comb += self.found.eq(1)
            m.d.sync += [chosen.eq(0), self.ties.eq(self.k - greater), self.passes.eq(1)]
        with m.Elif(self.is_core & ~inserts & ~fresh):
            m.d.sync += [chosen.eq(1), self.threshold.eq(least)]
