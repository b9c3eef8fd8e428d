"""README and docs: their commands and code run, their figures are those of the tool."""

import json
import re
from pathlib import Path

import pytest
import typer

from accelsim.cli.app import app
from accelsim.cli.main import run
from tests.documents import blocks, play

ROOT = Path(__file__).resolve().parents[1]


def test_tour_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "arch_specs").symlink_to(ROOT / "arch_specs")
    assert len(play(ROOT / "README.md", capsys)) >= 8
    assert (tmp_path / "timeline.json.gz").read_bytes()[:2] == b"\x1f\x8b"
    assert (tmp_path / "out" / "two" / "speedup.png").stat().st_size > 1000


@pytest.mark.ci
def test_specs_of_the_guide_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert len(play(ROOT / "docs" / "writing_specs.md", capsys)) >= 8
    assert (tmp_path / "out" / "study" / "comparison.csv").is_file()


@pytest.mark.ci
def test_machine_page_runs(tmp_path, monkeypatch, capsys):
    """Its Verilog and its run are of the same files."""
    monkeypatch.chdir(tmp_path)
    assert len(play(ROOT / "docs" / "rtl_machine.md", capsys)) == 3
    assert "mapping attention_1pass.keys; at most:" in (tmp_path / "keys.v").read_text()


@pytest.mark.ci
def test_report_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert len(play(ROOT / "docs" / "report.md", capsys)) >= 9
    for name in ("run.html", "two.html", "both.html"):
        assert "</html>" in (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.ci
def test_studies_of_the_guide_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert len(play(ROOT / "docs" / "explore.md", capsys)) == 4
    assert (tmp_path / "out" / "arrays" / "latency_area.svg").is_file()


def test_model_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert play(ROOT / "docs" / "model.md", capsys)


def test_page_of_rows_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    # Its pictures take seconds: tests/cli/test_rows.py compares without them.
    page = ROOT / "docs" / "spatten.md"
    (compared,) = [line for line in page.read_text().splitlines() if "$ accelsim compare" in line]
    assert len(play(page, capsys, skip=[compared])) == 5
    assert (tmp_path / "timeline.json.gz").read_bytes()[:2] == b"\x1f\x8b"


def test_compared_figures_are_fresh(tmp_path, capsys):
    import importlib.util

    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert run(["compare", "--seq", "1K,64K,1M", "--json", "-o", str(tmp_path)]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert generate.placed(text, "compare", generate.compared(rows)) == text, (
        "python docs/generate.py"
    )


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("https://"):
            assert ((ROOT / page).parent / target).exists(), target


def test_names_only_commands_that_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    known = set(typer.main.get_command(app).commands)
    assert set(re.findall(r"`accelsim (\w+)", text)) <= known
    assert blocks(ROOT / "README.md")
