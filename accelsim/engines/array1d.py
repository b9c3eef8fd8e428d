"""The 1D array: lanes side by side, each under its column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from accelsim.engines.engine import Engine, Model, Operands, Operation, Port, parameter
from accelsim.engines.pe1d import PE1D, Lane


@dataclass(frozen=True, kw_only=True)
class Array1D(Lane):
    """As many lanes as ``lanes``: an instruction enters the first and reaches each a cycle after its left.

    Lane c takes its column's sums and maxima at ``sum_c`` and ``maximum_c``, gives its running maximum
    at ``climb_c`` and its quotients at ``quotient_c``. ``early`` and ``adding`` are the instructions in
    the last stage but one and in the last of the first lane's MAC.
    """

    name: ClassVar[str] = "array1d"

    lanes: int = parameter(2, "lanes", low=1, high=256)

    @property
    def part(self) -> Engine:
        return self.lane

    @cached_property
    def lane(self) -> PE1D:
        return PE1D(**self.shared(PE1D))

    @property
    def ports(self) -> tuple[Port, ...]:
        lane = self.lane

        def each(*names: str) -> list[Port]:
            ports = [lane.port(name) for name in names]
            return [replace(p, name=f"{p.name}_{c}") for p in ports for c in range(self.lanes)]

        told = [lane.port(name) for name in ("early", "adding")]
        first = lane.port("i")
        return (first, *each("sum", "maximum"), *told, *each("climb", "quotient"))

    @property
    def latency(self) -> int:
        return self.lane.latency + self.lanes - 1

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        own = self.lane.lags
        found = {("i", name): own["i", name] for name in ("early", "adding")}
        for c in range(self.lanes):
            for name in ("climb", "quotient"):
                found["i", f"{name}_{c}"] = own["i", name] + c
        return found

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What a lane does, in all of them."""
        per_lane = {"climb": "climb_0", "quotient": "quotient_0"}
        return tuple(o._replace(port=per_lane.get(o.port, o.port)) for o in self.lane.operations)

    def operands(self, operation: str, kind: str, seed: int, count: int) -> Operands:
        """Each lane has operands of its own; what it gets from its column comes as it passes."""
        found: dict[str, list[int]] = {}
        for c in range(self.lanes):
            own = self.lane.operands(operation, kind, seed * self.lanes + c, count)
            if not c:
                found["i"] = list(own["i"])
            for name in ("sum", "maximum"):
                found[f"{name}_{c}"] = list(own[name])
        return found

    def payload(self, port: str, bits: int) -> int:
        """As of a lane, whatever its place."""
        return self.lane.payload(port.partition("_")[0], bits)

    def model(self) -> Model:
        return _Model(self)


class _Model:
    """The lanes' models, from the left: the instruction that one passes on is the next one's."""

    def __init__(self, engine: Array1D) -> None:
        self._engine = engine
        self._lanes = [engine.lane.model() for _ in range(engine.lanes)]

    def reset(self) -> None:
        """Pass a cycle of reset: nothing is on its way any more, the state stays."""
        self.step(dict.fromkeys(port.name for port in self._engine.inputs), {})
        for lane in self._lanes:
            lane.clear()

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        gives: dict[str, int] = {}
        came = offered["i"]
        for c, lane in enumerate(self._lanes):
            column = {name: offered[f"{name}_{c}"] for name in ("sum", "maximum")}
            _, shown = lane.step({"i": came, **column}, ready)
            gives |= {f"{name}_{c}": shown[name] for name in ("climb", "quotient") if name in shown}
            if not c:
                gives |= {name: shown[name] for name in ("early", "adding") if name in shown}
            came = shown.get("o")
        return frozenset(port.name for port in self._engine.inputs), gives
