"""Base of the engines that are one pipeline: operands in at one stream, results out at another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from accelsim.engines.engine import Engine


@dataclass(frozen=True, kw_only=True)
class Pipeline(Engine):
    """One stream in, one out, an operation a cycle: its result leaves ``latency`` cycles later."""

    @property
    def interval(self) -> int:
        return 1

    @property
    def lags(self) -> Mapping[tuple[str, str], int]:
        (into,), (out,) = self.inputs, self.outputs
        return {(into.name, out.name): self.latency}

    @property
    def actions(self) -> Mapping[str, int]:
        """One of the action that the first operation is priced as."""
        return {self.operations[0].part: 1}


class Rigid:
    """The cycle model of a pipeline that stands still as a whole while its result is not taken.

    ``stages`` registers between the ports ``i`` and ``o``; ``function`` maps payload to payload.
    """

    def __init__(self, stages: int, function: Callable[[int], int]) -> None:
        self._function = function
        self._stages: list[int | None] = [None] * stages

    def step(
        self, offered: Mapping[str, int | None], ready: Mapping[str, bool]
    ) -> tuple[frozenset[str], Mapping[str, int]]:
        done = self._stages[-1]
        gives = {} if done is None else {"o": done}
        if gives and not ready["o"]:
            return frozenset(), gives
        value = offered["i"]
        self._stages = [None if value is None else self._function(value), *self._stages[:-1]]
        return frozenset({"i"}), gives


class Elastic:
    """The cycle model of a pipeline whose stages close up: a stage moves on when the next is free.

    ``stages`` registers between the ports ``i`` and ``o``; ``function`` maps payload to payload.
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
