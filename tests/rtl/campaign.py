"""The machines that the campaign builds, and how many of them have what: python -m tests.rtl.campaign."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random

from accelsim.rtl.bench import Work
from accelsim.rtl.build import Build
from tests.rtl.machines import sample, simulated, sizes, trace, work

SEEDS = range(1000, 2000)
EDGES = (1, 2, 3, 4, 1, 2, 3, 4, 8)  # 8 takes longest, and is much as the others
SIDES = (1, 4, 8, 16)
RUNS = 3  # of a machine, without a reset between them: all but what is built differs


def drawn(r: Random) -> Build:
    """Return a machine of up to 8 rows and columns."""
    return sample(r, 8, SIDES, EDGES)


def jobs(r: Random, machine: Build) -> list[Work]:
    """Return the runs of a machine, after it has been drawn."""
    return [work(r, machine.engine, sizes(r, machine), trace(r)) for _ in range(RUNS)]


def kind(machine: Build) -> dict[str, object]:
    """Return what a machine is counted by."""
    engine, most = machine.engine, machine.largest
    loops = [loop for loop in machine.block.loops if loop != "pg"]
    serial = str(machine.mapping.name).endswith(".serial.yaml")
    depths = f"{engine.ahead} ahead, {engine.behind} behind" if engine.together == 1 else "groups"
    return {
        "R": engine.rows,
        "C": engine.cols,
        "E": engine.head,
        "F": engine.value,
        "key tiles": most.keys // engine.rows,
        "query tiles of a strip": most.query_tiles,
        "strips": most.queries // (most.query_tiles * engine.cols),
        "heads": most.heads,
        "innermost loop": {"m1": "key tiles", "p1": "query tiles"}[loops[-1]],
        "binding": "serial" if serial else "pipelined",
        "tiles between the units": "serial" if serial else depths,
        "S": engine.stages,
        "S1": engine.lane_stages,
        "D": engine.digits,
        "B": engine.climb,
        "hop": engine.hop,
        "L": engine.latency,
        "W": engine.words,
        "g": engine.together,
        "chained": engine.chain,
    }


def kind_of_run(machine: Build, job: Work) -> dict[str, object]:
    """Return what a run is counted by; whether it deadlocks is what the reference kernel says."""
    engine, run, most = machine.engine, job.sizes, machine.largest
    stalls = simulated(machine.run(run).program, job.ready)[1]
    return {
        "rows of the last key tile": "all" if run.keys % engine.rows == 0 else "some",
        "columns of the last query tile": "all" if run.queries % engine.cols == 0 else "some",
        "sizes": "less than built for" if run != most else "the largest",
        "ports": "ready" if all(map(job.ready, range(997))) else "stall",
        "deadlock": stalls is None,
    }


def counts(kinds: Iterable[Mapping[str, object]]) -> dict[str, Counter[object]]:
    """Return how many machines have each value of what they are counted by."""
    found: dict[str, Counter[object]] = {}
    for each in kinds:
        for name, value in each.items():
            found.setdefault(name, Counter())[value] += 1
    return found


def main() -> None:
    machines, runs = [], []
    for seed in SEEDS:
        machine = drawn(r := Random(seed))
        machines.append(kind(machine))
        runs += [kind_of_run(machine, job) for job in jobs(r, machine)]
    for name, counter in (counts(machines) | counts(runs)).items():
        pairs = sorted(counter.items(), key=lambda pair: (str(type(pair[0])), pair[0]))
        sys.stdout.write(f"{name}: {', '.join(f'{value} {n}' for value, n in pairs)}\n")


if __name__ == "__main__":
    main()
