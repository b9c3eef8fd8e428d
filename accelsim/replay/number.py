"""Numbers that note what is done with them: for code that knows nothing of it, int and Fraction.

Every way to a plain number (an index, a text, a key) notes a test that the number is what it is: what is
recorded holds for no other then. They are no keys of tables: what a table is asked depends on them.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from accelsim.replay.opaque import UnhashableError, UntraceableError
from accelsim.replay.tape import Node, Tape


class Traced(Fraction):
    """A quotient of two nodes of a tape, the lower one above 0; ``is_whole``: an int."""

    __slots__ = ("above", "below", "is_whole", "tape")

    tape: Tape
    above: Node
    below: Node
    is_whole: bool

    def __new__(cls, *_: Any, **__: Any) -> Traced:
        raise TypeError("it is made by a tape")

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return int if self.is_whole else Fraction

    # -- what it is -----------------------------------------------------------------------------

    def pinned(self) -> int | Fraction:
        """Return the plain number, and note that it is this one."""
        tape = self.tape
        found = []
        for node in (self.above, self.below):
            value = tape.values[node]
            tape.test("==", node, tape.constant(value))
            found.append(value)
        return found[0] if self.is_whole else Fraction(*found)

    def _reduced(self) -> tuple[Node, Node]:
        tape = self.tape
        if self.below == tape.one:
            return self.above, self.below
        common = tape.do("gcd", self.above, self.below)
        return tape.do("//", self.above, common), tape.do("//", self.below, common)

    @property
    def numerator(self) -> Any:
        return whole(self.tape, self._reduced()[0])

    @property
    def denominator(self) -> Any:
        return whole(self.tape, self._reduced()[1])

    def __int__(self) -> int:  # type: ignore[override]
        return int(self.pinned())

    __index__ = __int__

    def __float__(self) -> float:
        return float(self.pinned())

    def __hash__(self) -> int:  # type: ignore[override]
        raise UnhashableError("a number that stands for others must not be a key")

    def __repr__(self) -> str:
        return repr(self.pinned())

    def __str__(self) -> str:
        return str(self.pinned())

    def __format__(self, spec: str) -> str:
        return format(self.pinned(), spec)

    def __reduce__(self) -> Any:
        return (Fraction, (self.pinned(),))

    def bit_length(self) -> Any:
        if not self.is_whole:
            raise AttributeError("bit_length")
        tape, value = self.tape, self.tape.values[self.above]
        return whole(
            tape, tape.call(int.bit_length, (("node", self.above),), value.bit_length(), int)
        )

    # -- arithmetic -----------------------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        node = self._whole(other)
        if node is None:
            return _added(self.tape, self, other)
        return whole(self.tape, self.tape.do("+", self.above, node))

    def __radd__(self, other: Any) -> Any:
        node = self._whole(other)
        if node is None:
            return _added(self.tape, other, self)
        return whole(self.tape, self.tape.do("+", node, self.above))

    def __sub__(self, other: Any) -> Any:
        node = self._whole(other)
        if node is None:
            return _subtracted(self.tape, self, other)
        return whole(self.tape, self.tape.do("-", self.above, node))

    def __rsub__(self, other: Any) -> Any:
        node = self._whole(other)
        if node is None:
            return _subtracted(self.tape, other, self)
        return whole(self.tape, self.tape.do("-", node, self.above))

    def __mul__(self, other: Any) -> Any:
        node = self._whole(other)
        if node is None:
            return _product(self.tape, self, other)
        return whole(self.tape, self.tape.do("*", self.above, node))

    def __rmul__(self, other: Any) -> Any:
        node = self._whole(other)
        if node is None:
            return _product(self.tape, other, self)
        return whole(self.tape, self.tape.do("*", node, self.above))

    def _whole(self, other: Any) -> Node | None:
        """Return the node of another number if both are ints: that is most of them."""
        if not self.is_whole:
            return None
        if type(other) is int:
            return self.tape.constant(other)
        return other.above if type(other) is Traced and other.is_whole else None

    def __truediv__(self, other: Any) -> Any:
        return _divided(self.tape, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _divided(self.tape, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _floored(self.tape, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _floored(self.tape, other, self)

    def __mod__(self, other: Any) -> Any:
        return _rest(self.tape, self, other)

    def __rmod__(self, other: Any) -> Any:
        return _rest(self.tape, other, self)

    def __pow__(self, other: Any) -> Any:
        result: Any = 1 if self.is_whole else Fraction(1)
        for _ in range(int(other)):
            result = result * self
        return result

    def __rpow__(self, other: Any) -> Any:
        return other ** int(self)

    def __neg__(self) -> Any:
        return 0 - self

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return -self if self < 0 else self

    def __floor__(self) -> Any:
        return whole(self.tape, self.tape.do("//", self.above, self.below))

    def __ceil__(self) -> Any:
        return -((-self).__floor__())

    def __trunc__(self) -> Any:
        return self.__floor__() if self >= 0 else self.__ceil__()

    def __round__(self, ndigits: int | None = None) -> Any:
        return self if self.is_whole and ndigits is None else round(self.pinned(), ndigits)

    # -- tests ----------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        return not self.tape.test("==", self.above, self.tape.zero)

    def __eq__(self, other: object) -> bool:
        node = self._whole(other)
        if node is None:
            return _equal(self.tape, self, other)  # type: ignore[no-any-return]
        return self.tape.test("==", self.above, node)

    def __ne__(self, other: object) -> bool:
        same = self.__eq__(other)
        return same if same is NotImplemented else not same

    def __lt__(self, other: Any) -> bool:
        node = self._whole(other)
        if node is None:
            return _less(self.tape, self, other)  # type: ignore[no-any-return]
        return self.tape.test("<", self.above, node)

    def __gt__(self, other: Any) -> bool:
        node = self._whole(other)
        if node is None:
            return _less(self.tape, other, self)  # type: ignore[no-any-return]
        return self.tape.test("<", node, self.above)

    def __le__(self, other: Any) -> bool:
        more = self.__gt__(other)
        return more if more is NotImplemented else not more

    def __ge__(self, other: Any) -> bool:
        less = self.__lt__(other)
        return less if less is NotImplemented else not less


def whole(tape: Tape, node: Node) -> Any:
    """Return a node as an int, the same each time."""
    found = tape.numbers.get(node)
    if found is None:
        found = tape.values[node] if tape.is_constant(node) else _traced(tape, node, tape.one, True)
        tape.numbers[node] = found
    return found


def quotient(tape: Tape, above: Node, below: Node) -> Any:
    """Return the quotient of two nodes, the lower one above 0, as a Fraction."""
    if tape.is_constant(above) and tape.is_constant(below):
        return Fraction(tape.values[above], tape.values[below])
    return _traced(tape, above, below, False)


def _traced(tape: Tape, above: Node, below: Node, is_whole: bool) -> Traced:
    made: Traced = object.__new__(Traced)
    made.tape, made.above, made.below, made.is_whole = tape, above, below, is_whole
    return made


Parts = tuple[Node, Node, bool]


def parts_of(tape: Tape, value: Any) -> Parts | None:
    """Return the nodes above and below of a number, and whether it is an int."""
    kind = type(value)
    if kind is Traced:
        return value.above, value.below, value.is_whole
    if kind is int or kind is bool:
        return tape.constant(int(value)), tape.one, True
    if kind is Fraction:
        if type(value.numerator) is not int or type(value.denominator) is not int:
            raise UntraceableError("a Fraction was made of a number that stands for others")
        return tape.constant(value.numerator), tape.constant(value.denominator), False
    return None


def _made(tape: Tape, above: Node, below: Node, is_whole: bool) -> Any:
    return whole(tape, above) if is_whole else quotient(tape, above, below)


def _binary(
    build: Callable[[Tape, Parts, Parts], Any], plain: Callable[[Any, Any], Any]
) -> Callable[[Tape, Any, Any], Any]:
    """Return an operation on two numbers; with a float both are plain."""

    def operation(tape: Tape, one: Any, other: Any) -> Any:
        a, b = parts_of(tape, one), parts_of(tape, other)
        if a is None or b is None:
            if type(one) is float or type(other) is float:
                return plain(*(x.pinned() if type(x) is Traced else x for x in (one, other)))
            return NotImplemented
        return build(tape, a, b)

    return operation


def _both(op: str) -> Callable[[Tape, Parts, Parts], Any]:
    def build(tape: Tape, a: Parts, b: Parts) -> Any:
        is_whole = a[2] and b[2]
        if a[1] == b[1]:
            return _made(tape, tape.do(op, a[0], b[0]), a[1], is_whole)
        above = tape.do(op, tape.do("*", a[0], b[1]), tape.do("*", b[0], a[1]))
        return _made(tape, above, tape.do("*", a[1], b[1]), is_whole)

    return build


def _times(tape: Tape, a: Parts, b: Parts) -> Any:
    if tape.zero in (a[0], b[0]):
        return _made(tape, tape.zero, tape.one, a[2] and b[2])
    tops, bottoms = [a[0], b[0]], [a[1], b[1]]
    for node in (a[0], b[0]):
        if node in bottoms:
            tops.remove(node)
            bottoms.remove(node)
    above, below = tape.one, tape.one
    for node in tops:
        above = tape.do("*", above, node)
    for node in bottoms:
        below = tape.do("*", below, node)
    return _made(tape, above, below, a[2] and b[2])


def _over(tape: Tape, a: Parts, b: Parts) -> Any:
    if a[2] and b[2]:
        raise TypeError("the quotient of two ints is a float: say Fraction")
    if tape.test("==", b[0], tape.zero):
        raise ZeroDivisionError
    if tape.test("<", b[0], tape.zero):
        a, b = (tape.do("-", tape.zero, a[0]), *a[1:]), (tape.do("-", tape.zero, b[0]), *b[1:])
    return _times(tape, a, (b[1], b[0], False))


def _down(tape: Tape, a: Parts, b: Parts) -> Any:
    if tape.test("==", b[0], tape.zero):
        raise ZeroDivisionError
    above, below = tape.do("*", a[0], b[1]), tape.do("*", b[0], a[1])
    return whole(tape, tape.do("//", above, below))


def _left(tape: Tape, a: Parts, b: Parts) -> Any:
    if a[2] and b[2]:
        if tape.test("==", b[0], tape.zero):
            raise ZeroDivisionError
        return whole(tape, tape.do("%", a[0], b[0]))
    one, other = _made(tape, *a), _made(tape, *b)
    return one - other * (one // other)


def _compared(op: str) -> Callable[[Tape, Parts, Parts], Any]:
    def build(tape: Tape, a: Parts, b: Parts) -> bool:
        if a[1] == b[1]:
            return tape.test(op, a[0], b[0])
        return tape.test(op, tape.do("*", a[0], b[1]), tape.do("*", b[0], a[1]))

    return build


_added = _binary(_both("+"), lambda a, b: a + b)
_subtracted = _binary(_both("-"), lambda a, b: a - b)
_product = _binary(_times, lambda a, b: a * b)
_divided = _binary(_over, lambda a, b: a / b)
_floored = _binary(_down, lambda a, b: a // b)
_rest = _binary(_left, lambda a, b: a % b)
_less = _binary(_compared("<"), lambda a, b: a < b)
_equal = _binary(_compared("=="), lambda a, b: a == b)
