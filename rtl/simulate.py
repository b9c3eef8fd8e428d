"""Runs a block in Amaranth's simulator under a stimulus: the same transfers as the engine's model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, Value
from amaranth.sim import Simulator

from accelsim.engines import Port, Stimulus, Transfer
from accelsim.engines.stimulus import Source

PERIOD = 1e-9  # seconds of a clock cycle in the waveform; nothing depends on it


class StreamError(AssertionError):
    """A stream broke its rules: a value was withdrawn or changed before it was transferred."""


def simulate(
    block: Any, ports: Sequence[Port], stimulus: Stimulus, *, vcd: Path | None = None
) -> list[Transfer]:
    """Return every transfer of ``stimulus.cycles`` cycles, by cycle, then in the order of ``ports``.

    ``block`` has a stream member per port. StreamError if an output breaks the rules of streams.
    """
    found: list[Transfer] = []
    bench = _Bench(block, ports, stimulus, found)
    sim = Simulator(block)
    sim.add_clock(PERIOD)
    sim.add_testbench(bench.run)
    with sim.write_vcd(str(vcd)) if vcd else nullcontext():
        sim.run()
    return found


class _Bench:
    """Drives all inputs with one assignment a cycle and reads all outputs with one access: fast."""

    def __init__(
        self, block: Any, ports: Sequence[Port], stimulus: Stimulus, found: list[Transfer]
    ) -> None:
        self._ports = ports
        self._stimulus = stimulus
        self._found = found
        self._sources = {
            p.name: Source(stimulus.offers.get(p.name, ())) for p in ports if p.direction == "in"
        }
        self._drive: list[tuple[Value, int]] = []  # (signals, bits)
        observed = []
        for port in ports:
            member = getattr(block, port.name)
            inward = port.direction == "in"
            payload = Value.cast(member.payload)
            # Signals of rigid ports are constants, which nobody drives.
            valid = [] if port.always_valid else [member.valid]
            ready = [] if port.always_ready else [member.ready]
            self._drive += [(payload, port.width), *((v, 1) for v in valid)] if inward else []
            self._drive += [] if inward else [(r, 1) for r in ready]
            observed += [member.ready] if inward else [payload, member.valid]
        self._pins = Cat(*(signal for signal, _ in self._drive))
        self._observed = Cat(*observed)
        self._pending: dict[str, int] = {}

    async def run(self, ctx: Any) -> None:
        for cycle in range(self._stimulus.cycles):
            ctx.set(self._pins, self._levels(cycle))
            self._record(cycle, ctx.get(self._observed))
            await ctx.tick()

    def _levels(self, cycle: int) -> int:
        levels: list[tuple[int, int]] = []
        for port in self._ports:
            if port.direction == "in":
                value = self._sources[port.name].offered
                levels.append((value or 0, port.width))
                if not port.always_valid:
                    levels.append((int(value is not None), 1))
            elif not port.always_ready:
                levels.append((int(self._stimulus.is_ready(port.name, cycle)), 1))
        found, shift = 0, 0
        for level, bits in levels:
            found |= level << shift
            shift += bits
        return found

    def _record(self, cycle: int, seen: int) -> None:
        for port in self._ports:
            if port.direction == "in":
                ready, seen = seen & 1, seen >> 1
                source = self._sources[port.name]
                if ready and source.offered is not None:
                    self._found.append(Transfer(cycle, port.name, source.offered))
                source.tick(taken=bool(ready))
            else:
                value = seen & ((1 << port.width) - 1)
                valid = seen >> port.width & 1
                seen >>= port.width + 1
                self._output(port, cycle, value if valid else None)

    def _output(self, port: Port, cycle: int, value: int | None) -> None:
        pending = self._pending.pop(port.name, None)
        if pending is not None and value != pending:
            raise StreamError(f"cycle {cycle}: {port.name} must hold {pending}, not {value}")
        if value is None:
            return
        if port.always_ready or self._stimulus.is_ready(port.name, cycle):
            self._found.append(Transfer(cycle, port.name, value))
        else:
            self._pending[port.name] = value
