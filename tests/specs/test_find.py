import pytest

from accelsim.errors import SpecError
from accelsim.specs import KINDS, find, names, path


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    for name in [
        "einsum_cascades/attention_1pass.yaml",
        "einsum_cascades/workloads/bert.yaml",
        "einsum_cascades/schedules/gpt2.yaml",
        "einsum_cascades/tensors/some.npz",
        "arch_specs/fusemax/arch.yaml",
        "arch_specs/fusemax/design.yaml",
        "arch_specs/fusemax/attention_1pass.yaml",
        "arch_specs/fusemax/pipeline.fast.yaml",
        "arch_specs/costs/fusemax_45nm.yaml",
        "arch_specs/expansions/standard.yaml",
        "arch_specs/published/fusemax.yaml",
    ]:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("name: x\n")
    monkeypatch.setattr(find, "folder", lambda package: tmp_path / package)
    find._shipped.cache_clear()
    yield tmp_path
    find._shipped.cache_clear()


def test_names_every_kind(shipped):
    assert {kind: names(kind) for kind in KINDS} == {
        "cascade": ["attention_1pass"],
        "workload": ["bert"],
        "schedule": ["gpt2"],
        "tensors": ["some"],
        "arch": ["fusemax"],
        "design": ["fusemax"],
        "costs": ["fusemax_45nm"],
        "expansions": ["standard"],
        "mapping": ["fusemax/attention_1pass"],
        "pipeline": ["fusemax/pipeline.fast"],
    }


def test_finds_names_and_paths(shipped):
    assert path("arch", "fusemax") == shipped / "arch_specs/fusemax/arch.yaml"
    assert path("mapping", "fusemax/attention_1pass").name == "attention_1pass.yaml"
    own = shipped / "own.yaml"
    own.write_text("name: own\n")
    assert path("cascade", own) == own
    assert path("design", shipped / "arch_specs" / "fusemax").name == "design.yaml"


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("cascade", "attention_1pas", "unknown cascade 'attention_1pas'; did you mean"),
        ("arch", "zzz", "unknown arch 'zzz'; known: fusemax"),
        ("arch", "..", "unknown arch '..'; known: fusemax"),
        ("arch", "", "unknown arch ''; known: fusemax"),
        ("arch", "no/such.yaml", "arch must be a name or a file, not 'no/such.yaml'"),
        ("arch", "a/\0", "arch must be a name or a file, not 'a/\\x00'"),
        ("arch", "~nobody_at_all/x.yaml", "arch must be a name or a file"),
        ("mapping", "fusemax/attention_1pas", "did you mean 'fusemax/attention_1pass'?"),
        ("arch", "/" * 10_000, "arch must be a name or a file"),
    ],
)
def test_names_the_nearest_when_there_is_none(shipped, kind, name, message):
    with pytest.raises(SpecError) as caught:
        path(kind, name)
    assert message in str(caught.value)


def test_refuses_an_unknown_kind():
    with pytest.raises(ValueError, match="kind must be one of cascade, workload"):
        names("casade")


@pytest.mark.parametrize("package", ["einsum_cascades", "arch_specs"])
def test_finds_the_shipped_folders(package):
    assert find.folder(package).is_dir()
