"""Points simulated by this process or by workers; which one does which never shows in a result."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from accelsim.explore.base import model_version
from accelsim.explore.evaluate import Outcome, evaluate
from accelsim.explore.store import StoreError
from accelsim.specs import ReadOnce

Settings = Mapping[str, Any]

WATCH_SECONDS = 0.5  # between two looks at whether the parent lives
CHUNK_SECONDS = 1.0  # of work in one message: what a killed worker takes with it
CHUNK_MOST = 500
TRIES = 3  # of a point whose worker died


@dataclass(kw_only=True)
class Chunks:
    """Cuts points into messages of about CHUNK_SECONDS of work, by what points have cost so far."""

    todo: list[tuple[str, Settings]]
    jobs: int
    mean: float | None = None
    taken: int = 0

    def __iter__(self) -> Iterator[list[tuple[str, Settings]]]:
        while self.taken < len(self.todo):
            size = self.size
            chunk = self.todo[self.taken : self.taken + size]
            self.taken += len(chunk)
            yield chunk

    @property
    def size(self) -> int:
        """One point until the first costs are known; near the end fewer, so that all end together."""
        if self.mean is None:
            return 1
        fair = max(1, (len(self.todo) - self.taken) // (2 * self.jobs))
        return max(1, min(CHUNK_MOST, int(CHUNK_SECONDS / max(self.mean, 1e-6)), fair))

    def measured(self, outcomes: Mapping[str, Outcome]) -> None:
        """Take the costs of points into account, later ones more than earlier."""
        for outcome in outcomes.values():
            cost = outcome.cpu_seconds
            self.mean = cost if self.mean is None else 0.9 * self.mean + 0.1 * cost


@dataclass(kw_only=True)
class Workers:
    """``jobs`` processes of this machine; or those of a dask ``cluster``, by its address.

    1 job runs in this process. Workers of this machine end when this process does.
    """

    jobs: int = 1
    cluster: str | None = None
    simulate: Callable[[Settings], Outcome] = evaluate
    deaths: int = field(default=0, init=False)

    @property
    def apart(self) -> bool:
        """Whether other processes simulate, which read the files of points themselves."""
        return self.cluster is not None or self.jobs > 1

    def run(self, todo: Mapping[str, Settings]) -> Generator[Mapping[str, Outcome], None, None]:
        """Yield the outcomes of all points, some at a time, in any order."""
        if self.cluster is None and (self.jobs == 1 or len(todo) < 2):
            for key, settings in todo.items():
                yield {key: self.simulate(settings)}
            return
        tries: dict[str, int] = {}
        left = dict(todo)
        while left:
            fresh = [key for key in left if key not in tries]
            # What was under way when a worker died is tried again alone: only one of them is to blame.
            keys = fresh or [next(iter(left))]
            chunks = Chunks(todo=[(key, left[key]) for key in keys], jobs=self.jobs)
            for outcomes in self._attempt(chunks, tries):
                for key in outcomes:
                    del left[key]
                yield outcomes
            if not fresh and keys[0] in left and tries[keys[0]] >= TRIES:
                del left[keys[0]]
                yield {keys[0]: _lost(tries[keys[0]])}

    def _attempt(self, chunks: Chunks, tries: dict[str, int]) -> Iterator[Mapping[str, Outcome]]:
        """Yield outcomes until the points or the workers are at an end."""
        from joblib import Parallel, delayed, parallel_config
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        flying: dict[str, None] = {}

        def calls() -> Iterator[Any]:
            for chunk in chunks:
                flying.update(dict.fromkeys(key for key, _ in chunk))
                yield delayed(simulate_chunk)(chunk, model_version(), self.simulate)

        with self._backend(parallel_config):
            parallel = Parallel(
                n_jobs=self.jobs,
                return_as="generator_unordered",
                batch_size=1,
                pre_dispatch=f"2*{self.jobs}",
            )
            found = parallel(calls())
            try:
                for outcomes in found:
                    chunks.measured(outcomes)
                    for key in outcomes:
                        flying.pop(key, None)
                    yield outcomes
            except TerminatedWorkerError:
                self.deaths += 1
                for key in flying:
                    tries[key] = tries.get(key, 0) + 1
            finally:
                with (
                    warnings.catch_warnings()
                ):  # of points that are given up: who stops here says why
                    warnings.simplefilter("ignore", UserWarning)
                    found.close()

    @contextmanager
    def _backend(self, parallel_config: Any) -> Iterator[None]:
        if self.cluster is None:
            start = {"initializer": watch_parent, "initargs": (os.getpid(),)}
            with parallel_config(backend="loky", inner_max_num_threads=1, **start):
                yield
            return
        from accelsim.explore.cluster import connected

        with connected(self.cluster), parallel_config(backend="dask"):
            yield


def simulate_chunk(
    chunk: list[tuple[str, Settings]],
    version: str,
    simulate: Callable[[Settings], Outcome] = evaluate,
) -> dict[str, Outcome]:
    """Simulate some points in a worker, which must run the model of the process that asks."""
    if model_version() != version:
        raise StoreError(
            f"workers must run the model {version}, not {model_version()}: install the same accelsim"
            " on all machines"
        )
    with ReadOnce():
        return {key: simulate(settings) for key, settings in chunk}


def watch_parent(parent: int) -> None:
    """In a worker: end with the parent, however that ends; a worker that computes would not notice."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="accelsim-parent").start()


def _lost(count: int) -> Outcome:
    return Outcome(
        status="failed", reason=f"its worker process died {count} times, as if short of memory"
    )
