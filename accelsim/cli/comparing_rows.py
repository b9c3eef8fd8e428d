"""``accelsim compare`` of designs that run rows: all on the same ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accelsim.cli import flags
from accelsim.cli.comparing import write_comparison
from accelsim.cli.output import progress, writable
from accelsim.errors import InfeasibleError, SpecError, nearest
from accelsim.job.rows import RowJob, rows_of
from accelsim.mapping import Design
from accelsim.result import Comparison, Entry


@dataclass(frozen=True, kw_only=True)
class RowFlags:
    """Where the rows come from; None where the flag was not given."""

    trace_csv: Path | None = None
    tensors: Path | None = None
    schedule: str | None = None

    @property
    def given(self) -> list[str]:
        """The flags that are there, by name."""
        found = ("trace_csv", "tensors", "schedule")
        return [f"--{name.replace('_', '-')}" for name in found if getattr(self, name) is not None]


def run_rows(names: Sequence[str]) -> bool:
    """Say whether designs run rows; SpecError if only some of them do."""
    kinds = {name: bool(Design.load(name).spec.pipeline) for name in names}
    if any(kinds.values()) and not all(kinds.values()):
        first = next(name for name, rows in kinds.items() if rows)
        other = next(name for name, rows in kinds.items() if not rows)
        raise SpecError(f"what is compared with {first} must run rows as it does, not {other!r}")
    return any(kinds.values())


def compare_rows_command(
    designs: Sequence[str],
    given: RowFlags,
    *,
    baseline: str | None,
    arch_set: Sequence[str],
    as_json: bool,
    out: Path,
) -> None:
    """Simulate the same rows on every design; the rows of the first design, if none are given."""
    names = list(dict.fromkeys(designs))
    base = baseline or names[0]
    if base not in names:
        raise SpecError(
            f"--baseline must be one of the designs, not {base!r}{nearest(base, names)}"
        )
    changes = flags.fields(arch_set)
    jobs = [RowJob.of(name, arch_set=changes) for name in names]
    schedule = given.schedule if given.given else jobs[0].schedule or None
    rows = rows_of(trace_csv=given.trace_csv, tensors=given.tensors, schedule=schedule)
    writable(out)
    entries: list[Entry] = []
    length = max(row.tokens for row in rows)
    with progress(len(jobs)) as step:
        for name, job in zip(names, jobs, strict=True):
            step(f"{name} {rows.name}")
            try:
                report = job.report(rows)
            except InfeasibleError as error:
                raise InfeasibleError(f"{name}, {rows.name}: {error}") from None
            entries.append(Entry(design=name, length=length, report=report, workload=rows.name))
        step("plots")
        comparison = Comparison(entries=tuple(entries), baseline=base)
        write_comparison(comparison, out)
    print(comparison.to_json() if as_json else comparison, end="" if as_json else "\n")
    if not as_json:
        print(f"\ntables and plots: {out}")


__all__ = ["RowFlags", "compare_rows_command", "run_rows"]
