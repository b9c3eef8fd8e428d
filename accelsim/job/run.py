"""One simulated stage."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.mapping import Mapping, Stage
from accelsim.sim.activity import Activity
from accelsim.sim.lower import Lowered


@dataclass(frozen=True, kw_only=True)
class Run:
    """One simulated stage with the program behind it, for traces and explanations."""

    stage: Stage
    mapping: Mapping
    lowered: Lowered
    activity: Activity
