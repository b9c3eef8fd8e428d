"""The machines that the campaign builds, and how many of them have what: python -m tests.rtl.campaign."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from random import Random

from accelsim.rtl.build import Build
from tests.rtl.machines import sample

SEEDS = range(1000, 2000)
EDGES = (1, 2, 3, 4, 1, 2, 3, 4, 8)  # 8 takes longest, and is much as the others
SIDES = (1, 4, 8, 16)


def drawn(r: Random) -> Build:
    """Return a machine of up to 8 rows and columns."""
    return sample(r, 8, SIDES, EDGES)


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


def counts(kinds: Iterable[Mapping[str, object]]) -> dict[str, Counter[object]]:
    """Return how many machines have each value of what they are counted by."""
    found: dict[str, Counter[object]] = {}
    for each in kinds:
        for name, value in each.items():
            found.setdefault(name, Counter())[value] += 1
    return found


if __name__ == "__main__":
    for name, counter in counts(kind(drawn(Random(seed))) for seed in SEEDS).items():
        pairs = sorted(counter.items(), key=lambda pair: (str(type(pair[0])), pair[0]))
        sys.stdout.write(f"{name}: {', '.join(f'{value} {n}' for value, n in pairs)}\n")
