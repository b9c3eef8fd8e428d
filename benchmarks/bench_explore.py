"""How fast a design space is searched: designs simulated a CPU second, and what a mapping takes to find.

``python -m benchmarks.bench_explore``. Every design is another machine (rows, columns, lanes) or head
size, read, mapped, simulated at 64K tokens and charged with energy; nothing is taken from another.
"""

from __future__ import annotations

import time
from itertools import product

import accelsim as acs
from accelsim.job import Job

SEQ = 1 << 16
MAPPING = "fusemax/attention_1pass"  # one mapping, five generations of tiles in flight
MAPPED = (
    ("attention_1pass", "bert", 1 << 10, {}, {}),
    ("attention_1pass", "bert", 1 << 16, {}, {}),
    ("attention_1pass", "bert", 1 << 16, {"E": 80, "F": 80}, {}),
    (
        "attention_1pass",
        "bert",
        1 << 16,
        {},
        {"PE2D.rows": 96, "PE2D.cols": 128, "PE1D.lanes": 128},
    ),
    ("attention_1pass_causal", "llama3-8b", 1 << 13, {}, {}),
    ("attention_1pass_causal", "llama3-8b", 1 << 16, {}, {}),
    ("attention_1pass_causal", "bert", 1 << 16, {}, {}),
)


def designs() -> list[tuple[dict[str, object], dict[str, int]]]:
    """Return distinct machines and head sizes: fields of the architecture, ranks."""
    rows, cols, heads = (64, 128, 256, 512), (64, 128, 256), (64, 128)
    return [
        (
            {"PE2D.rows": down, "PE2D.cols": across, "PE1D.lanes": across},
            {"E": head, "F": head},
        )
        for down, across, head in product(rows, cols, heads)
    ]


def simulate(fields: dict[str, object], ranks: dict[str, int]) -> int:
    """Return the cycles of one design, energy included in the work."""
    job = Job.of("fusemax", mapping=MAPPING, arch_set=fields)
    return job.report(job.load("bert", SEQ, ranks)).cycles


def main() -> None:
    points = designs()
    simulate(*points[0])  # what is loaded once is not counted
    begin = time.process_time()
    for fields, ranks in points:
        simulate(fields, ranks)
    spent = time.process_time() - begin
    print(f"{len(points)} designs in {spent:.1f} CPU s: {len(points) / spent:.1f} a CPU second")
    for cascade, workload, seq, ranks, fields in MAPPED:
        begin = time.process_time()
        found = acs.find_mapping(
            cascade=cascade,
            arch="fusemax",
            workload=workload,
            seq=seq,
            ranks=ranks,
            arch_set=fields,
        )
        activity = found.best.activity
        busy = max(sum(u.busy_ticks.values()) for u in activity.units if u.kind == "array")
        print(
            f"{cascade} {workload} {seq} {ranks} {fields}: {float(found.cycles):,.0f} cycles,"
            f" {float(found.gap or 0):.2%} above the bound, an array busy {busy / activity.ticks:.2%},"
            f" {time.process_time() - begin:.1f} CPU s"
        )


if __name__ == "__main__":
    main()
