"""Pivot rules of quick-select: which row's first value divides the next pass; shared by model and RTL."""

from __future__ import annotations

from typing import Any, TypeVar

from accelsim.errors import nearest

Rows = TypeVar("Rows", int, Any)

RULES = ("first", "middle", "hash")

HASH_STEP = 40503
"""2^16 over the golden ratio: the Weyl sequence of its multiples is spread evenly (Knuth, vol. 3, 6.4)."""


class Rule(str):
    """The name of a pivot rule.

    ``first``: row 0; ``middle``: row rows // 2; ``hash``: the row that pass p (from 0) hashes to,
    (((p + 1) * HASH_STEP) mod 2^16) * rows >> 16. A request starts from pass 0, so that its time
    does not depend on those before it.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Rule:
        if text not in RULES:
            raise ValueError(
                f"must be one of {', '.join(RULES)}, not {text!r}{nearest(text, RULES)}"
            )
        return cls(text)

    def row(self, rows: Rows, step: int) -> Rows:
        """Return the row whose first value is the pivot of a pass over ``rows`` rows.

        ``rows`` may be an array: then so is the answer.
        """
        if self == "middle":
            return rows // 2
        if self == "hash":
            return ((step + 1) * HASH_STEP % 2**16) * rows >> 16
        return rows * 0


HASH = Rule("hash")
