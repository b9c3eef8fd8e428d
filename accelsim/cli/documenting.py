"""``accelsim docs``: pages of the documentation that are made from specs and simulations."""

from __future__ import annotations

from pathlib import Path

from accelsim.cli import flags
from accelsim.cli.output import progress, writable, write
from accelsim.cli.zoo.figures import Figures, all_simulated, from_csv, to_csv
from accelsim.cli.zoo.model import Run, Zoo
from accelsim.cli.zoo.page import page
from accelsim.errors import SpecError

PAGES = ("zoo",)


def docs_command(name: str, *, design: str, seq: str, kept: bool, out: Path) -> None:
    """Write ``NAME.md`` and its figures as ``NAME.csv``; ``kept`` takes the figures that are there."""
    flags.choice(name, PAGES, "the page")
    tokens = flags.length(seq)
    zoo = Zoo.load()
    writable(out)
    table = out / f"{name}.csv"
    if kept:
        figures = _kept(zoo, table)
    else:
        with progress(len(zoo.runs)) as step:
            figures = all_simulated(zoo.runs, design, tokens, step)
        write(table, to_csv(figures))
    write(out / f"{name}.md", page(zoo, figures))
    print(out / f"{name}.md")


def _kept(zoo: Zoo, table: Path) -> dict[Run, Figures]:
    figures = from_csv(table)
    missing = [run for run in zoo.runs if run not in figures]
    if missing:
        raise SpecError(f"{table} must have a row for {missing[0]}; leave out --kept")
    return figures
