import pytest

from accelsim.cli.main import run


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
