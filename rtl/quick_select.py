"""Quick-select: compare, count, close up into one of two rings; the chosen ring is the next source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value

from accelsim.engines.pivot import HASH_STEP
from accelsim.rtl.quick_ring import QuickRing
from accelsim.rtl.rows import named, prefix
from accelsim.rtl.select import SelectBlock

GREATER, LESS = "greater", "less"


@dataclass(frozen=True, kw_only=True)
class _Pass:
    """The registers of one pass."""

    rows: Signal
    row: Signal
    full: Signal
    """Rows before the short one."""
    tail: list[Signal]
    tail_live: Signal
    pivot: Signal
    source: Signal
    """0: the memory of the frame; 1, 2: a ring."""
    target: Signal
    """The wanted value is the target-th largest of the source."""


class QuickSelect(SelectBlock):
    """Twin of :class:`accelsim.engines.quick_select.QuickSelect`.

    A pass: ``pivot`` reads the pivot from the row that the rule names; ``run`` reads a row a
    cycle; ``empty`` and ``decide`` let the last row reach its ring through two registers, and the
    second of them knows where the pass after it reads.
    """

    def core(self, m: Module) -> None:
        engine, number = self.engine, self.engine.lanes
        m.submodules.greater = greater = QuickRing(engine)
        m.submodules.less = less = QuickRing(engine)
        now = _Pass(
            rows=Signal(range(engine.rows + 1), name="rows"),
            row=Signal(range(engine.rows + 1), name="row"),
            full=Signal(range(engine.rows + 1), name="full_rows"),
            tail=[Signal(engine.width, name=f"tail_{n}") for n in range(number)],
            tail_live=Signal(number, name="tail_live"),
            pivot=Signal(engine.width, name="pivot"),
            source=Signal(2, name="source"),
            target=Signal(len(self.k), name="target"),
        )
        starts, reads = Signal(), Signal()
        m.d.comb += [greater.start.eq(starts), less.start.eq(starts)]
        data, live = self.read(m, now, (greater, less), starts)
        totals = self.divide(m, now, {GREATER: greater, LESS: less}, data, live, reads, starts)
        self.passes_of(m, now, (greater, less), data, totals, starts, reads)

    def read(
        self, m: Module, now: _Pass, rings: tuple[QuickRing, QuickRing], starts: Signal
    ) -> tuple[list[Value], list[Value]]:
        """Return the lanes of a row of the source, and which hold a value.

        In the cycle of the start that is the row of the pivot, and the pass's own registers are
        just being written.
        """
        number = self.engine.lanes
        step = Signal(16, init=HASH_STEP)
        with m.If(starts):
            m.d.sync += step.eq(step + HASH_STEP)
        with m.If(~self.is_core):
            m.d.sync += step.eq(HASH_STEP)
        full = Array([self.last_row, *(ring.full for ring in rings)])[now.source]
        short = Array([Const(1), *(ring.occupied != 0 for ring in rings)])[now.source]
        rows = Signal.like(now.rows, name="rows_of_source")
        wanted = Signal.like(now.row)
        m.d.comb += [
            rows.eq(full + short),
            wanted.eq(Mux(starts, self.pivot_row(rows, step), now.row)),
            self.address.eq(wanted),
            *(ring.row.eq(wanted) for ring in rings),
        ]
        rests = Array([Const(0), *(Value.cast(ring.rest) for ring in rings)])
        packed = Array([Cat(*self.values), *(Value.cast(ring.read) for ring in rings)])
        is_short = Signal()
        m.d.comb += is_short.eq((now.source != 0) & (wanted == Mux(starts, full, now.full)))
        row = Signal(number * self.engine.width, name="row_read")
        tail = Mux(starts, rests[now.source], Cat(*now.tail))
        m.d.comb += row.eq(Mux(is_short, tail, packed[now.source]))
        with m.If(starts):
            count = Array([Const(0), *(ring.occupied for ring in rings)])[now.source]
            m.d.sync += [
                now.rows.eq(rows),
                now.full.eq(full),
                now.row.eq(0),
                Cat(*now.tail).eq(rests[now.source]),
                now.tail_live.eq(Cat(count > n for n in range(number - 1))),
            ]
        live = [
            Mux(is_short, now.tail_live[n], (now.source != 0) | on)
            for n, on in enumerate(self.live(wanted))
        ]
        width = self.engine.width
        return [row[n * width : (n + 1) * width] for n in range(number)], named(m, live, "live")

    def pivot_row(self, rows: Value, step: Value) -> Value:
        match str(self.engine.pivot):
            case "middle":
                return rows >> 1
            case "hash":
                return (step * rows) >> 16
        return Const(0)

    def divide(
        self,
        m: Module,
        now: _Pass,
        rings: dict[str, QuickRing],
        data: list[Value],
        live: list[Value],
        reads: Signal,
        starts: Signal,
    ) -> dict[str, Signal]:
        """Compare a row with the pivot, count, close up into the rings; return how many went where."""
        number, width = self.engine.lanes, self.engine.width
        compared, counted = Signal(), Signal()
        values = [Signal(width, name=f"compared_{n}") for n in range(number)]
        later = [Signal(width, name=f"counted_{n}") for n in range(number)]
        masks = {
            GREATER: [d > now.pivot for d in data],
            LESS: [d < now.pivot for d in data],
            "equal": [d == now.pivot for d in data],
        }
        m.d.sync += [compared.eq(reads), counted.eq(compared)]
        m.d.sync += [held.eq(d) for held, d in zip(values, data, strict=True)]
        m.d.sync += [held.eq(v) for held, v in zip(later, values, strict=True)]
        totals: dict[str, Signal] = {}
        for name, mask in masks.items():
            kept = Signal(number, name=f"is_{name}")
            totals[name] = total = Signal(len(self.k), name=f"total_{name}")
            m.d.sync += kept.eq(Cat(a & b for a, b in zip(mask, live, strict=True)))
            with m.If(compared):
                m.d.sync += total.eq(total + sum(kept))
            with m.If(starts):
                m.d.sync += total.eq(0)
            if name not in rings:
                continue
            ring = rings[name]
            dropped = prefix(m, [~bit for bit in kept], f"gaps_{name}")
            late = Signal(number, name=f"late_{name}")
            late_dropped = [
                Signal(len(dropped[-1]), name=f"dropped_{name}_{n}") for n in range(number)
            ]
            m.d.sync += late.eq(kept)
            m.d.sync += [a.eq(b) for a, b in zip(late_dropped, dropped, strict=False)]
            m.d.comb += [ring.valid.eq(counted), ring.keep.eq(late)]
            m.d.comb += [ring.values[n].eq(later[n]) for n in range(number)]
            m.d.comb += [ring.dropped[n].eq(late_dropped[n]) for n in range(number)]
        return totals

    def passes_of(
        self,
        m: Module,
        now: _Pass,
        rings: tuple[QuickRing, QuickRing],
        data: list[Value],
        totals: dict[str, Any],
        starts: Signal,
        reads: Signal,
    ) -> None:
        with m.FSM(name="pass"):
            with m.State("wait"):
                m.d.sync += [now.source.eq(0), now.target.eq(self.k)]
                with m.If(self.accepts & (self.fill_row == self.last_row) & (self.k != 0)):
                    m.next = "pivot"
            with m.State("pivot"):
                m.d.comb += starts.eq(1)
                m.d.sync += [now.pivot.eq(data[0]), self.passes.eq(self.passes + 1)]
                m.next = "run"
            with m.State("run"):
                m.d.comb += reads.eq(1)
                m.d.sync += now.row.eq(now.row + 1)
                with m.If(now.row + 1 == now.rows):
                    m.next = "empty"
            with m.State("empty"):
                m.next = "decide"
            with m.State("decide"):
                above = totals[GREATER]
                to_equal = above + totals["equal"]
                m.next = "pivot"
                with m.If(now.target <= above):
                    m.d.sync += now.source.eq(1)
                with m.Elif(now.target <= to_equal):
                    m.d.comb += self.found.eq(1)
                    m.d.sync += [
                        self.threshold.eq(now.pivot),
                        self.ties.eq(now.target - above),
                    ]
                    m.next = "wait"
                with m.Else():
                    m.d.sync += [now.source.eq(2), now.target.eq(now.target - to_equal)]
