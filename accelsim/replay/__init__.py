"""Runs code on numbers that note what is done with them, and does the same again for other numbers.

A *recording* runs code once, on numbers that stand for others. Its tape has the operations and the tests:
what the code decided by a number. Compiled, it is a function that gives the same result for other numbers
as the code would, if all tests come out alike for them; else it says so, and the code is run.
"""

from accelsim.replay.opaque import UnhashableError, UntraceableError
from accelsim.replay.recording import Recording, replayed

__all__ = ["Recording", "UnhashableError", "UntraceableError", "replayed"]
