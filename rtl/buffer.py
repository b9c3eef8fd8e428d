"""Buffer: words in registers behind shared access ports, requests served by fixed priority."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.memory import Memory

from accelsim.engines.buffer import Buffer as BufferModel
from accelsim.rtl.block import Block


class Buffer(Block):
    """Twin of :class:`accelsim.engines.buffer.Buffer`.

    An access port is an address with a read multiplexer and a write. A request that is served uses
    the port whose number is that of the requests served before it; its answer is caught in the
    first of its own stream's registers.
    """

    def __init__(self, engine: BufferModel) -> None:
        super().__init__(engine)
        self.memory = Memory(shape=engine.width, depth=engine.depth, init=[])
        # Per read stream, its answers on the way: (data, valid), the last of which is its output.
        self.stages = [
            [
                (
                    Signal(engine.width, name=f"d{n}_data_{stage}", reset_less=True),
                    Signal(name=f"d{n}_valid_{stage}"),
                )
                for stage in range(engine.latency_cycles)
            ]
            for n in range(engine.reads)
        ]

    def elaborate(self, platform: object) -> Module:
        m = Module()
        engine = self.engine
        writes = [getattr(self, f"w{n}") for n in range(engine.writes)]
        reads = [getattr(self, f"r{n}") for n in range(engine.reads)]
        answers = [getattr(self, f"d{n}") for n in range(engine.reads)]
        moves = [_moves(answer) for answer in answers]

        clashes = [_clash(m, writes, n) for n in range(engine.writes)]
        asks = [w.valid & ~clash for w, clash in zip(writes, clashes, strict=True)]
        asks += [r.valid & move for r, move in zip(reads, moves, strict=True)]
        asked = Signal(len(asks))
        m.d.comb += asked.eq(Cat(*asks))
        turns = [_count(m, asked[:n], engine.access_ports, n) for n in range(len(asks))]
        served = [turn < engine.access_ports for turn in turns]
        for n, write in enumerate(writes):
            m.d.comb += write.ready.eq(served[n] & ~clashes[n])
        for n, read in enumerate(reads):
            m.d.comb += read.ready.eq(served[engine.writes + n] & moves[n])

        addresses = [w.payload.address for w in writes] + [r.payload for r in reads]
        words = self._ports(m, writes, addresses, asked, turns)
        for n, (read, answer) in enumerate(zip(reads, answers, strict=True)):
            word = _select(words, turns[engine.writes + n])
            self._answer(m, n, read.valid & read.ready, word, moves[n], answer)
        return m

    def _ports(
        self, m: Module, writes: Sequence[Any], addresses: Sequence[Value], asked: Value, turns: Any
    ) -> list[Value]:
        """Build the access ports; return the words that they read."""
        engine = self.engine
        m.submodules.words = self.memory
        words: list[Value] = []
        for p in range(engine.access_ports):
            mine = [asked[n] & (turn == p) for n, turn in enumerate(turns)]
            address = Signal(engine.address_bits, name=f"port_{p}_address")
            data = Signal(engine.width, name=f"port_{p}_data")
            m.d.comb += address.eq(_one_of(mine, addresses))
            m.d.comb += data.eq(_one_of(mine[: len(writes)], [w.payload.data for w in writes]))
            inside = (
                Const(1) if engine.depth == 1 << engine.address_bits else address < engine.depth
            )
            read = self.memory.read_port(domain="comb")
            write = self.memory.write_port()
            m.d.comb += [
                read.addr.eq(address),
                write.addr.eq(address),
                write.data.eq(data),
                write.en.eq(Cat(*mine[: len(writes)]).any() & inside),
            ]
            words.append(Mux(inside, read.data, 0))
        return words

    def _answer(
        self, m: Module, n: int, begins: Value, word: Value, move: Value, answer: Any
    ) -> None:
        """Carry an answer through its stream's registers."""
        valid: Value = begins
        data: Value = word
        for next_data, next_valid in self.stages[n]:
            with m.If(move):
                m.d.sync += next_valid.eq(valid)
                with m.If(valid):
                    m.d.sync += next_data.eq(data)
            valid, data = next_valid, next_data
        m.d.comb += [answer.valid.eq(valid), answer.payload.eq(data)]


def _moves(answer: Any) -> Value:
    return ~answer.valid | answer.ready


def _clash(m: Module, writes: Sequence[Any], n: int) -> Value:
    """Say whether a write before this one asks for the same word."""
    clash = Signal(name=f"w{n}_clash")
    same = [
        w.valid & (w.payload.address == writes[n].payload.address) for w in writes[:n]
    ]  # one that clashes itself has a partner before it
    m.d.comb += clash.eq(writes[n].valid & Cat(*same).any())
    return clash


def _count(m: Module, before: Value, most: int, n: int) -> Value:
    """Count the requests before this one, as far as ``most``."""
    turn = Signal(range(most + 1), name=f"turn_{n}")
    total: Value = Const(0, 1)
    for bit in before:
        total = total + bit
    m.d.comb += turn.eq(Mux(total > most, most, total))
    return turn


def _one_of(chosen: Sequence[Value], values: Sequence[Value]) -> Value:
    """Return the value whose flag is set; at most one is."""
    found: Value = Const(0)
    for flag, value in zip(chosen, values, strict=True):
        found = found | Mux(flag, value, 0)
    return found


def _select(words: Sequence[Value], turn: Value) -> Value:
    return _one_of([turn == p for p in range(len(words))], words)
