"""The cycle model of a pipeline whose stages close up: a stage moves on when the next one is free."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Elastic:
    """``stages`` registers between the ports ``i`` and ``o``; ``function`` maps payload to payload.

    A stage takes a value when it is empty or empties in the same cycle, so that bubbles close
    behind a stall and ready passes through in no time.
    """

    def __init__(self, stages: int, function: Callable[[int], int]) -> None:
        self._function = function
        self._held: list[int | None] = [None] * stages

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        held = self._held
        shown = held[-1]
        free = ready["o"]
        for stage in reversed(range(len(held))):
            free = free or held[stage] is None
            if free:
                held[stage] = held[stage - 1] if stage else None
        # From here ``free`` says whether the first stage takes a value.
        given = offered["i"]
        if free and given is not None:
            held[0] = self._function(given)
        return frozenset({"i"} if free else ()), {} if shown is None else {"o": shown}
