"""Values that are no numbers to reckon with, and what cannot be recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from accelsim.replay.tape import Node, Tape


class UntraceableError(Exception):
    """Something is done that cannot be done again for other numbers."""


class UnhashableError(UntraceableError):
    """A number that stands for others was to be a key."""


class Opaque:
    """A value of a call that is no number of this kind: a float, a text.

    It can be handed on, as it is or to another call. Whatever else is done with it is done with what it is
    here, and holds for no other.
    """

    __slots__ = ("node", "tape")

    def __init__(self, tape: Tape, node: Node) -> None:
        self.tape, self.node = tape, node

    def pinned(self) -> Any:
        """Return what it is, and note that it is that."""
        value = self.tape.values[self.node]
        self.tape.test("==", self.node, self.tape.constant(value))
        return value

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return type(self.tape.values[self.node])

    def __hash__(self) -> int:
        raise UnhashableError("a value that stands for others must not be a key")


def _as_it_is(name: str) -> Callable[..., Any]:
    def operation(self: Opaque, *others: Any) -> Any:
        plain = (each.pinned() if type(each) is Opaque else each for each in others)
        return getattr(self.pinned(), name)(*plain)

    return operation


for _name in (
    *("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "floordiv", "rfloordiv"),
    *("mod", "rmod", "pow", "rpow", "neg", "pos", "abs", "floor", "ceil", "trunc", "round"),
    *("eq", "ne", "lt", "le", "gt", "ge", "bool", "int", "float", "str", "repr", "format"),
    *("len", "contains", "getitem", "iter"),
):
    setattr(Opaque, f"__{_name}__", _as_it_is(f"__{_name}__"))
