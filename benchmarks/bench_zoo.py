"""Every cascade of the zoo without a mapping file: cycles, CPU seconds, and what the buffers held.

Run ``python -m benchmarks.bench_zoo`` (with names of cascades for a few, ``--arch``, ``--seq``). Each
point is simulated by a fresh process with a limit of CPU time, at the size of a workload that names the
cascade and at a length of 1M; the search for a mapping is part of the time, starting Python is not.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from accelsim.errors import AccelsimError
from accelsim.job import Job
from accelsim.specs import names
from accelsim.units import parse_count

ARCHS = ("fusemax", "flat")
OWN, LONG = "own", "1M"
WANTED = 2.0  # CPU seconds
MOST = 12  # CPU seconds of a point, after which it is ended


def point(cascade: str, arch: str, seq: str) -> str:
    """Return one line on one simulation."""
    begin = time.process_time()
    try:
        job = Job.of(cascade=cascade, arch=arch)
        load = job.load(None, None if seq == OWN else parse_count(seq))
        run = job.run(load.stage_of(job.cascade))
    except AccelsimError as error:
        return f"{time.process_time() - begin:6.2f} {type(error).__name__}: {str(error)[:120]}"
    spent = time.process_time() - begin
    done = run.activity
    over = [
        f"{b.name} {b.peak_bytes / b.capacity_bytes:.2f} of its capacity"
        for b in done.buffers
        if b.peak_bytes > b.capacity_bytes
    ]
    cycles = round(done.ticks / done.ticks_per_cycle)
    return f"{spent:6.2f} {cycles:>22,} {run.mapping.name:14} {'; '.join(over)}"


def alone(cascade: str, arch: str, seq: str) -> str:
    """Return the line of a fresh process."""
    command = [sys.executable, "-m", "benchmarks.bench_zoo", "--point", cascade, arch, seq]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"ended after {MOST} CPU s"])[-1]
        return f"{float(MOST):6.2f} {last[:120]}"
    return done.stdout.rstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per point and how many took too long or failed; 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cascades", nargs="*")
    parser.add_argument("--arch", action="append")
    parser.add_argument("--seq", action="append")
    parser.add_argument("--point", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.point:
        resource.setrlimit(resource.RLIMIT_CPU, (MOST, MOST))
        print(point(*given.point))
        return 0
    bad = 0
    for arch in given.arch or ARCHS:
        for seq in given.seq or (OWN, LONG):
            for cascade in given.cascades or names("cascade"):
                line = alone(cascade, arch, seq)
                good = (
                    float(line.split()[0]) <= WANTED and "rror" not in line and "of its" not in line
                )
                bad += not good
                print(f"{cascade:26} {arch:8} {seq:>4} {line}{'' if good else ' <<<'}", flush=True)
    print(f"{bad} points over {WANTED} CPU s, over a buffer's capacity or without a figure")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
