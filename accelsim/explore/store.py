"""Where results are kept: SQLite or PostgreSQL, by key; only one process writes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

from accelsim.errors import AccelsimError, SpecError
from accelsim.explore.evaluate import Outcome

POSTGRES = ("postgresql://", "postgres://")
LAYOUT = "1"  # of the tables


class StoreError(AccelsimError):
    """A store that cannot be used any more: full, locked, damaged, gone. What it holds stays."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a store remembers of a run of a study: how many points it has and whether it came to an end."""

    total: int
    finished: bool


class Store(Protocol):
    """Results by key. ``where`` is its file or URL, for messages."""

    where: str

    def load(self, keys: Iterable[str]) -> dict[str, Outcome]:
        """Return the results that are there, of those asked for."""

    def save(self, results: Mapping[str, Outcome]) -> None:
        """Keep results, all or none of them; one that is there already stays as it is."""

    def run(self, study: str) -> Run | None:
        """Return what is remembered of a study, by its digest."""

    def note(self, study: str, run: Run) -> None:
        """Remember a study."""

    def count(self) -> int:
        """Return how many results there are."""

    def close(self) -> None:
        """Let others write."""

    def __enter__(self) -> Store:
        """Return the store itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""


def open_store(where: str | Path, *, writing: bool = True) -> Store:
    """Open a store by its file or URL (``postgresql://...``), made if need be.

    StoreError if another process writes it, or if it is none or damaged.
    """
    text = str(where)
    if text.startswith(POSTGRES):
        from accelsim.explore.store_postgres import PostgresStore

        return PostgresStore.open(text, writing=writing)
    if "://" in text and not text.startswith("sqlite:///"):
        scheme = text.partition("://")[0]
        raise SpecError(f"store must be a file or postgresql://..., not {scheme}://...")
    from accelsim.explore.store_sqlite import SqliteStore

    return SqliteStore.open(Path(text.removeprefix("sqlite:///")), writing=writing)


def written(outcome: Outcome) -> tuple[str, str, str | None, float]:
    """Return an outcome as the fields of a row: status, reason, report, CPU seconds."""
    report = None if outcome.report is None else json.dumps(outcome.report, ensure_ascii=False)
    return outcome.status, outcome.reason, report, outcome.cpu_seconds


def read_row(status: str, reason: str, report: str | None, cpu_seconds: float) -> Outcome:
    """Return the outcome of a row."""
    return Outcome(
        status=status,  # type: ignore[arg-type]
        reason=reason,
        report=None if report is None else json.loads(report),
        cpu_seconds=cpu_seconds,
    )
