"""Commands that simulate: run, map, explain, compare, reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accelsim.cli.options import (
    ArchSet,
    Full,
    Json,
    MappingFlag,
    ScheduleFlag,
    Scope,
    SelectionFlag,
    Seq,
    Set,
    Settings,
    Tensors,
    TraceCsv,
    What,
    Workload,
)

group = typer.Typer()


@group.command()
def run(
    what: What,
    workload: Workload = None,
    seq: Seq = None,
    set_: Set = None,
    arch_set: ArchSet = None,
    scope: Scope = "attention",
    mapping: MappingFlag = None,
    selection: SelectionFlag = "uniform",
    json: Json = False,
    trace: Annotated[
        Path | None, typer.Option(help="Write a timeline (Perfetto).", metavar="FILE.json.gz")
    ] = None,
    window: Annotated[
        str | None, typer.Option(help="Cycles of the timeline.", metavar="A:B")
    ] = None,
    full: Full = False,
    out: Annotated[
        Path | None, typer.Option("-o", help="Write the report into this folder.", metavar="DIR")
    ] = None,
    mapping_out: Annotated[
        Path | None, typer.Option(help="Write the mapping that was taken.", metavar="FILE")
    ] = None,
    trace_csv: TraceCsv = None,
    tensors: Tensors = None,
    schedule: ScheduleFlag = None,
) -> None:
    """Simulate a design on a workload and report times, traffic, energy and the bottleneck."""
    from accelsim.cli.row_runs import RowRequest, run_rows
    from accelsim.cli.running import Request, run_command

    rows = RowRequest.of(
        what, trace_csv=trace_csv, tensors=tensors, schedule=schedule,
        arch_set=arch_set, mapping=mapping, full=full,
        others={
            "--workload": workload, "--seq": seq, "--set": set_, "--mapping-out": mapping_out,
            "--scope": scope != "attention", "--selection": selection != "uniform",
        },
    )  # fmt: skip
    if rows is not None:
        run_rows(rows, as_json=json, trace=trace, window=window, out=out)
        return

    request = Request.of(
        what, workload, seq, set_, arch_set, scope, mapping, full=full, selection=selection
    )
    run_command(request, as_json=json, trace=trace, window=window, out=out, mapping_out=mapping_out)


@group.command("map")
def map_(
    what: What,
    workload: Workload = None,
    seq: Seq = None,
    set_: Set = None,
    arch_set: ArchSet = None,
    mapping: MappingFlag = "auto",
    selection: SelectionFlag = "uniform",
    objective: Annotated[
        str, typer.Option(help="cycles, energy, edp or pareto.", metavar="NAME")
    ] = "cycles",
    effort: Annotated[
        str, typer.Option(help="quick, normal, thorough or exhaustive.", metavar="NAME")
    ] = "normal",
    rewrite: Annotated[
        bool,
        typer.Option("--rewrite", help="Fewer passes too, where that is better; -o is a folder."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", help="File (pareto: folder); else it is printed.", metavar="FILE"),
    ] = None,
) -> None:
    """Find a mapping for a cascade on an architecture: YAML to read, edit and run again."""
    from accelsim.cli.running import Request, map_command, map_rewritten

    request = Request.of(
        what, workload, seq, set_, arch_set, "attention", mapping, full=False, selection=selection
    )
    if rewrite:
        map_rewritten(request, out, made=mapping == "auto", objective=objective, effort=effort)
        return
    map_command(request, out, made=mapping == "auto", objective=objective, effort=effort)


@group.command()
def explain(
    what: What,
    workload: Workload = None,
    seq: Seq = None,
    set_: Set = None,
    arch_set: ArchSet = None,
    scope: Scope = "attention",
    mapping: MappingFlag = None,
    selection: SelectionFlag = "uniform",
    json: Json = False,
    full: Full = False,
    trace_csv: TraceCsv = None,
    tensors: Tensors = None,
    schedule: ScheduleFlag = None,
) -> None:
    """Say why it takes that long: critical circuit, stalls by cause, roofline."""
    from accelsim.cli.row_runs import RowRequest, explain_rows
    from accelsim.cli.running import Request, explain_command

    rows = RowRequest.of(
        what, trace_csv=trace_csv, tensors=tensors, schedule=schedule,
        arch_set=arch_set, mapping=mapping, full=full,
        others={
            "--workload": workload, "--seq": seq, "--set": set_,
            "--scope": scope != "attention", "--selection": selection != "uniform",
        },
    )  # fmt: skip
    if rows is not None:
        explain_rows(rows, as_json=json)
        return
    request = Request.of(
        what, workload, seq, set_, arch_set, scope, mapping, full=full, selection=selection
    )
    explain_command(request, as_json=json)


@group.command()
def compare(
    designs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Designs, or top-k engines; none: the study.", metavar="[DESIGN | ENGINE]..."
        ),
    ] = None,
    study: Annotated[
        str, typer.Option(help="Study: what is compared with what.", metavar="NAME")
    ] = "main",
    workload: Annotated[
        str | None, typer.Option(help="Workload: a name or a file.", metavar="NAME")
    ] = None,
    seq: Annotated[str | None, typer.Option(help="Lengths, such as 1K,4K.", metavar="N,N")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Design that the others are compared with.")
    ] = None,
    arch_set: ArchSet = None,
    scope: Annotated[str | None, typer.Option(help="attention, or layer.", metavar="SCOPE")] = None,
    n: Annotated[
        str | None, typer.Option("--n", help="Engines: values of a request.", metavar="N,N")
    ] = None,
    k: Annotated[
        str | None, typer.Option("--k", help="Engines: how many to keep.", metavar="K,K")
    ] = None,
    scores: Annotated[
        str | None,
        typer.Option(
            help="Engines: uniform, normal, softmax, rising, falling, constant.",
            metavar="NAME,NAME",
        ),
    ] = None,
    requests: Annotated[
        int | None, typer.Option(help="Engines: requests of each kind.", metavar="N")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Engines: of the scores.", metavar="N")] = None,
    costs: Annotated[
        str | None, typer.Option(help="Engines: cost table (topk_asap7).", metavar="NAME")
    ] = None,
    set_: Settings = None,
    trace_csv: TraceCsv = None,
    tensors: Tensors = None,
    schedule: ScheduleFlag = None,
    json: Json = False,
    out: Annotated[
        Path, typer.Option("-o", help="Folder for tables and plots.", metavar="DIR")
    ] = Path("out/compare"),
) -> None:
    """Compare designs over lengths or on rows, or top-k engines: a table, plots (PNG, SVG), CSV and JSON."""
    from accelsim.cli.comparing_rows import RowFlags, compare_rows_command, run_rows
    from accelsim.cli.comparing_selects import SelectFlags, are_engines, compare_selects_command

    own = SelectFlags(
        n=n, k=k, scores=scores, requests=requests, seed=seed, costs=costs, set_=set_ or []
    )
    others = {
        "--workload": workload, "--seq": seq, "--baseline": baseline, "--scope": scope,
        "--arch-set": arch_set,
    }  # fmt: skip
    rows = RowFlags(trace_csv=trace_csv, tensors=tensors, schedule=schedule)
    if are_engines(designs or []):
        own.refuse([name for name, value in others.items() if value] + rows.given, "engines")
        compare_selects_command(designs or [], own, as_json=json, out=out)
        return
    own.refuse(own.given, "designs")
    if run_rows(designs or []):
        own.refuse([n for n in ("--workload", "--seq", "--scope") if others[n]], "designs on rows")
        compare_rows_command(
            designs or [], rows, baseline=baseline, arch_set=arch_set or [], as_json=json, out=out
        )
        return
    own.refuse(rows.given, "designs of loop nests")
    from accelsim.cli.comparing import compare_command

    compare_command(
        designs or [], study=study, workload=workload, seq=seq, baseline=baseline,
        arch_set=arch_set or [], scope=scope, as_json=json, out=out,
    )  # fmt: skip


@group.command()
def reproduce(
    source: Annotated[str, typer.Argument(help="A source of published figures, such as fusemax.")],
    physical: Annotated[
        bool,
        typer.Option(
            "--physical", help="Itemise the way from the published model to the physical design."
        ),
    ] = False,
    json: Json = False,
    out: Annotated[
        Path | None, typer.Option("-o", help="Write tables into this folder.", metavar="DIR")
    ] = None,
) -> int:
    """Put published figures beside simulated ones; exit code 1 if one is out of tolerance."""
    from accelsim.cli.reproducing import reproduce_command

    return reproduce_command(source, physical=physical, as_json=json, out=out)
