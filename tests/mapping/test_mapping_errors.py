"""Faulty mappings: the whole message, with its place, and the exit code."""

from __future__ import annotations

import pytest

from accelsim.cascade import Cascade
from accelsim.errors import DeadlockError, InfeasibleError, SpecError
from accelsim.mapping import Design, Mapping, Workload
from accelsim.specs import read_text
from tests.mapping.texts import MAPPING, Change, changed, plan, plan_problem, run

QK = "einsum: QK, unit: PE2D, space: {rows: m0, cols: p0}, time: [e]"
BIND = f"{{{QK}}}"
SLN = "einsum: SLN, unit: PE2D, space: {rows: m0, cols: p0}, stage: 1"

SPEC: dict[str, tuple[Change, str]] = {
    "unknown unit": (
        (QK, QK.replace("PE2D", "PE2")),
        "map.yaml:11:28: unit must be an array, not 'PE2'; did you mean 'PE2D'?",
    ),
    "a buffer as unit": (
        (QK, QK.replace("PE2D", "GLB")),
        "map.yaml:11:28: unit must be an array, not 'GLB'; known: PE1D, PE2D",
    ),
    "unknown Einsum": (
        ("einsum: QK,", "einsum: QKK,"),
        "map.yaml:11:18: einsum must be one of the cascade, not 'QKK'; did you mean 'QK'?",
    ),
    "rank not bound": (
        (", time: [e]", ""),
        "map.yaml:11:18: QK: rank e (size 8) must be a loop, in space or in time",
    ),
    "rank bound twice": (
        ("time: [e]", "time: [e, m0]"),
        "map.yaml:11:18: QK: rank m0 must be bound once, not 2 times",
    ),
    "rank of another Einsum": (
        ("time: [e]", "time: [e, f]"),
        "map.yaml:11:18: QK: rank f must be a rank of the Einsum (m1, m0, p2, p1, p0, e)",
    ),
    "unknown rank in time": (
        ("time: [e]", "time: [z]"),
        "map.yaml:11:69: QK: time must name ranks, not 'z'; known: e, m0, m1, p0, p1, p2",
    ),
    "Einsum bound twice": (
        ("      - {einsum: LM,", f"      - {BIND}\n      - {{einsum: LM,"),
        "map.yaml:12:9: Einsum QK must be bound once",
    ),
    "Einsum not bound": (
        ("      - {einsum: PRM, unit: PE1D, space: {lanes: p0}}\n", ""),
        "map.yaml:9:3: Einsum PRM must be bound to a unit; bound: QK, LM, SLN, SLD, SLNV, RM, SPD,"
        " SPNV, RD, RNV, AV",
    ),
    "unknown dimension": (
        (QK, QK.replace("cols", "columns")),
        "map.yaml:11:41: QK: space must name a dimension of PE2D, not 'columns'; did you mean"
        " 'cols'?\nmap.yaml:11:18: QK: rank p0 (size 16) must be a loop, in space or in time",
    ),
    "unknown rank in space": (
        (QK, QK.replace("cols: p0", "cols: p9")),
        "map.yaml:11:41: QK: space must be a rank, not 'p9'; known: e, m0, m1, p0, p1, p2\n"
        "map.yaml:11:18: QK: rank p0 (size 16) must be a loop, in space or in time",
    ),
    "space larger than the array": (
        ("M0: 16", "M0: 32"),
        "\n".join(
            f"map.yaml:{line}:{column}: {name}: space m0 must be at most the 16 rows of PE2D, not 32"
            for line, column, name in (
                (11, 41, "QK"), (12, 41, "LM"), (13, 42, "SLN"), (14, 42, "SLD"), (15, 43, "SLNV")
            )
        ),
    ),
    "unknown buffer": (
        ("GLB: {", "GLC: {"),
        "map.yaml:5:8: hold must name a buffer, not 'GLC'; did you mean 'GLB'?",
    ),
    "hold of an unknown tensor": (
        ("K: m1", "KK: m1"),
        "map.yaml:5:20: hold must name a tensor of the cascade, not 'KK'; did you mean 'K'?",
    ),
    "stage of an unknown loop": (
        (SLN, SLN.replace("stage: 1", "stage: {p9: 1}")),
        "map.yaml:13:76: stage must name a loop, not 'p9'; known: b, m1, p1, p2",
    ),
    "negative stage": (
        ("stage: 1", "stage: -1"),
        "map.yaml:13:71: blocks[0].bind[2].stage must be at least 0 or a mapping of keys, not -1",
    ),
    "an override without a source": (
        (BIND, f"{{{QK}, slots: 3}}"),
        "map.yaml:11:9: a bind that overrides latency, slots, cycles or lags must have a source",
    ),
    "after an unknown Einsum": (
        (BIND, f"{{{QK}, after: {{RNW: 1}}}}"),
        "map.yaml:11:87: after must name an Einsum, not 'RNW'; did you mean 'RNV'?",
    ),
    "unknown name in a size": (
        ("P1: 4", "P1: P9 * 2"),
        "map.yaml:3:36: size P1: 'P9 * 2': unknown name 'P9'; did you mean 'P'?",
    ),
    "size of nothing": (
        ("P1: 4", "P1: 0"),
        "map.yaml:3:36: size P1: must be a whole number of at least 1, not 0",
    ),
    "half a tile": (
        ("P1: 4", "P1: 7/2"),
        "map.yaml:3:36: size P1: must be a whole number of at least 1, not 7/2",
    ),
    "a huge number": (
        ("P1: 4", "P1: 9**9**9"),
        "map.yaml:3:36: size P1: '9**9**9': must have a result of at most 4096 bits",
    ),
    "an import": (
        ("P1: 4", "P1: __import__('os')"),
        "map.yaml:3:36: size P1: must be an expression such as 'ceil_div(M, M0)', not"
        " \"__import__('os')\": it has the character \"'\"",
    ),
    "fit of an unknown buffer": (
        ("P1: 4", "P1: max_fit(GLC)"),
        "map.yaml:3:36: size P1: 'max_fit(GLC)': max_fit must name a buffer, not 'GLC'; did you"
        " mean 'GLB'?",
    ),
    "no copy": (
        ("{Q: 2,", "{Q: 0,"),
        "map.yaml:6:12: depth.Q must be above 0, not 0",
    ),
    "unknown rank in partition": (
        ("{P: [", "{R: ["),
        "map.yaml:2:16: partition must name a rank of the cascade, not 'R'; known: E, F, M0, M1, P",
    ),
    "part without a size": (
        (", P1: 4", ""),
        "map.yaml:2:16: size of part P1 must be given (sizes: P1: ...): only the outermost part of"
        " a rank follows from the others",
    ),
    "unknown loop": (
        ("p2, m1, p1]", "p2, m1, p9]"),
        "map.yaml:9:12: loop must be a rank of the cascade, a part of one or a leading rank, not"
        " 'p9'; known: b, e, f, m0, m1, p0, p1, p2",
    ),
    "unknown key": (
        ("blocks:", "blokcs:"),
        "map.yaml:8:1: unknown key 'blokcs'; did you mean 'blocks'?",
    ),
    "key twice": (
        ("depth:", "sizes:"),
        "map.yaml:6:1: duplicate key 'sizes', first on line 3",
    ),
}  # fmt: skip


