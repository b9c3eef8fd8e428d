"""What is kept from one point to the next changes nothing: a point alone gives the same report."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsim.cascade import load
from accelsim.errors import InfeasibleError, SpecError
from accelsim.explore.build import Build
from accelsim.explore.evaluate import evaluate
from accelsim.sim import recipes
from accelsim.specs import expr, reader

SIDES = st.sampled_from([8, 12, 16, 24])


@st.composite
def points(draw):
    """Return the settings of a small machine of one of three families, and what it runs."""
    arch = draw(st.sampled_from(["fusemax", "fusemax_micro24", "flat"]))
    cascade = draw(st.sampled_from(["attention_1pass", "attention_1pass_causal"]))
    if arch == "flat":
        cascade = "attention_3pass"
    cols = draw(SIDES)
    found = {
        "cascade": cascade,
        "arch": arch,
        "mapping": f"{arch}/{'unfused' if arch == 'flat' else 'attention_1pass'}",
        "workload": "bert",
        "seq": draw(st.sampled_from([64, 96, 100])),
        "workload.H": 2,
        "workload.B": 1,
        "workload.E": draw(st.sampled_from([8, 16])),
        "arch.PE2D.rows": draw(SIDES),
        "arch.PE2D.cols": cols,
        "arch.PE1D.lanes": cols,
        "arch.GLB.size": draw(st.sampled_from(["16 KiB", "1 MiB"])),
        "arch.DRAM.bandwidth": draw(st.sampled_from(["10 GiB/s", "400 GiB/s"])),
    }
    if draw(st.booleans()):
        found["arch.costs"] = "fusemax_45nm"
    return found


def forget():
    """Forget every document, and with it all that was found out about it."""
    reader._kept.cache_clear()
    expr._expression.cache_clear()
    load._load.cache_clear()


def outcome(point):
    found = evaluate(point)
    assert found.status != "failed", found.reason
    return found.status, found.reason, found.report


@settings(max_examples=10, deadline=None)
@given(st.lists(points(), min_size=2, max_size=3))
def test_a_point_after_others_is_the_point_alone(these):
    together = [outcome(point) for point in these]
    for point, known in zip(these, together, strict=True):
        forget()
        assert outcome(point) == known


def test_a_file_that_changes_is_read_again(tmp_path):
    from accelsim.arch import Architecture
    from accelsim.specs import path

    text = path("arch", "fusemax").read_text()
    file = tmp_path / "arch.yaml"
    for clock in (940, 941):
        file.write_text(text.replace("clock: 940 MHz", f"clock: {clock} MHz"))
        assert Architecture.load(str(file)).spec.clock == clock * 10**6


@settings(max_examples=6, deadline=None)
@given(st.lists(points(), min_size=3, max_size=4))
def test_figures_that_were_recorded_are_those_of_the_report(these):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "FREE", 10**6)
        for point in these:
            assert figures(point, Build.figures) == figures(
                point, lambda build: build.report().to_dict()
            )


def figures(point, say):
    """Return the text of figures, in which the kind and the order of each counts, or of what is wrong."""
    try:
        return repr(say(Build.of(point)))
    except (InfeasibleError, SpecError) as error:
        return str(error)
