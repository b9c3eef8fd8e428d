"""Problems of other tools: the cascade says the same in values, counts and sizes; faults have places."""

import numpy as np
import pytest

from accelsim import Cascade
from accelsim.cli.main import run as command
from accelsim.errors import SpecError
from accelsim.interchange import read_accelforge, read_timeloop
from accelsim.mapping import Workload

CONV = """\
problem:
  version: 0.4
  shape:
    name: conv
    dimensions: [C, M, R, P]
    coefficients: [{name: Stride, default: 1}, {name: Dilation, default: 1}]
    data_spaces:
      - {name: Weights, projection: [[[C]], [[M]], [[R]]]}
      - {name: Inputs, projection: [[[C]], [[R, Dilation], [P, Stride]]]}
      - {name: Outputs, projection: [[[M]], [[P]]], read_write: true}
  instance: {C: 3, M: 4, R: 3, P: 5, Stride: 2}
"""
OLD = """\
problem:
  shape:
    name: GEMM
    dimensions: [M, N, K]
    data-spaces:
      - {name: A, projection: [[[M]], [[K]]]}
      - {name: B, projection: [[[N]], [[K]]]}
      - {name: Z, projection: [[[M]], [[N]]], read-write: True}
  M: 6
  N: 5
  K: 4
"""
ATTENTION = """\
workload:
  rank_sizes: {B: 2, M: 6, P: 6, H: 3, E: 4}
  einsums:
  - QK[b, m, p, h] = Q(input)[b, m, h, e] * K(weight)[b, M=p, h, e]
  - QK_softmax[b, m, p, h] = QK(input)[b, m, p, h]
  - name: AV
    tensor_accesses:
    - {name: QK_softmax, projection: [b, m, p, h]}
    - {name: V, projection: {B: b, M: p, H: h, E: f}}
    - {name: AV, projection: [b, m, h, f], output: True}
    iteration_space_shape: ["0 <= f < 5"]
"""
DEPTHWISE = """\
workload:
  iteration_space_shape: {p: 0 <= p < 6, r: 0 <= r < 3, t: 0 <= t < 2, q: 0 <= q < 8, n: 0 <= n < 4}
  einsums:
  - name: A
    tensor_accesses:
    - {name: X, projection: [q, n]}
    - {name: W, projection: [n, t]}
    - {name: TA, projection: [q, t], output: true}
  - name: D
    tensor_accesses:
    - {name: TA, projection: {Q: p + r, T: t}}
    - {name: WD, projection: [r, t]}
    - {name: TB, projection: [p, t], output: true}
"""