def test_the_unbroken_mapping_runs() -> None:
    assert run().ticks > 0


@pytest.mark.parametrize("name", SPEC)
def test_faulty_mapping(name: str) -> None:
    change, message = SPEC[name]
    with pytest.raises(SpecError) as error:
        plan(change)
    assert str(error.value) == message
    assert error.value.exit_code == 2


def test_a_size_that_does_not_divide() -> None:
    with pytest.raises((SpecError, InfeasibleError)) as error:
        plan(("P1: 4", "P1: 3"))
    message = "map.yaml:3:36: size P1 must divide the 8 tiles of P that are left, not 3"
    assert str(error.value) == message


def test_operations_that_the_unit_lacks() -> None:
    with pytest.raises(SpecError) as error:
        plan(arch_changes=(("max: 1, add: 1, exp: 6}}\n", "add: 1, exp: 6}}\n"),))
    message = (
        "map.yaml:12:28: LM: PE2D must be able to do max, and has nothing that can stand in for it"
        " (needs: max); it does mac, add, exp"
    )
    assert str(error.value) == message
    with pytest.raises(SpecError) as error:
        plan(arch_changes=(("{mac: 1, max: 1, add: 1, exp: 6}}\n", "{max: 1}}\n"),))
    assert str(error.value).splitlines()[0] == (
        "map.yaml:11:28: QK: PE2D must be able to do mac, and has nothing that can stand in for it"
        " (needs: mac); it does max"
    )


