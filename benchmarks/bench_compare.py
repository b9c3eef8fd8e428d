"""Time and memory of what a user runs: one design at 1M tokens, all of ``compare``, the commands."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from accelsim.cli.comparing import lengths_of
from accelsim.cli.study import Study
from accelsim.job import Job
from accelsim.mapping import Workload
from accelsim.units import format_count

STUDY = "main"
COMMAND = [str(Path(sys.executable).parent / "accelsim")]


def points() -> list[tuple[str, str, int]]:
    """What ``accelsim compare`` simulates: design, workload, length."""
    study = Study.load(STUDY)
    return [
        (design, workload, length)
        for design in study.spec.designs
        for workload in study.spec.workloads
        for length in lengths_of(study)
    ]


def simulate(design: str, workload: str, length: int) -> None:
    Job.of(design).report(Workload.load(workload, length))


def peak_mb() -> float:
    """Most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alone(code: str) -> list[float]:
    """Figures that a fresh process prints, so that neither caches nor memory are another's."""
    text = f"from benchmarks.bench_compare import *\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    return [float(part) for part in done.stdout.split()]


ONE = """
begin = time.process_time(); simulate("fusemax", "bert", 1 << 20)
print(time.process_time() - begin)
"""
ALL = """
begin = time.process_time()
for point in points():
    simulate(*point)
print(time.process_time() - begin, peak_mb())
"""


def test_one_design(benchmark: BenchmarkFixture) -> None:
    """FuseMax, BERT at 1M tokens: CPU seconds after the imports (aim: 0.5)."""
    (seconds,) = benchmark.pedantic(alone, (ONE,), rounds=1)
    benchmark.extra_info["CPU s"] = round(seconds, 3)


def test_all_points(benchmark: BenchmarkFixture) -> None:
    """Every point of compare: CPU seconds (aim: 5) and peak memory (aim: 300 MB)."""
    seconds, peak = benchmark.pedantic(alone, (ALL,), rounds=1)
    benchmark.extra_info["CPU s"] = round(seconds, 2)
    benchmark.extra_info["peak MB"] = round(peak)


@pytest.mark.parametrize("arguments", [["--help"], ["compare"]], ids=" ".join)
def test_command(benchmark: BenchmarkFixture, arguments: list[str], tmp_path: Path) -> None:
    """Wall time of a command, cold (aims: --help 0.3 s, compare 10 s)."""
    if arguments == ["compare"]:
        arguments = [*arguments, "-o", str(tmp_path)]
    rounds = 3 if arguments == ["--help"] else 1
    benchmark.pedantic(
        lambda: subprocess.run([*COMMAND, *arguments], check=True, capture_output=True),
        rounds=rounds,
    )


def main() -> None:
    total = 0.0
    for design, workload, length in points():
        begin = time.process_time()
        simulate(design, workload, length)
        spent = time.process_time() - begin
        total += spent
        print(f"{design}, {workload} at {format_count(length)}: {spent:.3f} CPU s")
    print(f"all: {total:.2f} CPU s, peak {peak_mb():.0f} MB")
    print(f"fusemax, bert at 1M, alone: {alone(ONE)[0]:.3f} CPU s")
    for arguments in (["--help"], ["compare", "-o", "out/bench"]):
        start = time.perf_counter()
        subprocess.run([*COMMAND, *arguments], check=True, capture_output=True)
        print(f"accelsim {arguments[0]}: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
