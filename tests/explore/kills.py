"""Runs of a study that are killed, and what is left of them. Processes are found in /proc."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

STUDY = """
name: killed
design: fusemax_micro24
vary:
  side: [16, 32]
  seq: {from: 64, to: 512, step: 64}
  workload.E: [32, 64, 128]
set:
  arch.PE2D.rows: side
  arch.PE2D.cols: side
  arch.PE1D.lanes: side
where: ["workload.E < 128 or seq > 64"]
objectives: {seconds: min, area_mm2: min}
"""
POINTS = 46
TABLES = ("points.csv", "results.json", "results.txt")
PATIENCE = 120  # seconds, on a busy machine


@contextmanager
def started(study, folder, *flags):
    """Start a run, give its process, and leave none behind."""
    command = [sys.executable, "-m", "accelsim", "explore", str(study), "-o", str(folder)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        [*command, *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def children(pid):
    """Return the processes that a process has begun, with their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if int(stat[1]) == pid and stat[0] != "Z":
            found[int(entry.name)] = line
    return found


def workers(pid):
    return [child for child, line in children(pid).items() if "popen_loky" in line]


def lives(pid):
    try:
        return (
            "Z" not in (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
        )
    except OSError:
        return False


def stored(folder):
    """Return how many results a store has, read beside its writer."""
    file = folder / "store.sqlite"
    if not file.is_file():
        return 0
    try:
        connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
        try:
            return connection.execute("SELECT count(*) FROM results").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error:  # not made yet
        return 0


def wait_for(process, folder, count):
    """Wait until a store has ``count`` results or its writer is gone."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and stored(folder) < count:
        assert time.monotonic() < end, "no progress"
        time.sleep(0.01)


def kill_parent(process):
    """Kill a run; return its processes, which must end."""
    family = list(children(process.pid))
    process.kill()
    process.communicate()
    return family


def kill_worker(process, choose):
    """Kill one of a run's workers once it has some; return whether there was one."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        found = workers(process.pid)
        if found:
            os.kill(choose(found), signal.SIGKILL)
            return True
        time.sleep(0.01)
    return False


def wait_gone(pids):
    """Wait for processes to end; return those that do not."""
    end = time.monotonic() + 30
    while any(map(lives, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    return [pid for pid in pids if lives(pid)]
