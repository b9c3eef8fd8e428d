"""What is wrong is said in one line for each fault, with the exit code that fits."""

import shutil
from pathlib import Path

import pytest

from accelsim.cli import app as commands
from accelsim.cli.main import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("nothing", "No such command 'nothing'"),
        ("rnu", "Did you mean 'run'?"),
        ("--verson", "No such option: --verson"),
        ("list archz", "did you mean 'archs'?"),
        ("list archs designs", "unexpected extra argument"),
        ("list --jsn", "--json"),
        ("list 3", "what to list must be one of cascades"),
        ("list ''", "what to list must be one of cascades"),
        ("check", "Missing argument"),
        ("check nowhere.yaml", "nowhere.yaml must be a file or a folder: there is none"),
        ("check /dev/null/x", "must be a file or a folder"),
        ("check --all .", "No such option: --all"),
        ("check tests", "tests must hold spec files (*.yaml), it has none"),
        ("passes", "Missing argument"),
        ("passes attention_4pass", "unknown cascade 'attention_4pass'; did you mean 'attention_"),
        ("passes attention_3pass --rank M", "--rank must be one of"),
        ("passes ./no.yaml", "cascade must be a name or a file, not './no.yaml'"),
        ("passes attention_3pass --rewrit", "--rewrite"),
        ("run", "Missing argument"),
        ("run fusemx", "unknown design 'fusemx'; did you mean 'fusemax'?"),
        ("run a b c", "run must have a design, or a cascade and an architecture, not 3 names"),
        ("run fusemax --seq 0", "--seq must be at least 1"),
        ("run fusemax --seq 64 KB", "unknown"),
        ("run fusemax --seq -4", "--seq must be a count"),
        ("run fusemax --seq 1e99", "--seq must be a count"),
        ("run fusemax --workload brt", "unknown workload 'brt'; did you mean 'bert'?"),
        ("run fusemax --set E", "--set must be NAME=VALUE such as E=128, not 'E'"),
        ("run fusemax --set E=0", "--set E must be at least 1"),
        ("run fusemax --set E=1 --set E=2", "--set must name E once, not twice"),
        ("run fusemax --set Q=4", "--set Q: must be a rank of the workload"),
        ("run fusemax --arch-set PE2D.row=3", "unknown key 'row'; did you mean 'rows'?"),
        ("run fusemax --arch-set PE3D.rows=3", "did you mean 'PE2D'?"),
        ("run fusemax --arch-set PE2D.rows=many", "PE2D.rows must be a whole number"),
        ("run fusemax --arch-set PE2D.rows", "--arch-set must be NAME=VALUE"),
        ("run fusemax --arch-set clock=[", "--arch-set clock"),
        ("run fusemax --scope atention", "did you mean 'attention'?"),
        ("run fusemax --window 0:9", "--window must come with --trace FILE"),
        ("run fusemax --window 9:0 --trace t.json.gz", "--window must be cycles FROM:TO"),
        ("run fusemax --trace t.json", "--trace must end in .json.gz"),
        ("run fusemax --trace /nowhere/t.json.gz", "/nowhere/t.json.gz cannot be written"),
        (
            "run fusemax --mapping fusemax/atention",
            "mapping must be a name or a file, not 'fusemax/atention'",
        ),
        ("run attention_4pass fusemax", "unknown cascade"),
        ("run mamba2 fusemx", "unknown arch 'fusemx'; did you mean 'fusemax'?"),
        ("explain", "Missing argument"),
        ("explain fusmax", "did you mean 'fusemax'?"),
        ("explain fusemax --trace x", "No such option: --trace"),
        ("explain fusemax --seq x", "--seq must be a count"),
        ("explain fusemax --scope all", "--scope must be one of attention, layer"),
        ("compare fusemax --seq 1K,1K", "--seq must be different lengths"),
        ("compare fusemax --seq ,", "--seq must be a count"),
        ("compare fusemax --baseline flt", "--baseline must be one of the designs, not 'flt'"),
        ("compare fusemx", "unknown design 'fusemx'"),
        ("compare --study mian", "unknown study 'mian'; did you mean 'main'?"),
        ("compare fusemax -o /dev/null/x", "/dev/null/x cannot be written"),
        ("reproduce", "Missing argument"),
        ("reproduce fusemx", "unknown published figures 'fusemx'; did you mean 'fusemax'?"),
        ("reproduce ./no.yaml", "no.yaml"),
        ("reproduce fusemax -o /dev/null", "/dev/null cannot be written"),
        ("reproduce fusemax --phys", "No such option: --phys"),
        ("schema", "Missing option '-o'"),
        ("schema -o /dev/null", "/dev/null cannot be written"),
        ("schema -o /dev/null/x", "/dev/null/x cannot be written"),
        ("schema arch -o x", "unexpected extra argument"),
        ("schema -o", "Option '-o' requires an argument"),
    ],
)
def test_faulty_input(cli, tmp_path, monkeypatch, arguments, message):
    import shlex

    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    code, out, err = cli(*shlex.split(arguments))
    assert code == 2, err
    assert message in err
    assert out == ""
    assert len(err.splitlines()) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["tests"]