def test_an_operation_that_the_unit_expands() -> None:
    """Without exp, SLN is a subtraction (1 slot) and a series of 5 mac and 2 add."""
    found = plan(arch_changes=(("exp: 6}", "exq: 6}"),))
    binding = found.blocks[0].binding("SLN")
    assert binding is not None
    assert binding.slots == 1 + 7
    assert dict(binding.ops.ops) == {"add": 1 + 2, "mac": 5}
    (note,) = found.expanded
    assert note == (
        "exp on PE2D (SLN) is 2 add, 5 mac (exp within 8e-05 of the value: a power of two and a"
        " minimax polynomial on half of ln 2 either side of 0)"
    )
    assert plan().expanded == ()  # the subtraction is the adder's own


def test_every_fault_at_once() -> None:
    with pytest.raises(SpecError) as error:
        plan((", time: [e]", ""), ("einsum: LM", "einsum: LN"), ("lanes: p0", "lane: p0"))
    assert [(f.line, f.column) for f in error.value.faults] == [
        (11, 18), (12, 18), (16, 41), (16, 18)
    ]  # fmt: skip


def test_does_not_fit() -> None:
    """K, V: 2 x 16 x 8 words; Q: 2, RNV: 1 x 4 x 16 x 8; RM, RD: 4 x 16; words of 2 bytes."""
    demand = 2 * (2 * 2 * 128 + 3 * 4 * 128 + 2 * 64)
    assert demand == 4352
    assert plan(arch_changes=(("1 MiB", "4352 B"),)).charged_bytes == {"GLB": demand}
    with pytest.raises(InfeasibleError) as error:
        plan(arch_changes=(("1 MiB", "4 KiB"),))
    assert error.value.exit_code == 1
    text = str(error.value)
    assert "does not fit GLB: it needs 4352 bytes, there are 4096 (256 too few)" in text
    assert "The largest tile is Q (2048 bytes): hold it at an inner loop" in text


def test_not_even_one_tile_fits() -> None:
    with pytest.raises(InfeasibleError) as error:
        plan(("P1: 4", "P1: max_fit(GLB)"), arch_changes=(("1 MiB", "1 KiB"),))
    assert str(error.value) == (
        "map.yaml:3:36: size P1: even a tile of 1 needs 1856 bytes of GLB, 1024 are there: hold"
        " fewer tensors or enlarge the buffer"
    )


def test_max_fit_is_the_largest_divisor() -> None:
    # 8 query tiles; one more of them is 3 x 256 + 64 bytes, keys and values are 1024
    for size, tiles in ((1856, 1), (2687, 1), (2688, 2), (4351, 2), (4352, 4), (7680, 8)):
        found = plan(("P1: 4", "P1: max_fit(GLB)"), arch_changes=(("1 MiB", f"{size} B"),))
        assert found.blocks[0].space.sizes["p1"] == tiles


def test_too_few_tiles_for_the_stage() -> None:
    """The state of a tile is made a tile later than it is needed: the message names the pair."""
    with pytest.raises(DeadlockError) as error:
        run(("P1: 4", "P1: 1"))
    pair = "SPD[b=0,p2=0,m1=1,p1=0] on PE1D waits for RD[b=0,p2=0,m1=0,p1=0]"
    assert pair in str(error.value)
    assert error.value.exit_code == 1


