"""A machine as Verilog: the text of one element, of one column, of one lane, and of the whole."""

from __future__ import annotations

from pathlib import Path

from accelsim.rtl.block import module_name
from accelsim.rtl.build import Build
from accelsim.rtl.fusemax import FuseMax
from accelsim.rtl.verilog import block_verilog, engine_modules
from accelsim.sim import jump


def machine_verilog(machine: FuseMax) -> str:
    """Return the Verilog of a machine (``apart``): the parts of its arrays, then the whole, ``fusemax``."""
    parts = [array.part for array in (machine.engine.array, machine.engine.lanes)]
    within = machine.within
    texts = [engine_modules(part, module_name(within, part), within) for part in parts]
    return "\n".join([*texts, block_verilog(machine, machine.engine.name)])


def machine_text(build: Build) -> str:
    """Return the Verilog of a machine with a header: parameters, lags, and its registers.

    Raises DeadlockError if its binding deadlocks on the largest run: the machine would hang there.
    """
    jump.run(build.lowered.program)
    from amaranth import __version__ as amaranth

    from accelsim import __version__ as version

    engine = build.engine
    machine = FuseMax(build, apart=True)
    body = machine_verilog(machine)
    lines = [f"{engine.name}: {(type(engine).__doc__ or '').splitlines()[0]}", "", "Parameters:"]
    lines += [f"  {name} = {value}" for name, value in engine.parameters.items()]
    lines += [
        f"Architecture {build.problem.arch.name}, mapping {Path(build.mapping.name).name}; at most:"
    ]
    lines += [f"  {name} = {size}" for name, size in build.problem.ranks.items()]
    lines += [f"  {name.upper()} = {size}" for name, size in build.problem.leading.items()]
    lines += ["Cycles from the start of a task to that of one that reads it:"]
    lines += [f"  {one} to {other}: {lag}" for (one, other), lag in engine.lags.items()]
    lines += ["Registers, by address (accelsim.rtl.skeleton.settings has their values for a run):"]
    lines += [f"  {address} {name}" for address, name in enumerate(machine.registers)]
    lines += ["", f"Made by accelsim {version} with Amaranth {amaranth}; clk rises, rst is high."]
    return "".join(f"// {line}".rstrip() + "\n" for line in lines) + "\n" + body
