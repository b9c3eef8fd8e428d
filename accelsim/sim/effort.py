"""What a run of the jump kernel cost, and the error for one that costs too much."""

from __future__ import annotations

from dataclasses import dataclass

from accelsim.errors import InfeasibleError

WORTH = (
    64  # ticks that it took to walk a step for it to be remembered: to take it again costs as much
)


@dataclass(slots=True)
class Statistics:
    """What the jumps did: repeats in closed form, steps taken from the memo, ticks walked.

    ``stretches`` are cycles of rows repeated, ``looks`` the runs that were checked for them.
    """

    repeats: int = 0
    recalls: int = 0
    walked: int = 0
    stretches: int = 0
    looks: int = 0

    @property
    def effort(self) -> int:
        """The cost so far in ticks walked; a jump costs about as much as 25, a look as 100."""
        return self.walked + 25 * self.jumps + 100 * self.looks

    @property
    def jumps(self) -> int:
        return self.repeats + self.recalls + self.stretches


class IrregularError(InfeasibleError):
    """A run took more effort than it was given: too little of it repeats."""
