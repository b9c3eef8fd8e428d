"""Long tests run only when asked for: ACCELSIM_CAMPAIGN=1; those of CI with ACCELSIM_CI=1 too."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from accelsim.cli.main import run

HERE = Path(__file__).parent
CAMPAIGN = os.environ.get("ACCELSIM_CAMPAIGN", "0") not in {"", "0"}
CI = CAMPAIGN or os.environ.get("ACCELSIM_CI", "0") not in {"", "0"}

# The same examples on every run, except in the campaign; time limits only flake on busy machines.
settings.register_profile(
    "default", deadline=None, derandomize=not CAMPAIGN, max_examples=100 if CAMPAIGN else 40
)
settings.load_profile("default")


def pytest_collection_modifyitems(items):
    # The longest stand in the files at the top: they come first, so that no worker is left with one.
    items.sort(key=lambda item: item.path.parent != HERE)
    for item in items:
        if not CAMPAIGN and item.get_closest_marker("campaign"):
            item.add_marker(pytest.mark.skip(reason="long; set ACCELSIM_CAMPAIGN=1"))
        elif not CI and item.get_closest_marker("ci"):
            item.add_marker(pytest.mark.skip(reason="of CI; set ACCELSIM_CI=1"))


@pytest.fixture
def cli(capsys):
    """Return a call that runs a command and gives (exit code, stdout, stderr)."""

    def call(*arguments):
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return call
