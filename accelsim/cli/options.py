"""Flags and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Workload = Annotated[
    str | None,
    typer.Option(
        help="Workload: a name or a file; by default one for the cascade, else bert.",
        metavar="NAME",
    ),
]

Seq = Annotated[str | None, typer.Option(help="Tokens, such as 64K.", metavar="N")]

Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Rank of the workload, such as E=128.", metavar="RANK=N"),
]

ArchSet = Annotated[
    list[str] | None,
    typer.Option(help="Field of the architecture, such as PE2D.rows=128.", metavar="FIELD=VALUE"),
]

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Parameter of the engine, such as width=16.", metavar="NAME=VALUE"),
]

Scope = Annotated[str, typer.Option(help="attention, or layer.", metavar="SCOPE")]

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Full = Annotated[bool, typer.Option("--full", help="Use the reference kernel, event by event.")]

SelectionFlag = Annotated[
    str,
    typer.Option(
        help="What data select, as it is not known: uniform, all, none, or a file.", metavar="NAME"
    ),
]

MappingFlag = Annotated[
    str | None,
    typer.Option(help="Mapping: a name, a file, or auto: made for the problem.", metavar="NAME"),
]

TraceCsv = Annotated[
    Path | None,
    typer.Option(help="Rows of a trace, for a design that runs rows.", metavar="FILE.csv"),
]

Tensors = Annotated[
    Path | None,
    typer.Option(help="Rows from the values of Q, K and V of each layer.", metavar="FILE.npz"),
]

ScheduleFlag = Annotated[
    str | None,
    typer.Option(
        help="What is kept, in how many bits: of --tensors, or of rows that are drawn.",
        metavar="NAME",
    ),
]

What = Annotated[
    list[str],
    typer.Argument(
        help="A design; or a cascade and an architecture.", metavar="DESIGN | CASCADE ARCH"
    ),
]

Subject = Annotated[
    list[str],
    typer.Argument(
        help="A design; a cascade and an architecture; or JSON of run.",
        metavar="DESIGN | CASCADE ARCH | RESULT.json",
    ),
]
