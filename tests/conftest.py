"""Long tests run only when asked for: ACCELSIM_CAMPAIGN=1."""

import os

import pytest
from hypothesis import settings

from accelsim.cli.main import run

CAMPAIGN = os.environ.get("ACCELSIM_CAMPAIGN", "0") not in {"", "0"}

# The same examples on every run, except in the campaign; time limits only flake on busy machines.
settings.register_profile("default", deadline=None, derandomize=not CAMPAIGN)
settings.load_profile("default")


def pytest_collection_modifyitems(items):
    if CAMPAIGN:
        return
    skip = pytest.mark.skip(reason="long; set ACCELSIM_CAMPAIGN=1")
    for item in items:
        if item.get_closest_marker("campaign"):
            item.add_marker(skip)


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
