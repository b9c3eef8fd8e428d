"""The page as text: the same bytes, no way out of the data, faults in words."""

import json
import re

import pytest

from accelsim.cli.main import run as command
from accelsim.report import Point, html_page
from accelsim.report.page import embedded


def point(name="a", **row):
    return Point(name=name, group=name, row=row)


def test_data_cannot_leave_its_element():
    wicked = "</script><script>alert(1)</script><!-- & \u2028"
    page = html_page([point(wicked, seconds=1.0)], title=wicked, notes=[wicked])
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    text = re.search(r'id="data">(.*?)</script>', page, re.S)[1]
    found = json.loads(text)
    assert found["title"] == found["points"][0]["name"] == found["notes"][0] == wicked
    assert "<" not in text


def test_numbers_that_are_none_are_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        embedded({"x": float("nan")})


def test_marks_of_the_template_in_data_stay_as_they_are():
    page = html_page([point("@@data@@", seconds=1.0)], title="@@script@@")
    assert "<title>@@script@@</title>" in page
    assert '"@@data@@"' in page


def test_names_no_address_but_that_of_svg():
    page = html_page([point(seconds=1.0)])
    assert set(re.findall(r"\w+://[\w./]+", page)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in page


def test_the_same_bytes():
    points = [point("a", seconds=1.0), point("b", seconds=2.0)]
    assert html_page(points) == html_page(points)


def test_a_page_of_nothing_is_refused():
    with pytest.raises(ValueError, match="points must be one or more, not none"):
        html_page([])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "r.json:1:2: must be JSON: expecting property name"),
        (
            "[]",
            "r.json:1:1: must be what accelsim run --json, compare --json or explore prints, not a list",
        ),
        ('{"cycles": 1}', "r.json:1:1: must have the key 'design'"),
        ('{"rows": []}', "r.json:1:1: must have the key 'baseline'"),
        ('{"rows": 3, "baseline": "a"}', "r.json:1:10: rows must be a list"),
        ("\ufffd\ufffd", "r.json:1:1: must be JSON"),
    ],
)
def test_files_that_are_no_results(cli, tmp_path, monkeypatch, text, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    code, _, err = cli("report", "r.json", "-o", "r.html")
    assert code == 2
    assert err.startswith(said)
    assert not (tmp_path / "r.html").exists()


def test_what_is_not_there(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        cli("report", "nowhere.json")[2]
        == "nowhere.json:1:1: cannot be read: no such file or directory\n"
    )
    assert "did you mean 'fusemax'?" in cli("report", "fusemaxx")[2]
    assert (
        cli("report", "fusemax", "-o", "x.pdf")[2]
        == "accelsim: -o must end in .html, not 'x.pdf'\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_file_runs_again(cli, tmp_path, monkeypatch):
    """A result whose cycles are no longer those of the tool is shown as it is, and it is said."""
    monkeypatch.chdir(tmp_path)
    code, out, _ = cli("run", "flat", "--seq", "256", "--set", "B=1", "--json")
    assert json.loads(out)["request"] == {"design": "flat", "seq": 256, "ranks": {"B": 1}}
    (tmp_path / "r.json").write_text(out, encoding="utf-8")
    assert cli("report", "r.json", "-o", "r.html")[0] == 0
    assert '"name":"steady period"' in (tmp_path / "r.html").read_text(encoding="utf-8")
    (tmp_path / "r.json").write_text(re.sub(r'"cycles": \d+', '"cycles": 7', out), encoding="utf-8")
    code, _, err = cli("report", "r.json", "-o", "r.html")
    assert code == 0
    assert "the file has 7 cycles, simulated again it takes" in err


def test_names_the_commands(tmp_path):
    assert command(["report", "--help"]) == 0
