from fractions import Fraction

import pytest

from accelsim.energy import CostTable
from accelsim.errors import SpecError
from accelsim.specs import find
from accelsim.specs.reader import read_text

HEAD = """\
name: t
source: a test
node: 45 nm
leakage: nobody measured it
"""


def a_table(text):
    return CostTable.from_document(read_text(HEAD + text, "t.yaml"))


@pytest.mark.parametrize("name", find.names("costs"))
def test_every_shipped_table_has_a_source_in_every_row(name):
    table = CostTable.load(name)
    assert table.name == name
    for layer in table.layers:
        assert all(row.source.strip() for row in [*layer.file.rows, *layer.file.areas])


@pytest.mark.parametrize(
    ("depth", "read", "write", "area"),
    [
        (4, ".133", ".117", 548.0),
        (12, ".311", ".272", 1620.7),
        (16, ".385", ".336", 2145.4),
        (32, ".653", ".570", 4255.9),
    ],
)
def test_fusemax_register_files_scale_with_their_capacity(depth, read, write, area):
    table = CostTable.load("fusemax_45nm")
    own = {"depth": depth}
    assert float(table.cost("register", "read", own).pj) == pytest.approx(float(read), abs=5e-4)
    assert float(table.cost("register", "write", own).pj) == pytest.approx(float(write), abs=5e-4)
    assert float(table.part_cost("register", own).um2) == pytest.approx(area, abs=0.1)


def test_published_register_files_do_not_scale():
    table = CostTable.load("fusemax_45nm_published")
    areas = {d: float(table.part_cost("register", {"depth": d}).um2) for d in (4, 16, 32, 64)}
    assert areas == pytest.approx({4: 16814.3, 16: 16837.6, 32: 16849.2, 64: 16860.8}, abs=0.1)
    assert table.cost("register", "read", {"depth": 4}).pj == Fraction("2.19")
    assert table.cost("register", "read", {"depth": 4}).left_out is not None
    assert table.cost("mac", "compute", {}).left_out is None


@pytest.mark.parametrize(
    ("mib", "read", "write"), [(16, 12522, 15753), (32, 23858, 27107), (24, 18190, 21430)]
)
def test_buffer_rows_by_size(mib, read, write):
    table = CostTable.load("fusemax_45nm")
    own = {"size_bytes": mib * 2**20, "row_bytes": 512}
    assert (table.cost("buffer", "read", own).pj, table.cost("buffer", "write", own).pj) == (
        read,
        write,
    )
    assert bool(table.cost("buffer", "read", own).assumptions) == (mib == 24)


def test_exponential_by_its_issue_slots():
    table = CostTable.load("fusemax_45nm")
    assert table.cost("exp", "compute", {"exp_slots": 1}).pj == Fraction("94.6475")
    assert table.cost("exp", "compute", {"exp_slots": 6}).pj == Fraction("102.987")


def test_row_that_says_most_is_taken_whatever_the_order():
    table = a_table("""\
rows:
  - {part: sram, action: read, energy_pj: 3, where: {size_bytes: 1 KiB, width: 8}, source: s}
  - {part: sram, action: read, energy_pj: 1, source: s}
  - {part: sram, action: read, energy_pj: 2, where: {size_bytes: "<= 1 KiB"}, source: s}
  - {part: sram, action: read, energy_pj: 4, component: L1, where: {size_bytes: 1 KiB}, source: s}
""")
    assert table.cost("sram", "read", {}).pj == 1
    assert table.cost("sram", "read", {"size_bytes": 512}).pj == 2
    assert table.cost("sram", "read", {"size_bytes": 1024, "width": 8}).pj == 3
    assert table.cost("sram", "read", {"size_bytes": 1024}, "L1").pj == 4


def test_missing_row_is_named():
    with pytest.raises(SpecError) as caught:
        a_table("rows: [{part: exp, action: compute, energy_pj: 1, source: s}]").cost(
            "expp", "compute", {"lanes": 256}, "PE1D"
        )
    assert str(caught.value) == (
        "t.yaml:1:1: rows must have a row for part 'expp', action 'compute' (PE1D, lanes=256);"
        " did you mean 'exp'?"
    )


def test_equal_rows_are_refused():
    row = "{part: a, action: read, energy_pj: 1, source: s}"
    with pytest.raises(SpecError, match="must have one row that says most of part 'a'"):
        a_table(f"rows: [{row}, {row}]").cost("a", "read", {})


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("{part: a, action: read, energy_pj: 1}", "source"),
        ("{part: a, action: read, energy_pj: 1, source: ' '}", "source"),
        ("{part: a, action: read, energy_pj: '1 +', source: s}", "energy_pj"),
        ("{part: a, action: read, energy_pj: 1, where: {x: '> y'}, source: s}", "unknown name 'y'"),
        ("{part: a, action: read, energy_pj: 1, where: {x: true}, source: s}", "where"),
        ("{part: a, action: read, energy: 1, energy_pj: 1, source: s}", "energy"),
    ],
)
def test_faulty_row_is_reported_at_its_line(row, what):
    with pytest.raises(SpecError) as caught:
        a_table(f"rows:\n  - {row}\n")
    assert str(caught.value).startswith("t.yaml:6:")
    assert what in str(caught.value)


def test_leakage_needs_a_source():
    with pytest.raises(SpecError, match="leakage_mw must have a leakage_source"):
        a_table("areas: [{part: a, area_um2: 1, leakage_mw: 1, source: s}]")


def test_unknown_attribute_of_a_formula_is_named():
    table = a_table("rows: [{part: a, action: read, energy_pj: depht * 2, source: s}]")
    with pytest.raises(SpecError, match="unknown attribute 'depht'; did you mean 'depth'"):
        table.cost("a", "read", {"depth": 4})


def test_table_cannot_extend_itself():
    with pytest.raises(SpecError, match="extends must name another table, not 't'"):
        a_table("extends: t\n")


def test_what_goes_beyond_the_measured_sizes_is_said():
    table = a_table("""\
rows:
  - {part: queue, action: push, energy_pj: 2 * depth, measured: {depth: [4, 8]}, source: s, assumption: a}
areas:
  - {part: queue, area_um2: 10 * depth, measured: {depth: [4, 8], width: [1, 2]}, source: s}
""")
    within = table.cost("queue", "push", {"depth": 8})
    assert (within.pj, within.assumptions) == (16, ("a",))
    beyond = table.cost("queue", "push", {"depth": 16})
    assert beyond.pj == 32
    assert beyond.assumptions == (
        "a",
        "extrapolated for queue: depth 16 (measured from 4 to 8)",
    )
    assert table.part_cost("queue", {"depth": 4}).assumptions == ()
    (said,) = table.part_cost("queue", {"depth": 2, "width": 3}).assumptions
    assert said == (
        "extrapolated for queue: depth 2 (measured from 4 to 8), width 3 (measured from 1 to 2)"
    )
    with pytest.raises(SpecError, match="measured"):
        a_table("areas: [{part: q, area_um2: 1, measured: {depth: [4]}, source: s}]")
