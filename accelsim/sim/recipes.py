"""What has been recorded of one structure: how to lower a design of it, and how to measure its runs."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from accelsim.kept import Kept
from accelsim.replay import replayed
from accelsim.replay.exact import Numbers
from accelsim.replay.numbers import taken_apart
from accelsim.replay.recording import Function
from accelsim.sim import native
from accelsim.sim.counters import buffers_of, causes_of
from accelsim.sim.native.encode import ROOM, most_of, words_of
from accelsim.sim.plan import check
from accelsim.sim.program import Outcome, Program

FREE = 4  # recordings of a structure that are made before it is asked whether they pay
WORTH = 3  # designs that a recording must have served, on average, for another to be made
MOST = 64  # of a structure
IN_ALL = 256  # recordings that are kept, of a quarter of a megabyte each
KEPT_ANSWERS = 4096  # prices of parts and actions, mostly


Causes = tuple[tuple[str, ...], ...]  # for which the queues of each phase may stall


def with_all(outcome: Outcome, causes: Causes) -> Outcome:
    """Return an outcome whose queues have a number for every cause, 0 where they did not stall."""
    return Outcome(
        phases=tuple(
            replace(done, stalls=tuple({c: held.get(c, 0) for c in own} for held in done.stalls))
            for done, own in zip(outcome.phases, causes, strict=True)
        )
    )


def counters_apart(outcome: Outcome, causes: Causes, numbers: list[int]) -> Hashable:
    """Return the shape of an outcome with all causes, as :func:`taken_apart` does, but quicker."""
    shape: list[Hashable] = []
    for phase, own in zip(outcome.phases, causes, strict=True):
        numbers.append(phase.ticks)
        for instances in phase.instances:
            numbers += instances
        numbers += phase.busy
        for held in phase.stalls:
            numbers += [held.get(cause, 0) for cause in own]
        numbers += phase.pool_peak
        numbers += phase.pool_integral
        numbers += phase.buffer_peak.values()
        numbers += phase.buffer_integral.values()
        shape += (
            tuple(map(len, phase.instances)),
            (len(phase.stalls), len(phase.busy), len(phase.pool_peak), len(phase.pool_integral)),
            (tuple(phase.buffer_peak), tuple(phase.buffer_integral)),
        )
    return tuple(shape)


def apart(data: Any) -> tuple[Hashable, list[int]]:
    """Return the shape and the numbers of data, of a tuple or an instance the same each time it is asked."""
    if type(data) is dict:
        return _apart(data)
    return _APART.once(apart, lambda: _apart(data), data)


def _apart(data: Any) -> tuple[Hashable, list[int]]:
    numbers: list[int] = []
    return taken_apart(data, numbers), numbers


_APART = Kept(KEPT_ANSWERS)


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
            own, more = apart(answer(question))
            if own != shape:
                return None
            given += more
        return replayed(self.function, given)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A program; of each phase the words that the compiled kernel reads, and the most that comes of them."""

    program: Program
    words: tuple[tuple[Any, int], ...]

    @classmethod
    def of(cls, program: Program) -> Made:
        """Return a program with its words, if there is a kernel that reads them."""
        if native.library() is None:
            return cls(program=program, words=())
        words = []
        for phase in program.phases:
            check(phase)
            found = words_of(phase, causes_of(phase), buffers_of(phase))
            words.append((Numbers(found, ROOM), most_of(phase)))
        return cls(program=program, words=tuple(words))


@dataclass(kw_only=True)
class Recipe:
    """A function of a design's numbers to its program, and functions to what is told of its runs."""

    program: Function
    causes: Causes
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

    _all: ClassVar[deque[tuple[weakref.ref[Recipes], Recipe]]] = deque()

    def __init__(self) -> None:
        self.known: list[Recipe] = []
        self.asked = self.served = self.made = 0

    def find(self, numbers: Sequence[int]) -> tuple[Recipe, Made] | None:
        """Return the recipe that holds for a design, and its program."""
        self.asked += 1
        for place, recipe in enumerate(self.known):
            made = replayed(recipe.program, numbers)
            if made is not None:
                if place:
                    self.known.insert(0, self.known.pop(place))
                self.served += 1
                return recipe, made
        return None

    def add(self, recipe: Recipe) -> None:
        """Add a recipe; of too many in all structures the oldest goes."""
        self.known.insert(0, recipe)
        self._all.append((weakref.ref(self), recipe))
        if len(self._all) > IN_ALL:
            where, oldest = self._all.popleft()
            owner = where()
            if owner is not None:
                owner.known = [each for each in owner.known if each is not oldest]

    @property
    def pay(self) -> bool:
        """Whether to make another, which takes a few times as long as to do without."""
        if self.asked < 2 or len(self.known) >= MOST:
            return False
        return self.made < FREE or self.served >= WORTH * self.made
