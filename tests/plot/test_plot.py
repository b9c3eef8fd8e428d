import pytest

from accelsim import plot
from tests.result.made_up import a_comparison, a_report

COMPARISON = a_comparison()
REPORTS = {e.design: e.report for e in COMPARISON.entries if e.length == 65536}

PICTURES = {
    "speedup": lambda: plot.speedup(COMPARISON),
    "cycles": lambda: plot.cycles(COMPARISON),
    "utilization": lambda: plot.utilization(COMPARISON, "PE2D"),
    "latency_energy": lambda: plot.latency_energy(COMPARISON),
    "activity": lambda: plot.activity(REPORTS),
    "energy": lambda: plot.energy(REPORTS),
    "energy_by_einsum": lambda: plot.energy(REPORTS, by="einsum"),
    "roofline": lambda: plot.roofline(REPORTS),
}


@pytest.mark.parametrize("kind", ["png", "svg"])
@pytest.mark.parametrize("name", PICTURES)
def test_same_picture_same_bytes(tmp_path, name, kind):
    one = plot.save(PICTURES[name](), tmp_path / f"one.{kind}").read_bytes()
    two = plot.save(PICTURES[name](), tmp_path / f"two.{kind}").read_bytes()
    assert one == two
    assert b"<dc:date>" not in one


@pytest.mark.parametrize("name", PICTURES)
def test_axes_say_what_they_show(name):
    ax = PICTURES[name]()
    assert ax.get_ylabel()
    assert ax.get_legend() is not None


def test_stack_of_an_array_is_all_its_cycles():
    ax = plot.activity(a_report())
    tops = {}
    for bar in ax.patches:
        tops[bar.get_x()] = tops.get(bar.get_x(), 0.0) + bar.get_height()
    assert list(tops.values()) == pytest.approx([100.0, 100.0])


def test_design_keeps_its_colour():
    def shade(ax):
        return {
            handle.get_label(): handle.patches[0].get_facecolor()
            for handle in ax.get_legend_handles_labels()[0]
        }

    assert shade(PICTURES["speedup"]()) == shade(PICTURES["utilization"]())


def test_cycles_are_those_of_the_rows():
    ax = PICTURES["cycles"]()
    drawn = sorted(tuple(point) for line in ax.lines for point in line.get_xydata())
    assert drawn == sorted((row.length, row.cycles) for row in COMPARISON.rows)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == list(COMPARISON.designs)


def test_draws_into_given_axes():
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    assert a_report().plot(ax) is ax
    assert plot.energy(a_report(), ax) is ax


def test_picture_has_a_known_kind(tmp_path):
    with pytest.raises(ValueError, match=r"picture must be \.png or \.svg, not 'a\.gif'"):
        plot.save(PICTURES["roofline"](), tmp_path / "a.gif")


def test_energy_by_what():
    with pytest.raises(ValueError, match="by must be one of component, part, einsum, not 'x'"):
        plot.energy(a_report(), by="x")
