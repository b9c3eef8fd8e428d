"""Files that are read once while many points are simulated."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.errors import SpecError
from accelsim.explore.base import model_version
from accelsim.explore.evaluate import Outcome
from accelsim.explore.workers import Settings, Workers, simulate_chunk
from accelsim.specs import ReadOnce, read


def test_a_file_that_changes_meanwhile_stays_as_it_was_read(tmp_path: Path) -> None:
    path = tmp_path / "arch.yaml"
    path.write_text("name: one\n")
    with ReadOnce() as files:
        assert read(path).data == {"name": "one"}
        path.write_text("name: two\n")
        assert read(path).data == {"name": "one"}
        with ReadOnce():  # another's knows nothing of it
            assert read(path).data == {"name": "two"}
        assert read(path).data == {"name": "one"}
    assert read(path).data == {"name": "two"}
    with files:
        assert read(path).data == {"name": "one"}


def test_a_file_with_a_fault_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "arch.yaml"
    with ReadOnce():
        with pytest.raises(SpecError, match="cannot be read"):
            read(path)
        path.write_text("name: [\n")
        with pytest.raises(SpecError, match="must be YAML"):
            read(path)
        path.write_text("name: three\n")
        assert read(path).data == {"name": "three"}


def test_points_of_a_study_see_one_file(tmp_path: Path) -> None:
    path = tmp_path / "arch.yaml"

    def simulate(settings: Settings) -> Outcome:
        path.write_text(f"name: {settings['seq']}\n")
        return Outcome(status="done", report=read(path).data)

    points = {str(n): {"seq": n} for n in range(3)}
    found = {}
    for some in Workers(simulate=simulate).run(points):
        found |= some
        assert read(path).data["name"] == max(map(int, found))  # the study's, not ours
    assert [one.report for one in found.values()] == [{"name": 0}] * 3
    path.unlink()
    chunk = simulate_chunk(list(points.items()), model_version(), simulate)
    assert [one.report for one in chunk.values()] == [{"name": 0}] * 3
