"""One simulated stage."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.job.made import Made
from accelsim.mapping import Mapping, Stage
from accelsim.sim.activity import Activity
from accelsim.sim.lower import Lowered
from accelsim.sim.prepared import Prepared


@dataclass(frozen=True, kw_only=True)
class Run:
    """One simulated stage with the program behind it, for traces and explanations."""

    stage: Stage
    mapping: Mapping
    prepared: Prepared | Made
    activity: Activity

    @property
    def lowered(self) -> Lowered:
        """The program with the drafts behind its tasks."""
        return self.prepared.lowered
