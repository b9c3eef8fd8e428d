"""The command line: all commands under one name."""

from __future__ import annotations

from typing import Annotated

import typer

from accelsim.cli.commands import exploring, hardware, interchange, reading, running

app = typer.Typer(
    name="accelsim",
    help="Cycle-exact simulation of attention accelerators written as cascades, YAML and mappings.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from accelsim import __version__
        from accelsim.sim import native

        kernel = (
            "compiled" if native.library() else "Python (slower: the compiled one was not built)"
        )
        typer.echo(f"accelsim {__version__}\nkernel: {kernel}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Cycle-exact simulation of attention accelerators written as cascades, YAML and mappings."""


for part in (reading, running, exploring, hardware, interchange):
    app.add_typer(part.group)
