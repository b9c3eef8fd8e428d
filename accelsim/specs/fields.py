"""Field types for spec models: quantities with units, whole numbers, names and expressions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from accelsim.specs.expr import Expression
from accelsim.units import (
    AREA,
    BANDWIDTH,
    DURATION,
    ENERGY,
    FREQUENCY,
    LENGTH,
    SIZE,
    Dimension,
    brief,
    parse_size,
)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def _quantity(dimension: Dimension) -> Callable[[Any], Fraction]:
    def parse(value: Any) -> Fraction:
        return value if isinstance(value, Fraction) else dimension.parse(value)

    return parse


def _positive(dimension: Dimension) -> Callable[[Any], Fraction]:
    parse = _quantity(dimension)

    def parse_positive(value: Any) -> Fraction:
        quantity = parse(value)
        if quantity <= 0:
            raise ValueError(f"must be {dimension.noun} above zero, not {brief(value)}")
        return quantity

    return parse_positive


def _size(value: Any) -> int:
    size = parse_size(value)
    if size == 0:
        raise ValueError(f"must be a size above zero, not {brief(value)}")
    return size


def _schema(dimension: Dimension) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": dimension.pattern, "examples": [dimension.example]}
    )


def _text(dimension: Dimension) -> PlainSerializer:
    return PlainSerializer(dimension.text, return_type=str, when_used="json")


Size = Annotated[int, PlainValidator(_size), _schema(SIZE), _text(SIZE)]
"""Bytes, written such as "16 MiB"; above zero."""

Bandwidth = Annotated[
    Fraction, PlainValidator(_positive(BANDWIDTH)), _schema(BANDWIDTH), _text(BANDWIDTH)
]
"""Bytes per second, written such as "400 GiB/s"; above zero."""

Frequency = Annotated[
    Fraction, PlainValidator(_positive(FREQUENCY)), _schema(FREQUENCY), _text(FREQUENCY)
]
"""Hz, written such as "940 MHz"; above zero."""

Duration = Annotated[
    Fraction, PlainValidator(_quantity(DURATION)), _schema(DURATION), _text(DURATION)
]
"""Seconds, written such as "100 ns"; may be zero."""

Length = Annotated[Fraction, PlainValidator(_positive(LENGTH)), _schema(LENGTH), _text(LENGTH)]
"""Metres, written such as "45 nm"; above zero."""

Energy = Annotated[Fraction, PlainValidator(_quantity(ENERGY)), _schema(ENERGY), _text(ENERGY)]
"""pJ, written such as "0.5 pJ"; may be zero."""

Area = Annotated[Fraction, PlainValidator(_quantity(AREA)), _schema(AREA), _text(AREA)]
"""um^2, written such as "1.5 mm2"; may be zero."""


def _whole(value: Any) -> Any:
    # Left to itself pydantic reads true as 1 and "256" as 256.
    if isinstance(value, bool | str):
        raise ValueError(f"must be a whole number, not {brief(value)}")
    return value


Whole = Annotated[int, BeforeValidator(_whole), Field(ge=0)]
"""0, 1, 2, ..."""

Positive = Annotated[int, BeforeValidator(_whole), Field(ge=1)]
"""1, 2, 3, ..."""


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError(f"must be a number, not {brief(value)}")
    return value


Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
"""A finite number without a unit."""

Share = Annotated[float, BeforeValidator(_number), Field(gt=0, le=1)]
"""A number above 0 and at most 1."""


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(f"must be a name (letters, digits, '_'), not {brief(value)}")
    return value


Name = Annotated[
    str,
    PlainValidator(_name),
    WithJsonSchema({"type": "string", "pattern": f"^{_NAME.pattern}$"}),
]
"""An identifier."""


def _formula(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"must be a number or an expression, not {brief(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"must be a finite number, not {value}")
    return Expression.parse(str(value))


Formula = Annotated[
    Expression,
    PlainValidator(_formula),
    WithJsonSchema(
        {"anyOf": [{"type": "number"}, {"type": "string", "examples": ["ceil_div(M, M0)"]}]}
    ),
    PlainSerializer(str, return_type=str, when_used="json"),
]
"""A number or an expression over names, kept as an Expression."""
