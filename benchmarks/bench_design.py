"""Where the time of one design goes: CPU milliseconds by stage, from the point of a study to its row.

``python -m benchmarks.bench_design [DESIGNS] [--design NAME] [--no-kernel]``. Every design is another
machine of the FuseMax family and another head size at 64K tokens: the physical machine (``fusemax``, whose
buffers differ too), or that of the paper's model (``fusemax_micro24``); without ``--design`` one after the
other. ``--no-kernel`` leaves the simulation itself out: a stand-in tells what a run did.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from random import Random
from typing import Any

from accelsim.errors import DeadlockError
from accelsim.explore.build import Build
from accelsim.explore.figures import figures_of
from accelsim.explore.point import Keys
from accelsim.job import Run
from accelsim.sim.prepared import Prepared
from accelsim.sim.program import Outcome as Counters
from accelsim.sim.program import PhaseOutcome, Program
from accelsim.specs import ReadOnce

SEQ = 1 << 16
SIDES = range(32, 513, 32)
# By design: its mapping where it has several, and the buffers whose sizes differ.
DESIGNS: dict[str, dict[str, list[str]]] = {
    "fusemax": {  # five generations of tiles in flight
        "mapping": ["fusemax/attention_1pass"],
        "arch.GLB.size": ["8 MiB", "16 MiB", "32 MiB"],
        "arch.SBUF.size": ["1 MiB"],
    },
    "fusemax_micro24": {},
}


def settings(count: int, design: str = "fusemax") -> list[dict[str, Any]]:
    """Return distinct points: rows, columns, buffer, bandwidth and head size, in a fixed order."""
    own = DESIGNS[design]
    every = list(product(SIDES, SIDES, product(*own.values()), (200, 400, 800), (64, 80, 128)))
    return [
        {
            "design": design,
            "workload": "bert",
            "seq": SEQ,
            "arch.PE2D.rows": rows,
            "arch.PE2D.cols": cols,
            "arch.PE1D.lanes": cols,
            **dict(zip(own, given, strict=True)),
            "arch.DRAM.bandwidth": f"{rate} GiB/s",
            "workload.E": head,
            "workload.F": head,
        }
        for rows, cols, given, rate, head in Random(0).sample(every, min(count, len(every)))
    ]


def stand_in(program: Program) -> Counters:
    """Return counters of the right form: one instance of each class, a tick each."""
    return Counters(
        phases=tuple(
            PhaseOutcome(
                ticks=1_000_000,
                instances=tuple(tuple(1 for _ in task.durations) for task in phase.tasks),
                busy=tuple(1 for _ in phase.tasks),
                stalls=tuple({"data": 1} for _ in phase.queues),
                pool_peak=tuple(1 for _ in phase.pools),
                pool_integral=tuple(1 for _ in phase.pools),
            )
            for phase in program.phases
        )
    )


def one(point: dict[str, Any], keys: Keys, *, kernel: bool) -> dict[str, float]:
    """Take a point from its settings to the figures of its row; return the CPU seconds by stage.

    DeadlockError if it cannot run.
    """
    spent: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        begun = time.process_time()
        yield
        spent[name] = time.process_time() - begun

    with stage("key"):
        keys.key(point)
    with stage("read"):
        build = Build.of(point)
    with stage("choose"):
        (run,) = build.job.stages(build.workload, build.scope)
        mappings, problem = build.job.choices(run)
        assert mappings is not None
        (mapping,) = mappings
    with stage("lower"):
        prepared = Prepared(mapping, problem)
    if kernel:
        with stage("kernel"):
            outcome = prepared.run()
    else:
        outcome = stand_in(prepared.program)
    with stage("report"):
        done = Run(
            design=build.job.name,
            stage=run,
            mapping=mapping,
            prepared=prepared,
            outcome=outcome,
        )
        report = build.job.figures_of((done,), build.workload)
    with stage("figures"):
        figures_of(report)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("designs", nargs="?", type=int, default=50)
    parser.add_argument("--design", choices=DESIGNS, help="just this one")
    parser.add_argument("--no-kernel", action="store_true", help="leave the simulation out")
    asked = parser.parse_args()
    for design in [asked.design] if asked.design else DESIGNS:
        family(design, asked.designs, kernel=not asked.no_kernel)


def family(design: str, count: int, *, kernel: bool) -> None:
    """Print where the time of designs of a family goes."""
    print(design)
    keys, files = Keys(), ReadOnce()  # as studies do
    found: list[dict[str, float]] = []
    beats: list[float] = []
    deadlocks = 0
    for point in settings(3 * count, design):
        if len(found) > count:
            break
        try:
            with files:
                found.append(one(point, keys, kernel=kernel))
        except DeadlockError:
            deadlocks += 1
        beats.append(beat())
    slower = sum(beats) / len(beats) / min(beats)  # than when nobody else used the machine's caches
    del found[0]  # what is read once is not counted
    for name in found[0]:
        each = 1000 * sum(spent[name] for spent in found) / len(found)
        print(f"{name:10} {each:8.2f} ms {each / slower:8.2f}")
    each = sum(sum(spent.values()) for spent in found) / len(found)
    rate = f"{1 / each:.0f} a CPU second, {slower / each:.0f}"
    print(f"{'in all':10} {1000 * each:8.2f} ms {1000 * each / slower:8.2f}: {rate}")
    print(
        f"{len(found)} designs, {deadlocks} more deadlock. Second figures: without the load of others,"
    )
    print(f"by a loop that took {slower:.2f} times its least time on average")


def beat() -> float:
    """Return the CPU seconds of a fixed piece of Python: how fast the machine is just now."""
    begun = time.process_time()
    found: dict[tuple[int, int], int] = {}
    for number in range(2000):
        found[number, number + 1] = sum(range(number % 10))
    return time.process_time() - begun


if __name__ == "__main__":
    main()
