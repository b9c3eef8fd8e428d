"""``accelsim export``: what a run did, in the files of other tools."""

from __future__ import annotations

import sys
from pathlib import Path

from accelsim.cli.output import whole, writable, writable_file, write
from accelsim.cli.running import Request, longest
from accelsim.errors import SpecError
from accelsim.job import Call


def request_of(
    what: list[str],
    workload: str | None,
    seq: str | None,
    set_: list[str] | None,
    arch_set: list[str] | None,
    scope: str,
    mapping: str | None,
) -> Request:
    """Return what is asked for by names and flags, or by a result file's own request."""
    if len(what) == 1 and what[0].endswith(".json"):
        if any((workload, seq, set_, arch_set, mapping)):
            raise SpecError("a result file says what it ran: it must come without other flags")
        from accelsim.report.load import load

        entries = load(Path(what[0])).entries
        call = entries[0].call if len(entries) == 1 else None
        if call is None:
            raise SpecError(
                f"{what[0]} must be one run with the key 'request', as run --json prints it"
            )
        return Request.from_call(Call.from_dict(call.to_dict()))
    return Request.of(what, workload, seq, set_, arch_set, scope, mapping, full=False)


def export_accelergy(request: Request, out: Path) -> None:
    """Write ERT.yaml, ART.yaml and action_counts.yaml."""
    from accelsim.energy.accelergy import action_counts, art, ert
    from accelsim.energy.components import attributes

    writable(out)
    report = request.report()
    if report.energy is None or report.area is None:
        raise SpecError("a run must have a cost table to be written as Accelergy's tables")
    arch = request.job.arch
    left_out = {(c.component, c.part, c.action) for c in report.energy.charges if c.left_out}
    write(out / "ERT.yaml", ert(report.energy, arch.name))
    write(out / "ART.yaml", art(report.area, attributes(arch.spec), arch.name))
    write(out / "action_counts.yaml", action_counts(report.activity, without=left_out))
    for component, part, action in sorted(left_out):
        print(
            f"accelsim: {component} {part} {action} is not in the total, and left out",
            file=sys.stderr,
        )
    for name in ("ERT.yaml", "ART.yaml", "action_counts.yaml"):
        print(out / name)


def export_perfetto(request: Request, out: Path, window: tuple[int, int] | None) -> None:
    """Write a timeline of the longest stage."""
    from accelsim.sim.trace import write_trace

    if not out.name.endswith(".json.gz"):
        raise SpecError(f"-o must end in .json.gz, not {out.name!r}")
    writable_file(out)
    stage = request.stages[longest(request.report())]
    with whole(out) as draft:
        write_trace(request.job.run(stage).lowered, draft, window)
    print(f"{out}: open it in https://ui.perfetto.dev")
