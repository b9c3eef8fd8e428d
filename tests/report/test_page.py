"""The page in headless Chromium: what it shows, what can be done with it, that it is alone."""

import json

import pytest

from accelsim.cli.main import run


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of one run, and one of two designs at two lengths, as the commands make them."""
    folder = tmp_path_factory.mktemp("pages")
    one, two = folder / "one.html", folder / "two.html"
    assert run(["report", "fusemax", "-o", str(one)]) == 0
    assert run(["report", "fusemax", "flat", "--seq", "512,1K", "-o", str(two)]) == 0
    return {"one": one, "two": two}


@pytest.fixture
def page(browser, pages):
    def show(name, **how):
        return browser.open(pages[name], **how)

    yield show
    assert browser.complaints() == []


def data(browser):
    return json.loads(browser.run("return document.getElementById('data').textContent"))


@pytest.mark.parametrize("name", ["one", "two"])
def test_asks_for_nothing_but_itself(page, pages, name):
    browser = page(name)
    assert browser.requests() == [pages[name].resolve().as_uri()]


def test_a_run_shows_what_the_report_says(page):
    browser = page("one")
    assert "1,934,912 cycles" in browser.text("#lead")
    assert not browser.one("#trade").is_displayed()
    assert "PE1D" in browser.text("#why-body")
    assert "accelsim run fusemax" in browser.text("#spec-body")
    figures = data(browser)["points"][0]["detail"]["figures"]
    for unit, parts in figures["busy_cycles"].items():
        label = browser.one(f'.bar[aria-label^="{unit}:"]').get_attribute("aria-label")
        for name, cycles in parts.items():
            assert f"{name} {100 * cycles / figures['cycles']:.1f}%" in label


def test_the_period_is_drawn_slice_by_slice(page):
    browser = page("one")
    view = data(browser)["points"][0]["detail"]["views"][0]
    assert view["name"] == "steady period"
    assert len(browser.all("#timeline rect.slice")) == len(view["slices"])
    begin, end = view["marked"]
    assert f"{(end - begin) / view['per_cycle']:,.0f} cycles" in browser.text("#timeline svg")
    assert "GLB holds" in browser.text("#timeline svg")
