"""Writes the shipped tables of our own RTL again: python -m accelsim.rtl.synth.tables LIBERTY...

The liberty files are of one library; the recipe of its table is in ``tables.yaml``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from accelsim.engines import engine
from accelsim.errors import AccelsimError, SpecError
from accelsim.rtl.synth.library import Library
from accelsim.rtl.synth.measure import measure
from accelsim.rtl.synth.table import Entry, Extra, dont_use, table
from accelsim.units import parse_frequency


def recipe(library: Library) -> tuple[str, Mapping[str, Any]]:
    """Return the name of a library's table and what goes into it; SpecError if it has none."""
    text = Path(__file__).with_name("tables.yaml").read_text(encoding="utf-8")
    tables: Mapping[str, Mapping[str, Any]] = yaml.safe_load(text)["tables"]
    for name, found in tables.items():
        if fnmatch(library.name, found["match"]):
            return name, found
    known = ", ".join(str(found["match"]) for found in tables.values())
    raise SpecError(f"no table is made for library {library.name!r}; known: {known}")


def measured_in(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what a recipe measures: the engines that all tables have, then those of its own."""
    return [*found["engines"], *found.get("elements", ())]


def entry(row: Mapping[str, Any], library: Library, period_ps: float) -> Entry:
    """Measure one engine of a recipe."""
    settings = {name: str(value) for name, value in row.get("set", {}).items()}
    made = engine(row["engine"], settings)
    found = measure(made, library, period_ps=period_ps, dont_use=dont_use(library))
    return Entry(
        found,
        row.get("part"),
        row.get("where"),
        apart=row.get("standing") == "apart",
        figure=bool(row.get("figure", False)),
    )


def write(library: Library) -> tuple[str, str]:
    """Return the name and the text of a library's table."""
    name, found = recipe(library)
    period_ps = float(10**12 / parse_frequency(found["clock"]))
    entries = [entry(row, library, period_ps) for row in measured_in(found)]
    extra = Extra(found.get("extends"), found["assumptions"], found["rows"], found["areas"])
    return name, table(name, entries, library, period_ps, extra)


def main(arguments: Sequence[str]) -> int:
    from accelsim.specs import find

    try:
        name, text = write(Library([Path(each) for each in arguments]))
    except AccelsimError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    out = find.folder("arch_specs") / "costs" / f"{name}.yaml"
    out.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
