"""Points by search (extra ``dse``): Optuna's samplers ask for a batch, and hear of it when it is known.

The batch's size is the study's, not the number of workers, and each batch is told in the order in which
it was asked for: so the points are the same for a seed, however many workers there are. Optuna keeps
nothing: a run that goes on asks for the same points again and finds them in the store.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from accelsim.errors import SpecError
from accelsim.explore.exploration import Exploration
from accelsim.explore.point import Point

if TYPE_CHECKING:
    from accelsim.explore.sampler import Told
    from accelsim.explore.table import Row

MISSES = 50  # asks in a row that bring no new point before the search ends


def asked(exploration: Exploration, told: Told) -> Iterator[list[Point]]:
    """Yield batches of points until ``points`` different ones are known, or no new ones come up."""
    try:
        import optuna
    except ImportError:
        raise SpecError(
            f"sampler {exploration.spec.sampler} must have optuna: pip install 'accelsim[dse]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        directions=["minimize" if o.sign > 0 else "maximize" for o in exploration.goals.objectives],
        sampler=_sampler(exploration),
    )
    wanted = exploration.spec.points
    assert wanted is not None  # the study's own check
    known: set[tuple[int, ...]] = set()
    idle = 0
    while len(known) < wanted and idle < MISSES:
        trials: list[tuple[Any, Point | None]] = []
        fresh: dict[tuple[int, ...], Point] = {}
        for _ in range(exploration.spec.batch):
            trial = study.ask()
            point = _suggested(exploration, trial)
            trials.append((trial, point))
            if point is not None and point.place not in known:
                fresh.setdefault(point.place, point)
            if len(known) + len(fresh) == wanted:
                break
        idle = 0 if fresh else idle + 1
        yield list(fresh.values())
        known.update(fresh)
        for trial, point in trials:
            _tell(study, trial, None if point is None else told(point), exploration)
    if not known:
        from accelsim.explore.sampler import empty

        raise SpecError(empty(exploration))


def _sampler(exploration: Exploration) -> Any:
    import warnings

    from optuna.samplers import NSGAIISampler, TPESampler

    options: dict[str, Any] = {"seed": exploration.spec.seed}
    if exploration.goals.constraints:
        options["constraints_func"] = lambda trial: trial.user_attrs.get("violation", [])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constraints and constant_liar are marked experimental
        if exploration.spec.sampler == "tpe":
            return TPESampler(constant_liar=True, multivariate=True, **options)
        return NSGAIISampler(population_size=max(2, exploration.spec.batch), **options)


def _suggested(exploration: Exploration, trial: Any) -> Point | None:
    levels = []
    for axis in exploration.space.axes:
        count = len(axis.levels)
        if axis.ordered or count == 1:
            levels.append(trial.suggest_int(axis.name, 0, count - 1))
        else:
            levels.append(trial.suggest_categorical(axis.name, list(range(count))))
    return exploration.space.point(levels)


def _tell(study: Any, trial: Any, row: Row | None, exploration: Exploration) -> None:
    """Tell what became of a trial; one without figures has failed, one out of bounds says how far."""
    from optuna.trial import TrialState

    goals = exploration.goals
    values = [None if row is None else row.figures.get(o.name) for o in goals.objectives]
    if row is None or None in values:
        study.tell(trial, state=TrialState.FAIL)
        return
    if goals.constraints:
        trial.set_user_attr("violation", goals.violation(row.figures))
    study.tell(trial, values)
