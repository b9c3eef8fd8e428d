"""Energy of a mapped netlist from what its nets did: toggles, not guesses about activity.

A net that toggles costs C V^2 / 2 for the pins on it; a cell costs what its library's tables say
for the edge, the slew that timing found and the load. There are no wires, no clock tree (the clock
drives the pins of the registers, nothing else) and no glitches (a net settles once a cycle).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from accelsim.rtl.synth.function import expression, names
from accelsim.rtl.synth.gates import History
from accelsim.rtl.synth.library import Library, Pin, Power
from accelsim.rtl.synth.mapped import Instance, Mapped, Net
from accelsim.rtl.synth.timing import Timing

_EDGES = ("rise", "fall")


@dataclass(frozen=True)
class Energy:
    """Energy of some cycles, all runs together, in fJ."""

    switching_fj: float
    internal_fj: float
    clock_fj: float
    """Registers' clock pins: what they cost however still the data are."""
    cycles: int
    """Cycles times runs."""
    leakage_pw: float
    """Mean over those cycles."""

    @property
    def total_fj(self) -> float:
        """All but leakage."""
        return self.switching_fj + self.internal_fj + self.clock_fj


def energy(
    mapped: Mapped, library: Library, timing: Timing, history: History, window: range
) -> Energy:
    """Return the energy of the cycles of ``window``, its first one's edges left out."""
    return _Meter(mapped, library, timing, history, window).read()


class _Meter:
    def __init__(
        self, mapped: Mapped, library: Library, timing: Timing, history: History, window: range
    ) -> None:
        self._mapped, self._timing, self._voltage = mapped, timing, library.voltage
        self._runs, self._length = history.runs, len(window) - 1
        self._full = (1 << (self._runs * self._length)) - 1
        self._wide: dict[Net, int] = {}
        self._history, self._window = history, window
        self._clocks = {
            instance.nets[pin.name]
            for instance in mapped.instances
            for pin in instance.cell.inputs
            if pin.clock and instance.cell.state is not None
        }

    def read(self) -> Energy:
        load = self._mapped.load_ff
        half = self._voltage**2 / 2
        switching = sum(
            half
            * load.get(net, 0.0)
            * (self._edge(net, "rise") | self._edge(net, "fall")).bit_count()
            for net in self._history.nets
            if isinstance(net, int) and net not in self._clocks
        )
        cycles = self._runs * self._length
        clock = sum(2 * half * load.get(net, 0.0) * cycles for net in self._clocks)
        internal = 0.0
        leakage = 0.0
        for instance in self._mapped.instances:
            for pin in instance.cell.pins.values():
                if pin.clock and instance.cell.state is not None:
                    clock += self._clock_pin(instance, pin)
                elif pin.output:
                    internal += self._output(instance, pin)
                else:
                    internal += self._input(instance, pin)
            leakage += self._leaks(instance)
        return Energy(switching, internal, clock, cycles, leakage)

    def _new(self, net: Net) -> int:
        """The net in the cycles of the window after the first, all runs, as one word."""
        return self._all(net) >> self._runs

    def _old(self, net: Net) -> int:
        return self._all(net) & self._full

    def _all(self, net: Net) -> int:
        if net not in self._wide:
            size = (self._runs + 7) // 8
            assert self._runs % 8 == 0, "runs come in bytes"
            words = self._history.nets[net][self._window.start : self._window.stop]
            joined = b"".join(word.to_bytes(size, "little") for word in words)
            self._wide[net] = int.from_bytes(joined, "little")
        return self._wide[net]

    def _edge(self, net: Net, edge: str) -> int:
        old, new = self._old(net), self._new(net)
        return new & ~old if edge == "rise" else old & ~new

    def _slew(self, net: Net | None) -> float:
        """Return a net's slew; the clock, whose tree is not there, is as fast as the tables know."""
        if net in self._clocks:
            return self._timing.clock_slew_ps
        return self._timing.slews.get(net, 0.0) if net is not None else 0.0

    def _output(self, instance: Instance, pin: Pin) -> float:
        """Each edge of the output, at the mean of the arcs by which it came."""
        net = instance.nets.get(pin.name)
        if net is None or not pin.power:
            return 0.0
        load = self._mapped.load_ff.get(net, 0.0)
        total = 0.0
        for edge in _EDGES:
            edges = self._edge(net, edge)
            count = edges.bit_count()
            if not count:
                continue
            weights, energies = [], []
            for power in pin.power:
                related = instance.nets.get(power.related) if power.related else None
                came = edges
                if related is not None and related not in self._clocks:
                    came &= self._old(related) ^ self._new(related)
                weights.append((came & self._when(instance, power.when)).bit_count())
                energies.append(power.energy[edge].at(self._slew(related), load))
            if not any(weights):
                weights = [1] * len(energies)
            mean = sum(w * e for w, e in zip(weights, energies, strict=True)) / sum(weights)
            total += count * mean
        return total

    def _input(self, instance: Instance, pin: Pin) -> float:
        net = instance.nets[pin.name]
        return sum(
            (self._edge(net, edge) & self._when(instance, power.when)).bit_count()
            * power.energy[edge].at(self._slew(net))
            for power in pin.power
            if net not in self._clocks and isinstance(net, int)
            for edge in _EDGES
        )

    def _clock_pin(self, instance: Instance, pin: Pin) -> float:
        """The rising edge finds what the cycle before left, the falling edge what this one has."""
        total = 0.0
        slew = self._timing.clock_slew_ps
        for power in pin.power:
            before = self._when(instance, power.when, old=True).bit_count()
            after = self._when(instance, power.when).bit_count()
            total += before * power.energy["rise"].at(slew) + after * power.energy["fall"].at(slew)
        return total

    def _when(self, instance: Instance, when: str, *, old: bool = False) -> int:
        """Return the cycles in which a condition on the pins holds; a clock is high in none.

        A condition that asks for the clock is taken as if it did not: it is high half of the time.
        """
        if not when:
            return self._full
        function, used = _condition(when)
        values = []
        for name in used:
            net = instance.nets.get(name)
            if net is None:
                return 0
            if net in self._clocks:
                return self._half(instance, when, old=old)
            values.append(self._old(net) if old else self._new(net))
        return function(values, self._full)

    def _half(self, instance: Instance, when: str, *, old: bool) -> int:
        """With the clock low and high in turn, by cycles."""
        function, used = _condition(when)
        turn = self._turn
        values = []
        for name in used:
            net = instance.nets[name]
            if net in self._clocks:
                values.append(turn)
            else:
                values.append(self._old(net) if old else self._new(net))
        return function(values, self._full)

    @property
    def _turn(self) -> int:
        """Every other run has the clock high."""
        pattern = int("01" * (self._runs // 2), 2)
        size = self._runs // 8
        return int.from_bytes(pattern.to_bytes(size, "little") * self._length, "little")

    def _leaks(self, instance: Instance) -> float:
        """Return the mean leakage: each state's by how often it is met."""
        cycles = self._runs * self._length
        known, total = 0, 0.0
        rest = 0.0
        for when, value in instance.cell.leakage_pw:
            if not when:
                rest = value
                continue
            share = self._when(instance, when).bit_count()
            known += share
            total += share * value
        return (total + max(cycles - known, 0) * rest) / cycles


@cache
def _condition(when: str) -> tuple[Callable[[Sequence[int], int], int], list[str]]:
    used = names(when)
    text = expression(when, {name: f"v[{n}]" for n, name in enumerate(used)})
    made: Any = eval(f"lambda v, full: {text}", {"__builtins__": {}})
    return made, used


__all__ = ["Energy", "Power", "energy"]
