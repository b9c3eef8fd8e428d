"""Radix select: a histogram of one digit per pass; the first is made while the values come in."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal

from accelsim.rtl.rows import lanes, named
from accelsim.rtl.select import SelectBlock


class RadixSelect(SelectBlock):
    """Twin of :class:`accelsim.engines.radix_select.RadixSelect`.

    A row's digits are decoded into one register, counted into the histogram a cycle later; when
    the last row has been counted, the digit is chosen that holds the wanted value.
    """

    def core(self, m: Module) -> None:
        engine, number = self.engine, self.engine.lanes
        digits, bins = engine.digits, 2**engine.digit
        place = Signal(range(digits))  # digits still to be found after this one
        found = Signal(engine.width)  # those found so far, at their place
        row, left = Signal(range(engine.rows + 1)), Signal(len(self.k))
        reads, chooses = Signal(), Signal()

        # Decode.
        filling = self.accepts
        source = [
            Mux(filling, new, old)
            for new, old in zip(lanes(self.i.payload, number), self.values, strict=True)
        ]
        live = self.live(Mux(filling, self.fill_row, row))
        # One for every value of ``place``, so that no case is left open.
        places = 1 << (digits - 1).bit_length()
        shifts = [min(n, digits - 1) * engine.digit for n in range(places)]
        at = Mux(filling, digits - 1, place)
        decoded = Signal()
        hits = [Signal(number, name=f"hits_{b}") for b in range(bins)]
        source = named(m, source, "source")
        live = named(m, live, "live")
        digit = [Array([(value >> s)[: engine.digit] for s in shifts])[at] for value in source]
        above = Array([self.above(s) for s in shifts])[at]
        matches = named(m, [((value ^ found) & above) == 0 for value in source], "matches")
        digit = named(m, digit, "digit")
        m.d.sync += decoded.eq(reads | filling)
        for b, hit in enumerate(hits):
            m.d.sync += hit.eq(
                Cat(on & (d == b) & same for on, d, same in zip(live, digit, matches, strict=True))
            )
        # Count.
        counts = [Signal(len(self.k), name=f"count_{b}") for b in range(bins)]
        with m.If(decoded):
            m.d.sync += [
                count.eq(count + sum(hit)) for count, hit in zip(counts, hits, strict=True)
            ]
        # Choose: the greatest digit with enough values from it upwards.
        before: list[Any] = [Const(0, len(self.k))]
        for b in reversed(range(1, bins)):
            before.append((before[-1] + counts[b])[: len(self.k)])
        before = named(m, before[::-1], "before")
        with m.If(chooses):
            for b in range(bins):
                with m.If((before[b] < left) & (left <= before[b] + counts[b])):
                    m.d.sync += [
                        found.eq(found | Array([(b << s) for s in shifts])[place]),
                        self.threshold.eq(found | Array([(b << s) for s in shifts])[place]),
                        left.eq(left - before[b]),
                        self.ties.eq(left - before[b]),
                    ]
            m.d.sync += [count.eq(0) for count in counts]
        m.d.comb += self.address.eq(row)
        with m.FSM(name="pass"):
            with m.State("wait"):
                m.d.sync += [place.eq(digits - 1), found.eq(0), left.eq(self.k), row.eq(0)]
                with m.If(self.request.valid & self.request.ready):
                    m.d.sync += [count.eq(0) for count in counts]
                with m.If(self.accepts & (self.fill_row == self.last_row) & (self.k != 0)):
                    m.next = "count"
            with m.State("read"):
                m.d.comb += reads.eq(1)
                m.d.sync += row.eq(row + 1)
                with m.If(row == self.last_row):
                    m.d.sync += row.eq(0)
                    m.next = "count"
            with m.State("count"):
                m.next = "choose"
            with m.State("choose"):
                m.d.comb += chooses.eq(1)
                m.d.sync += [place.eq(place - 1), self.passes.eq(self.passes + 1)]
                with m.If(place == 0):
                    m.d.comb += self.found.eq(1)
                    m.next = "wait"
                with m.Else():
                    m.next = "read"

    def above(self, shift: int) -> int:
        """Return the mask of the bits above a digit."""
        width: int = self.engine.width
        known: int = shift + self.engine.digit
        low = min(known, width)
        return (1 << width) - (1 << low)
