"""Workers of this machine: chunks by cost, and a point that takes its worker with it."""

import os

import pytest

from accelsim.explore.evaluate import Outcome
from accelsim.explore.workers import CHUNK_MOST, Chunks, Workers


def deadly(settings):
    if settings["seq"] == 3:
        os._exit(9)
    return Outcome(status="done", report={"cycles": settings["seq"]}, cpu_seconds=0.01)


@pytest.mark.ci
def test_a_point_whose_worker_dies_is_failed_and_no_other():
    todo = {f"{seq}": {"seq": seq} for seq in range(8)}
    found = {}
    workers = Workers(jobs=2, simulate=deadly)
    for outcomes in workers.run(todo):
        assert not set(outcomes) & set(found)
        found.update(outcomes)
    assert set(found) == set(todo)
    lost = found.pop("3")
    assert lost == Outcome(
        status="failed", reason="its worker process died 3 times, as if short of memory"
    )
    assert {k: o.report["cycles"] for k, o in found.items()} == {
        k: s["seq"] for k, s in todo.items() if k != "3"
    }


def test_chunks_hold_about_a_second_of_work_and_every_point_once():
    todo = [(str(i), {}) for i in range(10_000)]
    chunks = Chunks(todo=todo, jobs=2)
    sizes = []
    taken = []
    for chunk in chunks:
        sizes.append(len(chunk))
        taken += chunk
        chunks.measured({key: Outcome(status="done", cpu_seconds=0.01) for key, _ in chunk})
    assert taken == todo
    assert sizes[0] == 1
    assert sizes[1] == 100
    assert sizes[-1] == 1
    assert max(sizes) <= CHUNK_MOST
    assert len(sizes) < 150
