"""Faulty studies: a sentence each, at its place, exit code 2, and nothing is written."""

import re

import pytest

STUDY = """name: x
design: fusemax
seq: 256
vary:
  side: [16, 32]
  arch.GLB.size: [8 MiB, 16 MiB]
set:
  arch.PE2D.rows: side
  arch.PE2D.cols: side
objectives: {seconds: min, area_mm2: min}
"""
AT = " (at side = 16, arch.GLB.size = 8 MiB)"

CASES = {  # what is changed into what, or added: the first line on stderr behind the file
    ("vary:", "varry:"): "4:1: unknown key 'varry'; did you mean 'vary'?",
    ("PE2D.rows", "PE2D.rowz"): f"8:19: unknown key 'rowz'; did you mean 'rows'?{AT}",
    ("arch.GLB", "arch.GLBB"): (
        "6:19: arch.GLBB.size: must begin with a component, not 'GLBB'; did you mean 'GLB'?"
        " (at side = 16, arch.GLBB.size = 8 MiB)"
    ),
    ("arch.GLB.size", "arhc.GLB.size"): (
        "6:3: vary.arhc.GLB.size: must begin with arch, workload, cascade, mapping; did you mean 'arch'?"
    ),
    ("  side: [16", "  sied: [16"): (
        "5:3: vary.sied: must be a field (arch, arch.NAME, cascade, cascade.NAME, design, mapping,"
        " mapping.NAME, scope, selection, seq, workload, workload.NAME) or stand in a formula of set"
    ),
    ("16 MiB", "16 MX"): (
        "6:26: components.GLB.size must be a size such as '16 MiB', not '16 MX'; known: B, KiB, MiB,"
        " GiB, TiB, PiB (at side = 16, arch.GLB.size = 16 MX)"
    ),
    ("32]", "-32]"): (
        "5:14: components.PE2D.rows must be above 0, not -32 (at side = -32, arch.GLB.size = 8 MiB)"
    ),
    ("32]", "16]"): "5:9: vary.side: must be different values, not twice 16",
    ("16 MiB", "8192 KiB"): (
        "6:18: vary.arch.GLB.size: must be different values, not twice '8192 KiB' ('8 MiB')"
    ),
    ("[16, 32]", "[]"): "5:9: vary.side must have at least 1 items, not 0",
    ("[16, 32]", "{from: 32, to: 16}"): (
        "5:9: vary.side: range must hold a value, not none: from 32 to 16"
    ),
    ("[16, 32]", "{from: 32}"): "5:9: range must have from and to",
    ("[16, 32]", "{from: 1, to: 9, times: 1}"): "5:9: times must be above 1, not 1",
    ("[16, 32]", "{from: 1, to: 9, step: 0}"): "5:9: vary.side: step must be above zero, not 0",
    ("[16, 32]", "{from: 1, to: 1e12}"): (
        "5:9: vary.side: range must hold at most 100000 values, not 999999999999"
    ),
    ("[8 MiB, 16 MiB]", "{from: 1 MiB, to: 9 ns}"): (
        "6:18: vary.arch.GLB.size: range must have both ends in one kind of unit, not '1 MiB' and '9 ns'"
    ),
    ("fusemax\n", "fusemaks\n"): "2:9: unknown design 'fusemaks'; did you mean 'fusemax'?",
    ("seq: 256", "seq: 0"): f"3:6: seq must be a whole number of at least 1, not 0{AT}",
    ("seq: 256", "workload: brt"): "3:11: unknown workload 'brt'; did you mean 'bert'?",
    ("seq: 256", "mapping: fusemax/attention_2pass"): (
        "3:10: mapping must be a name or a file, not 'fusemax/attention_2pass'; did you mean"
        " 'fusemax/attention_1pass'?"
    ),
    ("  side: [16", "  mapping.dept.Q: [1, 2]\n  side: [16"): (
        "5:19: unknown key 'dept'; did you mean 'depth'? (at mapping.dept.Q = 1, side = 16,"
        " arch.GLB.size = 8 MiB)"
    ),
    ("  side: [16", "  cascade.MO: [9]\n  side: [16"): (
        "5:15: cascade.MO must be a parameter of attention_1pass; did you mean 'M'? (at cascade.MO = 9,"
        " side = 16, arch.GLB.size = 8 MiB)"
    ),
    ("  side: [16", "  workload.EE: [9]\n  side: [16"): (
        "5:16: workload.EE: must be a rank of the workload; did you mean 'E'? (at workload.EE = 9,"
        " side = 16, arch.GLB.size = 8 MiB)"
    ),
    ("  side: [16", "  arch.PE2D.rows: [9]\n  side: [16"): (
        "9:3: set.arch.PE2D.rows: must not be set, as it is varied"
    ),
    ("rows: side", "rows: side // 0"): (
        "8:19: set.arch.PE2D.rows: 'side // 0': must not divide by zero"
    ),
    ("seconds", "secondz"): (
        "10:14: objectives: must be a figure of the report, not 'secondz'; did you mean 'seconds'?"
    ),
    ("seconds: min", "seconds: mim"): (
        "10:23: objectives.seconds must be one of 'min' or 'max', not 'mim'; did you mean 'min'?"
    ),
    "constraints: [area_mm2 <= 10, area_mm2 >= 20]": (
        "11:31: constraints: area_mm2 must be able to meet area_mm2 >= 20 and area_mm2 <= 10: no value"
        " does"
    ),
    "constraints: [10 < area_mm2 < 5]": (
        "11:15: constraints: area_mm2 must be able to meet 10 < area_mm2 < 5: no value does"
    ),
    "constraints: [area_mm <= 10]": (
        "11:15: constraints: must be a figure of the report, not 'area_mm'; did you mean 'area_mm2'?"
    ),
    "constraints: [1 < 2]": "11:15: constraints: must name a figure of the report, not '1 < 2'",
    "where: [side > 100]": (
        "11:9: where: side > 100 holds for none of the 4 combinations: the space is empty"
    ),
    "where: [side > 16, side < 32]": (
        "11:1: where: the conditions hold together for none of the 4 combinations: the space is empty"
    ),
    "where: [sidee > 16]": "11:9: where: 'sidee > 16': unknown name 'sidee'; did you mean 'side'?",
    "reference: {cycles: 3}": (
        "11:13: reference must name objectives (seconds, area_mm2), not 'cycles'"
    ),
    "sampler: nsga3": (
        "11:10: sampler must be one of 'grid', 'random', 'nsga2' or 'tpe', not 'nsga3'; did you mean"
        " 'nsga2'?"
    ),
    "sampler: random": "1:1: sampler random must have points: how many to try",
    "points: 3": "1:1: points must come with the sampler random, nsga2 or tpe, not grid",
    "arch: fusemax": "1:1: must have a design, or a cascade and an arch, not a design and an arch",
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_fault_has_its_place_and_what_must_be(case, cli, tmp_path):
    text = f"{STUDY}{case}\n" if isinstance(case, str) else STUDY.replace(*case)
    assert text != STUDY
    file = tmp_path / "x.yaml"
    file.write_text(text)
    code, out, err = cli("explore", file, "-o", tmp_path / "out")
    assert err.splitlines()[0] == f"{file}:{CASES[case]}"
    assert (code, out) == (2, "")
    assert not (tmp_path / "out").exists()


def test_an_objective_of_a_part_that_is_not_there_ends_the_run_at_once(cli, tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text(STUDY.replace("seconds", "utilization.PE3D"))
    code, out, err = cli("explore", file, "-o", tmp_path / "out")
    assert (code, out) == (2, "")
    assert err == (
        f"{file}:10:14: objectives: must be a figure of the report, not 'utilization.PE3D';"
        " did you mean 'utilization.PE2D'?\n"
    )
    file.write_text(STUDY)  # nothing was begun that would have to be gone on with
    code, out, err = cli("explore", file, "-o", tmp_path / "out")
    assert (code, err) == (0, "")


def test_points_that_cannot_run_are_results_with_their_reason(cli, tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text(STUDY.replace("[8 MiB, 16 MiB]", "[1 KiB, 2 KiB]"))
    code, out, err = cli("explore", file, "-o", tmp_path / "out")
    assert (code, err) == (1, "")
    assert "4 points (4 infeasible)" in out
    assert re.search(
        r"1 x fusemax/attention_1pass\.heads\.yaml:5:43: size P1: even a tile of 1 needs \d+ bytes of"
        " GLB, 1024 are there: hold fewer tensors or enlarge the buffer",
        out,
    )


def test_points_beyond_a_constraint_are_results_with_their_reason(cli, tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text(f"{STUDY}constraints: [area_mm2 <= 100]\n")
    code, out, err = cli("explore", file, "-o", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "4 points (2 done, 2 missed)" in out
    assert "2 x must be area_mm2 <= 100" in out
