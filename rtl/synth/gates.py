"""Runs a mapped netlist, many independent runs at once: each net is a word, a bit per run.

Zero delay: every net settles once a cycle, so glitches do not show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accelsim.rtl.synth.function import expression
from accelsim.rtl.synth.mapped import Instance, Mapped, Net
from accelsim.rtl.synth.timing import order

Words = Sequence[int]


@dataclass(frozen=True)
class History:
    """The word on each net in every cycle, settled, and on the inside of each register."""

    nets: dict[Net, list[int]]
    states: dict[str, list[int]]
    runs: int

    def port(self, nets: Sequence[Net], cycle: int, run: int) -> int:
        """Return the number on a port's nets in one run."""
        return sum((self.nets[net][cycle] >> run & 1) << n for n, net in enumerate(nets))


def simulate_gates(
    mapped: Mapped, vectors: Sequence[Mapping[str, Sequence[int]]], runs: int, clock: str = "clk"
) -> History:
    """Return what is on every net in every cycle.

    ``vectors`` has, by cycle and input port, a number for each run. Registers start as the block
    says, else at 0; a cell that starts inverted is turned round.
    """
    compiled = _Compiled(mapped, clock)
    full = (1 << runs) - 1
    pins = [
        [
            _across([row[name][run] >> n & 1 for run in range(runs)])
            for name, nets in compiled.inputs
            for n in range(len(nets))
        ]
        for row in vectors
    ]
    return compiled.run(pins, full, runs)


def _across(bits: Sequence[int]) -> int:
    return int("".join("1" if bit else "0" for bit in reversed(bits)), 2)


class _Compiled:
    """The netlist as a Python function of one cycle."""

    def __init__(self, mapped: Mapped, clock: str) -> None:
        self._mapped = mapped
        self.inputs = [(name, mapped.ports[name]) for name in mapped.inputs if name != clock]
        self._clock = mapped.ports[clock][0] if clock in mapped.ports else None
        self._flops = [i for i in mapped.instances if i.cell.state is not None]
        self._words: dict[Net, str] = {"0": "0", "1": "full"}
        source = self._write()
        names: dict[str, Any] = {}
        exec(compile(source, "<gates>", "exec"), names)
        self._cycle = names["cycle"]

    def run(self, pins: Sequence[Words], full: int, runs: int) -> History:
        state = tuple(full if self._starts_high(flop) else 0 for flop in self._flops)
        rows, inside = [], []
        for given in pins:
            inside.append(state)
            row, state = self._cycle(given, state, full)
            rows.append(row)
        columns = [list(column) for column in zip(*rows, strict=True)]
        nets: dict[Net, list[int]] = dict(zip(self._shown, columns, strict=True))
        nets["0"], nets["1"] = [0] * len(rows), [full] * len(rows)
        states = {
            flop.name: list(column)
            for flop, column in zip(self._flops, zip(*inside, strict=True), strict=True)
        }
        return History(nets, states, runs)

    def _starts_high(self, flop: Instance) -> bool:
        """Return the inside value that gives the output its initial value."""
        state = flop.cell.state
        assert state is not None
        for pin in flop.cell.outputs:
            net = flop.nets.get(pin.name)
            if isinstance(net, int) and net in self._mapped.initial:
                text = expression(pin.function, {state.value: "1", state.inverse: "0"}, "1")
                high = eval(text, {"__builtins__": {}})
                return bool(high) == bool(self._mapped.initial[net])
        return False

    def _word(self, net: Net) -> str:
        if net not in self._words:
            self._words[net] = f"n{net}"
        return self._words[net]

    def _write(self) -> str:
        pins = [self._word(net) for _, nets in self.inputs for net in nets]
        inside = [f"s{n}" for n in range(len(self._flops))]
        lines = ["def cycle(pins, state, full):"]
        lines += [f"  {', '.join(pins)}, = pins"] if pins else []
        lines += [f"  {', '.join(inside)}, = state"] if inside else []
        shown = [net for _, nets in self.inputs for net in nets]
        for n, flop in enumerate(self._flops):
            state = flop.cell.state
            assert state is not None
            words = {state.value: f"s{n}", state.inverse: f"(s{n} ^ full)"}
            shown += self._drive(lines, flop, words)
        for instance in order(self._mapped):
            words = {pin.name: self._word(instance.nets[pin.name]) for pin in instance.cell.inputs}
            shown += self._drive(lines, instance, words)
        following = []
        for n, flop in enumerate(self._flops):
            state = flop.cell.state
            assert state is not None
            words = {state.value: f"s{n}", state.inverse: f"(s{n} ^ full)"}
            for pin in flop.cell.inputs:
                words[pin.name] = self._word(flop.nets[pin.name])
            following.append(expression(state.next_state, words))
        self._shown = shown
        row = ", ".join(self._word(net) for net in shown)
        lines.append(f"  return ({row},), ({', '.join(following)}{',' if following else ''})")
        return "\n".join(lines)

    def _drive(self, lines: list[str], instance: Instance, words: dict[str, str]) -> list[Net]:
        shown = []
        for pin in instance.cell.outputs:
            net = instance.nets.get(pin.name)
            if net is not None and pin.function:
                lines.append(f"  {self._word(net)} = {expression(pin.function, words)}")
                shown.append(net)
        return shown
