"""The convention of engines: a frozen dataclass of parameters that knows its time and actions.

An engine ``x`` is three files: ``accelsim/engines/x.py`` (this convention), ``rtl/x.py`` (a
``wiring.Component`` of the same class name whose constructor takes the dataclass, with one stream
member per port), and ``tests/rtl/test_x.py``, which holds the two together.
"""

from __future__ import annotations

import operator
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

from accelsim.engines.attention_values import score_stream
from accelsim.engines.parameters import Parametric, parameter
from accelsim.engines.stimulus import Levels, Source, Stimulus, Transfer

Operands = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Port:
    """A stream of an engine. Its payload has named fields; the first is least significant.

    ``always_ready`` and ``always_valid`` are for rigid ports: those signals do not exist.
    """

    name: str
    direction: Literal["in", "out"]
    fields: tuple[tuple[str, int], ...]
    always_ready: bool = False
    always_valid: bool = False

    @property
    def width(self) -> int:
        """Bits of the payload."""
        return sum(bits for _, bits in self.fields)

    def pack(self, **values: int) -> int:
        """Return a payload's bits; every field must be given, as a whole number that fits."""
        if set(values) != {name for name, _ in self.fields}:
            wanted = ", ".join(name for name, _ in self.fields)
            raise ValueError(f"port {self.name} must be given {wanted}, not {', '.join(values)}")
        found, shift = 0, 0
        for name, bits in self.fields:
            value = operator.index(values[name])
            if not 0 <= value < 1 << bits:
                raise ValueError(f"{self.name}.{name} must fit {bits} bits, not {value}")
            found |= value << shift
            shift += bits
        return found

    def unpack(self, value: int) -> dict[str, int]:
        found = {}
        for name, bits in self.fields:
            found[name] = value & ((1 << bits) - 1)
            value >>= bits
        return found


def stream(name: str, direction: Literal["in", "out"], width: int, **rigid: bool) -> Port:
    """Return a port whose payload is one field of ``width`` bits."""
    return Port(name, direction, ((name, width),), **rigid)


class Operation(NamedTuple):
    """An operation that is priced: the part and action of its row, the port that counts it."""

    name: str
    part: str
    action: str
    port: str


class Model(Protocol):
    """The state of an engine between two clock edges.

    A reset makes a new one of it, unless it has a method ``reset`` because a part of it stays.
    """

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        """Pass one cycle.

        ``offered`` has, by input port, the value on it, None if its valid is low; ``ready`` the
        level at each output port. Returns the input ports whose ready is high, and the values on
        the output ports whose valid is high. A transfer happens where both are.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Engine(Parametric, ABC):
    """An engine with its parameters: when it is ready, how long it takes, what it does.

    All times are in cycles. Raises SpecError if a parameter is out of its bounds.
    """

    @property
    @abstractmethod
    def ports(self) -> tuple[Port, ...]:
        """The streams, inputs first."""

    @property
    @abstractmethod
    def latency(self) -> int:
        """Cycles from the transfer of the last operand to that of the first result, unstalled."""

    @property
    @abstractmethod
    def interval(self) -> int:
        """Cycles from one operation to the next, unstalled."""

    @property
    @abstractmethod
    def lags(self) -> Mapping[tuple[str, str], int]:
        """Cycles from an operand's transfer to its result's, unstalled, by (operand, result)."""

    @property
    @abstractmethod
    def actions(self) -> Mapping[str, int]:
        """What one operation is charged: number by action."""

    @abstractmethod
    def model(self) -> Model:
        """Return the cycle model, as after reset."""

    def run(self, stimulus: Stimulus) -> Iterator[Transfer]:
        """Yield every transfer, by cycle, then in the order of :attr:`ports`."""
        for cycle, levels in enumerate(self.levels(stimulus)):
            for name, value in levels.offered.items():
                if value is not None and name in levels.takes:
                    yield Transfer(cycle, name, value)
            for port in self.outputs:
                if port.name in levels.gives and levels.ready[port.name]:
                    yield Transfer(cycle, port.name, levels.gives[port.name])

    def levels(self, stimulus: Stimulus, model: Model | None = None) -> Iterator[Levels]:
        """Yield what is on the ports, cycle by cycle; from ``model`` on, else as after reset."""
        model = model or self.model()
        sources = {p.name: Source(stimulus.offers.get(p.name, ())) for p in self.inputs}
        for cycle in range(stimulus.cycles):
            offered = {name: source.offered for name, source in sources.items()}
            ready = {
                p.name: p.always_ready or stimulus.is_ready(p.name, cycle) for p in self.outputs
            }
            takes, gives = model.step(offered, ready)
            yield Levels(offered, ready, takes, gives)
            for name, source in sources.items():
                source.tick(taken=name in takes)

    @property
    def part(self) -> Engine | None:
        """The engine that it has many of, whose Verilog stands once; None if it is of one piece."""
        return None

    @property
    def attributes(self) -> Mapping[str, int]:
        """What a cost table's rows for this engine say with ``where``."""
        return {}

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What synthesis prices; by default one operation per transfer at the first output."""
        return (Operation(self.name, self.name, "compute", self.outputs[0].name),)

    def operands(
        self,
        operation: str,  # noqa: ARG002 - the default engine has but one
        kind: str,
        seed: int,
        count: int,
    ) -> Operands:
        """Return the payloads that drive ``count`` of an operation, by input port.

        ``kind`` is ``random`` (bits) or ``attention`` (values of a small softmax attention); an
        engine that knows what its fields are overrides this.
        """
        return {
            port.name: [self.payload(port.name, bits) for bits in payloads(port, kind, seed, count)]
            for port in self.inputs
        }

    def payload(self, port: str, bits: int) -> int:  # noqa: ARG002 - most ports take any
        """Return a payload that may stand at an input, made from any bits."""
        return bits

    @property
    def inputs(self) -> tuple[Port, ...]:
        return tuple(port for port in self.ports if port.direction == "in")

    @property
    def outputs(self) -> tuple[Port, ...]:
        return tuple(port for port in self.ports if port.direction == "out")

    def port(self, name: str) -> Port:
        return self._port_of[name]

    @cached_property
    def _port_of(self) -> Mapping[str, Port]:
        """Models ask for ports in every cycle."""
        return {port.name: port for port in self.ports}


def payloads(port: Port, kind: str, seed: int, count: int) -> list[int]:
    """Return payloads whose fields are filled with what :meth:`Engine.operands` calls ``kind``."""
    draw, values = random.Random(f"{port.name} {seed}"), score_stream(seed)
    return [
        port.pack(**{name: _bits(draw, values, kind, width) for name, width in port.fields})
        for _ in range(count)
    ]


def _bits(draw: random.Random, values: Iterator[int], kind: str, width: int) -> int:
    """Fill a field: with bfloat16 values as far as they fit, else with random bits."""
    if kind == "random" or width % 16:
        return draw.getrandbits(width)
    return sum(next(values) << n for n in range(0, width, 16))


__all__ = ["Engine", "Model", "Operands", "Operation", "Port", "parameter", "payloads", "stream"]
