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


def chips(browser):
    return [chip.text.split("\n")[0] for chip in browser.all("#chosen .chip")]


def at(browser, name):
    """Where a point of the scatter lies, in pixels of the window."""
    return browser.run(
        """
        const index = JSON.parse(document.getElementById("data").textContent).points
          .findIndex((point) => point.name === arguments[0]);
        const root = document.querySelector("#scatter svg"), box = root.getBoundingClientRect();
        const mark = window.scatterPlaces()[index], zoom = box.width / root.viewBox.baseVal.width;
        root.scrollIntoView({ block: "center", behavior: "instant" });
        const now = root.getBoundingClientRect();
        return [now.left + mark.x * zoom, now.top + mark.y * zoom];
        """,
        name,
    )


def pointer(browser, x, y, click=False):
    from selenium.webdriver.common.action_chains import ActionChains

    chain = ActionChains(browser.driver)
    chain.w3c_actions.pointer_action.move_to_location(round(x), round(y))
    if click:
        chain.w3c_actions.pointer_action.click()
    chain.perform()


def press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser.driver).send_keys(*keys).perform()


def test_two_lengths_have_a_front_each_and_the_longest_is_shown_first(page):
    browser = page("two")
    assert chips(browser) == ["fusemax 1K", "flat 1K"]
    assert len(browser.all("#cycles-bars .group")) == 2
    rows = [row.text for row in browser.all("#table tbody tr")]
    assert sum("●" in row for row in rows) == 2  # fusemax, at each length
    assert "fusemax is the fastest at 1K tokens" in browser.text("#lead")


def test_a_point_can_be_hovered_and_clicked(page):
    browser = page("two")
    x, y = at(browser, "flat 512")
    pointer(browser, x, y)
    assert browser.text("#tip b") == "flat 512"
    assert "energy" in browser.text("#tip")
    pointer(browser, x, y, click=True)
    assert chips(browser) == ["fusemax 1K", "flat 1K", "flat 512"]
    assert browser.text("#chosen .chip.active").startswith("flat 512")
    assert "What holds flat 512 up" in browser.text("#why")
    assert len(browser.all("#scatter .ring")) == 3
    pointer(browser, x, y, click=True)
    assert chips(browser) == ["fusemax 1K", "flat 1K"]


def test_all_can_be_done_with_keys(page):
    from selenium.webdriver.common.keys import Keys

    browser = page("two")
    browser.run("document.querySelector('#scatter svg').focus()")
    press(browser, Keys.ARROW_RIGHT)
    assert browser.text("#tip b") == "fusemax 512"
    press(browser, Keys.ENTER)
    assert "fusemax 512" in chips(browser)
    press(browser, Keys.ESCAPE)
    assert not browser.one("#tip").is_displayed()
    wide = browser.run(
        "return document.querySelectorAll('#timeline rect.slice')[0].width.baseVal.value"
    )
    browser.run("document.querySelector('#timeline svg').focus()")
    press(browser, "+")
    assert browser.run("return document.activeElement.closest('#timeline') !== null")
    now = browser.run(
        "return document.querySelectorAll('#timeline rect.slice')[0].width.baseVal.value"
    )
    assert now == pytest.approx(2 * wide, rel=0.01)
    browser.run("document.querySelector('#table tbody input').focus()")
    press(browser, Keys.SPACE)
    assert "fusemax 512" not in chips(browser)
    assert (
        browser.run("return document.activeElement.getAttribute('aria-label')")
        == "select fusemax 512"
    )


def test_the_table_sorts_filters_and_selects(page):
    browser = page("two")

    def names():
        return [row.text.split()[0] for row in browser.all("#table tbody tr")]

    assert names() == ["fusemax", "fusemax", "flat", "flat"]
    button = next(b for b in browser.all("#table th button") if b.text == "time")
    browser.click(button)
    heads = [th for th in browser.all("#table th") if th.get_attribute("aria-sort")]
    assert [h.get_attribute("aria-sort") for h in heads] == ["ascending"]
    times = [row.text for row in browser.all("#table tbody tr")]
    assert [line.split()[0] for line in times] == ["fusemax", "fusemax", "flat", "flat"]
    browser.click(next(b for b in browser.all("#table th button") if b.text.startswith("time")))
    assert names()[0] == "flat"
    browser.one("#table-controls input").send_keys("fusemax")
    assert names() == ["fusemax", "fusemax"]
    browser.click(browser.all("#table tbody tr")[1])
    assert chips(browser) == ["fusemax 1K", "flat 1K", "fusemax 512"]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_fits_every_screen(page, width, dark):
    browser = page("two", width=width, dark=dark)
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(18, 21, 26)" if dark else "rgb(251, 251, 249)")
    texts = browser.run(
        """return [...document.querySelectorAll("h2, td, th button, li, .label, .value, .bar span, p")]
          .filter((node) => node.offsetParent && node.textContent)
          .map((node) => [getComputedStyle(node).color, ground(node), node.textContent]);
        function ground(node) {
          for (; node; node = node.parentElement) {
            const fill = getComputedStyle(node).backgroundColor;
            if (!/^rgba\\(.*, 0\\)$|transparent/.test(fill)) return fill;
          }
        }"""
    )
    assert len(texts) > 60
    faint = [(c, g, t) for c, g, t in texts if contrast(c, g) < 4.0]
    assert not faint


def contrast(one, other):
    """The contrast ratio of WCAG 2 between two colours as CSS writes them."""

    def luminance(text):
        parts = [float(p) for p in text[text.index("(") + 1 : -1].replace(",", " ").split()[:3]]
        shares = [p / 255 for p in parts]
        linear = [s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_thousands_of_points(browser, tmp_path):
    """Thousands of points are drawn, filtered and selected; the front is the one that brute force finds."""
    import random

    from accelsim.report import Point, html_page

    rng = random.Random(1)
    points = [
        Point(
            name=f"n={n}",
            group="space",
            row={"n": n, "seconds": rng.uniform(1, 100), "energy_pj": rng.uniform(1e3, 1e9)},
        )
        for n in range(5_000)
    ]
    best = {
        p.name
        for p in points
        if not any(
            q.row["seconds"] <= p.row["seconds"] and q.row["energy_pj"] < p.row["energy_pj"]
            for q in points
        )
    }
    page = tmp_path / "many.html"
    page.write_text(html_page(points), encoding="utf-8")
    browser.open(page)
    corners = browser.run("return document.querySelector('#scatter .front').getAttribute('d')")
    assert corners.count("L") + 1 == len(best)
    assert len(browser.all("#table tbody tr")) == 50
    browser.one("#table-controls input").send_keys("n=777")
    assert {row.text.split()[0] for row in browser.all("#table tbody tr")} == {
        f"n={n}" for n in range(5_000) if str(n).startswith("777")
    }
    assert browser.complaints() == []
