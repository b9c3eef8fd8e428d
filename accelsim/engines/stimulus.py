"""What drives an engine (values with gaps, back-pressure) and what comes of it (transfers)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Transfer(NamedTuple):
    """A value that crosses a port in a cycle: its valid and ready are both high.

    Cycles count from 0, the first after reset. ``value`` is the payload's bits.
    """

    cycle: int
    port: str
    value: int


class Levels(NamedTuple):
    """What is on an engine's ports in one cycle; see :meth:`accelsim.engines.Model.step`."""

    offered: Mapping[str, int | None]
    ready: Mapping[str, bool]
    takes: frozenset[str]
    gives: Mapping[str, int]


class Offer(NamedTuple):
    """A value for an input port, offered ``gap`` cycles after the port was last free, and then held."""

    value: int
    gap: int = 0


@dataclass(frozen=True, kw_only=True)
class Stimulus:
    """Offers by input port, readiness by output port and cycle, and for how many cycles.

    A port without offers offers nothing. Beyond the end of its trace, an output port is ready.
    """

    offers: Mapping[str, Sequence[Offer]]
    ready: Mapping[str, Sequence[bool]] = field(default_factory=dict)
    cycles: int

    def is_ready(self, port: str, cycle: int) -> bool:
        trace = self.ready.get(port, ())
        return cycle >= len(trace) or bool(trace[cycle])


class Source:
    """One input port's driver: knows what is offered in this cycle."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        self._offers = offers
        self._next = 0
        self._wait = offers[0].gap if offers else 0

    @property
    def offered(self) -> int | None:
        if self._next < len(self._offers) and self._wait == 0:
            return self._offers[self._next].value
        return None

    def tick(self, *, taken: bool) -> None:
        """End the cycle; ``taken`` if the offered value was transferred in it."""
        if self._wait:
            self._wait -= 1
        elif taken and self._next < len(self._offers):
            self._next += 1
            if self._next < len(self._offers):
                self._wait = self._offers[self._next].gap
