"""The way out of a top-k block: values stream past the threshold, the indices of the kept come out."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from accelsim.rtl.block import signature
from accelsim.rtl.packing import Packing
from accelsim.rtl.rows import prefix, squeeze


class SelectDrain(wiring.Component):
    """Three registers that move together: compared, counted, closed up (the port ``o`` itself).

    ``run`` is high from the first cycle to that of ``ended``. ``row`` is the row of the memory
    that is wanted now; ``values`` and ``live`` are its lanes and which of them hold a value.
    """

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        bits = dict(engine.port("result").fields)
        super().__init__(
            {
                "run": In(1),
                "ended": Out(1),
                "row": Out(range(engine.rows)),
                "is_last": In(1),
                "values": In(data.ArrayLayout(engine.width, engine.lanes)),
                "live": In(engine.lanes),
                "threshold": In(engine.width),
                "ties": In(bits["ties"]),
                "passes": In(bits["passes"]),
                "result": Out(signature(engine.port("result"))),
                "o": Out(signature(engine.port("o"))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        moves, reads = Signal(), Signal(init=1)
        m.d.comb += moves.eq(self.run & (~self.o.valid | self.o.ready))
        compared = self.compare(m, moves, reads)
        counted = self.count(m, moves, compared)
        self.close(m, moves, counted)
        self.end(m, reads)
        return m

    def compare(self, m: Module, moves: Signal, reads: Signal) -> dict[str, Any]:
        """Read a row: which lanes are greater, which are ties, and their rank among the ties."""
        number = self.engine.lanes
        live = list(self.live)
        equal = [(self.values[n] == self.threshold) & live[n] for n in range(number)]
        ranks = prefix(m, equal, "ties")
        base = Signal(self.engine.index_bits)
        found: dict[str, Any] = {
            "valid": Signal(name="compared"),
            "last": Signal(name="compared_last"),
            "greater": Signal(number),
            "equal": Signal(number),
            "base": Signal.like(base, name="compared_base"),
            "ranks": [Signal(len(ranks[-1]), name=f"rank_{n}") for n in range(number + 1)],
        }
        greater = [(self.values[n] > self.threshold) & live[n] for n in range(number)]
        with m.If(moves):
            m.d.sync += [
                found["valid"].eq(reads),
                found["last"].eq(self.is_last),
                found["greater"].eq(Cat(greater)),
                found["equal"].eq(Cat(equal)),
                found["base"].eq(base),
                *(held.eq(rank) for held, rank in zip(found["ranks"], ranks, strict=True)),
            ]
            with m.If(reads):
                m.d.sync += [self.row.eq(self.row + 1), base.eq(base + number)]
                with m.If(self.is_last):
                    m.d.sync += [self.row.eq(0), base.eq(0), reads.eq(0)]
        return found

    def count(self, m: Module, moves: Signal, compared: dict[str, Any]) -> dict[str, Any]:
        """Keep the greater and the first ties; count the dropped before each lane."""
        number = self.engine.lanes
        used = Signal(len(self.ties) + 1)  # ties of earlier rows, at most a row past ``ties``
        ranks = compared["ranks"]
        keep = [
            compared["greater"][n] | (compared["equal"][n] & (used + ranks[n] < self.ties))
            for n in range(number)
        ]
        dropped = prefix(m, [~each for each in keep], "gaps")
        found: dict[str, Any] = {
            "valid": Signal(name="counted"),
            "last": Signal(name="counted_last"),
            "keep": Signal(number),
            "base": Signal.like(compared["base"], name="counted_base"),
            "dropped": [Signal(len(dropped[-1]), name=f"dropped_{n}") for n in range(number)],
        }
        with m.If(moves):
            m.d.sync += [
                found["valid"].eq(compared["valid"]),
                found["last"].eq(compared["last"]),
                found["keep"].eq(Cat(keep)),
                found["base"].eq(compared["base"]),
                *(held.eq(each) for held, each in zip(found["dropped"], dropped, strict=False)),
            ]
            with m.If(compared["valid"] & (used < self.ties)):
                m.d.sync += used.eq(used + ranks[number])
        with m.If(self.ended):
            m.d.sync += used.eq(0)
        return found

    def close(self, m: Module, moves: Signal, counted: dict[str, Any]) -> None:
        """Close the gaps and append to what did not fill a row; full rows and the last go out."""
        engine, number = self.engine, self.engine.lanes
        keep = counted["keep"]
        indices = [(counted["base"] + n)[: engine.index_bits] for n in range(number)]
        row = squeeze(m, indices, list(keep), counted["dropped"], "closed")
        packing = Packing(m, row, sum(keep))
        packing.give(m, self.o, moves=moves, takes=counted["valid"], ends=counted["last"])

    def end(self, m: Module, reads: Signal) -> None:
        """End when the last row and the result have been taken."""
        result_open, rows_open = Signal(init=1), Signal(init=1)
        gives_last = self.o.valid & self.o.ready & self.o.payload.last
        gives_result = self.result.valid & self.result.ready
        m.d.comb += [
            self.result.valid.eq(self.run & result_open),
            self.result.payload.threshold.eq(self.threshold),
            self.result.payload.ties.eq(self.ties),
            self.result.payload.passes.eq(self.passes),
            self.ended.eq(self.run & (gives_last | ~rows_open) & (gives_result | ~result_open)),
        ]
        with m.If(gives_last):
            m.d.sync += rows_open.eq(0)
        with m.If(gives_result):
            m.d.sync += result_open.eq(0)
        with m.If(self.ended):
            m.d.sync += [result_open.eq(1), rows_open.eq(1), reads.eq(1)]
