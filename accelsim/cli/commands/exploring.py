"""Commands over many points: explore, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.options import ArchSet, Json, Scope, Set, Workload

group = typer.Typer()


@group.command()
def report(
    results: Annotated[
        list[str],
        typer.Argument(
            help="JSON of run or compare, or designs to run.", metavar="RESULT | DESIGN..."
        ),
    ],
    workload: Workload = None,
    seq: Annotated[
        str | None, typer.Option(help="Lengths for designs, such as 1K,64K.", metavar="N,N")
    ] = None,
    set_: Set = None,
    arch_set: ArchSet = None,
    scope: Scope = "attention",
    title: Annotated[str | None, typer.Option(help="Title of the page.", metavar="TEXT")] = None,
    details: Annotated[
        int,
        typer.Option(
            help="How many points are simulated again for breakdown and timeline.",
            metavar="N",
            min=0,
        ),
    ] = 12,
    out: Annotated[Path, typer.Option("-o", help="The page.", metavar="FILE.html")] = Path(
        "report.html"
    ),
) -> None:
    """Make one HTML page of results: tables, plots, timelines, the bottleneck in words; offline."""
    from accelsim.cli.reporting import report_command

    report_command(
        results, workload=workload, seq=seq, set_=set_ or [], arch_set=arch_set or [],
        scope=scope, title=title, details=details, out=out,
    )  # fmt: skip


@group.command()
def explore(
    study: Annotated[
        str, typer.Argument(help="A study: a name or a file (docs/explore.md).", metavar="STUDY")
    ],
    jobs: Annotated[int, typer.Option(help="Worker processes.", metavar="N", min=1)] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was interrupted.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many points and how long; write nothing.")
    ] = False,
    store: Annotated[
        str | None,
        typer.Option(help="Results by key: a file or postgresql://...", metavar="FILE|URL"),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(help="Workers of a dask cluster: its address.", metavar="ADDRESS"),
    ] = None,
    json: Json = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", help="Folder for tables, plots and store.", metavar="DIR"),
    ] = None,
) -> int:
    """Run a study: every point of a space simulated once, its Pareto front, tables and plots."""
    from accelsim.cli.exploring import explore_command

    return explore_command(
        study, jobs=jobs, resume=resume, dry_run=dry_run, store=store, cluster=cluster,
        as_json=json, out=out,
    )  # fmt: skip