def file(tmp_path, text, name="x.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def cascade_of(found, tmp_path):
    return Cascade.load(str(file(tmp_path, found.cascade(), f"{found.name}.cascade.yaml")))


def test_a_strided_convolution(tmp_path):
    found = read_timeloop(file(tmp_path, CONV))
    cascade = cascade_of(found, tmp_path)
    rng = np.random.default_rng(1)
    w, x = rng.normal(size=(3, 4, 3)), rng.normal(size=(3, 11))
    out = cascade.evaluate({"Weights": w, "Inputs": x})["Outputs"]
    rows = np.stack([x[:, 2 * p : 2 * p + 3] for p in range(5)])
    assert out == pytest.approx(np.einsum("cmr,pcr->mp", w, rows))
    assert cascade.count(C=3, M=4, R=3, Inputs_1=11)["mul"] == 3 * 4 * 3 * 5
    load = Workload.load(str(file(tmp_path, found.workload("conv"), "w.yaml")))
    assert load.stage("conv").ranks == {"C": 3, "M": 4, "R": 3, "Inputs_1": 11}


def test_a_product_of_an_old_version(tmp_path):
    found = read_timeloop(file(tmp_path, OLD))
    assert "Z[m,n] = A[m,k] * B[n,k] :: +(k)" in found.cascade()
    a, b = np.arange(24.0).reshape(6, 4), np.arange(20.0).reshape(5, 4)
    out = cascade_of(found, tmp_path).evaluate({"A": a, "B": b})["Z"]
    assert out == pytest.approx(a @ b.T)


@pytest.mark.parametrize("unary", ["", "exp"])
def test_attention_with_an_operation_for_the_softmax(tmp_path, unary):
    found = read_accelforge(file(tmp_path, ATTENTION), unary=unary)
    rng = np.random.default_rng(2)
    q, k, v = (
        rng.normal(size=(2, 6, 3, 4)),
        rng.normal(size=(2, 6, 3, 4)),
        rng.normal(size=(2, 6, 3, 5)),
    )
    scores = np.einsum("bmhe,bphe->bmph", q, k)
    scores = np.exp(scores) if unary else scores
    out = cascade_of(found, tmp_path).evaluate({"Q": q, "K": k, "V": v})["AV"]
    assert out == pytest.approx(np.einsum("bmph,bphf->bmhf", scores, v))
    assert bool(found.notes) == (not unary)


def test_an_intermediate_is_read_in_windows(tmp_path):
    found = read_accelforge(file(tmp_path, DEPTHWISE))
    rng = np.random.default_rng(3)
    x, w, d = rng.normal(size=(8, 4)), rng.normal(size=(4, 2)), rng.normal(size=(3, 2))
    made = x @ w
    rows = np.stack([made[p : p + 3] for p in range(6)])
    out = cascade_of(found, tmp_path).evaluate({"X": x, "W": w, "WD": d})["TB"]
    assert out == pytest.approx(np.einsum("prt,rt->pt", rows, d))


def change(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a: 1\n", "1:1", "must be a Timeloop problem"),
        (change(CONV, "[[[M]], [[P]]]", "[[[M]], [[PP]]]"), "10:46", "not 'PP'; did you mean 'P'?"),
        (change(CONV, "M: 4, ", ""), "11:13", "must have a size for dimension 'M'"),
        (change(CONV, "M: 4", "M: 0"), "11:23", "M must be a whole number of at least 1, not 0"),
        (change(CONV, ", read_write: true", ""), "4:5", "one data space must be read_write"),
        (change(CONV, "[C, M, R, P]", "[C, M, m, P]"), "5:17", "dimensions must differ in more than case"),
        (change(CONV, "projection: [[[C]], [[M]], [[R]]]", "x: 1"), "8:9", "must have a projection"),
        (change(OLD, "M: 6", "M: many"), "9:6", "M must be a whole number of at least 1, not 'many'"),
        ("problem: {shape: cnn-layer, C: 3}\n", "1:18", "shape must be stated in the file"),
    ],
)  # fmt: skip
def test_faults_of_timeloop_problems(tmp_path, text, place, said):
    with pytest.raises(SpecError) as error:
        read_timeloop(file(tmp_path, text))
    assert f"x.yaml:{place}: " in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("workload: {}\n", "1:1", "must be an AccelForge workload"),
        ("workload:\n  rank_sizes:\n    B: {{N}}\n", "3:1", "not a Jinja template: render it first"),
        (change(ATTENTION, "E: 4", "D: 4"), "4:5", "variable 'e' must have a size: a rank E or a shape"),
        (change(ATTENTION, "0 <= f < 5", "1 <= f < 5"), "11:29", "shape must be '0 <= VARIABLE < SIZE'"),
        (change(ATTENTION, ", output: True", ""), "6:5", "must have inputs and one output, not 0"),
        (change(ATTENTION, "E: f", "E: f - 1"), "9:29", "must be a sum of variables, not 'f - 1'"),
        (change(ATTENTION, "QK(input)[b, m, p, h]\n", "softmax(QK)\n"), "5:5", "must be a tensor with"),
        (change(ATTENTION, "{name: AV, p", "{name: QK, p"), "4:3", "QK must be made by one Einsum"),
        (change(DEPTHWISE, "[p, t], output", "[p + r, t], output"), "4:3", "be written at single variables"),
        (change(ATTENTION, "H: 3", "H: -3"), "2:37", "H must be a whole number of at least 1, not -3"),
    ],
)  # fmt: skip
def test_faults_of_accelforge_workloads(tmp_path, text, place, said):
    with pytest.raises(SpecError) as error:
        read_accelforge(file(tmp_path, text))
    assert f"x.yaml:{place}: " in str(error.value), str(error.value)
    assert said in str(error.value)


def test_the_command_writes_what_runs(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file(tmp_path, CONV)
    code, out, err = cli("import", "problem", "x.yaml", "-o", "made")
    assert (code, err) == (0, "")
    assert command(["check", "made/conv.yaml", "made/conv.workload.yaml"]) == 0
    last = out.splitlines()[-1].replace("ARCH", "fusemax").split()
    assert last[:2] == ["accelsim", "run"]
    code, said, _ = cli(*last[1:], "--json")
    assert code == 0
    assert '"mac": 180' in said
    code, _, err = cli("import", "problem", "x.yaml", "--unary", "expp")
    assert (code, "did you mean 'exp'?" in err) == (2, True)
    assert cli("import", "problem", "nowhere.yaml")[0] == 2
