"""The store in one SQLite file: write-ahead log, a commit per batch, a lock for the one writer."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from accelsim.errors import SpecError
from accelsim.explore.evaluate import Outcome
from accelsim.explore.store import LAYOUT, Run, StoreError, read_row, written

_ID = 0x61635331  # of our files: PRAGMA application_id
_PATIENCE = 10.0  # seconds for another's write to end
_SOME = 500  # keys in one question
_TABLES = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS results (
  key TEXT PRIMARY KEY, status TEXT NOT NULL, reason TEXT NOT NULL, report TEXT,
  cpu_seconds REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
  study TEXT PRIMARY KEY, total INTEGER NOT NULL, finished INTEGER NOT NULL
);
"""
_Found = TypeVar("_Found")


class SqliteStore:
    """Results in a file. Others may read it meanwhile; a second writer is refused."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: int | None) -> None:
        self.where = str(path)
        self._connection = connection
        self._lock = lock

    @classmethod
    def open(cls, path: Path, *, writing: bool) -> SqliteStore:
        """Open or make the file; StoreError if it is in use, damaged, or something else."""
        if path.is_dir():
            raise SpecError(f"store must be a file, not the folder {path}")
        lock = _locked(path) if writing else None
        try:
            store = cls(path, _connect(path, writing=writing), lock)
            store._guarded("read", store._prepare if writing else store._check)
        except BaseException:
            _release(lock)
            raise
        return store

    def load(self, keys: Iterable[str]) -> dict[str, Outcome]:
        wanted = list(keys)

        def ask() -> dict[str, Outcome]:
            found = {}
            for start in range(0, len(wanted), _SOME):
                part = wanted[start : start + _SOME]
                marks = ",".join("?" * len(part))
                rows = self._connection.execute(
                    f"SELECT key, status, reason, report, cpu_seconds FROM results"
                    f" WHERE key IN ({marks})",
                    part,
                )
                found.update({row[0]: read_row(*row[1:]) for row in rows})
            return found

        return self._guarded("read", ask)

    def save(self, results: Mapping[str, Outcome]) -> None:
        rows = [(key, *written(outcome)) for key, outcome in results.items()]

        def put() -> None:
            with self._transaction():
                self._connection.executemany(
                    "INSERT OR IGNORE INTO results VALUES (?, ?, ?, ?, ?)", rows
                )

        self._guarded("written", put)

    def run(self, study: str) -> Run | None:
        def ask() -> Run | None:
            row = self._connection.execute(
                "SELECT total, finished FROM runs WHERE study = ?", (study,)
            ).fetchone()
            return None if row is None else Run(total=row[0], finished=bool(row[1]))

        return self._guarded("read", ask)

    def note(self, study: str, run: Run) -> None:
        def put() -> None:
            with self._transaction():
                self._connection.execute(
                    "INSERT OR REPLACE INTO runs VALUES (?, ?, ?)",
                    (study, run.total, int(run.finished)),
                )

        self._guarded("written", put)

    def count(self) -> int:
        def ask() -> int:
            found = self._connection.execute("SELECT count(*) FROM results").fetchone()[0]
            return int(found)

        return self._guarded("read", ask)

    def close(self) -> None:
        with suppress(sqlite3.Error):  # what could not be written was said when it was written
            self._connection.close()
        _release(self._lock)
        self._lock = None

    def __enter__(self) -> SqliteStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare(self) -> None:
        """Make the tables of a new file; of one that is there, see that it is ours and whole."""
        fresh = not self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not fresh:
            self._check()
        self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if fresh:
            with self._transaction():
                self._connection.execute(f"PRAGMA application_id = {_ID}")
                for statement in _TABLES.split(";"):
                    self._connection.execute(statement)
                self._connection.execute("INSERT INTO meta VALUES ('layout', ?)", (LAYOUT,))

    def _check(self) -> None:
        if self._connection.execute("PRAGMA application_id").fetchone()[0] != _ID:
            raise SpecError(
                f"store must be a file of accelsim explore, not the database {self.where}"
            )
        layout = self._connection.execute("SELECT value FROM meta WHERE name = 'layout'").fetchone()
        if layout is None or layout[0] != LAYOUT:
            raise SpecError(
                f"{self.where} must have tables of layout {LAYOUT}, not"
                f" {layout[0] if layout else 'none'}: another version of accelsim made it"
            )
        found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"malformed: {found.splitlines()[-1]}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _guarded(self, what: str, action: Callable[[], _Found]) -> _Found:
        try:
            return action()
        except sqlite3.Error as error:
            raise StoreError(_sentence(self.where, what, error)) from None


def _connect(path: Path, *, writing: bool) -> sqlite3.Connection:
    try:
        if not writing:
            return sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE,
                isolation_level=None,
            )  # fmt: skip
        return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
    except sqlite3.Error as error:
        raise SpecError(f"{path} cannot be opened: {error}") from None


def _sentence(where: str, what: str, error: sqlite3.Error) -> str:
    said = str(error)
    if "not a database" in said or "malformed" in said or "corrupt" in said:
        return (
            f"{where} is damaged or no store ({said}); nothing in it was changed: give another --store,"
            f" or save what is left with sqlite3 {where} .recover"
        )
    if "locked" in said or "busy" in said:
        return (
            f"{where} cannot be {what}: another process has locked it ({said}); what it holds is kept:"
            " end that process, then --resume"
        )
    if "full" in said or "disk I/O" in said:
        return f"{where} cannot be {what}: {said}; what it holds is kept: make room, then --resume"
    return f"{where} cannot be {what}: {said}"


def _locked(path: Path) -> int | None:
    """Take the lock beside the file, which the system frees when this process ends in whatever way."""
    try:
        import fcntl
    except ImportError:  # not on Windows: there SQLite's own locks have to do
        return None
    name = path.with_name(f"{path.name}.lock")
    try:
        handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SpecError(f"store {path} cannot be written: {reason}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        owner = os.read(handle, 32).decode("ascii", "replace").strip()
        os.close(handle)
        raise StoreError(
            f"{path} is in use by process {owner or '?'}: wait for its end, or give another --store"
        ) from None
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    except OSError:
        pass  # a full disk: the lock holds without the name of its owner
    return handle


def _release(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)