def test_a_reader_before_its_maker() -> None:
    """PRM stands at slot 0 and reads what RM makes three slots later."""
    late = ("einsum: RM, unit: PE1D, space: {lanes: p0}",)
    with pytest.raises(DeadlockError) as error:
        run((late[0], f"{late[0]}, stage: 3"))
    pair = "PRM[b=0,p2=0,m1=0,p1=0] on PE1D waits for RM[b=0,p2=0,m1=0,p1=0]"
    assert pair in str(error.value)


# -- designs and workloads ---------------------------------------------------------------------

DESIGN = """\
name: mine
arch: fusemax
cascade: attention_1pass
mapping:
  - {use: attention_1pass, when: P > 4096}
  - {use: attention_1pass.serial, when: P == 7}
"""


def design(tmp_path, *changes: Change) -> Design:
    path = tmp_path / "design.yaml"
    path.write_text(changed(DESIGN, changes), encoding="utf-8")
    return Design.load(str(path))


def test_no_alternative_applies(tmp_path) -> None:
    mine = design(tmp_path)
    assert [m.name for m in mine.mappings({"P": 7})] == ["fusemax/attention_1pass.serial"]
    with pytest.raises(SpecError) as error:
        mine.mappings({"P": 64})
    assert str(error.value) == (
        f"{tmp_path}/design.yaml:5:3: mapping must have an alternative whose condition holds for"
        " {'P': 64}"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("P > 4096", "Z > 4096"), ":5:34: when: 'Z > 4096': unknown name 'Z'; known: P"),
        (("P > 4096", "P >"), ":5:34: when: "),
    ],
)
def test_faulty_condition(tmp_path, change: Change, message: str) -> None:
    with pytest.raises(SpecError) as error:
        design(tmp_path, change).mappings({"P": 64})
    assert str(error.value).startswith(f"{tmp_path}/design.yaml{message}")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("arch: fusemax\n", ""), ":1:1: must have the key 'arch'"),
        (("cascade:", "kaskade:"), ":3:1: unknown key 'kaskade'; did you mean 'cascade'?"),
        (("arch: fusemax\n", "extends: nothing_such\n"), "unknown design 'nothing_such'"),
    ],
)
def test_faulty_design(tmp_path, change: Change, message: str) -> None:
    with pytest.raises(SpecError) as error:
        design(tmp_path, change)
    assert message in str(error.value)


WORKLOAD = """\
name: mine
source: made up
ranks: {B: 2, H: 3, E: 8, F: 8}
stages:
  attention:
    {cascade: attention, scope: attention, ranks: {P: P, M: M, E: E, F: F}, leading: {b: B}}
"""


def workload(tmp_path, *changes: Change, seq: int | None = 64, **ranks: int) -> Workload:
    path = tmp_path / "mine.yaml"
    path.write_text(changed(WORKLOAD, changes), encoding="utf-8")
    return Workload.load(str(path), seq, ranks)


def test_workload(tmp_path) -> None:
    stage = workload(tmp_path, seq=48, B=5, M=96).stage("attention")
    assert stage.ranks == {"P": 48, "M": 96, "E": 8, "F": 8}
    assert stage.leading == {"b": 5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("P: P,", "P: PP,"), ":6:55: 'PP': unknown name 'PP'; did you mean 'P'?"),
        (("P: P,", "P: P - 64,"), ":6:55: must be a whole number of at least 1, not 0"),
        (("P: P,", "P: P / 3,"), ":6:55: must be a whole number of at least 1, not 64/3"),
        (("B: 2", "B: 0"), ":3:12: ranks.B must be above 0, not 0"),
        (("source: made up\n", ""), ":1:1: must have the key 'source'"),
        (("stages:", "stagse:"), ":4:1: unknown key 'stagse'; did you mean 'stages'?"),
        (("stages:", "derived: {X: N // 2}\nstages:"), ":4:14: 'N // 2': unknown name 'N'"),
        (
            ("stages:", "derived: {X: B - 2}\nstages:"),
            ":4:14: must be a whole number of at least 1",
        ),
    ],
)
def test_faulty_workload(tmp_path, change: Change, message: str) -> None:
    with pytest.raises(SpecError) as error:
        workload(tmp_path, change)
    assert f"mine.yaml{message}" in str(error.value).splitlines()[0]