def spoilt(tmp_path, file, old, new):
    """Copy the shipped file with one text replaced."""
    text = (ROOT / file).read_text(encoding="utf-8")
    assert old in text
    target = tmp_path / Path(file).parent.name / Path(file).name
    if not target.parent.exists():
        shutil.copytree((ROOT / file).parent, target.parent)
    target.write_text(text.replace(old, new, 1), encoding="utf-8")
    return target


FUSEMAX = "arch_specs/fusemax"


@pytest.mark.parametrize(
    ("file", "old", "new", "code", "message"),
    [
        (f"{FUSEMAX}/arch.yaml", "kind: buffer", "kind: bufer", 2, "did you mean 'buffer'?"),
        (f"{FUSEMAX}/arch.yaml", "940 MHz", "940", 2, "clock must be a frequency"),
        (f"{FUSEMAX}/arch.yaml", "- DRAM - GLB", "- DRAM - GLOB", 2, "not 'DRAM - GLOB'"),
        (f"{FUSEMAX}/arch.yaml", "costs: fusemax_45nm", "costs: fusemax_54nm", 2, "did you mean"),
        (f"{FUSEMAX}/arch.yaml", "word:", "wrd:", 2, "unknown key 'wrd'; did you mean 'word'?"),
        (f"{FUSEMAX}/attention_1pass.yaml", "space: {rows: m0", "space: {rows: m9", 2, "m9"),
        (f"{FUSEMAX}/attention_1pass.yaml", "unit: PE2D", "unit: PE9D", 2, "PE9D"),
        (f"{FUSEMAX}/attention_1pass.yaml", "einsum: LM", "einsum: LX", 2, "LX"),
        (f"{FUSEMAX}/attention_1pass.yaml", "P1: max_fit(GLB)", "P1: 9**9**9", 2, ""),
        (f"{FUSEMAX}/attention_1pass.yaml", "P1: max_fit(GLB)", "P1: __import__('os')", 2, ""),
        (f"{FUSEMAX}/attention_1pass.yaml", "einsum: QK, unit: PE2D, space: {rows: m0, cols: p0}",
         "einsum: QK, unit: PE1D, space: {lanes: p0}", 2, ""),
        (f"{FUSEMAX}/attention_1pass.yaml", "unit: PE2D, space: {rows: m0, cols: p0}, time: [e]}",
         "unit: PE2D, space: {rows: m0, cols: p0}, time: [e], after: {AV: 0}}", 1, ""),
        (f"{FUSEMAX}/design.yaml", "cascade: attention_1pass", "cascade: atention", 2,
         "did you mean 'attention'"),
        (f"{FUSEMAX}/design.yaml", "arch: fusemax", "arch: fusemaxx", 2, "did you mean 'fusemax'?"),
        (f"{FUSEMAX}/design.yaml", "P > 1024", "P >> ", 2, "when"),
        (f"{FUSEMAX}/design.yaml", "name: fusemax", "name: [", 2, ""),
        (f"{FUSEMAX}/design.yaml", "use: attention_1pass,", "use: attention_2pass,", 0, ""),
        ("einsum_cascades/matmul.yaml", "cascade: |", "cascade: |\n  ]", 2, ""),
        ("einsum_cascades/attention_1pass.yaml", "m1.m0: 1", "m1.m0: 2", 2,
         "passes.m1.m0 must be 1, as counted, not 2"),
        ("einsum_cascades/attention_3pass.yaml", ":: max(m)", ":: mx(m)", 2, ""),
        ("einsum_cascades/attention_3pass.yaml", "GM[p]", "GM[q]", 2, ""),
        ("einsum_cascades/workloads/bert.yaml", "cascade: matmul", "cascade: matmil", 2,
         "did you mean 'matmul'?"),
        ("einsum_cascades/workloads/bert.yaml", "B: 64", "B: 0", 2, "ranks.B must be above 0"),
        ("einsum_cascades/workloads/bert.yaml", "B*P", "B*P/0", 2, ""),
        ("einsum_cascades/workloads/bert.yaml", "J: H*E", "JJ: H*E", 2,
         "JJ must be a size or a parameter of matmul; did you mean 'J'?"),
        ("einsum_cascades/workloads/bert.yaml", ", J: H*E", "", 2,
         "matmul: the size 'J' must be given"),
        ("arch_specs/costs/fusemax_45nm.yaml", "energy_pj: 31.2", "energy_pj: 1 +", 2, ""),
        ("arch_specs/studies/main.yaml", "baseline: flat", "baseline: flt", 2,
         "baseline must be one of the designs, not 'flt'; did you mean 'flat'?"),
        ("arch_specs/studies/main.yaml", "1K, 4K", "1K, 4KB", 2, "lengths"),
        ("arch_specs/published/fusemax.yaml", "column: latency_s", "column: latency", 2,
         "unknown column 'latency'"),
    ],
)  # fmt: skip
def test_check_says_what_is_wrong(cli, tmp_path, file, old, new, code, message):
    target = spoilt(tmp_path, file, old, new)
    found, _, err = cli("check", target)
    assert found == code, err
    assert message in err
    if code == 2:
        assert err.startswith(f"{target}:"), err


