"""Files that are edited while a study runs: no result stands under the key of other contents."""

import shutil
from pathlib import Path

import pytest

import accelsim as acs
from accelsim.explore import Exploration, Session, Workers
from accelsim.explore.evaluate import evaluate
from accelsim.explore.store import StoreError, open_store
from accelsim.specs import find


def slower(settings):
    """Simulate a point; the last of them finds the machine at half its clock."""
    path = Path(settings["arch"])
    if settings["arch.PE2D.rows"] == 64:
        path.write_text(path.read_text().replace("clock: 1 GHz", "clock: 500 MHz"))
    return evaluate(settings)


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "machine"
    shutil.copytree(find.path("arch", "fusemax").parent, folder)
    path = folder / "arch.yaml"
    path.write_text(path.read_text().replace("clock: 940 MHz", "clock: 1 GHz"))
    assert "clock: 1 GHz" in path.read_text()
    return path


@pytest.fixture
def study(path):
    return Exploration.of(
        {
            "name": "x",
            "cascade": "attention_1pass",
            "arch": str(path),
            "workload": "bert",
            "seq": 256,
            "vary": {"side": [16, 32, 64]},
            "set": {"arch.PE2D.rows": "side"},
            "objectives": {"seconds": "min"},
        }
    )


def test_a_study_takes_its_files_as_they_were(study, path, tmp_path):
    with open_store(tmp_path / "s.sqlite") as store:
        results = Session(
            exploration=study, store=store, workers=Workers(simulate=slower)
        ).results()
    path.write_text(path.read_text().replace("clock: 500 MHz", "clock: 1 GHz"))
    with open_store(tmp_path / "s.sqlite") as store:
        again = Session(exploration=study, store=store, workers=Workers()).results()
        assert [r.key for r in again.rows] == [r.key for r in results.rows]
    fresh = acs.simulate(
        cascade="attention_1pass",
        arch=str(path),
        workload="bert",
        seq=256,
        arch_set={"PE2D.rows": 64},
    )
    assert results.rows[-1].figures["seconds"] == pytest.approx(float(fresh.seconds))


def test_a_study_loaded_before_an_edit_takes_the_files_as_they_are(study, path):
    first = Session(exploration=study, store=None, workers=Workers()).results()
    path.write_text(path.read_text().replace("clock: 1 GHz", "clock: 500 MHz"))
    second = Session(exploration=study, store=None, workers=Workers()).results()
    assert not {r.key for r in first.rows} & {r.key for r in second.rows}
    for old, new in zip(first.rows, second.rows, strict=True):
        assert new.figures["seconds"] > old.figures["seconds"]


def test_workers_that_met_other_files_stop_the_study(study, tmp_path):
    with open_store(tmp_path / "s.sqlite") as store:
        session = Session(exploration=study, store=store, workers=Workers(jobs=2, simulate=slower))
        with pytest.raises(StoreError, match=r"the files of .* have changed since the study began"):
            session.results()
        kept = store.load([key for _, key in session.points.values()])
    for key, outcome in kept.items():
        rows = next(p for p, k in session.points.values() if k == key).settings["arch.PE2D.rows"]
        assert rows != 64
        assert outcome.report["seconds"] > 0