DERIVED = ("stages:", "derived: {X: B * H, Y: X + 1}\nstages:")


def test_derived_ranks_follow_and_can_be_set(tmp_path) -> None:
    assert workload(tmp_path, DERIVED, B=5).ranks["Y"] == 16
    assert workload(tmp_path, DERIVED, X=1).ranks["Y"] == 2


def test_the_stage_of_a_cascade(tmp_path) -> None:
    """By its name, by its ranks, by the names of its ranks; else there is none."""
    other = "alternatives: {landmark: {cascade: landmark, ranks: {N: 9, E: 2, F: 2, L: 3}}}\n"
    mine = workload(tmp_path, ("stages:", other + "stages:"))

    def stage(name: str) -> tuple[dict[str, int], dict[str, int]]:
        found = mine.stage_of(Cascade.load(name))
        assert found.cascade == name
        return dict(found.ranks), dict(found.leading)

    assert stage("landmark") == ({"N": 9, "E": 2, "F": 2, "L": 3}, {})
    assert stage("kv_quant") == ({"P": 64, "M": 64, "E": 8, "F": 8}, {"b": 2})
    assert stage("alibi") == ({"N": 64, "E": 8, "F": 8}, {"b": 2, "h": 3})
    with pytest.raises(SpecError, match="an alternative for ssd: the size S has no place"):
        stage("ssd")
    plain = workload(tmp_path).stage_of(Cascade.load("landmark"))
    assert plain.leading == {"batch": 2, "h": 3}  # b is a coordinate of the cascade


def test_unknown_rank_of_a_workload(tmp_path) -> None:
    with pytest.raises(SpecError, match="--set Z: must be a rank of the workload; known: B, E, F"):
        workload(tmp_path, Z=3)


@pytest.mark.parametrize("text", ["", "[]", "3", "cascade", "cascade: {a: 1}", "- 1\n- 2\n"])
def test_not_a_mapping(text: str) -> None:
    with pytest.raises(SpecError) as error:
        Mapping.from_document(read_text(text, "map.yaml"))
    assert str(error.value).startswith("map.yaml:1:")


def test_every_line_missing_is_a_fault_or_runs() -> None:
    """Leave out one line after the other: no traceback."""
    lines = MAPPING.splitlines(keepends=True)
    refused = 0
    for n in range(len(lines)):
        try:
            document = read_text("".join(lines[:n] + lines[n + 1 :]), "map.yaml")
            mapping = Mapping.from_document(document)
            mapping.plan(plan_problem())
        except (SpecError, InfeasibleError) as error:
            refused += 1
            assert ":" in str(error)
    assert refused >= 15


SILENT: dict[str, Change] = {
    "depth of an unknown tensor": ("Q: 2,", "QQ: 2,"),
    "charge of an unknown tensor": ("blocks:", "charge: {XX: 1}\nblocks:"),
    "share of an unknown tensor": ("[[RNV, AV]]", "[[RNV, AW]]"),
    "spill of an unknown tensor": ("blocks:", "spill: [XX]\nblocks:"),
    "hold at a loop that no block has": ("K: m1", "K: m9"),
    "only_with an unknown Einsum": (BIND, f"{{{QK}, only_with: RNW}}"),
}


@pytest.mark.parametrize("name", SILENT)
def test_a_name_that_means_nothing_is_refused(name: str) -> None:
    with pytest.raises(SpecError):
        plan(SILENT[name])


def test_a_size_of_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="P7"):
        plan(("P1: 4", "P1: 4, P7: 3"))
