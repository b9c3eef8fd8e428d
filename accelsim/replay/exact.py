"""Functions of exact numbers for code that is recorded: of plain numbers they are what Python has.

Where Python's own would test a number (max), or want a plain one (Fraction, int), these are operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from math import trunc
from typing import Any, TypeVar

from accelsim.replay.number import Traced, parts_of, quotient, whole
from accelsim.replay.opaque import Opaque
from accelsim.replay.tape import Node, Tape

T = TypeVar("T")
N = TypeVar("N", int, Fraction)
_NOT_PLAIN = {Traced, Opaque, tuple}


def larger(*values: N) -> N:
    """``max``."""
    if Traced in map(type, values):
        found: N = _extreme("max", max, values)
        return found
    return max(values)


def smaller(*values: N) -> N:
    """``min``."""
    if Traced in map(type, values):
        found: N = _extreme("min", min, values)
        return found
    return min(values)


def _extreme(op: str, plain: Callable[[Iterable[Any]], Any], values: tuple[Any, ...]) -> Any:
    tape = tape_of(values)
    assert tape is not None
    found: Node | None = None
    if all(type(each) is int or (type(each) is Traced and each.is_whole) for each in values):
        for each in values:
            node = each.above if type(each) is Traced else tape.constant(each)
            found = node if found is None or found == node else tape.do(op, found, node)
        assert found is not None
        return whole(tape, found)
    parts = [parts_of(tape, value) for value in values]
    if None in parts or len({part[2] for part in parts if part}) > 1:
        return plain(values)  # what kind of number comes out depends on which it is
    below = tape.one
    for node in dict.fromkeys(part[1] for part in parts if part):
        below = tape.do("*", below, node)
    for above, own, _ in filter(None, parts):
        node = above if own == below else tape.do("*", above, tape.do("//", below, own))
        found = node if found is None or found == node else tape.do(op, found, node)
    assert found is not None
    return whole(tape, found) if isinstance(values[0], int) else quotient(tape, found, below)


def fraction(above: int | Fraction, below: int | Fraction = 1) -> Fraction:
    """``Fraction(above, below)``."""
    if type(above) is Traced or type(below) is Traced:
        return Fraction(1) * above / below
    return Fraction(above, below) if below != 1 else Fraction(above)


def integer(value: Any) -> int:
    """``int(value)``."""
    return trunc(value) if type(value) is Traced else int(value)


def real(value: int | Fraction) -> float:
    """``float(value)``."""
    if type(value) is not Traced:
        return float(value)
    found: float = handed(_over, value.tape, value.above, value.below)
    return found


def written(value: int | Fraction) -> int | float:
    """Return a whole number as int, any other as float."""
    if type(value) is not Traced:
        return value.numerator if value.denominator == 1 else float(value)
    found: int | float = handed(_written, value.tape, value.above, value.below)
    return found


def handed(function: Callable[..., Any], tape: Tape, *nodes: Node) -> Any:
    """Return what a function of nodes gives, to be handed on and not to be reckoned with."""
    values = [tape.values[node] for node in nodes]
    parts = tuple(("node", node) for node in nodes)
    return Opaque(tape, tape.call(function, parts, function(*values)))


def _over(above: int, below: int) -> float:
    return above / below


def _written(above: int, below: int) -> int | float:
    return above / below if above % below else above // below


class Present(dict[str, T]):
    """A table without the entries that are 0; while it is recorded it has them all."""


class Numbers(list[int]):
    """Ints, made by a recording as an array; their amounts are less than ``below``, at most 2**63."""

    def __init__(self, values: Iterable[int], below: int) -> None:
        super().__init__(values)
        self.below = below


def present(table: Mapping[str, int]) -> dict[str, int]:
    """Return the entries of a table that are not 0, by name."""
    entries = {name: table[name] for name in sorted(table)}
    if tape_of(entries.values()) is not None:
        return Present(entries)
    return {name: value for name, value in entries.items() if value}


def each(table: Mapping[str, int], change: Callable[[int], T]) -> dict[str, T]:
    """Return a table with every entry changed; what is 0 stays so, and what is present."""
    kind: type[dict[str, T]] = Present if isinstance(table, Present) else dict
    return kind({name: change(value) for name, value in table.items()})


def simplest(value: int | Fraction) -> int | Fraction:
    """Return a whole Fraction as int; one that stands for others stays what it is."""
    return value if type(value) is Traced or value.denominator != 1 else value.numerator


def apply(function: Callable[..., Any], *arguments: Any) -> Any:
    """``function(*arguments)``: what it does inside is one operation, and no test.

    Arguments are numbers, tuples of them, and whatever else is a key. It must be a function of them
    alone, and may raise nothing but ValueError.
    """
    kinds = {type(each) for each in arguments}
    tape = None if kinds.isdisjoint(_NOT_PLAIN) else tape_of(_numbers(arguments))
    if tape is None:
        return function(*arguments)
    value = function(*plain(arguments))
    kind = type(value) if type(value) in (int, Fraction) else None
    node = tape.call(function, nodes_of(tape, arguments), value, kind)
    if kind is None:
        return Opaque(tape, node)
    if kind is int:
        return whole(tape, node)
    above = tape.call(_above, (("node", node),), value.numerator)
    return quotient(tape, above, tape.call(_below, (("node", node),), value.denominator))


def _above(value: Fraction) -> int:
    return value.numerator


def _below(value: Fraction) -> int:
    return value.denominator


def grouped(values: Iterable[T], key: Callable[[T], object]) -> list[list[T]]:
    """Return values in groups of equal keys, in the order of the first of each."""
    every = list(values)
    if len(every) < 2:
        return [every] if every else []
    found: list[tuple[object, list[T]]] = []
    for value in every:
        mine = key(value)
        for other, group in found:
            if other == mine:
                group.append(value)
                break
        else:
            found.append((mine, [value]))
    return [group for _, group in found]


def settled(value: Any) -> Any:
    """Return a value; one that is no int or Fraction (of ``apply``) as it is, which it then must be."""
    return value.pinned() if type(value) is Opaque else value


def plain(value: Any) -> Any:
    """Return the value in the run that is recorded, without a test."""
    if isinstance(value, tuple):
        return tuple(plain(each) for each in value)
    if type(value) is Opaque:
        return value.tape.values[value.node]
    if type(value) is not Traced:
        return value
    above, below = value.tape.values[value.above], value.tape.values[value.below]
    return above if value.is_whole else Fraction(above, below)


def nodes_of(tape: Tape, value: Any) -> Any:
    """Return a tuple of arguments with nodes in place of numbers that stand for others."""
    if isinstance(value, tuple):
        return tuple(nodes_of(tape, each) for each in value)
    if type(value) is Opaque:
        return ("node", value.node)
    if type(value) is not Traced:
        return ("plain", value)
    found = parts_of(tape, value)
    assert found is not None
    above, below, is_whole = found
    return ("node", above) if is_whole else ("quotient", above, below)


def _numbers(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, tuple):
            yield from _numbers(value)
        else:
            yield value


def tape_of(values: Iterable[Any]) -> Tape | None:
    return next((value.tape for value in values if type(value) in (Traced, Opaque)), None)
