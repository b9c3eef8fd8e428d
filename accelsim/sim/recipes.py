"""What has been recorded of one structure: how to lower a design of it, and how to measure its runs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from accelsim.replay import replayed
from accelsim.replay.numbers import taken_apart
from accelsim.replay.recording import Function
from accelsim.sim.program import Program

FREE = 4  # recordings of a structure that are made before it is asked whether they pay
WORTH = 3  # designs that a recording must have served, on average, for another to be made
MOST = 64  # of a structure


@dataclass(frozen=True, kw_only=True)
class Told:
    """A function of a design's numbers, its counters, and the numbers in the answers to what it asks.

    ``asked`` are the questions, each with the shape of the answer.
    """

    function: Function
    asked: tuple[tuple[Hashable, Hashable], ...]

    def tell(self, numbers: Sequence[int], answer: Callable[[Hashable], Any]) -> Any:
        """Return what it tells, None if an answer has another shape or something is decided otherwise."""
        given = list(numbers)
        for question, shape in self.asked:
            if taken_apart(answer(question), given) != shape:
                return None
        return replayed(self.function, given)


@dataclass(kw_only=True)
class Recipe:
    """A function of a design's numbers to its program, and functions to what is told of its runs."""

    program: Function
    told: dict[Hashable, list[Told]] = field(default_factory=dict)

    def tell(self, key: Hashable, numbers: Sequence[int], answer: Callable[[Hashable], Any]) -> Any:
        """Return what is told of a run, None if none like it has been recorded."""
        for told in self.told.get(key, ()):
            found = told.tell(numbers, answer)
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
