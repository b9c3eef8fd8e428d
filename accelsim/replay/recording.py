"""A recording: code run on numbers that stand for others, and the function that does it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from accelsim.replay.code import Code
from accelsim.replay.number import quotient, whole
from accelsim.replay.numbers import put_together
from accelsim.replay.opaque import UntraceableError
from accelsim.replay.tape import Tape

Function = Callable[[Sequence[int]], Any]
T = TypeVar("T")


class Recording:
    """What is done with the numbers of the data that it is given, in the order in which it is given them."""

    def __init__(self) -> None:
        self.tape = Tape()
        self._told = 0  # tests that an earlier function makes

    def stand_in(self, value: T) -> T:
        """Return data with numbers in place of its own that note what is done with them."""
        tape = self.tape

        def number(value: int) -> Any:
            if value < 0:
                raise UntraceableError("a number below 0")
            return whole(tape, tape.input(value))

        def fraction(above: Any, below: Any) -> Any:
            return quotient(tape, above.above, below.above)

        made: T = put_together(value, number, fraction)
        return made

    def function(self, result: Any) -> Function:
        """Return the function of all numbers given so far that does again what led to a result.

        ValueError or ArithmeticError where something would be decided otherwise; of tests just those since
        the last function.
        """
        tests = self.tape.tests[self._told :]
        self._told = len(self.tape.tests)
        found: Function = Code(self.tape, tests).function(result)
        return found


def replayed(function: Function, numbers: Sequence[int]) -> Any:
    """Return what a function gives for numbers of 0 or more; None if it was recorded for others."""
    try:
        return function(numbers)
    except (ValueError, ArithmeticError):
        return None
