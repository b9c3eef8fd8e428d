"""A stream FIFO."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from accelsim.engines.engine import Engine, Model, Operation, Port, parameter, stream


@dataclass(frozen=True, kw_only=True)
class Fifo(Engine):
    """Stream FIFO, first word falls through.

    A value written in cycle t can be read in cycle t + 1 at the earliest, whether or not others
    wait; one write and one read a cycle at every fill but a full one, which takes nothing, also
    while it is read. A FIFO of depth 1 thus takes a value every other cycle.
    """

    name: ClassVar[str] = "fifo"

    width: int = parameter(16, "bits of a value", low=1, high=4096)
    depth: int = parameter(4, "values that it holds", low=1, high=65536)

    @property
    def ports(self) -> tuple[Port, ...]:
        return (stream("i", "in", self.width), stream("o", "out", self.width))

    @property
    def latency(self) -> int:
        return 1

    @property
    def interval(self) -> int:
        return 2 if self.depth == 1 else 1

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        return {("i", "o"): self.latency}

    @property
    def actions(self) -> Mapping[str, int]:
        return {"write": 1, "read": 1}

    @property
    def operations(self) -> tuple[Operation, ...]:
        """One value passed on: written, and read."""
        return (Operation("pass", "fifo", "pass", "o"),)

    def model(self) -> Model:
        return _Model(self.depth)


class _Model:
    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._held: deque[int] = deque()

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        takes = frozenset({"i"} if len(self._held) < self._depth else ())
        gives = {"o": self._held[0]} if self._held else {}
        if gives and ready["o"]:
            self._held.popleft()
        value = offered["i"]
        if takes and value is not None:
            self._held.append(value)
        return takes, gives
