"""A study run: every point looked up or simulated once, and a table that is always the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from accelsim.explore.evaluate import Outcome
from accelsim.explore.exploration import Exploration
from accelsim.explore.figures import figures_of
from accelsim.explore.point import Point
from accelsim.explore.sampler import batches
from accelsim.explore.store import Run, Store
from accelsim.explore.table import Results, Row
from accelsim.explore.workers import Workers
from accelsim.specs import ReadOnce

Progress = Callable[[int, int], None]  # points known, points in all


@dataclass(kw_only=True)
class Session:
    """A run in progress: what is known by key, and the store that remembers it."""

    exploration: Exploration
    store: Store | None
    workers: Workers
    progress: Progress = field(default=lambda *_: None)
    known: dict[str, Outcome] = field(default_factory=dict)
    points: dict[tuple[int, ...], tuple[Point, str]] = field(default_factory=dict)
    checked: bool = False
    simulated: int = 0

    def results(self) -> Results:
        """Run the study to its end and return its table.

        Its files are taken as they are now: StoreError if workers, which read them too, may have met others.
        """
        total = self.exploration.spec.points or 0
        self.exploration.space.keys.again()
        with ReadOnce():
            for batch in batches(self.exploration, self._told):
                self._run(batch, max(total, len(self.points)))
        self._finish()
        rows = [self._row(*self.points[place]) for place in sorted(self.points)]
        return Results(exploration=self.exploration, rows=tuple(rows))

    def _run(self, batch: Iterable[Point], total: int) -> None:
        """Look up or simulate the points of a batch."""
        keys: dict[str, Point] = {}
        for point in batch:
            key = self.exploration.space.keys.key(point.settings)
            self.points[point.place] = (point, key)
            if key not in self.known:
                keys.setdefault(key, point)
        total = max(total, len(self.points))
        if self.store is not None:
            self.known.update(self.store.load(keys))
        todo = {key: point.settings for key, point in keys.items() if key not in self.known}
        for outcome in self.known.values():
            self._check(outcome)
        done = len(self.points) - len(todo)
        self.progress(done, total)
        with closing(self.workers.run(todo)) as arriving:  # workers end where a check refuses
            for results in arriving:
                self._take(results, total)
                done += len(results)
                self.progress(done, total)

    def _take(self, results: Mapping[str, Outcome], total: int) -> None:
        """Check results that have come, and keep them."""
        if self.workers.apart:
            with ReadOnce():  # anew
                self.exploration.space.keys.check()
        for outcome in results.values():
            self._check(outcome)
        # Only now: a study that asks for what no report has is none to go on with.
        self._begin(total)
        self._keep(results)
        self.simulated += len(results)

    def _keep(self, results: Mapping[str, Outcome]) -> None:
        self.known.update(results)
        if self.store is not None:
            self.store.save({k: o for k, o in results.items() if o.status != "failed"})

    def _check(self, outcome: Outcome) -> None:
        """Hold the names of figures against the first report that there is."""
        if not self.checked and outcome.report is not None:
            self.exploration.goals.check(figures_of(outcome.report))
            self.checked = True

    def _begin(self, total: int) -> None:
        if self.store is None:
            return
        run = Run(total=total, finished=False)
        if self.store.run(self.exploration.digest) != run:
            self.store.note(self.exploration.digest, run)

    def _finish(self) -> None:
        if self.store is not None:
            run = Run(total=len(self.points), finished=True)
            self.store.note(self.exploration.digest, run)

    def _told(self, point: Point) -> Row:
        return self._row(*self.points[point.place])

    def _row(self, point: Point, key: str) -> Row:
        return row_of(self.exploration, point, key, self.known[key])


def row_of(exploration: Exploration, point: Point, key: str, outcome: Outcome) -> Row:
    """Return the row of a point; one that runs but misses a constraint is ``missed``."""
    figures: dict[str, Any] = {} if outcome.report is None else figures_of(outcome.report)
    status: str = outcome.status
    reason = outcome.reason
    if status == "done":
        reason = exploration.goals.missed(figures)
        status = "missed" if reason else "done"
    return Row(
        place=point.place,
        key=key,
        values=point.values,
        settings=point.settings,
        status=status,
        reason=reason,
        figures=figures,
        report=outcome.report,
    )
