"""A file that is read once, whatever becomes of it meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from accelsim.errors import SpecError
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
