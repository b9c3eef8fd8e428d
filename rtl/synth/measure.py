"""An engine on a library: area, critical path, leakage and the energy of each operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amaranth.back import rtlil

from accelsim.engines import Engine, Offer, Stimulus
from accelsim.engines.engine import Operation
from accelsim.engines.stimulus import Levels
from accelsim.errors import AccelsimError
from accelsim.rtl.block import block, pins_of
from accelsim.rtl.pins import input_pins, output_pins, signals
from accelsim.rtl.synth.gates import History, simulate_gates
from accelsim.rtl.synth.library import Library
from accelsim.rtl.synth.mapped import Mapped, Recipe, synthesize
from accelsim.rtl.synth.power import Energy, energy
from accelsim.rtl.synth.timing import Timing, timing

KINDS = ("attention", "random")
RUNS = 32  # independent runs side by side
OPERATIONS = 64  # of each run
_RESET = 2  # cycles


@dataclass(frozen=True)
class Priced:
    """The energy of one operation under one kind of stimulus, leakage left out."""

    operation: Operation
    kind: str
    energy_fj: float
    switching: float
    """Share of the nets' charging; the rest is inside cells."""
    clock: float
    """Share of the registers' clock pins."""
    operations: int
    cycles: int


@dataclass(frozen=True)
class Measured:
    """What synthesis found; ``checked`` outputs of the netlist equalled the model's."""

    engine: Engine
    mapped: Mapped
    timing: Timing
    leakage_pw: float
    idle_fj: float
    """Energy of a cycle without work: the clock pins, mostly."""
    priced: tuple[Priced, ...]
    checked: int


def measure(
    engine: Engine,
    library: Library,
    *,
    period_ps: float,
    dont_use: Sequence[str] = (),
    runs: int = RUNS,
    operations: int = OPERATIONS,
) -> Measured:
    """Map, time and run an engine. AccelsimError if the netlist and the model part."""
    mapped, timed = _best(engine, library, period_ps, dont_use)
    rig = Rig(engine, mapped, library, timed)
    found = [
        rig.price(operation, kind, runs, operations)
        for operation in engine.operations
        for kind in KINDS
    ]
    still = Stimulus(offers={}, cycles=8)
    idle, _ = rig.use([list(engine.levels(still)) for _ in range(runs)], engine.outputs[0].name)
    return Measured(
        engine=engine,
        mapped=mapped,
        timing=timed,
        leakage_pw=sum(used.leakage_pw for used, _ in found) / len(found),
        idle_fj=idle.total_fj / idle.cycles,
        priced=tuple(priced for _, priced in found),
        checked=rig.checked,
    )


def _best(
    engine: Engine, library: Library, period_ps: float, dont_use: Sequence[str]
) -> tuple[Mapped, Timing]:
    """Return the smallest netlist that meets the period, else the fastest."""
    top = block(engine)
    text = rtlil.convert(top, ports=pins_of(top), name=engine.name)
    found: list[tuple[Mapped, Timing]] = []
    for fast in (False, True):
        for booth in (False, True):
            mapped = synthesize(
                text,
                engine.name,
                library,
                Recipe(booth=booth, fast=fast),
                period_ps=period_ps,
                dont_use=dont_use,
            )
            found.append((mapped, timing(mapped, library)))
        meeting = [pair for pair in found if pair[1].period_ps <= period_ps]
        if meeting:
            return min(meeting, key=lambda pair: pair[0].area_um2)
    return min(found, key=lambda pair: pair[1].period_ps)


def _stimulus(engine: Engine, operation: Operation, kind: str, seed: int, count: int) -> Stimulus:
    """Operands as fast as they are taken, outputs always ready."""
    operands = engine.operands(operation.name, kind, seed, count)
    offers = {port: [Offer(value) for value in values] for port, values in operands.items()}
    longest = max(map(len, operands.values()))
    return Stimulus(offers=offers, cycles=longest * engine.interval)


def _passes(levels: Levels, port: str) -> bool:
    if port in levels.offered:
        return port in levels.takes and levels.offered[port] is not None
    return port in levels.gives and levels.ready[port]


class Rig:
    """Runs a netlist under levels that the model recorded, and holds its outputs to them."""

    def __init__(self, engine: Engine, mapped: Mapped, library: Library, timed: Timing) -> None:
        self._engine, self._mapped, self._library, self._timing = engine, mapped, library, timed
        self.checked = 0

    def price(
        self, operation: Operation, kind: str, runs: int, count: int
    ) -> tuple[Energy, Priced]:
        engine = self._engine
        levels = [
            list(engine.levels(_stimulus(engine, operation, kind, seed, count)))
            for seed in range(runs)
        ]
        used, done = self.use(levels, operation.port)
        if not done:
            raise AccelsimError(f"{engine.name}: {operation.name} was driven, but never done")
        total = used.total_fj
        return used, Priced(
            operation=operation,
            kind=kind,
            energy_fj=total / done,
            switching=used.switching_fj / total,
            clock=used.clock_fj / total,
            operations=done,
            cycles=used.cycles,
        )

    def use(self, levels: Sequence[Sequence[Levels]], port: str) -> tuple[Energy, int]:
        """Return the energy of the second half of the runs, and the transfers at ``port`` in it."""
        history = simulate_gates(self._mapped, self._vectors(levels), len(levels))
        self._check(levels, history)
        length = len(levels[0])
        first = length // 2
        window = range(_RESET + first, _RESET + length)
        count = sum(_passes(each, port) for run in levels for each in run[first + 1 :])
        return energy(self._mapped, self._library, self._timing, history, window), count

    def _vectors(self, levels: Sequence[Sequence[Levels]]) -> list[Mapping[str, list[int]]]:
        into = [name for name, _, inward in signals(self._engine) if inward]
        runs = len(levels)
        still = dict.fromkeys(into, [0] * runs)
        rows: list[Mapping[str, list[int]]] = [still | {"rst": [1] * runs}] * _RESET
        for cycle in range(len(levels[0])):
            pins = [input_pins(self._engine, run[cycle]) for run in levels]
            by_name = {name: [row[n] for row in pins] for n, name in enumerate(into)}
            rows.append(by_name | {"rst": [0] * runs})
        return rows

    def _check(self, levels: Sequence[Sequence[Levels]], history: History) -> None:
        outputs = [name for name, _, inward in signals(self._engine) if not inward]
        inputs = [name for name, _, inward in signals(self._engine) if inward]
        for run, each in enumerate(levels):
            for cycle, found in enumerate(each):
                expected = dict(zip(outputs, output_pins(self._engine, found), strict=True))
                given = dict(zip(inputs, input_pins(self._engine, found), strict=True))
                for name, wanted in expected.items():
                    stream = name.rsplit("__", 1)[0]
                    valid = f"{stream}__valid"
                    counts = name == valid or (given | expected).get(valid, 1)
                    if not counts:
                        continue
                    got = history.port(self._mapped.ports[name], cycle + _RESET, run)
                    if got != wanted:
                        raise AccelsimError(
                            f"{self._engine.name}: the netlist must give {wanted:#x} at {name} in "
                            f"cycle {cycle}, not {got:#x}"
                        )
                    self.checked += 1
