"""kill -9 at any moment: nothing is lost, nothing done twice, and the table is the same."""

import random
import re
import sys
import time

import pytest

from accelsim.cli.main import run
from tests.explore import kills

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

HITS = []  # kills that met a run in progress


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """Return the study and the tables of a run that nobody disturbed, in one process."""
    folder = tmp_path_factory.mktemp("unbroken")
    study = folder / "killed.yaml"
    study.write_text(kills.STUDY)
    assert run(["explore", str(study), "-o", str(folder / "out")]) == 0
    return study, {name: (folder / "out" / name).read_bytes() for name in kills.TABLES}


def killed(seed, unbroken, folder):
    """Kill a run with two workers, go on with it, kill one of the workers: twice at random moments."""
    study, tables = unbroken
    source = random.Random(seed)

    with kills.started(study, folder, "--jobs", "2") as first:
        kills.wait_for(first, folder, source.randrange(kills.POINTS - 10))
        time.sleep(source.random() * 0.1)
        HITS.append(first.poll() is None)
        assert kills.wait_gone(kills.kill_parent(first)) == []

    had = kills.stored(folder)
    with kills.started(study, folder, "--jobs", "2", "--resume") as second:
        kills.wait_for(second, folder, source.randint(had, max(had, kills.POINTS - 6)))
        HITS.append(kills.kill_worker(second, source.choice))
        out, err = second.communicate()
    assert (second.returncode, err) == (0, "")
    assert int(re.search(r"(\d+) of \d+ points simulated", out)[1]) == kills.POINTS - had
    assert {name: (folder / name).read_bytes() for name in kills.TABLES} == tables
    assert kills.stored(folder) == kills.POINTS


@pytest.mark.ci
def test_a_parent_and_a_worker_killed(unbroken, tmp_path):
    killed(0, unbroken, tmp_path / "out")


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(10, 42))  # some come too late: 50 must not
def test_kills(seed, unbroken, tmp_path):
    killed(seed, unbroken, tmp_path / "out")


@pytest.mark.campaign
def test_fifty_kills_hit_a_run_in_progress():
    assert sum(HITS) >= 50, HITS
