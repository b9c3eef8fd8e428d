"""The choice by simulation: of the mappings made for a problem, the one that runs best."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from accelsim.errors import InfeasibleError
from accelsim.job.figures import cycles, figure
from accelsim.mapping import Mapping, Problem, auto
from accelsim.sim import jump
from accelsim.sim.activity import Activity
from accelsim.sim.lower import Lowered, lower
from accelsim.sim.measure import measure

EFFORT = 500_000  # of simulation (see sim.jump.Statistics) to choose among mappings that are made
EACH = 250_000  # of it for a mapping, once another has come to an end
MOST = 1_500_000  # for those that are tried while none has come to an end
MAKING = 300  # what it takes to make, lower and measure a mapping, by task
SAME = Fraction(1, 200)  # mappings whose cycles differ by less are as fast: traffic decides


@dataclass(frozen=True, kw_only=True)
class Made:
    """A mapping made for a problem, and its run if that came to an end."""

    mapping: Mapping
    lowered: Lowered
    activity: Activity | None

    def beats(self, other: Made) -> bool:
        """Whether this one is faster by more than SAME, or as fast with less traffic."""
        assert self.activity is not None
        assert other.activity is not None
        mine, best = cycles(self.activity), cycles(other.activity)
        if abs(mine - best) > SAME * best:
            return mine < best
        moved = [figure(a, "traffic_bytes") for a in (self.activity, other.activity)]
        return bool(moved[0] < moved[1])


def _check_room(activity: Activity) -> None:
    """Refuse a run that held more than there is."""
    for use in activity.buffers:
        if use.peak_bytes > use.capacity_bytes:
            raise InfeasibleError(
                f"{activity.mapping} must hold at most the {use.capacity_bytes} bytes of {use.name}, not"
                f" {use.peak_bytes}"
            )


def best_made(problem: Problem, name: str) -> Made:
    """Return the best of the mappings made for a problem, as far as it pays to look for it.

    The effort of the simulations decides when to stop, not the clock: the choice is always the same.
    Where none ends within the effort the first is taken.
    """
    best: Made | None = None
    first: Made | None = None
    refused: list[InfeasibleError] = []
    spent = 0

    def wanted(fallback: bool) -> bool:
        if best is not None:
            return spent < EFFORT and not fallback
        return spent < (2 * MOST if fallback else MOST)

    for mapping in auto.candidates(problem, wanted):
        statistics = jump.Statistics()
        # The first one may take its time; of those after it none may use up what is left for the others.
        limit = MOST if best is None else min(EACH, EFFORT - spent)
        try:
            lowered = lower(mapping.plan(problem))
            made = Made(mapping=mapping, lowered=lowered, activity=None)
            if first is None or (mapping.fallback and not first.mapping.fallback):
                first = made  # the most cautious ends soonest
            spent += MAKING * sum(len(phase.tasks) for phase in lowered.program.phases)
            outcome = jump.run(lowered.program, statistics, limit)
            activity = measure(lowered, outcome, name, mapping.name)
            made = replace(made, activity=activity)
            _check_room(activity)
            if best is None or made.beats(best):
                best = made
        except jump.IrregularError:
            pass
        except InfeasibleError as error:
            refused.append(error)
        spent += statistics.effort
    if best is None and first is None:
        raise refused[0]
    found = best or first
    assert found is not None
    return found
