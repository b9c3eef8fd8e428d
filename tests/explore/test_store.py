"""The store: what both kinds promise, and what is said when the disk is full or the file is not ours."""

import sqlite3
import subprocess
import sys

import pytest

from accelsim.explore import StoreError, open_store
from accelsim.explore.evaluate import Outcome
from accelsim.explore.store import Run
from tests.explore import postgres


@pytest.fixture(scope="module")
def server():
    if postgres.programs() is None:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    with postgres.server() as url:
        yield url


@pytest.fixture
def database(server):
    """Return the URL of an empty database."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        for table in ("meta", "results", "runs"):
            connection.execute(f"DROP TABLE IF EXISTS accelsim_{table}")
    return server


@pytest.fixture(params=["sqlite", "postgres"])
def where(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "store.sqlite")
    return request.getfixturevalue("database")


def outcome(cycles, status="done"):
    report = {"cycles": cycles, "seconds": cycles / 3, "unit": {"PE2D": 0.1}, "name": "µ ∑"}
    return Outcome(status=status, report=report, reason="", cpu_seconds=0.25)


def test_keeps_what_it_is_given(where):
    found = {f"{i:064x}": outcome(i) for i in range(1200)}
    found["f" * 64] = Outcome(status="infeasible", reason="does not fit: 'x' > \"y\"")
    with open_store(where) as store:
        store.save(found)
        store.note("study", Run(total=1201, finished=False))
    with open_store(where) as store:
        assert store.load([*found, "0" * 63 + "x"]) == found
        assert store.count() == 1201
        assert store.run("study") == Run(total=1201, finished=False)
        assert store.run("another") is None
        store.note("study", Run(total=1201, finished=True))
        assert store.run("study") == Run(total=1201, finished=True)


def test_the_first_result_of_a_key_stays(where):
    with open_store(where) as store:
        store.save({"a" * 64: outcome(1)})
        store.save({"a" * 64: outcome(2), "b" * 64: outcome(3)})
        assert store.load(["a" * 64, "b" * 64]) == {"a" * 64: outcome(1), "b" * 64: outcome(3)}


def test_has_one_writer(where):
    with open_store(where) as store:
        store.save({"a" * 64: outcome(1)})
        with pytest.raises(StoreError, match=r"is in use by .*process.*: wait for its end"):
            open_store(where)
        with open_store(where, writing=False) as reader:
            assert reader.count() == 1
    open_store(where).close()


def test_a_store_of_another_layout_is_refused(where):
    open_store(where).close()
    if where.startswith("postgresql"):
        import psycopg

        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute("UPDATE accelsim_meta SET value = '9'")
    else:
        connection = sqlite3.connect(where)
        connection.execute("UPDATE meta SET value = '9'")
        connection.commit()
        connection.close()
    with pytest.raises(Exception, match="must have tables of layout 1, not 9"):
        open_store(where)


STUDY = """name: x
design: fusemax_micro24
vary: {seq: [64, 128, 192]}
"""


@pytest.mark.ci
def test_a_study_in_postgres_is_that_in_sqlite(database, cli, tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text(STUDY)
    for name, store in (("a", tmp_path / "s.sqlite"), ("b", database)):
        code, out, err = cli("explore", file, "-o", tmp_path / name, "--store", store)
        assert (code, err) == (0, "")
        assert "3 of 3 points simulated" in out
    again = cli("explore", file, "-o", tmp_path / "c", "--store", database, "--resume")[1]
    assert "0 of 3 points simulated" in again
    tables = [(tmp_path / n / "results.json").read_bytes() for n in "abc"]
    assert tables[0] == tables[1] == tables[2]


def test_a_server_that_is_not_there_has_a_sentence(cli, tmp_path):
    file = tmp_path / "x.yaml"
    file.write_text(STUDY)
    url = f"postgresql://me:secret@/none?host={tmp_path}"
    code, out, err = cli("explore", file, "-o", tmp_path / "out", "--store", url)
    assert (code, out) == (1, "")
    assert err.startswith(f"accelsim: postgresql://me@/none?host={tmp_path} cannot be reached: ")
    assert "secret" not in err


def test_a_file_that_is_no_store_is_left_alone(cli, tmp_path):
    study, store = tmp_path / "x.yaml", tmp_path / "s.sqlite"
    study.write_text(STUDY)
    connection = sqlite3.connect(store)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    for content, said in (
        (b"no database at all" * 100, f"{store} is damaged or no store (file is not a database)"),
        (store.read_bytes(), f"store must be a file of accelsim explore, not the database {store}"),
    ):
        store.write_bytes(content)
        code, out, err = cli("explore", study, "-o", tmp_path / "out", "--store", store)
        assert out == ""
        assert code in {1, 2}
        assert err.startswith(f"accelsim: {said}")
        assert store.read_bytes() == content
    code, _, err = cli("explore", study, "-o", tmp_path / "out", "--store", "mysql://x/y")
    assert (code, err) == (
        2,
        "accelsim: store must be a file or postgresql://..., not mysql://...\n",
    )
    code, _, err = cli("explore", study, "-o", tmp_path / "out", "--store", tmp_path)
    assert (code, err) == (2, f"accelsim: store must be a file, not the folder {tmp_path}\n")


def test_a_damaged_store_is_told_from_a_whole_one(tmp_path):
    store = tmp_path / "s.sqlite"
    with open_store(store) as kept:
        kept.save({f"{i:064x}": outcome(i) for i in range(500)})
    content = bytearray(store.read_bytes())
    content[20_000:30_000] = b"\xff" * 10_000
    store.write_bytes(content)
    with pytest.raises(StoreError, match=r"s\.sqlite is damaged or no store .* nothing in it was"):
        open_store(store)
    assert store.read_bytes() == content


def test_a_store_that_another_program_holds_has_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("accelsim.explore.store_sqlite._PATIENCE", 0.1)
    path = tmp_path / "s.sqlite"
    with open_store(path) as store:
        store.save({"a" * 64: outcome(1)})
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="cannot be written: another process has locked it"):
            store.save({"b" * 64: outcome(2)})
        other.execute("ROLLBACK")
        other.close()
        store.save({"b" * 64: outcome(2)})
        assert store.count() == 2


FULL = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
from accelsim.explore import open_store
from accelsim.explore.evaluate import Outcome
store = open_store(sys.argv[1])
for i in range(1000):
    store.save({f"{i:064x}": Outcome(status="done", report={"cycles": i, "text": "x" * 4000})})
    print(i, flush=True)
"""


def test_a_full_disk_has_a_sentence_and_leaves_the_data(tmp_path):
    path = tmp_path / "s.sqlite"
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False
    )
    assert f"StoreError: {path} cannot be written: " in run.stderr
    assert "what it holds is kept: make room, then --resume" in run.stderr
    saved = [int(line) for line in run.stdout.split()]
    assert saved
    assert saved[-1] < 900
    with open_store(path) as store:
        assert store.count() == len(saved)
        found = store.load(f"{i:064x}" for i in saved)
        assert [found[f"{i:064x}"].report["cycles"] for i in saved] == saved
        store.save({"f" * 64: outcome(1)})
