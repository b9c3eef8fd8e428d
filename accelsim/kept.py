"""What was found out once and is asked for again; each owner has a store of its own."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from accelsim.replay.opaque import UnhashableError

T = TypeVar("T")


class Kept:
    """Results by key, which nobody changes; of more than ``most`` the oldest goes."""

    __slots__ = ("_found", "_most")

    def __init__(self, most: int | None = None) -> None:
        self._found: dict[Hashable, tuple[Any, tuple[object, ...]]] = {}
        self._most = most

    def once(self, key: Hashable, find: Callable[[], T], *of: object) -> T:
        """Return what was found under a key, the first time by ``find``.

        Objects ``of`` which it was found are told apart by identity, and kept, so that no other can take
        their place: they are large, and have no key that is quick to compare. What depends on numbers that
        stand for others is not kept.
        """
        whole = (key, *map(id, of)) if of else key
        try:
            known = self._found.get(whole)
        except UnhashableError:
            return find()
        if known is None:
            known = (find(), of)
            if self._most is not None and len(self._found) >= self._most:
                del self._found[next(iter(self._found))]
            self._found[whole] = known
        result: T = known[0]
        return result

    def __reduce__(self) -> tuple[type[Kept], tuple[int | None]]:
        """A copy begins with nothing: it can be found out again."""
        return (Kept, (self._most,))
