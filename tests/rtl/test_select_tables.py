"""Cost tables of the top-k engines: how they are measured, what is written, and what is shipped."""

import re
from dataclasses import replace

import pytest

from accelsim.energy import CostTable
from accelsim.engines import engine
from accelsim.engines.radix_select import RadixSelect
from accelsim.errors import SpecError
from accelsim.rtl.synth import select_tables
from accelsim.rtl.synth.library import Library
from accelsim.rtl.synth.select_tables import ENGINES, QUEUE_SIZES, SIZES, Point, fitted
from accelsim.specs.reader import read_text
from tests.rtl.tiny import LIBRARY

FIGURES = ("area_um2", "leakage_mw", "clock", "row", "search")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    file = tmp_path_factory.mktemp("library") / "tiny.lib"
    file.write_text(LIBRARY)
    return Library([file])


def line(name, rows, depth):
    """A point whose figures are on straight lines."""
    slope = depth if "depth" in engine(name).parameters else 0
    value = 10.0 + 2 * rows + slope
    return Point(rows, depth, 5, 1500.0, 99, dict.fromkeys(FIGURES, value))


def test_a_line_is_found_again_with_its_distance():
    points = [line("quick_select", rows, 8) for rows in (2, 4, 8)]
    assert fitted(points, "clock") == ("10 + 2 * rows", pytest.approx(0))
    points = [line("insertion_queue", *size) for size in QUEUE_SIZES]
    assert fitted(points, "clock") == ("10 + 2 * rows + 1 * depth", pytest.approx(0))
    # 1 % up, down and up again: the line keeps within 2 % of each.
    bent = [
        replace(p, figures={"clock": p.figures["clock"] * share})
        for p, share in zip(points[:3], (1.01, 0.99, 1.01), strict=True)
    ]
    assert 0.005 < fitted(bent, "clock")[1] < 0.02


def test_what_is_written_is_a_table_that_says_where_it_was_measured(tiny):
    name, text = select_tables.write(tiny, ENGINES, line)
    table = CostTable.from_document(read_text(text, "t.yaml"))
    assert name == table.name == "topk_tiny"
    for engine_name in ENGINES:
        found = select_tables.select(engine_name).sized(8 * 16, 8)
        for action in ("clock", "row", "search"):
            cost = table.cost(engine_name, action, found.attributes)
            assert float(cost.pj) == line(engine_name, 8, 8).figures[action]
            assert cost.assumptions == ()
            assert re.search(r"mapped for 2.*within 0\.0% of each", cost.source)
        part = table.part_cost(engine_name, found.attributes)
        assert float(part.um2) == float(part.leakage_mw) == line(engine_name, 8, 8).figures["clock"]
        far = table.part_cost(engine_name, found.sized(64 * 16, 8).attributes)
        assert far.assumptions == (
            f"extrapolated for {engine_name}: rows 64 (measured from 2 to 8)",
        )
    sizes = 3 * len(SIZES) + len(QUEUE_SIZES) + len(ENGINES) * len(select_tables.BEYOND)
    points = [text for text in table.layers[0].file.provenance.values() if "cells, " in text]
    assert len(points) == sizes
    # These points are on the lines, wherever they are.
    beyond = [text for text in points if "not in the lines" in text]
    assert all("miss it by area_um2 +0.0%" in text for text in beyond)
    with pytest.raises(SpecError, match="must have a row for part 'quick_select'"):
        table.cost("quick_select", "clock", {"lanes": 8, "width_bits": 12, "rows": 2})


def test_a_small_engine_is_measured_in_gates(tiny):
    """The netlist answers as the model does; a search costs less than the clock of eight cycles."""
    found = RadixSelect(lanes=1, width=2, digit=1)
    point = select_tables.measured(found, tiny, rows=2, depth=2)
    assert (point.rows, point.depth) == (2, 2)
    assert point.checked > 1000
    assert set(point.figures) == set(FIGURES)
    assert min(point.figures.values()) > 0
    assert point.figures["clock"] * 8 > point.figures["search"]


def test_only_top_k_engines_are_measured():
    with pytest.raises(SpecError, match="engine must be a top-k engine, not 'mac'"):
        select_tables.select("mac")


def test_a_fault_of_the_library_is_told(tmp_path, capsys):
    (tmp_path / "x.lib").write_text("library (x) {")
    assert select_tables.main([str(tmp_path / "x.lib")]) == 2
    assert "x.lib" in capsys.readouterr().err


@pytest.mark.parametrize("name", ENGINES)
def test_the_shipped_table(name):
    """Every row says what it was made of; engines meet what their figures must be like."""
    table = CostTable.load("topk_asap7")
    (file,) = [layer.file for layer in table.layers]
    assert file.provenance["tool"].startswith("pyosys ")
    digests = [text for key, text in file.provenance.items() if key.startswith("liberty_")]
    assert len(digests) == 5
    assert all(re.search(r"sha256 [0-9a-f]{64}$", text) for text in digests)
    points = {k: text for k, text in file.provenance.items() if k.startswith(f"{name}_")}
    sizes = QUEUE_SIZES if name == "insertion_queue" else SIZES
    assert set(points) == {f"{name}_{rows}_{depth}" for rows, depth in sizes}
    assert all(int(re.search(r"(\d+) outputs", text)[1]) > 1000 for text in points.values())
    for rows, depth in sizes:
        own = {"lanes": 16, "width_bits": 12, "rows": rows, "depth": depth}
        area = table.part_cost(name, own)
        mapped = float(re.search(r"([\d.]+) um\^2", points[f"{name}_{rows}_{depth}"])[1])
        away = float(re.search(r"within ([\d.]+)% of each", area.source)[1]) / 100
        assert away < 0.02
        assert float(area.um2) == pytest.approx(mapped, rel=away + 0.001)
        assert area.leakage_mw > 0
        clock, row, search = (table.cost(name, a, own) for a in ("clock", "row", "search"))
        assert clock.assumptions == ()
        assert min(clock.pj, row.pj, search.pj) > 0
        for cost in (clock, row, search):
            assert float(re.search(r"within ([\d.]+)% of each", cost.source)[1]) < 10
    for rows, depth in select_tables.BEYOND:
        beyond = file.provenance[f"beyond_{name}_{rows}_{depth}"]
        area, clock = (
            abs(float(re.search(rf"{figure} ([+-][\d.]+)%", beyond)[1]))
            for figure in ("area_um2", "clock")
        )
        assert max(area, clock) < 10
    # Quick-select holds its values three times, in the frame and in two rings; the queue and radix once.
    areas = {n: table.part_cost(n, own | {"rows": 8, "depth": 8}).um2 for n in ENGINES}
    assert areas["quick_select"] > 2 * areas["radix_select"]
    assert areas["insertion_queue"] < areas["radix_select"]
