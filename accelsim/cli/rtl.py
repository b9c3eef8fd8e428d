"""``accelsim rtl``: an engine, or a whole machine for a mapping, as Verilog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accelsim.cli.flags import fields, ranks, settings
from accelsim.cli.output import writable_file, write
from accelsim.engines import MACHINES, engine
from accelsim.errors import SpecError

if TYPE_CHECKING:
    from accelsim.rtl.build import Build


@dataclass(frozen=True, kw_only=True)
class Specs:
    """What a whole machine is made from, as the flags say it; None is the machine's own."""

    arch: str | None = None
    mapping: str | None = None
    arch_set: Sequence[str] = ()
    workload: str | None = None
    seq: int | None = None


def rtl_command(
    name: str, set_: Sequence[str], out: Path | None, specs: Specs | None = None
) -> None:
    if out is not None:
        writable_file(out)
    text = (
        _machine(name, set_, specs or Specs()) if name in MACHINES else _engine(name, set_, specs)
    )
    if out is None:
        print(text, end="")
    else:
        write(out, text)
        print(out)


def _engine(name: str, set_: Sequence[str], specs: Specs | None) -> str:
    found = engine(name, settings(set_))
    if specs not in (None, Specs()):
        raise SpecError(f"only a whole machine ({', '.join(MACHINES)}) has specs; {name} has none")
    from accelsim.rtl.verilog import verilog

    text: str = verilog(found)
    return text


def _machine(name: str, set_: Sequence[str], specs: Specs) -> str:
    from accelsim.rtl.machine_verilog import machine_text

    text: str = machine_text(build(name, set_, specs))
    return text


def build(name: str, set_: Sequence[str], specs: Specs) -> Build:
    """Return a machine for its specs; its largest problem is the attention of the workload."""
    from accelsim.arch import Architecture
    from accelsim.job import Job
    from accelsim.rtl.build import Build

    arch = Architecture.load(specs.arch or _own(name), fields(specs.arch_set))
    spec = arch.spec.engine
    if spec is None or spec.name != name:
        raise SpecError(arch.document.fault((), f"engine must be there, with the name {name}"))
    cascade = spec.cascade if isinstance(spec.cascade, str) else spec.cascade[0]
    job = Job.of(cascade=cascade, arch=arch, mapping=specs.mapping)
    workload = job.load(specs.workload or spec.workload or None, specs.seq, ranks(set_))
    (stage,) = job.stages(workload, "attention")
    mappings, problem = job.choices(stage)
    found = next(iter(mappings or ()), None)
    if found is None:
        raise SpecError(f"--mapping must be given: {arch.name} has none for {cascade}")
    return Build(mapping=found, problem=problem)


def _own(name: str) -> str:
    """Return the shipped architecture that a machine is the engine of."""
    from accelsim.arch import Architecture
    from accelsim.specs import names

    for each in names("arch"):
        engine = Architecture.load(each).spec.engine
        if engine is not None and engine.name == name:
            return each
    raise SpecError(f"--arch must be given: no shipped architecture has the engine {name}")
