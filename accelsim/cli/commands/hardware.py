"""Commands that make hardware: rtl, synth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.options import ArchSet, Seq, Settings

group = typer.Typer()


@group.command()
def rtl(
    engine: Annotated[str, typer.Argument(help="An engine: see accelsim list engines.")],
    set_: Settings = None,
    arch: Annotated[
        str | None, typer.Option(help="Architecture of a whole machine.", metavar="ARCH")
    ] = None,
    mapping: Annotated[
        str | None,
        typer.Option(help="Mapping that a whole machine is sequenced by.", metavar="MAPPING"),
    ] = None,
    arch_set: ArchSet = None,
    workload: Annotated[
        str | None, typer.Option(help="Largest workload of a whole machine.", metavar="NAME")
    ] = None,
    seq: Seq = None,
    out: Annotated[
        Path | None, typer.Option("-o", help="File; without it, standard output.", metavar="FILE.v")
    ] = None,
) -> None:
    """Write an engine as Verilog; for a whole machine --set gives the sizes of its largest problem."""
    from accelsim.cli.flags import length
    from accelsim.cli.rtl import Specs, rtl_command

    tokens = None if seq is None else length(seq)
    specs = Specs(
        arch=arch, mapping=mapping, arch_set=arch_set or (), workload=workload, seq=tokens
    )
    rtl_command(engine, set_ or [], out, specs)


@group.command()
def synth(
    engine: Annotated[str, typer.Argument(help="An engine: see accelsim list engines.")],
    liberty: Annotated[
        list[Path] | None,
        typer.Option(help="Liberty file; several that go together.", metavar="FILE.lib"),
    ] = None,
    set_: Settings = None,
    clock: Annotated[str, typer.Option(help="Clock to map for.", metavar="HZ")] = "1 GHz",
    dont_use: Annotated[
        list[str] | None, typer.Option(help="Cells to leave alone, such as '*xp*'.", metavar="GLOB")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", help="Cost table; without it, standard output.", metavar="TABLE.yaml"),
    ] = None,
) -> None:
    """Map an engine onto a liberty: area, critical path, leakage, energy per operation."""
    from accelsim.cli.synth import synth_command

    synth_command(engine, set_ or [], liberty or [], clock, dont_use or [], out)
