"""Workers: 10,000 points on one and on two, what a point costs beside its simulation, and the store.

``python -m benchmarks.bench_workers [POINTS [MILLISECONDS]]`` prints all of it. A point is as many
milliseconds of computing (5 by default, 200 points a second: as fast as simulations are to become) and a
report of full size; the rest of the way (space, keys, chunks, workers, store, table, files) is the real one.
On a machine with other work to do wall time says nothing. So beside it stands what it would be on two free
cores, from CPU times: of the parent before and after the workers, and the larger of half of all CPU time
meanwhile and that of a worker.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from accelsim.cli.exploring import write_results
from accelsim.explore import Exploration, Session, Workers, open_store
from accelsim.explore.evaluate import Outcome, evaluate

BASE = {"design": "fusemax_micro24", "seq": 64}
MILLISECONDS = "ACCELSIM_BENCH_MILLISECONDS"
REPORT = "ACCELSIM_BENCH_REPORT"
_known: dict[str, Any] = {}


def study(points: int) -> dict[str, Any]:
    """Return a grid of some number of points."""
    return {
        "name": "bench",
        **BASE,
        "vary": {"rows": {"from": 8, "to": 7 + points // 100}, "cols": {"from": 8, "to": 107}},
        "set": {"arch.PE2D.rows": "rows", "arch.PE2D.cols": "cols"},
        "objectives": {"seconds": "min", "area_mm2": "min"},
    }


def compute(settings: Any) -> Outcome:
    """Compute for a while, then give a report of full size that is this point's."""
    begun = time.process_time()
    if not _known:
        _known.update(json.loads(Path(os.environ[REPORT]).read_text(encoding="utf-8")))
    size = settings["arch.PE2D.rows"] * settings["arch.PE2D.cols"]
    report = {**_known, "cycles": 10**9 // size, "seconds": 1 / size}
    while time.process_time() - begun < float(os.environ[MILLISECONDS]) / 1000:
        pass
    return Outcome(status="done", report=report, cpu_seconds=time.process_time() - begun)


def cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


class Timed(Workers):
    """Workers that note the parent's CPU time when they begin and end."""

    def run(self, todo: Any) -> Any:
        self.begun = cpu(resource.RUSAGE_SELF)
        yield from super().run(todo)
        self.ended = cpu(resource.RUSAGE_SELF)


def run(jobs: int, points: int) -> dict[str, float]:
    """Run the study from its data to its files; in a process of its own, so that CPU times are its."""
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "measured.json"
        command = (
            f"from benchmarks.bench_workers import note; note({jobs}, {points}, {str(note)!r})"
        )
        subprocess.run([sys.executable, "-c", command], check=True)
        found: dict[str, float] = json.loads(note.read_text(encoding="utf-8"))
    return found


def note(jobs: int, points: int, file: str) -> None:
    Path(file).write_text(json.dumps(measured(jobs, points)), encoding="utf-8")


def measured(jobs: int, points: int) -> dict[str, float]:
    from joblib.externals.loky import get_reusable_executor

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wall = time.perf_counter()
        start = cpu(resource.RUSAGE_SELF)
        workers = Timed(jobs=jobs, simulate=compute)
        with open_store(folder / "store.sqlite") as store:
            session = Session(
                exploration=Exploration.of(study(points)), store=store, workers=workers
            )
            results = session.results()
        assert session.simulated == len(results.rows) == points
        write_results(results, folder)
        wall = time.perf_counter() - wall
        own = cpu(resource.RUSAGE_SELF)
    if jobs > 1:
        get_reusable_executor().shutdown(wait=True)  # so that their CPU time is told
    return {
        "wall": wall,
        "serial": workers.begun - start + own - workers.ended,
        "meanwhile": workers.ended - workers.begun,
        "workers": cpu(resource.RUSAGE_CHILDREN) if jobs > 1 else 0.0,
    }


def on_free_cores(found: dict[str, float], jobs: int) -> float:
    """Return the seconds that a run takes on two cores with nothing else to do."""
    if jobs == 1:
        return found["serial"] + found["meanwhile"]
    both = (found["meanwhile"] + found["workers"]) / 2
    return found["serial"] + max(both, found["workers"] / jobs)


def main(points: int = 10_000, milliseconds: float = 5.0) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(evaluate(BASE).report, file)
        file.flush()
        os.environ[REPORT], os.environ[MILLISECONDS] = file.name, str(milliseconds)
        told = {}
        for jobs in (1, 2):
            found = run(jobs, points)
            told[jobs] = on_free_cores(found, jobs)
            parts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found.items())
            print(f"{jobs} worker{'s' if jobs > 1 else ''}: {told[jobs]:.2f} s ({parts})")
        print(f"{points} points of {milliseconds} ms: {told[1] / told[2]:.2f} times as fast on two")


@pytest.mark.parametrize("jobs", [1, 2])
def bench_thousand_points(benchmark: BenchmarkFixture, jobs: int, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    report.write_text(json.dumps(evaluate(BASE).report), encoding="utf-8")
    os.environ[REPORT], os.environ[MILLISECONDS] = str(report), "1"
    benchmark.pedantic(run, args=(jobs, 1000), rounds=1)


if __name__ == "__main__":
    main(*(float(a) if "." in a else int(a) for a in sys.argv[1:]))  # type: ignore[arg-type]
