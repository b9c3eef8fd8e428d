"""Runs a FuseMax in Amaranth's simulator against a memory, and records when every task starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat
from amaranth.lib import data
from amaranth.sim import Simulator

from accelsim.engines.array2d import Tensor
from accelsim.rtl.array2d import fill_layout
from accelsim.rtl.build import Attention
from accelsim.rtl.fusemax import FuseMax
from accelsim.rtl.operations import GROUPED, HEADS, KEY_TILES, QUERY_TILES, STRIPS
from accelsim.rtl.skeleton import settings

Matrix = list[list[int]]  # numbers in the operand format, as bits


@dataclass(frozen=True, kw_only=True)
class Work:
    """A run: its sizes, its operands by head, and whether the ports are ready in a cycle."""

    sizes: Attention
    q: list[Matrix]
    k: list[Matrix]
    v: list[Matrix]
    ready: Callable[[int], bool] = lambda _: True


@dataclass(kw_only=True)
class Record:
    """What a run did: (cycle, task) of every start, stalled cycles by queue and cause, AV by head."""

    starts: list[tuple[int, int]] = field(default_factory=list)
    stalls: dict[tuple[int, str], int] = field(default_factory=dict)
    cycles: int = 0
    working: int = 0  # cycles in which the 2D array does an operation
    hung: bool = False
    av: list[Matrix] = field(default_factory=list)


class _Packed:
    """Fields side by side: read all at once and taken apart as numbers, faster than one by one."""

    def __init__(self, widths: dict[str, int]) -> None:
        self.widths = widths

    @classmethod
    def of(cls, layout: data.StructLayout) -> _Packed:
        return cls({str(name): field.width for name, field in layout})

    def unpack(self, bits: int) -> dict[str, int]:
        found = {}
        for name, width in self.widths.items():
            found[name] = bits & ((1 << width) - 1)
            bits >>= width
        return found


def bits(value: int) -> Iterator[int]:
    """Yield the places of the bits that are set."""
    while value:
        low = value & -value
        yield low.bit_length() - 1
        value ^= low


class Bench:
    """A machine with a memory of fixed latency; ``patience`` cycles without a start are a hang."""

    def __init__(self, machine: FuseMax, patience: int = 3000) -> None:
        self.machine, self.patience = machine, patience
        self.engine = machine.engine
        self.loops = machine.skeleton.loops
        outputs = {
            "finished": machine.finished,
            "start": machine.start,
            "stalled": machine.stalled,
            "working": machine.working,
            "load_valid": machine.load.valid,
            "load": machine.load.payload.as_value(),
            "store_valid": machine.store.valid,
            "store": machine.store.payload.as_value(),
        }
        self._shown = Cat(*outputs.values())
        self._outputs = _Packed({name: len(signal) for name, signal in outputs.items()})
        self._request, self._result = _Packed.of(machine.request), _Packed.of(machine.result)
        self._tag = _Packed.of(fill_layout(self.engine))

    def run(
        self, works: Iterable[Work], prepare: Any = None, *, vcd: str | Path | None = None
    ) -> list[Record]:
        """Run one after another without a reset between them; ``vcd`` is a file for the waveform."""
        found: list[Record] = []

        async def drive(ctx: Any) -> None:
            if prepare is not None:
                await prepare(ctx)
            for work in works:
                found.append(await self._one(ctx, work))

        sim = Simulator(self.machine)
        sim.add_clock(1e-9)
        sim.add_testbench(drive)
        with sim.write_vcd(str(vcd)) if vcd else nullcontext():
            sim.run()
        return found

    def registers(self, sizes: Attention) -> dict[str, int]:
        """Return the registers of a run by name."""
        engine = self.engine
        found = settings(self.machine.skeleton, self.machine.build.run(sizes).program)
        found["rows_last"] = (sizes.keys - 1) % engine.rows + 1
        found["cols_last"] = (sizes.queries - 1) % engine.cols + 1
        return found

    async def _write(self, ctx: Any, values: dict[str, int]) -> None:
        """Write the registers of a run; in which order does not matter."""
        for address, name in enumerate(self.machine.registers):
            await self._write_one(ctx, address, values[name])

    async def _write_one(self, ctx: Any, address: int, value: int) -> None:
        machine = self.machine
        bits = value & ((1 << machine.skeleton.count_bits) - 1)
        await self._cycle(ctx, 2 | address << 2 | bits << 2 + len(machine.address))

    async def _cycle(self, ctx: Any, value: int) -> None:
        """Pass a cycle with a value on the host's pins: go, write, address, value."""
        machine = self.machine
        pins = Cat(machine.go, machine.write, machine.address, machine.value)
        ctx.set(pins, value)
        await ctx.tick()
        ctx.set(pins, 0)

    async def _one(self, ctx: Any, work: Work) -> Record:
        """Write the registers, begin, and serve the ports until the machine has finished or hangs."""
        machine, engine = self.machine, self.engine
        await self._write(ctx, self.registers(work.sizes))
        await self._cycle(ctx, 1)
        record = self.empty(work)
        inputs = Cat(
            machine.load.ready, machine.store.ready, machine.filled, machine.fill.as_value()
        )
        inputs = Cat(inputs, machine.fill_words)
        arriving: dict[int, int] = {}
        quiet = 0
        while quiet <= self.patience:
            ready = bool(work.ready(record.cycles))
            ctx.set(inputs, arriving.pop(record.cycles, 0) << 2 | 3 * ready)
            seen = self._outputs.unpack(ctx.get(self._shown))
            if seen["finished"]:
                return record
            self._note(record, seen)
            if ready and seen["load_valid"]:
                request = self._request.unpack(seen["load"])
                words = self._words(work, request) << sum(self._tag.widths.values())
                arriving[record.cycles + engine.latency] = (words | request["tag"]) << 1 | 1
            if ready and seen["store_valid"]:
                self.keep(record, work.sizes.query_tiles, seen["store"])
            quiet = 0 if seen["start"] else quiet + 1
            await ctx.tick()
            record.cycles += 1
        record.hung = True
        return record

    def empty(self, work: Work) -> Record:
        """Return a record of nothing, with room for the result."""
        rows = range(work.sizes.queries)
        return Record(av=[[[0] * self.engine.value for _ in rows] for _ in work.q])

    def _note(self, record: Record, seen: dict[str, int]) -> None:
        causes = self.machine.sequencer.causes
        for task in bits(seen["start"]):
            record.starts.append((record.cycles, task))
        for place in bits(seen["stalled"]):
            key = (place // len(causes), causes[place % len(causes)])
            record.stalls[key] = record.stalls.get(key, 0) + 1
        record.working += seen["working"]

    def _place(self, digits: int) -> dict[str, int]:
        bits = self.machine.skeleton.digit_bits
        mask = (1 << bits) - 1
        return {name: digits >> (bits * n) & mask for n, name in enumerate(self.loops)}

    def _tile(self, at: dict[str, int], tiles: int) -> int:
        """Return the query tile that digits stand for; ``tiles`` are those of a strip."""
        inner = at[QUERY_TILES] * self.engine.together + at.get(GROUPED, 0)
        return at[STRIPS] * tiles + inner

    def _words(self, work: Work, request: dict[str, int]) -> int:
        engine, at = self.engine, self._place(request["digits"])
        tag = self._tag.unpack(request["tag"])
        tensor, lane = Tensor(tag["tensor"]), tag["lane"]
        if tensor == Tensor.Q:
            tile = self._tile(at, work.sizes.query_tiles)
            row = work.q[at.get(HEADS, 0)][tile * engine.cols + lane]
        else:
            matrix = (work.k if tensor == Tensor.K else work.v)[at.get(HEADS, 0)]
            row = matrix[at[KEY_TILES] * engine.rows + lane]
        begin = tag["group"] * engine.words
        width = engine.operand.width
        part = row[begin : begin + engine.words]
        return sum(word << (width * n) for n, word in enumerate(part))

    def keep(self, record: Record, tiles: int, bits: int) -> None:
        """Take a beat of the store port; ``tiles`` are the query tiles of a strip."""
        result = self._result.unpack(bits)
        engine, at = self.engine, self._place(result["digits"])
        tile = self._tile(at, tiles)
        row = record.av[at.get(HEADS, 0)][tile * engine.cols + result["lane"]]
        begin, width = result["group"] * engine.words, engine.operand.width
        for n in range(engine.words):
            row[begin + n] = result["words"] >> (width * n) & ((1 << width) - 1)
