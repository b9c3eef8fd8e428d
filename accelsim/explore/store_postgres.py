"""The store in a PostgreSQL database: the same rows as in SQLite, an advisory lock for the one writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from accelsim.errors import SpecError
from accelsim.explore.evaluate import Outcome
from accelsim.explore.store import LAYOUT, Run, StoreError, read_row, written

_LOCK = 0x61635331  # of our tables: pg_try_advisory_lock
_PATIENCE = 10  # seconds for a connection
_TABLES = (
    "CREATE TABLE IF NOT EXISTS accelsim_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS accelsim_results (key TEXT PRIMARY KEY, status TEXT NOT NULL,"
    " reason TEXT NOT NULL, report TEXT, cpu_seconds DOUBLE PRECISION NOT NULL)",
    "CREATE TABLE IF NOT EXISTS accelsim_runs (study TEXT PRIMARY KEY, total INTEGER NOT NULL,"
    " finished BOOLEAN NOT NULL)",
)
_Found = TypeVar("_Found")


class PostgresStore:
    """Results in the tables ``accelsim_*`` of a database; a second writer is refused."""

    def __init__(self, where: str, connection: Any) -> None:
        self.where = where
        self._connection = connection

    @classmethod
    def open(cls, url: str, *, writing: bool) -> PostgresStore:
        """Connect; StoreError if the server cannot be reached or another process writes."""
        try:
            import psycopg
        except ImportError:
            raise SpecError(
                "store postgresql:// must have psycopg: pip install 'accelsim[postgres]'"
            ) from None
        where = _without_password(url)
        try:
            connection = psycopg.connect(
                url, autocommit=True, connect_timeout=_PATIENCE, client_encoding="utf8"
            )
        except psycopg.Error as error:
            raise StoreError(f"{where} cannot be reached: {_said(error)}") from None
        store = cls(where, connection)
        try:
            if writing:
                store._guarded("written", store._prepare)
            store._guarded("read", store._check)
        except BaseException:
            connection.close()
            raise
        return store

    def load(self, keys: Iterable[str]) -> dict[str, Outcome]:
        wanted = list(keys)

        def ask() -> dict[str, Outcome]:
            rows = self._connection.execute(
                "SELECT key, status, reason, report, cpu_seconds FROM accelsim_results"
                " WHERE key = ANY(%s)",
                (wanted,),
            )
            return {row[0]: read_row(*row[1:]) for row in rows}

        return self._guarded("read", ask) if wanted else {}

    def save(self, results: Mapping[str, Outcome]) -> None:
        rows = [(key, *written(outcome)) for key, outcome in results.items()]

        def put() -> None:
            with self._connection.transaction(), self._connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO accelsim_results VALUES (%s, %s, %s, %s, %s)"
                    " ON CONFLICT (key) DO NOTHING",
                    rows,
                )

        self._guarded("written", put)

    def run(self, study: str) -> Run | None:
        def ask() -> Run | None:
            row = self._connection.execute(
                "SELECT total, finished FROM accelsim_runs WHERE study = %s", (study,)
            ).fetchone()
            return None if row is None else Run(total=row[0], finished=row[1])

        return self._guarded("read", ask)

    def note(self, study: str, run: Run) -> None:
        def put() -> None:
            self._connection.execute(
                "INSERT INTO accelsim_runs VALUES (%s, %s, %s) ON CONFLICT (study)"
                " DO UPDATE SET total = EXCLUDED.total, finished = EXCLUDED.finished",
                (study, run.total, run.finished),
            )

        self._guarded("written", put)

    def count(self) -> int:
        def ask() -> int:
            row = self._connection.execute("SELECT count(*) FROM accelsim_results").fetchone()
            return int(row[0])

        return self._guarded("read", ask)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> PostgresStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare(self) -> None:
        """Take the lock, which the server frees when the connection ends, and make the tables."""
        free = self._connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()[0]
        if not free:
            raise StoreError(
                f"{self.where} is in use by another process: wait for its end, or give another --store"
            )
        with self._connection.transaction():
            self._connection.execute("SET LOCAL client_min_messages = warning")
            for statement in _TABLES:
                self._connection.execute(statement)
            self._connection.execute(
                "INSERT INTO accelsim_meta VALUES ('layout', %s) ON CONFLICT DO NOTHING", (LAYOUT,)
            )

    def _check(self) -> None:
        layout = self._connection.execute(
            "SELECT value FROM accelsim_meta WHERE name = 'layout'"
        ).fetchone()
        if layout is None or layout[0] != LAYOUT:
            raise SpecError(
                f"{self.where} must have tables of layout {LAYOUT}, not"
                f" {layout[0] if layout else 'none'}: another version of accelsim made them"
            )

    def _guarded(self, what: str, action: Callable[[], _Found]) -> _Found:
        import psycopg

        try:
            return action()
        except psycopg.OperationalError as error:
            raise StoreError(
                f"{self.where} cannot be {what}: {_said(error)}; what it holds is kept: --resume goes on"
            ) from None
        except psycopg.Error as error:
            raise StoreError(f"{self.where} cannot be {what}: {_said(error)}") from None


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _without_password(url: str) -> str:
    """Return the URL as it may be shown."""
    try:
        parts = urlsplit(url)
        if parts.password is None:
            return url
        user = f"{parts.username}@" if parts.username else ""
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{user}{host}"))
    except ValueError:
        return "postgresql://..."