def test_check_says_all_faults_of_all_files(cli, tmp_path):
    one = spoilt(tmp_path, f"{FUSEMAX}/arch.yaml", "clock: 940 MHz", "clock: x\nclok: y")
    two = tmp_path / "workload.yaml"
    two.write_text("name: x\nsource: y\nranks: {B: -1, H: none}\nstages: {}\n")
    code, _, err = cli("check", one, two)
    assert code == 2
    lines = err.splitlines()
    assert len([line for line in lines if line.startswith(f"{one}:")]) == 2
    assert len([line for line in lines if line.startswith(f"{two}:3:")]) == 2


def test_check_of_a_file_of_no_kind(cli, tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text("a: 1\n")
    code, _, err = cli("check", file)
    assert code == 2
    assert err.startswith(f"{file}:1:1: file must be a spec of one of the kinds arch, cascade")


def test_what_does_not_fit_has_code_1(cli):
    code, out, err = cli("run", "fusemax", "--arch-set", "GLB.size=16 KiB")
    assert (code, out) == (1, "")
    assert "GLB" in err


def test_compare_names_the_point_that_cannot_run(cli, tmp_path):
    small = ("--arch-set", "GLB.size=16 KiB")
    code, _, err = cli("compare", "fusemax", "--seq", "1K", *small, "-o", tmp_path)
    assert code == 1
    assert err.startswith("accelsim: fusemax, bert at 1K: ")
    assert not list(tmp_path.iterdir())


def test_an_unwritable_folder_is_refused_before_the_work(cli, tmp_path, monkeypatch):
    from accelsim.job import Job

    def never(*_, **__):
        raise AssertionError("the computation began")

    monkeypatch.setattr(Job, "report", never)
    file = tmp_path / "file"
    file.write_text("x")
    for command in (["compare", "fusemax"], ["run", "fusemax"], ["reproduce", "fusemax"]):
        assert cli(*command, "-o", file / "x")[0] == 2


def test_an_interrupt_is_130_without_a_word(cli, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("accelsim.cli.listing.listing", interrupt)
    assert cli("list") == (130, "", "")


def test_a_fault_of_its_own_is_70(cli, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("accelsim.cli.listing.listing", broken)
    code, _, err = cli("list")
    assert code == 70
    assert err == "accelsim: oh\naccelsim: this is a fault of accelsim itself (ZeroDivisionError)\n"
    assert commands.app is not None
    assert run(["--version"]) == 0


def test_nothing_is_half_written(tmp_path, monkeypatch):
    from accelsim.cli.output import whole

    file = tmp_path / "x.json"
    file.write_text("before")
    with pytest.raises(RuntimeError), whole(file) as draft:  # noqa: PT012
        draft.write_text("half")
        raise RuntimeError
    assert file.read_text() == "before"
    assert [f.name for f in tmp_path.iterdir()] == ["x.json"]
