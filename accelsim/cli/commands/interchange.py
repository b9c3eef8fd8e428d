"""Commands for the files of other tools: import, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.options import ArchSet, MappingFlag, Scope, Seq, Set, Subject, Workload

group = typer.Typer()
import_app = typer.Typer(
    help="Take over files of other tools: problems, models, cost tables.", no_args_is_help=True
)
export_app = typer.Typer(
    help="Write a run in the files of other tools: Accelergy, Perfetto.", no_args_is_help=True
)
group.add_typer(import_app, name="import")
group.add_typer(export_app, name="export")


@import_app.command("problem")
def import_problem(
    file: Annotated[
        Path, typer.Argument(help="Problem of Timeloop or workload of AccelForge (YAML).")
    ],
    unary: Annotated[
        str,
        typer.Option(
            help="What an Einsum of one input does, where the file does not say: exp, ...",
            metavar="FUNCTION",
        ),
    ] = "",
    out: Annotated[Path, typer.Option("-o", help="Folder for the files.", metavar="DIR")] = Path(),
) -> None:
    """Make a cascade and a workload from a problem of Timeloop or a workload of AccelForge."""
    from accelsim.cli.importing import import_problem

    import_problem(file, unary=unary, out=out)


@import_app.command("model")
def import_model(
    file: Annotated[Path, typer.Argument(help="A model's config.json.")],
    name: Annotated[str, typer.Option(help="Name of the workload.", metavar="NAME")] = "",
    causal: Annotated[
        bool | None, typer.Option("--causal/--both-ways", help="Whether tokens see later ones.")
    ] = None,
    gated: Annotated[
        bool | None, typer.Option("--gated/--two-matrices", help="The feed-forward part.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", help="Write it here; else it is printed.", metavar="FILE")
    ] = None,
) -> None:
    """Make a workload from a model's configuration: heads, key heads, sizes, experts."""
    from accelsim.cli.importing import import_model

    import_model(file, name=name, causal=causal, gated=gated, out=out)


@import_app.command("accelergy")
def import_accelergy(
    ert: Annotated[Path, typer.Argument(help="Energy reference table (ERT.yaml).")],
    art: Annotated[Path | None, typer.Argument(help="Area reference table (ART.yaml).")] = None,
    part: Annotated[
        list[str] | None,
        typer.Option(
            help="What a component is here, such as GLB='GLB buffer'.", metavar="NAME=PART"
        ),
    ] = None,
    action: Annotated[
        list[str] | None,
        typer.Option(help="What an action is here, such as update=write.", metavar="NAME=ACTION"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", help="Write it here; else it is printed.", metavar="FILE")
    ] = None,
) -> None:
    """Make a cost table from Accelergy's reference tables."""
    from accelsim.cli.importing import import_tables

    import_tables(ert, art, parts=part or [], actions=action or [], out=out)


@export_app.command("accelergy")
def export_accelergy(
    what: Subject,
    workload: Workload = None,
    seq: Seq = None,
    set_: Set = None,
    arch_set: ArchSet = None,
    scope: Scope = "attention",
    mapping: MappingFlag = None,
    out: Annotated[Path, typer.Option("-o", help="Folder for the files.", metavar="DIR")] = Path(),
) -> None:
    """Write a run as Accelergy's ERT.yaml, ART.yaml and action_counts.yaml."""
    from accelsim.cli.exporting import export_accelergy, request_of

    export_accelergy(request_of(what, workload, seq, set_, arch_set, scope, mapping), out)


@export_app.command("perfetto")
def export_perfetto(
    what: Subject,
    workload: Workload = None,
    seq: Seq = None,
    set_: Set = None,
    arch_set: ArchSet = None,
    scope: Scope = "attention",
    mapping: MappingFlag = None,
    window: Annotated[str | None, typer.Option(help="Cycles to show.", metavar="A:B")] = None,
    out: Annotated[
        Path, typer.Option("-o", help="File for the timeline.", metavar="FILE.json.gz")
    ] = Path("timeline.json.gz"),
) -> None:
    """Write a timeline of a run for Perfetto: slices, dependencies, what buffers hold."""
    from accelsim.cli import flags
    from accelsim.cli.exporting import export_perfetto, request_of

    request = request_of(what, workload, seq, set_, arch_set, scope, mapping)
    export_perfetto(request, out, flags.window(window))
