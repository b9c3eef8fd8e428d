"""Takes plain data apart into its numbers and the shape that is left of it, and puts it together again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, is_dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from pydantic import BaseModel


def taken_apart(value: Any, numbers: list[int]) -> Hashable:
    """Return the shape of a value: what is left without its whole numbers, which go to a list.

    Of a quotient both parts go. Texts, truths and floats are shape.
    """
    kind: Any = type(value)
    if kind is int:
        numbers.append(value)
        return int
    if kind is str or value is None or kind is bool or kind is float:
        return value  # type: ignore[no-any-return]
    if kind is Fraction:
        numbers += (value.numerator, value.denominator)
        return Fraction
    if kind is dict:
        return (dict, tuple(value), *_all_apart(value.values(), numbers))
    if kind is tuple or kind is list:
        return (kind, *_all_apart(value, numbers))
    names = _names(kind)
    if names is None:
        return (kind, value)
    return (kind, *_all_apart([getattr(value, name) for name in names], numbers))


def _all_apart(values: Iterable[Any], numbers: list[int]) -> list[Hashable]:
    """Return the shapes of values; most of them are numbers and texts, which are seen to at once."""
    shapes: list[Hashable] = []
    for value in values:
        kind = type(value)
        if kind is int:
            numbers.append(value)
            shapes.append(int)
        elif kind is str or value is None:
            shapes.append(value)
        else:
            shapes.append(taken_apart(value, numbers))
    return shapes


def put_together(value: Any, number: Callable[[int], Any], quotient: Callable[..., Any]) -> Any:
    """Return a value with others in place of its numbers: ``number(n)`` for n, in their order.

    What models and dataclasses check of their fields is not checked again.
    """

    def other(value: Any) -> Any:
        kind: Any = type(value)
        if kind is int:
            return number(value)
        if kind is Fraction:
            above = number(value.numerator)
            return quotient(above, number(value.denominator))
        if kind is dict:
            return {key: other(each) for key, each in value.items()}
        if kind is tuple or kind is list:
            return kind([other(each) for each in value])
        names = _names(kind)
        if names is None:
            return value
        found = {name: other(getattr(value, name)) for name in names}
        if issubclass(kind, BaseModel):
            return kind.model_construct(**found)
        made = object.__new__(kind)
        for name, each in found.items():
            object.__setattr__(made, name, each)
        return made

    return other(value)


@cache
def _names(kind: Any) -> tuple[str, ...] | None:
    """Return the fields that a value of a class is made of, None if it is no plain data."""
    if issubclass(kind, BaseModel):
        return tuple(kind.model_fields)
    if is_dataclass(kind) and all(field.compare for field in fields(kind)):
        return tuple(field.name for field in fields(kind))
    return None
