"""``accelsim explore``: a study run to its end, its table, its front, its pictures."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from accelsim.cli.output import progress, whole, writable, write, write_pictures
from accelsim.errors import SpecError
from accelsim.explore import (
    Exploration,
    Forecast,
    Results,
    Session,
    Workers,
    first_point,
    forecast,
    open_store,
)

STORE = "store.sqlite"


def explore_command(
    study: str,
    *,
    jobs: int,
    resume: bool,
    dry_run: bool,
    store: str | None,
    cluster: str | None,
    as_json: bool,
    out: Path | None,
) -> int:
    """Run a study; the exit code is 1 where no point runs and meets the constraints."""
    exploration = Exploration.of(study)
    folder = out or Path("out/explore") / exploration.name
    first_point(exploration)
    workers = Workers(jobs=jobs, cluster=cluster)
    if dry_run:
        print(_forecast(exploration, store or str(folder / STORE)).text(jobs))
        return 0
    writable(folder)
    with open_store(store or folder / STORE) as kept, progress() as step:
        _check_resume(exploration, kept.run(exploration.digest), resume, kept.where)
        session = Session(
            exploration=exploration,
            store=kept,
            workers=workers,
            progress=lambda done, total: step(f"{done} of {total} points"),
        )
        results = session.results()
    write_results(results, folder)
    print(results.to_json() if as_json else results, end="" if as_json else "\n")
    if not as_json:
        print(f"\n{session.simulated} of {len(results.rows)} points simulated; tables: {folder}")
    return 0 if results.pareto else 1


def _forecast(exploration: Exploration, where: str) -> Forecast:
    """Count and measure; a store that is there is read, none is made."""
    if "://" not in where and not Path(where).is_file():
        return forecast(exploration, None)
    with open_store(where, writing=False) as kept:
        return forecast(exploration, kept)


def write_results(results: Results, folder: Path) -> None:
    """Write table, CSV, JSON, Parquet where pyarrow is there, and every picture, each file whole."""
    from accelsim import plot

    write(folder / "points.csv", results.to_csv())
    write(folder / "results.json", results.to_json())
    write(folder / "results.txt", f"{results}\n")
    if find_spec("pyarrow") is not None:
        with whole(folder / "points.parquet") as draft:
            results.to_parquet(draft)
    write_pictures(folder, plot.pictures(results))


def _check_resume(exploration: Exploration, run: object, resume: bool, where: str) -> None:
    from accelsim.explore.store import Run

    if isinstance(run, Run) and not run.finished and not resume:
        raise SpecError(
            f"{where} has an unfinished run of {exploration.name}: --resume goes on with it, another"
            " --store or -o begins anew"
        )
