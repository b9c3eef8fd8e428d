"""The commands and their flags; what they do is in the modules beside this one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="accelsim",
    help="Cycle-exact simulation of attention accelerators written as cascades, YAML and mappings.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

import_app = typer.Typer(
    help="Take over files of other tools: problems, models, cost tables.", no_args_is_help=True
)
export_app = typer.Typer(
    help="Write a run in the files of other tools: Accelergy, Perfetto.", no_args_is_help=True
)
app.add_typer(import_app, name="import")
app.add_typer(export_app, name="export")

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


def _version(wanted: bool) -> None:
    if wanted:
        from accelsim import __version__

        typer.echo(f"accelsim {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Cycle-exact simulation of attention accelerators written as cascades, YAML and mappings."""


@app.command("list")
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


@app.command()
def check(
    paths: Annotated[list[Path], typer.Argument(help="Spec files, or folders of them.")],
    seq: Seq = None,
) -> int:
    """Check spec files: every fault as file:line:col: message; designs must run at --seq tokens."""
    from accelsim.cli import flags
    from accelsim.cli.checking import check_paths

    return check_paths(paths, None if seq is None else flags.length(seq))


@app.command()
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


@app.command()
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


@app.command("map")
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
    out: Annotated[
        Path | None,
        typer.Option("-o", help="File (pareto: folder); else it is printed.", metavar="FILE"),
    ] = None,
) -> None:
    """Find a mapping for a cascade on an architecture: YAML to read, edit and run again."""
    from accelsim.cli.running import Request, map_command

    request = Request.of(
        what, workload, seq, set_, arch_set, "attention", mapping, full=False, selection=selection
    )
    map_command(request, out, made=mapping == "auto", objective=objective, effort=effort)


@app.command()
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


@app.command()
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
    costs: Annotated[str | None, typer.Option(help="Engines: cost table.", metavar="NAME")] = None,
    set_: Settings = None,
    json: Json = False,
    out: Annotated[
        Path, typer.Option("-o", help="Folder for tables and plots.", metavar="DIR")
    ] = Path("out/compare"),
) -> None:
    """Compare designs over lengths, or top-k engines: a table, plots (PNG, SVG), CSV and JSON."""
    from accelsim.cli.comparing_selects import SelectFlags, are_engines, compare_selects_command

    own = SelectFlags(
        n=n, k=k, scores=scores, requests=requests, seed=seed, costs=costs, set_=set_ or []
    )
    others = {
        "--workload": workload, "--seq": seq, "--baseline": baseline, "--scope": scope,
        "--arch-set": arch_set,
    }  # fmt: skip
    if are_engines(designs or []):
        own.refuse([name for name, value in others.items() if value], "engines")
        compare_selects_command(designs or [], own, as_json=json, out=out)
        return
    own.refuse(own.given, "designs")
    from accelsim.cli.comparing import compare_command

    compare_command(
        designs or [], study=study, workload=workload, seq=seq, baseline=baseline,
        arch_set=arch_set or [], scope=scope, as_json=json, out=out,
    )  # fmt: skip


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
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


@app.command()
def schema(
    out: Annotated[Path, typer.Option("-o", help="Folder for the schemas.", metavar="DIR")],
) -> None:
    """Write JSON Schemas of the spec files, for editors."""
    from accelsim.cli.kinds import models
    from accelsim.cli.output import writable
    from accelsim.specs import write_schemas

    for file in write_schemas(models(), writable(out)):
        typer.echo(str(file))
