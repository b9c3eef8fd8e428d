"""Static timing of a mapped netlist: the longest path between registers, inputs and outputs.

Delays and slews come from the library's tables at each cell's load; there are no wires. Inputs
come at the clock's edge, late by what their load costs the smallest buffer; outputs drive four of
its inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from graphlib import TopologicalSorter

from accelsim.rtl.synth.library import Arc, Library
from accelsim.rtl.synth.mapped import Instance, Mapped, Net

Edges = dict[str, tuple[float, float]]  # arrival and slew in ps, by "rise" and "fall"
_OTHER = {"rise": "fall", "fall": "rise"}


@dataclass(frozen=True)
class Timing:
    """The critical path in ps, setup included, and the cells on it from its start."""

    period_ps: float
    path: tuple[str, ...]
    slews: dict[Net, float]
    """The slower slew of each net, which energy tables are read at."""
    clock_slew_ps: float

    @property
    def fmax_ghz(self) -> float:
        return 1000.0 / self.period_ps if self.period_ps else float("inf")


def timing(mapped: Mapped, library: Library) -> Timing:
    """Return the timing at the library's corner."""
    return _Analysis(mapped, library).result()


def order(mapped: Mapped) -> list[Instance]:
    """Return the combinational instances, each after those that drive it."""
    by_name = {instance.name: instance for instance in mapped.instances}
    driver = {
        instance.nets[pin.name]: instance.name
        for instance in mapped.instances
        if instance.cell.state is None
        for pin in instance.cell.outputs
        if pin.name in instance.nets
    }
    needs = {
        instance.name: {
            driver[net]
            for pin in instance.cell.inputs
            if (net := instance.nets[pin.name]) in driver
        }
        for instance in mapped.instances
        if instance.cell.state is None
    }
    return [by_name[name] for name in TopologicalSorter(needs).static_order()]


class _Analysis:
    def __init__(self, mapped: Mapped, library: Library) -> None:
        self._mapped = mapped
        buffer = library.buffer
        self._load = dict(mapped.load_ff)
        outside = 4 * buffer.inputs[0].capacitance_ff
        for name, nets in mapped.ports.items():
            if name not in mapped.inputs:
                for net in nets:
                    self._load[net] = self._load.get(net, 0.0) + outside
        self._at: dict[Net, Edges] = {}
        self._from: dict[tuple[Net, str], tuple[Net, str, str]] = {}
        arc = buffer.outputs[0].arcs[0]
        self._fast = min(arc.delay["rise"].slews)
        for name in mapped.inputs:
            for net in mapped.ports[name]:
                load = self._load.get(net, 0.0)
                self._at[net] = {edge: self._enter(arc, edge, load) for edge in _OTHER}

    def _enter(self, arc: Arc, edge: str, load: float) -> tuple[float, float]:
        """Return arrival and slew at an input: what its load adds to the delay of the buffer."""
        delay = arc.delay[edge]
        late = delay.at(self._fast, load) - delay.at(self._fast, 0.0)
        return late, arc.slew[edge].at(self._fast, load)

    def result(self) -> Timing:
        for instance in self._mapped.instances:
            if instance.cell.state is not None:
                self._launch(instance)
        for instance in order(self._mapped):
            self._pass(instance)
        worst, end = self._worst()
        path = self._path(end) if end is not None else ()
        slews = {net: max(slew for _, slew in edges.values()) for net, edges in self._at.items()}
        return Timing(worst, path, slews, self._fast)

    def _launch(self, instance: Instance) -> None:
        for pin in instance.cell.outputs:
            net = instance.nets.get(pin.name)
            if net is None:
                continue
            for arc in pin.arcs:
                if arc.edge:
                    for edge in _OTHER:
                        self._reach(net, edge, arc, instance.cell.name, None)

    def _pass(self, instance: Instance) -> None:
        for pin in instance.cell.outputs:
            net = instance.nets.get(pin.name)
            if net is None:
                continue
            for arc in pin.arcs:
                start = instance.nets.get(arc.related)
                if arc.edge or start is None or start not in self._at:
                    continue
                for edge in _OTHER:
                    for begin in _begins(arc.sense, edge):
                        self._reach(net, edge, arc, instance.cell.name, (start, begin))

    def _reach(
        self, net: Net, edge: str, arc: Arc, cell: str, begin: tuple[Net, str] | None
    ) -> None:
        load = self._load.get(net, 0.0)
        at, fast = 0.0, self._fast
        if begin is not None:
            at, fast = self._at[begin[0]][begin[1]]
        arrival, slow = at + arc.delay[edge].at(fast, load), arc.slew[edge].at(fast, load)
        edges = self._at.setdefault(net, {})
        before = edges.get(edge, (float("-inf"), 0.0))
        if arrival > before[0]:
            start, begun = begin or ("", "")
            self._from[net, edge] = (start, begun, cell)
        edges[edge] = (max(arrival, before[0]), max(slow, before[1]))

    def _worst(self) -> tuple[float, tuple[Net, str] | None]:
        worst, end = 0.0, None
        for instance in self._mapped.instances:
            for pin in instance.cell.inputs if instance.cell.state is not None else ():
                net = instance.nets[pin.name]
                for edge, (arrival, slew) in self._at.get(net, {}).items():
                    for setup in pin.setup:
                        late = arrival + setup.before[edge].at(slew, self._fast)
                        if late > worst:
                            worst, end = late, (net, edge)
        for name, nets in self._mapped.ports.items():
            for net in nets if name not in self._mapped.inputs else ():
                for edge, (arrival, _) in self._at.get(net, {}).items():
                    if arrival > worst:
                        worst, end = arrival, (net, edge)
        return worst, end

    def _path(self, end: tuple[Net, str]) -> tuple[str, ...]:
        found = []
        at: tuple[Net, str] | None = end
        while at in self._from:
            net, edge, cell = self._from[at]
            found.append(cell)
            at = (net, edge)
        return tuple(reversed(found))


def _begins(sense: str, edge: str) -> tuple[str, ...]:
    if sense == "positive_unate":
        return (edge,)
    if sense == "negative_unate":
        return (_OTHER[edge],)
    return ("rise", "fall")
