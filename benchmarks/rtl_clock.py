"""The parts of a FuseMax in RTL at its clock: python -m benchmarks.rtl_clock LIBERTY... [--arch ARCH]

Maps what a cycle of the machine goes through: an element of the 2D array, a lane, and the sequencers
with what they issue; from synthesis, before layout. A part takes about a minute of CPU time. The rest
of the machine is registers between these, and banks of words.
"""

import argparse
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Module, Signal

from accelsim.cli.rtl import Specs, build
from accelsim.rtl.block import block, pins_of
from accelsim.rtl.issue import Issue
from accelsim.rtl.sequencer import Sequencer
from accelsim.rtl.skeleton import COUNT_BITS, skeleton
from accelsim.rtl.synth.library import Library
from accelsim.rtl.synth.mapped import Recipe, synthesize
from accelsim.rtl.synth.table import dont_use
from accelsim.rtl.synth.timing import timing


def control(machine):
    """Return the sequencers and the instructions that they issue, as RTLIL."""
    m = Module()
    m.submodules.sequencer = sequencer = Sequencer(skeleton(machine.lowered.program))
    edges = [Signal(COUNT_BITS, name=name) for name in ("rows_last", "cols_last")]
    m.submodules.wide, m.submodules.lane = parts = Module(), Module()
    issue = Issue(machine.engine, sequencer, sequencer.go, *edges)
    ports = [*edges, *(getattr(sequencer, name) for name in sequencer.signature.members)]
    for name, made in (("wide", issue.wide(parts[0])), ("lane", issue.lane(parts[1]))):
        kept = Signal(len(made.as_value()), name=f"{name}_issued")
        m.d.sync += kept.eq(made.as_value())
        ports.append(kept)
    return rtlil.convert(m, name="control", ports=ports)


def element(engine):
    top = block(engine)
    return rtlil.convert(top, ports=pins_of(top), name=engine.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("liberty", nargs="+", type=Path)
    parser.add_argument("--arch", default="fusemax_rtl")
    parser.add_argument("--queries", default=40, type=int)
    given = parser.parse_args()
    machine = build("fusemax", [f"P={given.queries}", "M=64"], Specs(arch=given.arch))
    period_ps = 1e12 / float(machine.problem.arch.spec.clock)
    library, engine = Library(given.liberty), machine.engine
    parts = {
        "control": (lambda: control(machine), False),
        engine.element.name: (lambda: element(engine.element), True),
        engine.lane.name: (lambda: element(engine.lane), True),
    }
    print(f"{given.arch}: {period_ps:,.0f} ps")
    for name, (text, fast) in parts.items():
        mapped = synthesize(
            text(),
            name,
            library,
            Recipe(booth=False, fast=fast),
            period_ps=period_ps,
            dont_use=dont_use(library),
        )
        found = timing(mapped, library).period_ps
        print(f"{name:8} {found:6,.0f} ps {mapped.area_um2:7,.0f} um2", flush=True)


if __name__ == "__main__":
    main()
