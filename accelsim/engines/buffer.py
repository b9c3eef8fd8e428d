"""A small buffer whose requesters share its ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from accelsim.engines.engine import (
    Engine,
    Model,
    Operands,
    Operation,
    Port,
    parameter,
    payloads,
    stream,
)


@dataclass(frozen=True, kw_only=True)
class Buffer(Engine):
    """Small buffer: write and read streams share its ports by fixed priority.

    Each cycle at most ``ports`` requests are served, in the order w0, w1, ..., r0, r1, ...; the
    others wait. A write to a word that a request before it writes waits as well, so that a word is
    written once a cycle. A read returns what the word held before this cycle's writes, on the data
    stream of its own, ``latency_cycles`` later; one whose answer could not move on asks for no
    port. Served every cycle, a stream passes one request a cycle.
    """

    name: ClassVar[str] = "buffer"

    width: int = parameter(16, "bits of a word", low=1, high=4096)
    depth: int = parameter(16, "words", low=1, high=4096)
    reads: int = parameter(1, "read streams", low=1, high=16)
    writes: int = parameter(1, "write streams", low=1, high=16)
    access_ports: int = parameter(1, "requests that can be served in a cycle", low=1, high=32)
    latency_cycles: int = parameter(1, "cycles from an address to its word", low=1, high=16)

    def check(self) -> None:
        streams = self.reads + self.writes
        if self.access_ports > streams:
            raise self.fault(
                f"access_ports must be at most reads + writes, {streams}, not {self.access_ports}"
            )

    @property
    def address_bits(self) -> int:
        return max(1, (self.depth - 1).bit_length())

    @property
    def ports(self) -> tuple[Port, ...]:
        request = (("address", self.address_bits), ("data", self.width))
        return (
            *(Port(f"w{n}", "in", request) for n in range(self.writes)),
            *(stream(f"r{n}", "in", self.address_bits) for n in range(self.reads)),
            *(stream(f"d{n}", "out", self.width) for n in range(self.reads)),
        )

    @property
    def latency(self) -> int:
        return self.latency_cycles

    @property
    def interval(self) -> int:
        return 1

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        """Cycles from a read to its data, and from a write to the read that first sees it."""
        answers = {(f"r{n}", f"d{n}"): self.latency for n in range(self.reads)}
        seen = {(f"w{w}", f"r{r}"): 1 for w in range(self.writes) for r in range(self.reads)}
        return answers | seen

    @property
    def actions(self) -> Mapping[str, int]:
        return {"write": 1, "read": 1}

    @property
    def operations(self) -> tuple[Operation, ...]:
        return (
            Operation("write", "buffer", "write", "w0"),
            Operation("read", "buffer", "read", "d0"),
        )

    def operands(self, operation: str, kind: str, seed: int, count: int) -> Operands:
        """Write at random; or write every word once, then read at random."""
        write, read = self.port("w0"), self.port("r0")
        written = payloads(write, kind, seed, max(count, self.depth))
        if operation == "write":
            return {"w0": written}
        words = [write.unpack(value)["data"] for value in written[: self.depth]]
        filled = [write.pack(address=n, data=word) for n, word in enumerate(words)]
        return {"w0": filled, "r0": payloads(read, "random", seed, count + 2 * self.depth)}

    def model(self) -> Model:
        return _Model(self)


class _Model:
    def __init__(self, engine: Buffer) -> None:
        self._engine = engine
        self._words = [0] * engine.depth
        # Per read stream its answers on the way, oldest last.
        self._answers: list[list[int | None]] = [
            [None] * engine.latency_cycles for _ in range(engine.reads)
        ]

    def reset(self) -> None:
        """Forget the answers on the way; the words stay."""
        self._answers = [[None] * len(answers) for answers in self._answers]

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        takes: set[str] = set()
        served = 0
        written: dict[int, int] = {}
        claimed: set[int] = set()
        for n in range(self._engine.writes):
            name = f"w{n}"
            value = offered[name]
            fields = {} if value is None else self._engine.port(name).unpack(value)
            clash = fields.get("address") in claimed
            if served < self._engine.access_ports and not clash:
                takes.add(name)
            if fields and not clash:
                served += 1
                claimed.add(fields["address"])
                if name in takes:
                    written[fields["address"]] = fields["data"]
        gives: dict[str, int] = {}
        for n, answers in enumerate(self._answers):
            oldest = answers[-1]
            if oldest is not None:
                gives[f"d{n}"] = oldest
            moves = oldest is None or ready[f"d{n}"]
            address = offered[f"r{n}"]
            if moves and served < self._engine.access_ports:
                takes.add(f"r{n}")
            if moves:
                served += address is not None
                read = None if address is None or f"r{n}" not in takes else self._word(address)
                self._answers[n] = [read, *answers[:-1]]
        for address, data in written.items():
            if address < len(self._words):
                self._words[address] = data
        return frozenset(takes), gives

    def _word(self, address: int) -> int:
        """A word beyond the end reads as zero, and a write to it is lost."""
        return self._words[address] if address < len(self._words) else 0
