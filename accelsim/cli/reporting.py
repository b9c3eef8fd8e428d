"""``accelsim report``: results and designs as one HTML page."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from accelsim.cli import flags
from accelsim.cli.output import progress, writable_file, write
from accelsim.errors import SpecError
from accelsim.job import Call
from accelsim.mapping import Design
from accelsim.report.build import build, simulated
from accelsim.report.load import Entry, Found, load


def report_command(
    results: Sequence[str],
    *,
    workload: str | None,
    seq: str | None,
    set_: Sequence[str],
    arch_set: Sequence[str],
    scope: str,
    title: str | None,
    details: int,
    out: Path,
) -> None:
    asked = Call(
        workload=workload,
        scope=flags.scope(scope),
        ranks=flags.ranks(set_),
        arch_set=flags.fields(arch_set),
    )
    lengths: list[int | None] = list(flags.lengths(seq) or ()) or [None]
    if out.suffix.lower() not in {".html", ".htm"}:
        raise SpecError(f"-o must end in .html, not {out.name!r}")
    writable_file(out)
    found: list[Found] = []
    for name in results:
        if _is_file(name):
            found.append(load(Path(name)))
        else:
            calls = [replace(asked, design=name, seq=length) for length in lengths]
            for call in calls:
                if not Design.load(name).spec.pipeline:
                    call.load(call.job())  # faults of the names, before anything is run
            found.append(Found(entries=tuple(Entry(row={}, call=call) for call in calls)))
    with progress(len(simulated([e for one in found for e in one.entries], details))) as step:
        page = build(found, title=title, details=details, progress=step)
    write(out, page.html)
    for note in page.notes:
        print(f"accelsim: {note}", file=sys.stderr)
    many = "s" if page.points > 1 else ""
    print(f"{out}: {page.points} point{many}, {len(page.html) // 1024} KiB")


def _is_file(name: str) -> bool:
    return Path(name).suffix.lower() == ".json" or "/" in name or Path(name).is_file()
