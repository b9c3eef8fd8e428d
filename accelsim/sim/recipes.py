"""What has been recorded of one structure: how to lower a design of it, and how to measure its runs."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from accelsim.replay import replayed
from accelsim.replay.recording import Function
from accelsim.sim.program import Program

FREE = 4  # recordings of a structure that are made before it is asked whether they pay
WORTH = 3  # designs that a recording must have served, on average, for another to be made
MOST = 64  # of a structure


@dataclass(kw_only=True)
class Recipe:
    """Functions of a design's numbers to its program, and with its counters to what it did."""

    program: Function
    measured: dict[Hashable, list[Function]] = field(default_factory=dict)

    def activity(self, key: Hashable, numbers: Sequence[int]) -> Any:
        """Return what a run did, None if none like it has been recorded."""
        for function in self.measured.get(key, ()):
            found = replayed(function, numbers)
            if found is not None:
                return found
        return None


class Recipes:
    """The recipes of one structure, the one used last first."""

    def __init__(self) -> None:
        self.known: list[Recipe] = []
        self.asked = self.served = self.made = 0

    def find(self, numbers: Sequence[int]) -> tuple[Recipe, Program] | None:
        """Return the recipe that holds for a design, and its program."""
        self.asked += 1
        for place, recipe in enumerate(self.known):
            program = replayed(recipe.program, numbers)
            if program is not None:
                if place:
                    self.known.insert(0, self.known.pop(place))
                self.served += 1
                return recipe, program
        return None

    @property
    def pay(self) -> bool:
        """Whether to make another, which takes a few times as long as to do without."""
        if self.asked < 2 or len(self.known) >= MOST:
            return False
        return self.made < FREE or self.served >= WORTH * self.made
