"""A mapping made a program for a problem: worked out, or as a recording of one of the same structure says.

What a structure (cascade, mapping, names of units and memories) decides is worked out once and recorded with
what it decides by a size; another design that decides alike is then a matter of its numbers. The first of a
structure is not recorded: that takes a few times as long.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from accelsim.kept import Kept
from accelsim.mapping import Mapping, Problem
from accelsim.replay import Recording
from accelsim.replay.numbers import taken_apart
from accelsim.sim import jump
from accelsim.sim.activity import Activity
from accelsim.sim.counters import causes_of
from accelsim.sim.lower import Lowered, lower
from accelsim.sim.measure import measure
from accelsim.sim.native.encode import ROOM
from accelsim.sim.program import Outcome, Program
from accelsim.sim.recipes import Made, Recipe, Recipes, Told, apart, counters_apart, with_all

STRUCTURES = 64  # of a mapping, that are kept

R = TypeVar("R")
Ask = Callable[[Hashable], Any]
"""What is known of a design besides its program: plain data for a question."""


@dataclass(frozen=True, kw_only=True)
class _Open:
    """A recording that may go on: of the lowering, to what is told of a run."""

    recording: Recording
    lowered: Lowered


class Prepared:
    """The program of a mapping for a problem, and what its counters mean."""

    program: Program
    words: tuple[array[int] | None, ...] = ()
    """What the compiled kernel reads of each phase, where it is known."""

    def __init__(self, mapping: Mapping, problem: Problem) -> None:
        self._mapping, self._problem = mapping, problem
        self._lowered: Lowered | None = None
        self._recipe: Recipe | None = None
        self._open: _Open | None = None
        self._numbers: list[int] = []
        self._recipes = self._structure()
        found = self._recipes.find(self._numbers)
        if found is not None:
            self._recipe, made = found
            self.program = made.program
            self.words = tuple(words if most < ROOM else None for words, most in made.words)
            return
        if self._recipes.pay:
            self._record()
        if self._recipe is None:
            self.program = self.lowered.program

    def _record(self) -> None:
        """Make a recipe of what lowers this design, and its program; nothing where that cannot be."""
        begun = self._recorded()
        if begun is None:
            return
        try:
            function = begun.recording.function(Made.of(begun.lowered.program))
            self.program = function(self._numbers).program
        except Exception:  # as in _recorded
            return
        causes = tuple(tuple(causes_of(phase)) for phase in self.program.phases)
        self._recipe, self._open = Recipe(program=function, causes=causes), begun
        self._recipes.add(self._recipe)

    @property
    def lowered(self) -> Lowered:
        """The program with the drafts behind it."""
        if self._lowered is None:
            self._lowered = lower(self._mapping.plan(self._problem))
        return self._lowered

    def run(self) -> Outcome:
        """Run the program."""
        return jump.run(self.program, words=self.words)

    def measure(self, outcome: Outcome, design: str) -> Activity:
        """Return what a run of the program did."""
        name = self._mapping.name
        return self.told(
            ("activity", design),
            outcome,
            lambda lowered, done, _: measure(lowered, done, design, name),
        )

    def told(
        self,
        key: Hashable,
        outcome: Outcome,
        tell: Callable[[Lowered, Outcome, Ask], R],
        answer: Ask = lambda _: None,
    ) -> R:
        """Return what a function tells of a run: of the program, the counters and answers it asks for.

        Functions under one ``key`` are the same. The result is plain data.
        """
        if self._recipe is None:
            return tell(self.lowered, outcome, answer)
        counters: list[int] = []
        whole = (key, counters_apart(outcome, self._recipe.causes, counters))
        numbers = [*self._numbers, *counters]
        found: R | None = self._recipe.tell(whole, numbers, answer)
        if found is not None:
            return found
        if self._open is None and self._recipes.pay:
            self._open = self._recorded()
        if self._open is None:
            return tell(self.lowered, outcome, answer)
        recording, lowered = self._open.recording, self._open.lowered
        self._open = None
        asked: dict[Hashable, Hashable] = {}
        answers: dict[Hashable, Any] = {}

        def ask(question: Hashable) -> Any:
            if question not in asked:
                data = answer(question)
                asked[question], more = apart(data)
                numbers.extend(more)
                answers[question] = recording.stand_in(data)
            return answers[question]

        try:
            done = recording.stand_in(with_all(outcome, self._recipe.causes))
            function = recording.function(tell(lowered, done, ask))
        except Exception:  # as in _recorded
            return tell(self.lowered, outcome, answer)
        self._recipe.told.setdefault(whole, []).append(
            Told(function=function, asked=tuple(asked.items()))
        )
        again: R = function(numbers)
        return again

    def _parts(self) -> tuple[Any, ...]:
        """Return what of a problem has numbers."""
        arch, problem = self._problem.arch, self._problem
        return arch.spec, arch.links, dict(problem.ranks), dict(problem.leading)

    def _structure(self) -> Recipes:
        """Return the recipes of the problem's structure; the numbers are what it leaves out."""
        problem, mapping = self._problem, self._mapping
        shape = taken_apart(self._parts(), self._numbers)
        chosen = problem.selection
        said = (chosen.kind, chosen.name, tuple(chosen.live.items()))
        structures = mapping.document.kept.once(Prepared, partial(Kept, STRUCTURES))
        key = (mapping.name, problem.shared, said, shape)
        return structures.once(key, Recipes, mapping.spec, problem.cascade)

    def _recorded(self) -> _Open | None:
        """Lower with numbers that note what is done with them; None where that cannot be."""
        self._recipes.made += 1
        problem, recording = self._problem, Recording()
        spec, links, ranks, leading = recording.stand_in(self._parts())
        arch = replace(problem.arch, spec=spec, links=links)
        other = replace(problem, arch=arch, ranks=ranks, leading=leading)
        try:
            return _Open(recording=recording, lowered=lower(self._mapping.plan(other)))
        except Exception:  # whatever it is: without a recording it is done, or said what is wrong
            return None
