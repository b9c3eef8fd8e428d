"""Commands that read specs: list, check, passes, docs, schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.options import Json, Seq

group = typer.Typer()


@group.command("list")
def list_(
    kind: Annotated[
        str | None,
        typer.Argument(
            help="cascades, archs, mappings, pipelines, workloads, schedules, designs, costs, studies, "
            " explorations, published or engines."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List the shipped specs."""
    from accelsim.cli.listing import listing

    listing(kind, as_json=json)


@group.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Spec files, or folders of them.")],
    seq: Seq = None,
) -> int:
    """Check spec files: every fault as file:line:col: message; designs must run at --seq tokens."""
    from accelsim.cli import flags
    from accelsim.cli.checking import check_paths

    return check_paths(paths, None if seq is None else flags.length(seq))


@group.command()
def passes(
    cascade: Annotated[str, typer.Argument(help="A cascade: a name or a file.")],
    rank: Annotated[str | None, typer.Option(help="Only this rank, such as m1.m0.")] = None,
    rewrite: Annotated[
        bool, typer.Option("--rewrite", help="Rewrite the cascade into one with fewer passes.")
    ] = False,
    tile: Annotated[
        int | None,
        typer.Option(help="Rewrite so that states move once per tile.", metavar="N", min=1),
    ] = None,
    json: Json = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", help="Write the rewritten cascade into this file.", metavar="FILE.yaml"),
    ] = None,
) -> None:
    """Count the passes of a cascade over each rank, with the chain of Einsums that forces them."""
    from accelsim.cli.passing import show_passes

    show_passes(cascade, rank, rewrite=rewrite, as_json=json, out=out, tile=tile)


@group.command()
def docs(
    page: Annotated[str, typer.Argument(help="A page: zoo.")],
    design: Annotated[str, typer.Option(help="What the cascades run on.")] = "fusemax",
    seq: Annotated[str, typer.Option(help="Tokens, such as 64K.", metavar="N")] = "64K",
    kept: Annotated[
        bool, typer.Option("--kept", help="Take the figures that the folder has; simulate nothing.")
    ] = False,
    out: Annotated[Path, typer.Option("-o", help="Folder for the page.", metavar="DIR")] = Path(
        "docs"
    ),
) -> None:
    """Write a page of the documentation from the specs: the table of the attention zoo."""
    from accelsim.cli.documenting import docs_command

    docs_command(page, design=design, seq=seq, kept=kept, out=out)


@group.command()
def schema(
    out: Annotated[Path, typer.Option("-o", help="Folder for the schemas.", metavar="DIR")],
) -> None:
    """Write JSON Schemas of the spec files, for editors."""
    from accelsim.cli.kinds import models
    from accelsim.cli.output import writable
    from accelsim.specs import write_schemas

    for file in write_schemas(models(), writable(out)):
        typer.echo(str(file))
