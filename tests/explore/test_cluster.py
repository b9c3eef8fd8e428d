"""Workers of a dask cluster give the table of one process."""

import subprocess
import sys
import time

import pytest

from tests.explore import kills

pytest.importorskip("distributed")

STUDY = """name: x
design: fusemax_micro24
vary: {seq: [64, 128, 192, 256]}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start a scheduler and a worker as one would on two machines; give the scheduler's address."""
    folder = tmp_path_factory.mktemp("cluster")
    file = folder / "scheduler.json"
    run = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    scheduler = start([*run, "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                       "--scheduler-file", file])  # fmt: skip
    work = [sys.executable, "-m", "distributed.cli.dask_worker"]
    worker = start([*work, "--scheduler-file", file, "--nworkers", "2", "--nthreads", "1",
                    "--no-dashboard", "--local-directory", folder])  # fmt: skip
    try:
        yield address(file)
    finally:
        family = [p for one in (scheduler, worker) for p in kills.children(one.pid)]
        for process in (worker, scheduler):
            process.terminate()
            process.wait(30)
        assert kills.wait_gone(family) == []


def start(command):
    return subprocess.Popen(
        list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def address(file):
    import json

    end = time.monotonic() + kills.PATIENCE
    while not file.is_file() or not file.read_text():
        assert time.monotonic() < end, "no scheduler"
        time.sleep(0.1)
    return json.loads(file.read_text())["address"]


@pytest.mark.ci
def test_gives_the_table_of_one_process(cluster, tmp_path):
    study = tmp_path / "x.yaml"
    study.write_text(STUDY)
    for name, flags in (("one", []), ("many", ["--cluster", cluster])):
        with kills.started(study, tmp_path / name, *flags) as process:
            out, err = process.communicate()
        assert (process.returncode, err) == (0, "")
        assert "4 of 4 points simulated" in out
    for name in kills.TABLES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "many" / name).read_bytes()


def test_a_scheduler_that_is_not_there_has_a_sentence(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("accelsim.explore.cluster._PATIENCE", "0.3s")
    study = tmp_path / "x.yaml"
    study.write_text(STUDY)
    where = "tcp://127.0.0.1:1"
    code, out, err = cli("explore", study, "-o", tmp_path / "out", "--cluster", where)
    assert (code, out) == (1, "")
    assert err.startswith(f"accelsim: --cluster {where} cannot be reached: ")


@pytest.mark.ci
def test_workers_of_another_model_are_refused(monkeypatch):
    from accelsim.explore import StoreError
    from accelsim.explore.workers import simulate_chunk

    with pytest.raises(StoreError, match=r"must run the model 0\.0, not .*: install the same"):
        simulate_chunk([], "0.0")
