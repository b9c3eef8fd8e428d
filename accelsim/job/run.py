"""One simulated stage."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from accelsim.job.made import Made
from accelsim.mapping import Mapping, Stage
from accelsim.sim.activity import Activity
from accelsim.sim.lower import Lowered
from accelsim.sim.prepared import Prepared
from accelsim.sim.program import Outcome


@dataclass(frozen=True, kw_only=True)
class Run:
    """One simulated stage with the program behind it, for traces and explanations.

    Of a mapping ``made`` for the stage the run is the one by which it was chosen.
    """

    design: str
    stage: Stage
    mapping: Mapping
    prepared: Prepared | None = None
    outcome: Outcome | None = None
    made: Made | None = None

    @cached_property
    def activity(self) -> Activity:
        """What the run did."""
        if self.prepared is None or self.outcome is None:
            assert self.made is not None
            assert self.made.activity is not None
            return self.made.activity
        return self.prepared.measure(self.outcome, self.design)

    @property
    def lowered(self) -> Lowered:
        """The program with the drafts behind its tasks."""
        if self.prepared is not None:
            return self.prepared.lowered
        assert self.made is not None
        return self.made.lowered
