"""``accelsim import``: files of other tools become cascades, workloads and cost tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from accelsim.cli import flags
from accelsim.cli.output import writable, writable_file, write
from accelsim.errors import SpecError, nearest
from accelsim.interchange import Einsums, read_accelforge, read_model, read_timeloop
from accelsim.interchange.timeloop import is_timeloop
from accelsim.ops import FUNCTIONS


def import_problem(file: Path, *, unary: str, out: Path) -> None:
    """Write NAME.yaml, a cascade, and NAME.workload.yaml, its sizes."""
    known = [name for name, function in FUNCTIONS.items() if function.arity == (1, 1)]
    if unary and unary not in known:
        raise SpecError(
            f"--unary must be a function of one number, not {unary!r}{nearest(unary, known)}"
        )
    writable(out)
    found = _einsums(file, unary)
    cascade, workload = out / f"{found.name}.yaml", out / f"{found.name}.workload.yaml"
    write(cascade, found.cascade())
    write(workload, found.workload(str(cascade)))
    _say(found.notes)
    print(f"{cascade}: {len(found.einsums)} Einsum{'s' if len(found.einsums) > 1 else ''}")
    print(workload)
    print(f"accelsim run {cascade} ARCH --workload {workload}")


def _einsums(file: Path, unary: str) -> Einsums:
    from accelsim.interchange.accelforge import read_plain

    if is_timeloop(read_plain(file)):
        return read_timeloop(file)
    return read_accelforge(file, unary=unary)


def import_model(
    file: Path, *, name: str, causal: bool | None, gated: bool | None, out: Path | None
) -> None:
    """Write (or print) the workload of a model's config.json."""
    if out is not None:
        writable_file(out)
    model = read_model(file, name=name, causal=causal, gated=gated)
    _say(model.notes)
    if out is None:
        print(model.workload(), end="")
    else:
        write(out, model.workload())


def import_tables(
    ert: Path, art: Path | None, *, parts: Sequence[str], actions: Sequence[str], out: Path | None
) -> None:
    """Write (or print) Accelergy's reference tables as a cost table."""
    from accelsim.energy.accelergy import as_cost_file, read_tables

    if out is not None:
        writable_file(out)
    renamed = flags.pairs(parts, "--part", "GLB='GLB buffer'")
    other = flags.pairs(actions, "--action", "update=write")
    read_tables(ert, art, parts=renamed, actions=other)  # faults, before anything is written
    text = as_cost_file(ert, art, renamed, other)
    if out is None:
        print(text, end="")
    else:
        write(out, text)


def _say(notes: Sequence[str]) -> None:
    for note in notes:
        print(f"accelsim: {note}", file=sys.stderr)
