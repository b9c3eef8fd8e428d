"""Ragged rows become full ones: what does not fill a row waits in registers for the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal

from accelsim.rtl.rows import append, lanes


class Packing:
    """A row with ``count`` kept lanes at its front, behind the ``occupied`` lanes of ``rest``.

    ``both`` are the lanes of the two, 0 past ``total``; ``full``: they fill a row. The registers
    ``rest``, ``occupied``, ``flush`` may be given, so that others read them; ``rest`` has a lane less
    than the row.
    """

    def __init__(
        self,
        m: Module,
        row: Sequence[Any],
        count: Any,
        *,
        rest: Sequence[Any] | None = None,
        occupied: Any = None,
        flush: Any = None,
    ) -> None:
        number, width = len(row), len(row[0])
        self.rest = rest or [Signal(width, name=f"rest_{n}") for n in range(number - 1)]
        self.occupied = Signal(range(number), name="occupied") if occupied is None else occupied
        self.both = append(m, self.rest, self.occupied, row, "both")
        self.total = Signal(range(2 * number), name="total")
        m.d.comb += self.total.eq(self.occupied + count)
        self.full = self.total >= number
        # The end of a list waits for the row after this one.
        self.flush = Signal(name="flush") if flush is None else flush

    def keep(self, m: Module, ends: Any = 0) -> None:
        """Keep what does not fill a row, and nothing at the end of a list; under the caller's ``If``."""
        number = len(self.rest) + 1
        m.d.sync += self.occupied.eq(Mux(self.full, self.total - number, Mux(ends, 0, self.total)))
        for n, held in enumerate(self.rest):
            above = self.both[number + n]
            m.d.sync += held.eq(Mux(self.full, above, Mux(ends, 0, self.both[n])))

    def give(self, m: Module, out: Any, *, moves: Any, takes: Any, ends: Any) -> None:
        """Drive a stream of full rows, of which the last of a list may be short.

        All registers move with ``moves``. A row that is taken (``takes``) never comes in a cycle
        of ``flush``.
        """
        number = len(self.rest) + 1
        row = lanes(out.payload, number)
        with m.If(moves):
            m.d.sync += out.valid.eq((takes & (self.full | ends)) | self.flush)
            with m.If(takes):
                m.d.sync += [
                    out.payload.count.eq(Mux(self.full, number, self.total)),
                    out.payload.last.eq(ends & (self.total <= number)),
                    self.flush.eq(ends & (self.total > number)),
                    *(lane.eq(value) for lane, value in zip(row, self.both, strict=False)),
                ]
                self.keep(m, ends)
            with m.Elif(self.flush):
                m.d.sync += [
                    out.payload.count.eq(self.occupied),
                    out.payload.last.eq(1),
                    self.occupied.eq(0),
                    self.flush.eq(0),
                    *(lane.eq(v) for lane, v in zip(row, [*self.rest, Const(0)], strict=True)),
                    *(held.eq(0) for held in self.rest),
                ]
